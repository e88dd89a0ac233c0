import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { onTestFailed } from 'vitest';

/** The seed of every random choice in the tests of this process: `SEED=… npx vitest run <file>` makes the same ones again. */
export const seed = readSeed(process.env.SEED);

function readSeed(text: string | undefined): number {
  if (text === undefined || text === '') return randomInt(2 ** 31 - 1);
  if (!/^\d{1,10}$/.test(text)) throw new Error(`SEED must be a whole number, not "${text}"`);
  return Number(text);
}

fc.configureGlobal({ seed });

/** Tells how to repeat a test that fails. */
export function promiseSeed(): void {
  onTestFailed(() => void process.stderr.write(`Random choices of this test: SEED=${seed}\n`));
}
