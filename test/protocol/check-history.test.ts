import { describe, expect, test } from 'vitest';
import { badHistories, goodHistories } from './support/bad-histories.js';
import { checkHistory } from './support/check-history.js';

describe('the history checker', () => {
  test('has twenty bad histories as examples', () => {
    expect(badHistories).toHaveLength(20);
    expect(new Set(badHistories.map(([invariant]) => invariant)).size).toBe(8);
  });

  test.each(badHistories)('flags as %s and nothing else: %s', (invariant, _what, history) => {
    expect(checkHistory(history).map((violation) => violation.invariant)).toEqual([invariant]);
  });

  test.each(goodHistories)('passes %s', (_what, history) => {
    expect(checkHistory(history)).toEqual([]);
  });
});
