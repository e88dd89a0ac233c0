import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { endSuspensions } from '../../src/provisioning/suspension-end.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { locksHere } from '../setup/locks.js';
import { aTenant } from '../setup/stories.js';
import { codeOf } from '../sql/support/procedure-calls.js';
import { waitFor } from './support/blocked-migration.js';
import { startGateway } from './support/killed-gateway.js';

// One test starts a gateway in its own process.
vi.setConfig({ testTimeout: 120_000 });

/** It runs no worker: what happens by itself is the work of the gateways that the tests open. */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

async function aSuspendedTenant() {
  const tenant = await aTenant().subscribedTo('finance').at(gateway);
  const suspendUntil = new Date(Date.now() + 3_600_000).toISOString();
  const input = { tenantId: tenant.id, reason: 'unpaid', suspendUntil };
  expect((await mutate(gateway, 'suspendTenant', input)).codes).toEqual([]);
  return tenant;
}

/** Lets the time of the suspension pass. */
const passTime = (id: string) =>
  gateway.psql(`UPDATE tenants SET suspend_until = now() - interval '1 minute' WHERE id = $1`, [id]);

async function openWorker(): Promise<TestGateway> {
  const worker = await openGateway({ sharing: gateway, config: { runsWorker: true } });
  onTestFinished(() => worker.close());
  return worker;
}

const statusOf = async (id: string) =>
  (await gateway.psql<{ status: string }>('SELECT status FROM tenants WHERE id = $1', [id]))[0]?.status;

const resumptions = (id: string) =>
  gateway.psql(`SELECT actor FROM registry_change WHERE tenant_id = $1 AND kind = 'tenant.resumed'`, [id]);

const enter = ({ id, slug }: { id: string; slug: string }) =>
  codeOf(gateway.psqlIn('finance', 'SELECT tenant_guard.enter($1, $2, 1)', [id, `finance_${slug}`]));

test('a suspension whose time has come is ended once by one of several workers, also one that passed while none ran', async () => {
  const tenants = [await aSuspendedTenant(), await aSuspendedTenant(), await aSuspendedTenant()];
  const lasting = await aSuspendedTenant();
  for (const { id } of tenants) await passTime(id);
  await Promise.all([openWorker(), openWorker(), openWorker()]);
  for (const tenant of tenants) {
    await waitFor(async () => (await statusOf(tenant.id)) === 'active');
    expect(await resumptions(tenant.id)).toEqual([{ actor: 'system:suspension-ended' }]);
    await expect.poll(() => resolve(gateway, tenant.id)).toBe(`finance_${tenant.slug}`);
    await expect.poll(() => enter(tenant)).toBe('done');
  }
  expect(await statusOf(lasting.id)).toBe('suspended');
});

test('a deleted tenant is not resumed; once restored, it is, if the time has passed', async () => {
  const [deleted, other] = [await aSuspendedTenant(), await aSuspendedTenant()];
  await mutate(gateway, 'deleteTenant', { tenantId: deleted.id });
  for (const { id } of [deleted, other]) await passTime(id);
  await openWorker();
  await waitFor(async () => (await statusOf(other.id)) === 'active');
  expect(await statusOf(deleted.id)).toBe('deleted');
  expect((await mutate(gateway, 'restoreTenant', { tenantId: deleted.id })).codes).toEqual([]);
  await waitFor(async () => (await statusOf(deleted.id)) === 'active');
});

test('a tenant that was suspended by hand with an end is resumed like others', async () => {
  const tenant = await aTenant().subscribedTo('finance').at(gateway);
  await gateway.psql(
    `UPDATE tenants SET status = 'suspended', suspend_until = now() - interval '1 minute' WHERE id = $1`,
    [tenant.id],
  );
  await openWorker();
  await waitFor(async () => (await statusOf(tenant.id)) === 'active');
});

test('tenants whose suspensions cannot be ended do not hold up one whose suspension ended later', async () => {
  const stem = uniqueName('stuck');
  await gateway.psql(
    `INSERT INTO tenants (slug, name, status, suspend_until)
     SELECT $1 || '-' || number, 'Stuck', 'suspended', now() - interval '1 day' FROM generate_series(1, 60) AS number`,
    [stem],
  );
  await gateway.psql(`
    CREATE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not now''; END';
    CREATE TRIGGER a_refuse BEFORE UPDATE ON tenants FOR EACH ROW WHEN (OLD.slug LIKE '${stem}%') EXECUTE FUNCTION refuse_it()`);
  onTestFinished(async () => {
    await gateway.psql('DROP FUNCTION refuse_it() CASCADE');
    await gateway.psql(`UPDATE tenants SET suspend_until = NULL WHERE slug LIKE '${stem}%'`);
  });
  const tenant = await aSuspendedTenant();
  await passTime(tenant.id);
  // Each call draws it with a probability of 50 in 61.
  for (let call = 0; call < 12 && (await statusOf(tenant.id)) === 'suspended'; call++)
    await endSuspensions(gateway.app.commandsFor(developer));
  expect(await statusOf(tenant.id)).toBe('active');
});

test('a worker that is killed between opening the guards and the change loses nothing', async () => {
  const tenant = await aSuspendedTenant();
  const session = new pg.Client({ connectionString: gateway.registry.url });
  await session.connect();
  onTestFinished(() => session.end());
  // Only the change by a worker waits for the lock that this session holds.
  await session.query(`
    SELECT pg_advisory_lock(4242);
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(4242); RETURN NEW; END';
    CREATE TRIGGER a_hold BEFORE UPDATE ON tenants FOR EACH ROW
      WHEN (current_setting('registry.actor', true) = 'system:suspension-ended') EXECUTE FUNCTION hold()`);
  onTestFinished(async () => void (await gateway.psql('DROP FUNCTION IF EXISTS hold() CASCADE')));
  await passTime(tenant.id);
  const names = ['operations', 'finance', 'inventory', 'dbtools'];
  const urls = names.map((name) => [`${name.toUpperCase()}_DB_URL`, gateway.serviceUrl(name)]);
  const victim = await startGateway(
    { DATABASE_URL: gateway.registry.url, ...Object.fromEntries(urls) },
    await gateway.createKey('registry:write'),
  );
  const waiting = `WITH ${locksHere} SELECT FROM locks_here WHERE locktype = 'advisory' AND NOT granted`;
  await waitFor(async () => (await session.query(waiting)).rowCount === 1);
  // The guard is open already, and no gateway hands out a route to it.
  expect([await enter(tenant), await resolve(gateway, tenant.id)]).toEqual(['done', 'TENANT_SUSPENDED']);
  await victim.kill();
  await session.query('SELECT pg_advisory_unlock(4242)');
  expect([await statusOf(tenant.id), await resumptions(tenant.id)]).toEqual(['suspended', []]);

  await openWorker();
  await waitFor(async () => (await statusOf(tenant.id)) === 'active');
  expect(await resumptions(tenant.id)).toEqual([{ actor: 'system:suspension-ended' }]);
  await expect.poll(() => resolve(gateway, tenant.id)).toBe(`finance_${tenant.slug}`);
  expect(await enter(tenant)).toBe('done');
});

test('an operator who prolongs a suspension while a worker is about to end it keeps it', async () => {
  const tenant = await aSuspendedTenant();
  const session = new pg.Client({ connectionString: gateway.registry.url });
  await session.connect();
  onTestFinished(() => session.end());
  await passTime(tenant.id);
  await session.query('BEGIN');
  await session.query(`UPDATE tenants SET suspend_until = now() + interval '1 day' WHERE id = $1`, [
    tenant.id,
  ]);
  await openWorker();
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await waitFor(async () => (await gateway.psql(waiting)).length > 0);
  await session.query('COMMIT');
  const other = await aSuspendedTenant();
  await passTime(other.id);
  await waitFor(async () => (await statusOf(other.id)) === 'active');
  expect(await statusOf(tenant.id)).toBe('suspended');
  await expect.poll(() => enter(tenant)).toBe('TR002 TENANT_SUSPENDED');
});
