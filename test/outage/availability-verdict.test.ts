import { describe, expect, test } from 'vitest';
import type { Allowed } from '../../bench/availability/faults.js';
import { emptyResult, problemsOf, type Result } from '../../bench/availability/verdict.js';

const longestPauseMs = 4_000;

/** The problems of a run with one fault that is not as it should be. */
function judge(allowed: Allowed, otherwise: Partial<Result>): string[] {
  const good = { times: 1, done: 100, acknowledged: 10, checked: 40, longestPauseMs: 900 };
  return problemsOf(
    {
      'no fault': { ...emptyResult('nothing'), ...good },
      frozen: { ...emptyResult(allowed), ...good, ...otherwise },
    },
    longestPauseMs,
  );
}

describe('bench/availability.ts', () => {
  test.each<Allowed>(['nothing', 'pause', 'outage'])(
    'passes a good run in which %s is allowed',
    (allowed) => {
      expect(judge(allowed, {})).toEqual([]);
    },
  );

  test.each<[Allowed, Partial<Result>, string]>([
    ['nothing', { longestPauseMs: 4_001 }, 'frozen: a pause of 4001 ms, more than 4000 ms'],
    ['pause', { longestPauseMs: 4_001 }, 'frozen: a pause of 4001 ms, more than 4000 ms'],
    ['nothing', { errors: 2 }, 'frozen: 2 errors of services with two URLs'],
    ['nothing', { done: 0 }, 'frozen: no successful call of a service with two URLs'],
    ['outage', { done: 0 }, 'frozen: no successful call of a service with two URLs'],
    ['nothing', { acknowledged: 0 }, 'frozen: no change was acknowledged'],
    ['pause', { checked: 0 }, 'frozen: no answer after a change was checked'],
    ['outage', { stale: 1 }, 'frozen: 1 stale answers'],
    ['outage', { wrong: 1 }, 'frozen: 1 wrong rows or routes'],
    ['outage', { lost: 1 }, 'frozen: 1 acknowledged changes lost'],
  ])('where %s is allowed, %o is a problem', (allowed, otherwise, problem) => {
    expect(judge(allowed, otherwise)).toEqual([problem]);
  });

  test.each<Partial<Result>>([
    { errors: 9, longestPauseMs: 60_000 },
    { acknowledged: 0, checked: 0 },
  ])('an outage may have %o', (otherwise) => {
    expect(judge('outage', otherwise)).toEqual([]);
  });

  test('a run without a change or a checked answer is a problem, also when all that it saw was an outage', () => {
    const outage = { ...emptyResult('outage'), times: 1, done: 5 };
    expect(problemsOf({ outage }, longestPauseMs)).toEqual([
      'no change was acknowledged in the whole run',
      'no answer after a change was checked in the whole run',
    ]);
  });
});
