import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openTestEnvironment, type TestEnvironment } from '../../interruption/test-environment.js';
import { openVictims, type Point, type Victims } from '../../interruption/victim-processes.js';
import { killBulk, killedBulks, recordBulk } from '../support/killed-bulk.js';

// Each case runs in its own process. bulk.long.test.ts has every change, and many more points.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let environment: TestEnvironment;
let victims: Victims;
const [suspension] = killedBulks;
let points: Point[] = [];
beforeAll(async () => {
  environment = await openTestEnvironment();
  victims = openVictims(environment.env);
  if (suspension) points = await recordBulk(environment, victims, suspension);
});
afterAll(async () => {
  await victims?.[Symbol.asyncDispose]();
  await environment?.close();
});

/** The statements after which something of the work is committed. */
const commits = () => points.flatMap(({ lasts }, at) => (lasts ? [at + 1] : []));

describe('many tenants are suspended exactly once when the process is interrupted', () => {
  test.each([
    ['killed while the first batch is committed', 2, 'sent', 'kill'],
    ['killed after the first batch, which no gateway has acknowledged', 2, 'after', 'kill'],
    ['killed before the end is written', -1, 'before', 'kill'],
    ['cut off from the answer to the COMMIT of the first batch, and goes on', 2, 'sent', 'cut'],
  ] as const)('%s', async (_, which, moment, how) => {
    if (!suspension) throw new Error('no case');
    const at = commits().at(which) ?? 0;
    const problems = await killBulk(environment, victims, suspension, { at, moment, how });
    expect(problems, `${moment} ${points[at - 1]?.sql}`).toEqual([]);
  });
});
