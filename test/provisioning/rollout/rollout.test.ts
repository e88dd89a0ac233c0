import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cancelRollout } from '../../../src/provisioning/commands/cancel-rollout.js';
import { resumeRollout } from '../../../src/provisioning/commands/resume-rollout.js';
import { retryRollout } from '../../../src/provisioning/commands/retry-rollout.js';
import { RolloutDuty } from '../../../src/provisioning/rollout/lead/rollout-duty.js';
import { countRolloutTenants } from '../../../src/provisioning/rollout/reads/rollout-record.js';
import {
  lead,
  openRolloutTestbed,
  phones,
  type RolloutTestbed,
  resultsOf,
  rolloutOf,
  statusesOf,
  type TestModule,
} from '../support/rollouts.js';

let testbed: RolloutTestbed;
let module: TestModule;
beforeAll(async () => {
  testbed = await openRolloutTestbed(12, 4);
});
afterAll(() => testbed?.close());
beforeEach(async () => {
  module = await testbed.takeModule();
});

/** Fails in the schemas of these tenants. */
const failingIn = (schemas: readonly string[]) =>
  `DO $$ BEGIN IF current_schema() IN (${schemas.map((name) => `'${name}'`).join(', ')}) THEN RAISE EXCEPTION 'broken on purpose'; END IF; END $$;
   CREATE TABLE whole (id int);`;

const allSchemas = () => testbed.tenants.map((tenant) => module.schemaOf(tenant));

test('every tenant gets every new file, and the registry knows the version', async () => {
  await module.write('0003_phones.sql', phones);
  await module.write('0004_tags.sql', 'CREATE TABLE tag (id int);');
  const [from, to] = [`${module.name}/0002_notes.sql`, `${module.name}/0004_tags.sql`];
  const id = await module.start({ waves: 2 });
  await lead(testbed);
  const rollout = await rolloutOf(testbed, id);
  expect(rollout).toMatchObject({
    status: 'SUCCEEDED',
    targetVersion: to,
    currentWave: 2,
    worker: null,
    createdBy: 'developer',
  });
  expect(rollout.finishedAt).not.toBeNull();
  const results = Object.values(await resultsOf(testbed, id));
  expect(results).toHaveLength(testbed.tenants.length);
  for (const result of results)
    expect(result).toMatchObject({
      ...{ status: 'SUCCEEDED', attempts: 1, fromVersion: from, toVersion: to, file: null, error: null },
    });
  expect(new Set(Object.values(await module.versions()))).toEqual(new Set([to]));
  expect(await module.each('SELECT phone FROM contact, tag')).toEqual([]);
});

test('a process that has led rollouts keeps nothing of them at the signal of its end', async () => {
  await module.write('0003_phones.sql', phones);
  await module.start();
  const { signal } = new AbortController();
  const duty = new RolloutDuty({ heartbeatMs: 5_000, takeOverAfterMs: 15_000 });
  await duty.run(testbed.context, signal);
  await duty.ended();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('rollouts of two modules on one server together migrate as many tenants at a time as the smaller parallelism', async () => {
  const other = await testbed.takeModule();
  // Each session of a rollout that is at work has the lock of a storage's name.
  const counted = `DO $$ DECLARE at_work int; BEGIN
      PERFORM pg_sleep(0.1);
      SELECT count(*) INTO at_work FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND application_name = 'tenant-registry rollout';
      IF at_work > 2 THEN RAISE EXCEPTION '% tenants at a time', at_work; END IF;
    END $$;`;
  for (const one of [module, other]) await one.write('0003_counted.sql', counted);
  const ids = [await module.start({ parallelism: 2 }), await other.start({ parallelism: 3 })];
  await lead(testbed);
  for (const id of ids) expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 4 });
});

test('a rollout without a tenant that is behind has succeeded at once', async () => {
  const rollout = await rolloutOf(testbed, await module.start());
  expect(rollout).toMatchObject({ status: 'SUCCEEDED' });
  expect(await statusesOf(testbed, rollout.id)).toEqual({});
});

describe('the failure of one tenant', () => {
  test('does not stop the others within the budget, and keeps the files before the failed one', async () => {
    const [broken] = testbed.tenants;
    await module.write('0003_phones.sql', phones);
    await module.write('0004_whole.sql', failingIn([module.schemaOf(broken)]));
    const id = await module.start({ errorBudget: { count: 1 }, parallelism: 1 });
    await lead(testbed);
    expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'FAILED' });
    expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 3, FAILED: 1 });
    expect((await resultsOf(testbed, id))[broken?.slug ?? '']).toMatchObject({
      status: 'FAILED',
      file: `${module.name}/0004_whole.sql`,
      toVersion: `${module.name}/0003_phones.sql`,
      errorCode: 'P0001',
      error: expect.stringContaining('broken on purpose'),
    });
    expect((await module.versions())[broken?.slug ?? '']).toBe(`${module.name}/0003_phones.sql`);
  });

  test('pauses the rollout when the budget is spent, with the reason in words', async () => {
    await module.write('0003_whole.sql', failingIn(allSchemas()));
    const id = await module.start({ parallelism: 1, errorBudget: { count: 1 } });
    await lead(testbed);
    const { status, pauseReason, finishedAt } = await rolloutOf(testbed, id);
    expect({ status, finishedAt }).toEqual({ status: 'PAUSED', finishedAt: null });
    expect(pauseReason).toContain('The error budget is spent: 2 of 4 tenants failed');
    const statuses = await statusesOf(testbed, id);
    expect(statuses.FAILED).toBeGreaterThanOrEqual(2);
    expect(statuses.QUEUED).toBeGreaterThanOrEqual(1);
  });

  test('counts against a budget in percent of all tenants', async () => {
    await module.write('0003_whole.sql', failingIn(allSchemas()));
    const id = await module.start({ parallelism: 1, errorBudget: { percent: 50 } });
    await lead(testbed);
    expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'PAUSED' });
    expect((await countRolloutTenants(testbed.context.database, id)).FAILED).toBeGreaterThanOrEqual(3);
  });

  test('is accepted by resumeRollout, and mended by retryRollout also after the end', async () => {
    const [broken] = allSchemas();
    await testbed.psql(module.name, `INSERT INTO ${broken}.contact VALUES (1, 'x'), (2, 'x')`);
    await module.write('0003_unique.sql', 'ALTER TABLE contact ADD UNIQUE (name);');
    const id = await module.start({ parallelism: 1 });
    await lead(testbed);
    expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'PAUSED' });
    await resumeRollout(testbed.context, { id });
    await lead(testbed);
    expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'FAILED', pauseReason: null });
    expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 3, FAILED: 1 });
    await testbed.psql(module.name, `DELETE FROM ${broken}.contact`);
    await retryRollout(testbed.context, { id });
    await lead(testbed);
    expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'SUCCEEDED', retries: 1 });
    expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 4 });
  });
});

describe('the canary', () => {
  test('is migrated first, and the rollout pauses behind it for a person to look', async () => {
    const named = testbed.tenants[2];
    await module.write('0003_phones.sql', phones);
    const id = await module.start({ canary: { tenantIds: [named?.slug] }, pauseAfterCanary: true, waves: 3 });
    await lead(testbed);
    expect(await rolloutOf(testbed, id)).toMatchObject({
      status: 'PAUSED',
      pauseReason: expect.stringContaining('The canary has ended (1 succeeded)'),
    });
    const { waves } = await countRolloutTenants(testbed.context.database, id);
    expect(waves.map(({ wave, total, SUCCEEDED, QUEUED }) => [wave, total, SUCCEEDED, QUEUED])).toEqual([
      [0, 1, 1, 0],
      [1, 1, 0, 1],
      [2, 1, 0, 1],
      [3, 1, 0, 1],
    ]);
    expect((await resultsOf(testbed, id))[named?.slug ?? '']).toMatchObject({ wave: 0, status: 'SUCCEEDED' });
    await resumeRollout(testbed.context, { id });
    await lead(testbed);
    expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'SUCCEEDED', currentWave: 3 });
  });

  test('of some percent has at least one tenant', async () => {
    await module.write('0003_phones.sql', phones);
    const id = await module.start({ canary: { percent: 1 } });
    const { waves } = await countRolloutTenants(testbed.context.database, id);
    expect(waves.map(({ wave, total }) => [wave, total])).toEqual([
      [0, 1],
      [1, 3],
    ]);
  });
});

test('a cancelled rollout leaves the tenants that it has not begun as they were', async () => {
  await module.write('0003_phones.sql', phones);
  const id = await module.start({ canary: { tenants: 1 }, pauseAfterCanary: true });
  await lead(testbed);
  await cancelRollout(testbed.context, { id });
  await lead(testbed);
  expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'CANCELLED', pauseReason: null });
  expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 1, SKIPPED: 3 });
  const versions = Object.values(await module.versions());
  expect(versions.filter((version) => version === `${module.name}/0002_notes.sql`)).toHaveLength(3);
});
