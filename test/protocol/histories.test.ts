import { describe, expect, test } from 'vitest';
import { checkHistory } from './support/check-history.js';
import { Figures } from './support/figures.js';
import { operations, testRandomHistories } from './support/random-histories.js';
import { runHistory, World } from './support/run-history.js';

describe('random histories of three gateways', () => {
  // bench/kill-mutants.ts runs fewer.
  testRandomHistories(Number(process.env.HISTORIES ?? 200));

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
