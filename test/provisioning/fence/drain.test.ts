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

/** A role of its own that may use the guard. */
async function aGuardUser(...rights: string[]) {
  const user = await aUser();
  for (const right of rights) await guarded.registry.query(`GRANT ${right} TO ${user.name}`);
  const url = new URL(user.url);
  url.pathname = new URL(guarded.url).pathname;
  onTestFinished(async () => {
    await guarded.registry.query(`DROP OWNED BY ${user.name}`);
  });
  const connect = async () => {
    const client = new pg.Client({ connectionString: url.href });
    client.on('error', () => undefined);
    await client.connect();
    onTestFinished(() => client.end().catch(() => undefined));
    return client;
  };
  return { name: user.name, connect };
}
const ofRegistry = ['USAGE ON SCHEMA tenant_guard', 'SELECT ON tenant_guard.binding'];

test('a registry that may not end sessions names the missing grant', async () => {
  const registry = await aGuardUser(...ofRegistry);
  const client = await registry.connect();
  await service.query('BEGIN');
  await enter(service, acme);
  await guarded.bind(acme, 'suspended');
  const drain = () => drainSchema(client, acme.schema, { deadlineMs: 50 });
  await expect(drain()).rejects.toThrow(`GRANT pg_signal_backend TO ${registry.name}`);

  await guarded.registry.query(`GRANT pg_signal_backend TO ${registry.name}`);
  expect(await drain()).toBe(1);
});

test('the sessions that may be ended are ended although others may not be', async () => {
  const own = await aGuardUser(
    'USAGE ON SCHEMA tenant_guard',
    'EXECUTE ON ALL FUNCTIONS IN SCHEMA tenant_guard',
  );
  const registry = await aGuardUser(...ofRegistry, own.name);
  const client = await registry.connect();
  // The server lists sessions in an order of its own.
  const enterFive = async (connect: () => Promise<pg.Client>) => {
    const sessions = await Promise.all([1, 2, 3, 4, 5].map(connect));
    for (const one of sessions) {
      await one.query('BEGIN');
      await enter(one, acme);
    }
    return sessions;
  };
  const others = await enterFive(guarded.connect);
  onTestFinished(() => Promise.all(others.map((one) => one.end())).then(() => undefined));
  const owned = await enterFive(own.connect);
  await guarded.bind(acme, 'suspended');
  await expect(drainSchema(client, acme.schema, { deadlineMs: 50 })).rejects.toThrow(
    'GRANT pg_signal_backend',
  );
  for (const one of owned) await expect(one.query('SELECT 1')).rejects.toThrow();
  for (const one of others) expect((await one.query('SELECT 1')).rowCount).toBe(1);
});
