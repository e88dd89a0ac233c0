import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

/**
 * `npx tsx bench/fuzz.ts [--seed N] [--count 10000] [--kind "client.yaml"]`: fuzzed values in Redis, rows of the change log, frames of
 * an event stream, and client.yaml files, that many of each, by test/fuzz. Prints the seed and the figures of each kind; fails on a
 * crash, and on an answer that is not true.
 */
const { values: options } = parseArgs({
  options: { seed: { type: 'string' }, count: { type: 'string' }, kind: { type: 'string' } },
});
const { seed = String(randomInt(2 ** 31)), count = '10000', kind } = options;
process.stdout.write(`seed ${seed}\n`);
const tests = spawn(
  'npx',
  ['vitest', 'run', 'test/fuzz/fuzz.test.ts', '--maxWorkers=1', ...(kind === undefined ? [] : ['-t', kind])],
  { stdio: 'inherit', env: { ...process.env, FUZZ_SEED: seed, FUZZ_COUNT: count } },
);
process.exitCode = await new Promise<number>((resolve) => tests.on('close', (code) => resolve(code ?? 1)));
