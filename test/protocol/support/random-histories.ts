import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkHistory } from './check-history.js';
import { Figures } from './figures.js';
import { runHistory } from './run-history.js';

export const operations = 200;

/** Events that must have happened, otherwise the histories prove nothing. */
const necessary = [
  ...['memory', 'redis', 'database', 'client', 'sdk'].map((tier) => `answers from ${tier}`),
  'answers to batches',
  'questions without a lease',
  'resyncs',
  'shared loads',
  'loads that a change overtook',
  'refused Redis writes',
  'late fills of Redis',
  'lost Redis writes',
  'wrong keys',
  ...['GATEWAYS', 'EVERYWHERE'].flatMap((who) => [`acks of ${who} by report`, `acks of ${who} after D`]),
  'rows removed',
  'changes by hand',
  'renewals',
  'renewals from nothing',
  ...['kept', 'unproven', 'overtaken'].map((outcome) => `answers that an sdk found ${outcome}`),
  ...['renewed', 'behind', 'unleased'].map((outcome) => `sdk: ${outcome}`),
];

/** Tests the invariants in as many histories. */
export function testRandomHistories(histories: number): void {
  test(`break no invariant: ${histories} of them, ${operations} operations each`, {
    timeout: 240_000,
  }, async () => {
    const figures = new Figures();
    const keepsAllInvariants = fc.asyncProperty(fc.noShrink(fc.nat()), async (seed) => {
      const history = await runHistory({ seed, operations, hasFaults: true }, figures);
      expect(checkHistory(history).slice(0, 3)).toEqual([]);
      // Nothing in a history waits for real time, and the test runner needs a sign of life now and then.
      await setImmediate();
    });
    await fc.assert(keepsAllInvariants, { numRuns: histories, endOnFailure: true });

    const counts = Object.fromEntries(figures.all);
    process.stdout.write(`${figures.text}\n`);
    const missing = necessary.filter((what) => !counts[what]);
    expect(missing).toEqual([]);
    expect(figures.of('operations')).toBeGreaterThanOrEqual(histories * operations);
  });
}
