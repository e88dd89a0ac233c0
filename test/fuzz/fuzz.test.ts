import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createTenantRegistry } from '../../src/client/index.js';
import { createDraw } from '../setup/random.js';
import { describeWithRedis } from '../setup/with-redis.js';
import { fuzzChangeLogRows } from './support/change-log-rows.js';
import { fuzzClientFiles } from './support/client-files.js';
import { fuzzEventFrames, openStreamingGateway } from './support/event-frames.js';
import type { Outcome, Random } from './support/mutate.js';
import { fuzzRedisValues } from './support/redis-values.js';

/** bench/fuzz.ts sets both for its 10,000 of each kind. */
const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
const count = Number(process.env.FUZZ_COUNT ?? 200);

type Fuzz = (count: number, random: Random) => Promise<Outcome>;

async function expectNoneWrong(kind: string, fuzz: Fuzz): Promise<void> {
  const { tried, compared, wrong } = await fuzz(count, createDraw(seed));
  process.stdout.write(
    `${tried} ${kind}, ${compared} answers compared, ${wrong.length} wrong (FUZZ_SEED=${seed})\n`,
  );
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(tried).toBe(count);
  expect(compared).toBeGreaterThan(0);
}

const timeout = 900_000;

describe(`fuzzed input crashes nothing, and nothing is served that is not true (FUZZ_SEED=${seed})`, () => {
  const kinds: Record<string, Fuzz> = {
    'change-log rows': fuzzChangeLogRows,
    'frames of an event stream': fuzzEventFrames,
    'client.yaml files': fuzzClientFiles,
  };
  test.each(Object.entries(kinds))('%s', { timeout }, expectNoneWrong);
});

test('an event stream that sends no end of an event is closed before it fills the memory', async () => {
  await using gateway = await openStreamingGateway();
  const registry = createTenantRegistry({ url: gateway.url, apiKey: 'trk_test', module: 'finance' });
  await expect.poll(() => gateway.streams.size).toBe(1);
  const [stream] = gateway.streams;
  let isClosed = false;
  stream?.on('close', () => {
    isClosed = true;
  });
  for (let sent = 0; sent < 30; sent++) stream?.write('x'.repeat(100_000));
  await expect.poll(() => isClosed).toBe(true);
  await registry.close();
});

describeWithRedis('fuzzed values in Redis', () => {
  test('are not served', { timeout }, () => expectNoneWrong('values in Redis', fuzzRedisValues));
});
