import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clientMutants, fastPathMutants, moreMutants, namedMutants } from './support/mutants.js';

const root = join(import.meta.dirname, '../..');

test('the eleven mutants of the specification exist', () => {
  expect(namedMutants).toHaveLength(11);
});

test.each([...namedMutants, ...moreMutants, ...clientMutants, ...fastPathMutants])(
  'the mutant “$name” still fits the source',
  (mutant) => {
    const source = readFileSync(join(root, mutant.file), 'utf8');
    for (const { search, replace } of [mutant, ...(mutant.also ? [mutant.also] : [])]) {
      expect(source.split(search)).toHaveLength(2);
      expect(replace).not.toBe(search);
    }
  },
);
