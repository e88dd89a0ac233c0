import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { drainSchema } from '../../../src/provisioning/fence/drain.js';
import { aUser } from '../../database/support/temporary-databases.js';
import {
  enter,
  type GuardedDatabase,
  type GuardedTenant,
  openGuardedDatabase,
  readInvoices,
} from '../support/guarded-schemas.js';

let guarded: GuardedDatabase;
let acme: GuardedTenant;
let service: pg.Client;
beforeAll(async () => {
  guarded = await openGuardedDatabase();
});
afterAll(() => guarded[Symbol.asyncDispose]());
beforeEach(async () => {
  acme = await guarded.addTenant();
  service = await guarded.connect();
  onTestFinished(() => service.end().catch(() => undefined));
});

const deadlineMs = 400;

/** Suspends as bindStorage does; returns the duration and the number of ended sessions. */
async function suspend(): Promise<{ ended: number; tookMs: number }> {
  await guarded.bind(acme, 'suspended');
  const from = performance.now();
  const ended = await drainSchema(guarded.registry, acme.schema, { deadlineMs });
  return { ended, tookMs: performance.now() - from };
}

test('a transaction that is open during a suspension continues until the staleness bound and runs no statement after it', async () => {
  await service.query('BEGIN');
  await enter(service, acme);
  const suspended = suspend();
  await delay(deadlineMs / 2);
  expect(await readInvoices(service)).toHaveLength(1);
  expect((await suspended).ended).toBe(1);
  await expect(readInvoices(service)).rejects.toThrow();
});

test('a statement that runs at the staleness bound is stopped', async () => {
  await service.query('BEGIN');
  await enter(service, acme);
  const running = service.query('SELECT pg_sleep(20) FROM invoice').catch((error) => error);
  const { ended, tookMs } = await suspend();
  expect(ended).toBe(1);
  expect(tookMs).toBeLessThan(10_000);
  expect((await running).message).toMatch(/terminat/);
});

test('a session that leaves in time is not ended, and the suspension does not wait any longer', async () => {
  await service.query('BEGIN');
  await enter(service, acme);
  const suspended = suspend();
  await delay(50);
  await service.query('COMMIT');
  const { ended, tookMs } = await suspended;
  expect(ended).toBe(0);
  expect(tookMs).toBeLessThan(deadlineMs);
  expect((await service.query('SELECT 1')).rowCount).toBe(1);
});

test('sessions in other schemas, or in none, are not ended', async () => {
  const globex = await guarded.addTenant();
  const visitors = await Promise.all([1, 2, 3].map(() => guarded.connect()));
  for (const visitor of visitors) {
    await visitor.query('BEGIN');
    await enter(visitor, visitor === visitors[0] ? acme : globex);
  }
  expect((await suspend()).ended).toBe(1);
  for (const visitor of visitors.slice(1)) expect(await readInvoices(visitor)).toHaveLength(1);
});

test('a session that entered two tenants is ended when either is suspended', async () => {
  const globex = await guarded.addTenant();
  await service.query('BEGIN');
  await enter(service, acme);
  await enter(service, globex);
  expect((await suspend()).ended).toBe(1);
  await expect(readInvoices(service)).rejects.toThrow();
});

test('no session is ended when the tenant is resumed while the suspension still waits', async () => {
  await service.query('BEGIN');
  await enter(service, acme);
  await guarded.bind(acme, 'suspended');
  const drainer = new pg.Client({ connectionString: guarded.url });
  await drainer.connect();
  onTestFinished(() => drainer.end());
  const drained = drainSchema(drainer, acme.schema, { deadlineMs: 5_000 });
  await delay(50);
  await guarded.bind(acme, 'active');
  expect(await drained).toBe(0);
  expect(await readInvoices(service)).toHaveLength(1);
});

test('a registry that may not end sessions names the missing grant', async () => {
  const registry = await aUser();
  await guarded.registry.query(`GRANT USAGE ON SCHEMA tenant_guard TO ${registry.name}`);
  await guarded.registry.query(`GRANT SELECT ON tenant_guard.binding TO ${registry.name}`);
  const url = new URL(registry.url);
  url.pathname = new URL(guarded.url).pathname;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await guarded.registry.query(`DROP OWNED BY ${registry.name}`);
  });
  await service.query('BEGIN');
  await enter(service, acme);
  await guarded.bind(acme, 'suspended');
  const drain = () => drainSchema(client, acme.schema, { deadlineMs: 50 });
  await expect(drain()).rejects.toThrow(`GRANT pg_signal_backend TO ${registry.name}`);

  await guarded.registry.query(`GRANT pg_signal_backend TO ${registry.name}`);
  expect(await drain()).toBe(1);
});
