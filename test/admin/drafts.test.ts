import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isEqual } from '../../src/admin/parts/differences/differences.js';
import { compareEdits } from '../../src/admin/parts/forms/draft.js';
import {
  applyMergePatch,
  createMergePatch,
  findOverlap,
} from '../../src/admin/tenants/config/merge-patch.js';
import { csvLine } from '../../src/admin/tenants/list/csv.js';

describe('edits over values that change', () => {
  test.each([
    ['nobody else', { name: 'old' }, { changed: { name: 'mine' }, conflicts: [] }],
    ['somebody to the same', { name: 'mine' }, { changed: {}, conflicts: [] }],
    [
      'somebody to something else',
      { name: 'theirs' },
      {
        changed: { name: 'mine' },
        conflicts: [{ name: 'name', base: 'old', mine: 'mine', theirs: 'theirs' }],
      },
    ],
  ])('changed by %s', (_who, server, expected) => {
    expect(compareEdits(server, { name: { value: 'mine', base: 'old' } })).toEqual(expected);
  });
});

describe('merge patches of configurations', () => {
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      fc.string(),
      fc.integer(),
      fc.array(fc.integer(), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('node'), { maxKeys: 3 }),
    ),
  })).node;
  const object = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), value, { maxKeys: 4 });

  test('make the one of the other', () => {
    fc.assert(
      fc.property(object, object, (before, after) =>
        isEqual(applyMergePatch(before, createMergePatch(before, after)), after),
      ),
    );
  });

  test('of two people overlap where both changed the same place, or one in the other', () => {
    const base = { email: { primary: 'a' }, branding: { name: 'x' } };
    const mine = { email: { primary: 'b' }, branding: { name: 'x' } };
    expect(findOverlap(base, mine, { email: { primary: 'a' }, branding: { name: 'y' } })).toEqual([]);
    expect(findOverlap(base, mine, { email: { primary: 'c' }, branding: { name: 'x' } })).toEqual([
      'email.primary',
    ]);
    expect(findOverlap(base, mine, { branding: { name: 'x' } })).toEqual(['email.primary']);
  });
});

test.each([
  ['a "quoted", text', '"a ""quoted"", text"\r\n'],
  ['=1+1', "'=1+1\r\n"],
  ['@SUM(A1)', "'@SUM(A1)\r\n"],
  ['two\nlines', '"two\nlines"\r\n'],
  [null, '\r\n'],
])('CSV of %j', (cell, line) => {
  expect(csvLine([cell])).toBe(line);
});
