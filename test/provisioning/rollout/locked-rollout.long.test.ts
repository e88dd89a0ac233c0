import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDraw } from '../../setup/random.js';
import { promiseSeed, seed } from '../../setup/seed.js';
import {
  lead,
  openRolloutTestbed,
  type RolloutTestbed,
  resultsOf,
  rolloutOf,
  statusesOf,
} from '../support/rollouts.js';

vi.setConfig({ testTimeout: 600_000 });

const lockTimeoutMs = 400;

let testbed: RolloutTestbed;
beforeAll(async () => {
  testbed = await openRolloutTestbed(2, 20);
});
afterAll(() => testbed?.close());

test('a service that reads at random waits for no file longer than the lock timeout, and the rollout ends', async () => {
  promiseSeed();
  const module = await testbed.takeModule();
  await module.write(
    '0003_more.sql',
    'ALTER TABLE contact ADD COLUMN a int; ALTER TABLE note ADD COLUMN a int; ALTER TABLE contact ADD COLUMN b int;',
  );
  await module.write(
    '0004_types.sql',
    'ALTER TABLE note ALTER COLUMN a TYPE bigint; ALTER TABLE contact ALTER COLUMN a TYPE bigint;',
  );
  const stopping = new AbortController();
  const refused: string[] = [];
  const work = async (_: unknown, at: number) => {
    const draw = createDraw(seed + at);
    const client = new pg.Client({ connectionString: testbed.url(module.name) });
    await client.connect();
    // The server itself decides: a statement that waits longer than the lock timeout and a margin fails.
    await client.query(`SET lock_timeout = ${lockTimeoutMs + 600}; SET deadlock_timeout = '1min'`);
    while (!stopping.signal.aborted) {
      const schema = module.schemaOf(testbed.tenants[draw(testbed.tenants.length)]);
      const tables = draw(2) === 0 ? ['contact', 'note'] : ['note', 'contact'];
      try {
        await client.query('BEGIN');
        for (const table of tables) {
          await client.query(`SELECT FROM ${schema}.${table}`);
          await delay(draw(150));
        }
        await client.query('COMMIT');
      } catch (error) {
        const { code } = error as { code?: string };
        await client.query('ROLLBACK');
        // Two sessions that take two locks in different orders may deadlock; that is not a wait for a file.
        if (code !== '40P01') refused.push(String(error));
      }
    }
    await client.end();
  };
  const services = Array.from({ length: 6 }, work);
  const id = await module.start({ lockTimeoutMs, parallelism: 4 });
  await lead(testbed);
  stopping.abort();
  await Promise.all(services);
  expect(refused).toEqual([]);
  expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 20 });
  const attempts = Object.values(await resultsOf(testbed, id)).map((result) => result.attempts);
  expect(Math.max(...attempts)).toBeGreaterThan(1);
});

test('failures within the budget stop nobody, and beyond it the rollout pauses with the reason', async () => {
  const module = await testbed.takeModule();
  const failing = testbed.tenants.slice(0, 6).map((tenant) => `'${module.schemaOf(tenant)}'`);
  await module.write(
    '0003_check.sql',
    `DO $$ BEGIN IF current_schema() IN (${failing.join(', ')}) THEN RAISE EXCEPTION 'broken on purpose'; END IF; END $$;`,
  );
  const within = await module.start({ errorBudget: { percent: 30 } });
  await lead(testbed);
  expect([(await rolloutOf(testbed, within)).status, await statusesOf(testbed, within)]).toEqual([
    'FAILED',
    { SUCCEEDED: 14, FAILED: 6 },
  ]);
  const beyond = await module.start({ errorBudget: { count: 3 }, parallelism: 2 });
  await lead(testbed);
  expect(await rolloutOf(testbed, beyond)).toMatchObject({
    status: 'PAUSED',
    pauseReason: expect.stringMatching(/^The error budget is spent: [45] of \d+ tenants failed/),
  });
});
