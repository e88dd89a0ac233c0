import { describe, expect, test } from 'vitest';
import { type Mutant, nameMutants } from '../../bench/mutants/mutation.js';
import { drawSample } from '../../bench/mutants/sample.js';
import { mutateTypeScript } from '../../bench/mutants/typescript.js';

describe('a sample of mutants', () => {
  const mutants = name(
    Array.from({ length: 50 }, (_, index) => `if (a < ${index}) close(b, ${index});`).join('\n'),
  );

  test('is the same for the same seed, and another one for another', () => {
    expect(drawSample(mutants, 10, 1)).toEqual(drawSample(mutants, 10, 1));
    expect(drawSample(mutants, 10, 1)).not.toEqual(drawSample(mutants, 10, 2));
  });

  test('is the beginning of a larger one', () => {
    expect(drawSample(mutants, 30, 1).slice(0, 10)).toEqual(drawSample(mutants, 10, 1));
  });

  test('holds no site twice, and all sites when it is large enough', () => {
    const sites = drawSample(mutants, 10_000, 1).map(({ site }) => site);
    expect(new Set(sites).size).toBe(sites.length);
    expect(new Set(sites)).toEqual(new Set(mutants.map(({ site }) => site)));
  });
});

describe('the id of a mutant', () => {
  test('is its own', () => {
    const ids = name('close();\nclose();\nif (a && b) close();').map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('stays when its line moves and is indented', () => {
    expect(name('\n\n  close(1);').map(({ id }) => id)).toEqual(name('close(1);').map(({ id }) => id));
  });
});

function name(source: string): Mutant[] {
  return nameMutants('src/a.ts', source, mutateTypeScript(source));
}
