import { randomInt } from 'node:crypto';
import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';
import { findImports } from '../../bench/mutants/imports.js';
import { applyMutation } from '../../bench/mutants/mutation.js';
import { drawSample } from '../../bench/mutants/sample.js';
import { findMutants, listFiles, readSource } from '../../bench/mutants/sources.js';

describe('mutants of the product', () => {
  test('can be parsed', () => {
    const seed = randomInt(2 ** 31);
    const broken = drawSample(findMutants(listFiles(), 'src/**'), 300, seed).filter((mutant) => {
      const mutated = applyMutation(readSource(mutant.file), mutant);
      return parseSync('mutant.ts', mutated).errors.length > 0;
    });
    expect(
      broken.map(({ id }) => id),
      `seed ${seed}`,
    ).toEqual([]);
  });

  test('are of the files that match', () => {
    const files = ['src/log.ts', 'src/app.ts', 'src/client/generated/operations.ts', 'package.json'];
    const filesOf = (only?: string) => new Set(findMutants(files, only).map(({ file }) => file));
    expect(filesOf()).toEqual(new Set(['src/log.ts', 'src/app.ts']));
    expect(filesOf('src/l*')).toEqual(new Set(['src/log.ts']));
    expect(filesOf('modules/**')).toEqual(new Set());
  });
});

describe('what a test reaches', () => {
  test('is what it imports, not what it only takes types from', () => {
    const imported = findImports('test/mutants/product.test.ts');
    expect(imported).toContain('bench/mutants/imports.ts');
    expect(findImports('bench/mutants/against-all.ts')).not.toContain('bench/mutants/tree.ts');
  });

  test('is what it starts as a program or imports later as well', () => {
    expect(findImports('test/setup/gateway-process.ts')).toContain('src/cli/main.ts');
    expect(findImports('src/app.ts')).toContain('src/gateway.ts');
  });
});
