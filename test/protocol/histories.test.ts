import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkHistory } from './support/check-history.js';
import { Figures } from './support/figures.js';
import { runHistory, World } from './support/run-history.js';

/** Number of histories; bench/kill-mutants.ts uses fewer. */
const histories = Number(process.env.HISTORIES ?? 400);

const operations = 200;

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

describe('random histories of three gateways', () => {
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

  test('are repeatable from their seed', async () => {
    const options = { seed: 7, operations, hasFaults: true };
    const timeless = async () =>
      JSON.stringify(await runHistory(options), (_key, value) =>
        typeof value === 'bigint' ? `${value}` : value,
      );
    expect(await timeless()).toBe(await timeless());
  });

  test('have no refusals and no waits when nothing fails', async () => {
    const figures = new Figures();
    for (let seed = 1; seed <= 20; seed++) {
      const history = await new World({ seed, operations, hasFaults: false }, figures).run();
      expect(checkHistory(history)).toEqual([]);
    }
    expect(figures.of('questions without an answer')).toBe(0);
    expect(figures.of('answers from memory')).toBeGreaterThan(0);
    expect(figures.of('acks of GATEWAYS by report')).toBeGreaterThan(0);
    expect(figures.of('acks of GATEWAYS after D')).toBe(0);
  });
});
