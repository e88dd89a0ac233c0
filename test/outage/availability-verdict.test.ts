import { describe, expect, test } from 'vitest';
import type { Allowed } from '../../bench/availability/faults.js';
import { add, emptyResult, problemsOf, type Result } from '../../bench/availability/verdict.js';

const longestPauseMs = 4_000;

/** The problems of a run with one fault that is not as it should be. */
function judge(allowed: Allowed, otherwise: Partial<Result>): string[] {
  const good = {
    times: 1,
    done: 100,
    acknowledged: 10,
    checked: 40,
    rows: 5,
    longestPauseMs: 900,
    ownPauseMs: 900,
  };
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
    ['nothing', { ownPauseMs: 4_001 }, 'frozen: a pause of 4001 ms, more than 4000 ms'],
    ['pause', { ownPauseMs: 4_001 }, 'frozen: a pause of 4001 ms, more than 4000 ms'],
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
    { errors: 9, ownPauseMs: 60_000 },
    { acknowledged: 0, checked: 0 },
  ])('an outage may have %o', (otherwise) => {
    expect(judge('outage', otherwise)).toEqual([]);
  });

  test('the promotion of a standby is not a pause of ours, and the next fault does not hide behind it', () => {
    const result = emptyResult('pause');
    const nothing = { done: 5, errors: {}, wrong: 0, examples: [] };
    const changes = {
      ...{ acknowledged: 1, failed: {}, slowestMs: 1, checked: 1, rows: 1, oldestMs: 0, stale: [], lost: [] },
    };
    const other = { ...nothing, longestPauseMs: {}, ownPauseMs: 0 };
    const pauseOf = (ms: number, ownPauseMs: number) => ({
      judged: { ...nothing, longestPauseMs: { resolve: ms }, ownPauseMs },
      other,
    });
    add(result, pauseOf(6_000, 3_500), changes, 2_500);
    expect(problemsOf({ result }, longestPauseMs)).toEqual([]);
    add(result, pauseOf(4_100, 4_100), changes, 0);
    expect(result).toMatchObject({ longestPauseMs: 6_000, promotionMs: 2_500, ownPauseMs: 4_100 });
    expect(problemsOf({ result }, longestPauseMs)).toHaveLength(1);
  });

  test('a run without a change or a checked answer is a problem, also when all that it saw was an outage', () => {
    const outage = { ...emptyResult('outage'), times: 1, done: 5 };
    expect(problemsOf({ outage }, longestPauseMs)).toEqual([
      'no change was acknowledged in the whole run',
      'no answer after a change was checked in the whole run',
      'no rows were asked for after a suspension in the whole run',
    ]);
  });
});
