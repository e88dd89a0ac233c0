import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrateRegistry } from '../../src/database/migrations/migrate.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { openPostgresServer, type PostgresServer } from '../setup/postgres-server.js';
import { aTenant } from '../setup/stories.js';
import { until } from '../setup/until.js';
import { explain, warm } from './support/two-gateways.js';

/*
 * Two gateways on a server as hosted services offer it: the role is no superuser, may not end sessions of others, and may not ask for
 * the system identifier and the position of the WAL.
 */

const withheld = 'pg_control_system(), pg_current_wal_lsn(), pg_walfile_name(pg_lsn)';
const stalenessMs = 1_000;

let server: PostgresServer;
let one: TestGateway;
let other: TestGateway;

const urlAs = (role: string, database: string, at = server) => {
  const url = new URL(at.url(database));
  url.username = role;
  url.password = 'sesame';
  return url.href;
};

beforeAll(async () => {
  server = await openPostgresServer();
  await server.query(`CREATE ROLE hosted LOGIN PASSWORD 'sesame'; CREATE ROLE finance_access;
    CREATE ROLE finance_service LOGIN PASSWORD 'sesame' IN ROLE finance_access`);
  for (const name of ['registry', 'finance']) {
    await server.query(`CREATE DATABASE ${name} OWNER hosted`);
    await server.query(`REVOKE EXECUTE ON FUNCTION ${withheld} FROM PUBLIC`, [], name);
  }
  await migrateRegistry(urlAs('hosted', 'registry'));
  const config = { stalenessMs, runsWorker: true, heartbeatMs: 500, takeOverAfterMs: 1_500 };
  const sharing = {
    registry: { name: 'registry', url: urlAs('hosted', 'registry'), drop: async () => undefined },
    serviceUrl: () => urlAs('hosted', 'finance'),
  };
  one = await openGateway({ sharing, config });
  other = await openGateway({ sharing, config });
});

afterAll(async () => {
  await other?.close();
  await one?.close();
  await server?.close();
});

const epochOf = async (at = server) =>
  (await at.query<{ epoch: string }>('SELECT registry_epoch() AS epoch', [], 'registry'))[0]?.epoch;

async function aTenantWithFinance(): Promise<{ id: string; schema: string }> {
  const { id } = await aTenant().subscribedTo('finance').at(one);
  const { route } = await explain(one, id);
  if (!route) throw new Error('the tenant has no route');
  return { id, schema: route.schemaName };
}

/** Changes and requires that the change was accepted. */
async function change(gateway: TestGateway, name: string, input: object): Promise<void> {
  const { errors } = await mutate(gateway, name, input);
  expect(errors ?? []).toEqual([]);
}

const codesOf = (id: string) =>
  Promise.all([one, other].map(async (gateway) => (await explain(gateway, id)).code));

describe('a server that withholds functions', () => {
  test('refuses them to the role', async () => {
    await expect(one.psql('SELECT pg_current_wal_lsn()')).rejects.toThrow('permission denied');
    await expect(one.psql('SELECT * FROM pg_control_system()')).rejects.toThrow('permission denied');
  });

  test('a change that was acknowledged is on both gateways, and what was cached is dropped', async () => {
    const { id } = await aTenantWithFinance();
    await warm(one, id);
    await warm(other, id);
    await change(one, 'suspendTenant', { tenantId: id, reason: 'test' });
    expect(await codesOf(id)).toEqual(['TENANT_SUSPENDED', 'TENANT_SUSPENDED']);
    await change(other, 'resumeTenant', { tenantId: id });
    expect(await codesOf(id)).toEqual([null, null]);
  });

  test('a suspension waits for the session that it may not end, refuses others, and ends when it has left', async () => {
    const { id, schema } = await aTenantWithFinance();
    const connect = async () => {
      const client = new pg.Client({ connectionString: urlAs('finance_service', 'finance') });
      await client.connect();
      await client.query('BEGIN');
      return client;
    };
    const enter = (client: pg.Client) => client.query('SELECT tenant_guard.enter($1, $2, 1)', [id, schema]);
    const inside = await connect();
    const late = await connect();
    try {
      await enter(inside);
      await change(one, 'suspendTenant', { tenantId: id, reason: 'test', wait: 'EVERYWHERE' });
      expect(await codesOf(id)).toEqual(['TENANT_SUSPENDED', 'TENANT_SUSPENDED']);
      await expect(enter(late)).rejects.toMatchObject({ code: 'TR002' });
      const ofTenant = `FROM operations WHERE tenant_id = $1 ORDER BY created_at DESC LIMIT 1`;
      const statusOf = async () =>
        (
          await one.psql<{ status: string; error: string | null }>(`SELECT status::text, error ${ofTenant}`, [
            id,
          ])
        )[0];
      await until(async () => /GRANT pg_signal_backend TO hosted/.test((await statusOf())?.error ?? ''));
      expect((await statusOf())?.status).not.toBe('needs_attention');
      await inside.query('COMMIT');
      await until(async () => (await statusOf())?.status === 'succeeded');
    } finally {
      await inside.end();
      await late.end();
    }
  });

  test('a restart of the server is another epoch: both gateways begin anew, and go on', async () => {
    const { id } = await aTenantWithFinance();
    await warm(one, id);
    await warm(other, id);
    const before = await epochOf();
    await server.stop('immediate');
    await server.start();
    expect(await epochOf()).not.toBe(before);
    await until(async () => (await codesOf(id)).every((code) => code === null));
    await change(one, 'suspendTenant', { tenantId: id, reason: 'test' });
    expect(await codesOf(id)).toEqual(['TENANT_SUSPENDED', 'TENANT_SUSPENDED']);
  });

  test('the epoch is the same for all sessions, another on a standby that became the primary, and none on a standby', async () => {
    const epoch = await epochOf();
    expect(epoch).toMatch(/^[0-9a-f]{16}$/);
    const [asOwner] = await one.psql<{ epoch: string }>('SELECT registry_epoch() AS epoch');
    expect(asOwner?.epoch).toBe(epoch);
    await using standby = await server.openStandby();
    await expect(epochOf(standby)).rejects.toThrow('recovery is in progress');
    // The primary was restarted for the copy.
    const before = await epochOf();
    await standby.promote();
    expect(await epochOf(standby)).toMatch(/^[0-9a-f]{16}$/);
    expect(await epochOf(standby)).not.toBe(before);
  });

  test('the epoch with the functions has the system identifier and the timeline', async () => {
    await server.query(`GRANT EXECUTE ON FUNCTION ${withheld} TO hosted`, [], 'registry');
    const [row] = await server.query<{ epoch: string }>(
      `SELECT left(encode(sha256(convert_to(concat_ws('/', system.system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8),
         extract(epoch FROM pg_postmaster_start_time()), (SELECT oid FROM pg_database WHERE datname = current_database()),
         'public.registry_head'::regclass::oid, head.incarnation), 'UTF8')), 'hex'), 16) AS epoch
       FROM pg_control_system() AS system, registry_head AS head`,
      [],
      'registry',
    );
    expect(await epochOf()).toBe(row?.epoch);
  });
});
