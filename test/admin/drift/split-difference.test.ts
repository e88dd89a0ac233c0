import { expect, test } from 'vitest';
import { splitDifference } from '../../../src/admin/drift/split-difference.js';

const marked = (before: string, after: string) => {
  const parts = splitDifference(before, after);
  return [before.slice(...parts.before), after.slice(...parts.after)];
};

test.each([
  ['numeric(12,2) NOT NULL', 'numeric(10,2) NOT NULL', '12', '10'],
  ['text', 'text NOT NULL', '', ' NOT NULL'],
  ['text', 'text', '', ''],
  ['', 'int', '', 'int'],
  ['a a', 'a', ' a', ''],
])('of %j and %j it marks %j and %j', (before, after, old, next) => {
  expect(marked(before, after)).toEqual([old, next]);
});
