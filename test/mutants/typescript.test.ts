import { describe, expect, test } from 'vitest';
import { applyMutation } from '../../bench/mutants/mutation.js';
import { mutateTypeScript } from '../../bench/mutants/typescript.js';

describe('mutants of TypeScript', () => {
  test.each([
    ['if (a) b = 1;', ['if (!(a)) b = 1;', 'if (false && (a)) b = 1;', 'if (a) ;', 'if (a) b = 0;']],
    ['let a = !b;', ['let a = b;']],
    ['let a = b < c;', ['let a = (b <= c);']],
    ['let a = b === c;', ['let a = (b !== c);']],
    ['let a = b && c;', ['let a = ((b) || (c));', 'let a = (b);']],
    ['let a = b ?? c;', ['let a = (b);']],
    ['let a = b - c;', ['let a = (b + c);']],
    ['let a = b + "c";', ['let a = b + "c_";']],
    ['let a = b ? c : d;', ['let a = !(b) ? c : d;']],
    ['let a = 7;', ['let a = (7 + 1);']],
    ['let a = true;', ['let a = false;']],
    ['close();', [';']],
    ['await close();', [';', 'void close();']],
    ['let a = await open();', []],
    ['let a = b.some(c);', ['let a = b.every(c);']],
    ['let a = b.toString();', []],
    ['let a = b.filter(c);', ['let a = b;']],
    ['let a = [b, c];', ['let a = [c];', 'let a = [b];']],
    ['let a = { b, c };', ['let a = {c};', 'let a = {b};']],
    ['function a() { return [b]; }', ['function a() { return []; }', 'function a() { return []; }']],
    [
      'let a = () => { b = c; c = d; };',
      ['let a = () => {};', 'let a = () => { ; c = d; };', 'let a = () => { b = c; ; };'],
    ],
  ])('%s', (source, expected) => {
    expect(changed(source)).toEqual(expected);
  });

  test.each([
    `import { a } from './a.js';`,
    `export * from './a.js';`,
    `let a: 'b' | 1;`,
    `type A = { b: 'c' };`,
    `log.warn({ a: 1 }, 'gone');`,
    `this.log.info('here');`,
    `let a = 'this is for people';`,
    `let a = \`\${b ? '' : 's'} for people\`;`,
    `// if (a) close();`,
    `let a = import('./a.js');`,
  ])('none of what only people or the compiler read: %s', (source) => {
    expect(changed(source)).toEqual([]);
  });

  test('descriptions stay, and what stands beside them does not', () => {
    expect(changed(`let a = { description: 'b', nullable: true };`)).toEqual([
      `let a = {description: 'b'};`,
      `let a = { description: 'b', nullable: false };`,
    ]);
  });

  test('SQL in strings is mutated as SQL, whatever is interpolated', () => {
    const query = (condition: string, lock = 'FOR UPDATE') =>
      `let a = sql\`SELECT b FROM \${c} WHERE ${condition} ${lock}\`;`;
    const value = '$'.concat('{e.f({})}');
    expect(changed(query(`d < ${value}`))).toEqual([
      query(`(NOT (d < ${value}))`),
      query('true'),
      query(`d <= ${value}`),
      query(`d < ${value}`, ''),
    ]);
  });
});

function changed(source: string): string[] {
  return mutateTypeScript(source).map((mutation) => applyMutation(source, mutation));
}
