import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryOnce } from '../database/support/temporary-databases.js';
import {
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { createDatabase } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { seed } from '../setup/seed.js';
import { endSessionsAndCount, examineLog, soundLog } from './support/change-log.js';
import { runWriters } from './support/writers.js';

let testbed: GatewayWithModules;
let replica: TestGateway;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'light', migrations: {} },
    { name: 'other', migrations: {} },
  );
  replica = await openGateway({ sharing: testbed.gateway, config: testbed.config });
});
afterAll(async () => {
  await replica.close();
  await testbed.close();
});

test(`8 writers on two gateways: no deadlock, no gap, an unbroken hash chain (seed ${seed})`, async () => {
  const report = await runWriters({
    doors: [testbed.gateway, replica],
    byHand: (sql) => queryOnce(testbed.gateway.registry.url, sql),
    ...{ writers: 8, tenants: 20, modules: ['light', 'other'], forMs: 8_000, atLeast: 600, seed },
  });
  expect(report.surprises).toEqual([]);
  expect(report.answers).toMatchObject({ ok: expect.any(Number), 'operation SUCCEEDED': expect.any(Number) });

  const log = await examineLog(testbed.gateway.registry.url);
  expect(log).toMatchObject({ ...soundLog, revisions: log.head });
  expect(log.head).toBeGreaterThan(100);
  // Except for guards that follow: no request waits for them, and no worker runs here.
  const left = await testbed.gateway.psql(
    `SELECT id FROM operations WHERE status IN ('queued', 'running', 'compensating') AND kind <> 'bind_storage'
     UNION ALL SELECT id FROM module_subscriptions WHERE status = 'provisioning'
     UNION ALL SELECT id FROM tenants WHERE status = 'provisioning'`,
  );
  expect(left).toEqual([]);
  for (const url of [testbed.gateway.registry.url, testbed.url('light'), testbed.url('other')])
    expect(await endSessionsAndCount(url)).toMatchObject({ deadlocks: 0 });
}, 120_000);

test('the check recognises a deadlock', async () => {
  const database = await createDatabase();
  const [one, two] = [
    new pg.Client({ connectionString: database.url }),
    new pg.Client({ connectionString: database.url }),
  ];
  for (const client of [one, two]) client.on('error', () => undefined); // their sessions are ended
  try {
    await Promise.all([one.connect(), two.connect()]);
    await one.query('BEGIN; SELECT pg_advisory_xact_lock(1)');
    await two.query('BEGIN; SELECT pg_advisory_xact_lock(2)');
    const both = await Promise.allSettled([
      one.query('SELECT pg_advisory_xact_lock(2)'),
      two.query('SELECT pg_advisory_xact_lock(1)'),
    ]);
    expect(both.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(await endSessionsAndCount(database.url)).toMatchObject({ deadlocks: 1 });
  } finally {
    await Promise.allSettled([one.end(), two.end()]);
    await database.drop();
  }
});

test('the check recognises a gap and an altered entry', async () => {
  const client = new pg.Client({ connectionString: testbed.gateway.registry.url });
  await client.connect();
  await client.query(`
    ALTER TABLE registry_change DISABLE TRIGGER ALL;
    DELETE FROM registry_change WHERE revision = 10;
    UPDATE registry_change SET actor = 'nobody' WHERE revision = 20;`);
  await client.end();
  const log = await examineLog(testbed.gateway.registry.url);
  expect(log.revisions).toBe(log.head - 1);
  expect(log.holes).toBe(1);
  expect(log.brokenLinks).toBe(1);
  expect(log.altered).toBeGreaterThan(0);
});
