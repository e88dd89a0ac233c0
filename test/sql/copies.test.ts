import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { ensureVersion } from '../../src/provisioning/copies/ensure-sql.js';
import { createCopyKeeper } from '../../src/provisioning/copies/keep-copies.js';
import { type CopiedModule, installCopy } from '../../src/provisioning/copies/migration-copy.js';
import type { CommandContext } from '../../src/registry/command.js';
import { aDatabase, type TemporaryDatabase } from '../database/support/temporary-databases.js';
import { openGatewayWithModules } from '../provisioning/support/gateway-with-own-modules.js';
import { openGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { run } from '../setup/process.js';
import { codeOf } from './support/procedure-calls.js';

function files(...names: string[]) {
  return names.map((name) => ({ name, sql: `CREATE TABLE "${name}" ()`, checksum: name.padEnd(64, '0') }));
}

const finance = (...names: string[]): CopiedModule => ({
  module: 'finance',
  databaseName: 'finance',
  migrations: files(...names),
});

async function client(database: TemporaryDatabase): Promise<pg.Client> {
  const connected = new pg.Client({ connectionString: database.url });
  await connected.connect();
  onTestFinished(() => connected.end());
  return connected;
}

const copied = `SELECT array_agg(name::text ORDER BY position) AS names FROM tenant_guard.migration`;
const procedures = `SELECT proname AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`;

describe('the copy of a module', () => {
  test('costs two queries when it is as it should be', async () => {
    const connected = await client(await aDatabase());
    await installCopy(connected, finance('1', '2'));
    let queries = 0;
    const query = connected.query.bind(connected);
    connected.query = ((...given: Parameters<typeof query>) => {
      queries++;
      return query(...given);
    }) as typeof connected.query;
    await installCopy(connected, finance('1', '2'));
    expect(queries).toBe(2);
  });

  test('is renewed with the module’s files; a gateway that knows fewer takes nothing away, unless it is told to', async () => {
    const database = await aDatabase();
    const connected = await client(database);
    const names = async () => (await database.query(copied))[0]?.names;
    await installCopy(connected, finance('1'));
    await installCopy(connected, finance('1', '2'));
    expect(await names()).toEqual(['1', '2']);
    await installCopy(connected, finance('1'));
    expect(await names()).toEqual(['1', '2']);
    await installCopy(connected, finance('1'), { force: true });
    expect(await names()).toEqual(['1']);
  });

  test('of a newer version is left alone', async () => {
    const database = await aDatabase();
    const connected = await client(database);
    await installCopy(connected, finance('1'));
    await database.query(`COMMENT ON TABLE tenant_guard.migration IS 'Version ${ensureVersion + 1}.'`);
    await installCopy(connected, finance('1', '2'));
    expect((await database.query(copied))[0]?.names).toEqual(['1']);
  });

  test('is made once by ten who come at the same moment', async () => {
    const database = await aDatabase();
    const clients = await Promise.all(Array.from({ length: 10 }, () => client(database)));
    await Promise.all(clients.map((connected) => installCopy(connected, finance('1'))));
    expect(await database.query(procedures)).toEqual([{ name: 'ensure_finance_tenant_schema' }]);
  });

  test('comes back when somebody dropped its procedure', async () => {
    const database = await aDatabase();
    const connected = await client(database);
    await installCopy(connected, finance('1'));
    await database.query('DROP PROCEDURE ensure_finance_tenant_schema');
    await installCopy(connected, finance('1'));
    expect(await database.query(procedures)).toHaveLength(1);
  });

  test('leaves a procedure alone that a service has made itself, and says so', async () => {
    const database = await aDatabase();
    await database.query(
      `CREATE PROCEDURE ensure_finance_tenant_schema(tenant_id uuid, schema text, grant_role text DEFAULT 'x') LANGUAGE sql AS 'SELECT 1'`,
    );
    const connected = await client(database);
    expect(await installCopy(connected, finance('1'))).toEqual(['ensure_finance_tenant_schema']);
    expect(await database.query(procedures)).toHaveLength(1);
    await database.query(`CALL ensure_finance_tenant_schema('${randomUUID()}', 'finance_acme')`);
    await database.query('DROP PROCEDURE ensure_finance_tenant_schema');
    expect(await installCopy(connected, finance('1'))).toEqual([]);
    await database.query(`CALL ensure_finance_tenant_schema('${randomUUID()}', 'finance_acme')`);
  });

  test('of operations answers to ensure_party_tenant_schema too, until there is a module party', async () => {
    const database = await aDatabase();
    const connected = await client(database);
    const operations = { ...finance('1'), module: 'operations' };
    const madeAs = async (schema: string) => {
      await database.query(`CALL ensure_party_tenant_schema('${randomUUID()}', '${schema}')`);
      return (
        await database.query(`SELECT module FROM tenant_guard.schema_version WHERE schema_name = '${schema}'`)
      )[0]?.module;
    };
    await installCopy(connected, operations);
    expect(await madeAs('tenant_one')).toBe('operations');
    await installCopy(connected, { ...finance('1'), module: 'party' });
    await installCopy(connected, { ...operations, migrations: files('1', '2') });
    expect(await madeAs('party_one')).toBe('party');
  });

  test('is described throughout, and for nobody but its owner', async () => {
    const database = await aDatabase();
    await installCopy(await client(database), { ...finance('1'), module: 'operations' });
    expect(
      await database.query(`
        SELECT attname::text AS undescribed FROM pg_attribute
        WHERE attrelid = 'tenant_guard.migration'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL
        UNION ALL
        SELECT proname FROM pg_proc WHERE pronamespace IN ('tenant_guard'::regnamespace, 'public'::regnamespace)
          AND (obj_description(oid, 'pg_proc') IS NULL OR EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0))
        UNION ALL
        SELECT 'migration' WHERE obj_description('tenant_guard.migration'::regclass, 'pg_class') IS NULL`),
    ).toEqual([]);
  });
});

describe('gateways', () => {
  test('install copies as they start, and those of a module as it is registered', async () => {
    await using testbed = await openGatewayWithModules({
      name: 'crm',
      migrations: { '1.sql': 'CREATE TABLE one ()' },
    });
    await using working = await openGateway({
      sharing: testbed.gateway,
      config: {
        ...testbed.config,
        runsWorker: true,
        serviceDatabaseUrls: {
          ...testbed.config.serviceDatabaseUrls,
          LATE_DB_URL: testbed.url('crm'),
          // Down, and in nobody's way.
          FINANCE_DB_URL: 'postgres://nobody@127.0.0.1:1/finance',
        },
      },
    });
    const ensure = (module: string) =>
      codeOf(
        testbed.psql(
          'crm',
          `CALL ensure_${module}_tenant_schema('${randomUUID()}', '${module}_x${Math.trunc(performance.now())}')`,
        ),
      );
    await expect.poll(() => ensure('crm'), { timeout: 15_000 }).toBe('done');
    await mutate(working, 'registerModule', { name: 'late' });
    await expect.poll(() => ensure('late'), { timeout: 15_000 }).toBe('done');
  });

  test('warn once of a module whose role is a superuser', async () => {
    await using testbed = await openGatewayWithModules({ name: 'crm', migrations: {} });
    const warnings: string[] = [];
    const log = { warn: (_facts: object, text: string) => void warnings.push(text) };
    const context = { ...testbed.gateway.app.commandsFor(developer), log };
    const keepCopies = createCopyKeeper(new AbortController().signal);
    for (let round = 0; round < 2; round++) await keepCopies(context as unknown as CommandContext);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^role \w+ of module crm is a superuser, .* tenant-registry grants --module crm prints$/,
      ),
    ]);
  });

  test('migrate --modules installs them without a gateway, and fails when one could not be', async () => {
    await using testbed = await openGatewayWithModules({ name: 'crm', migrations: {} });
    const env = {
      DATABASE_URL: testbed.gateway.registry.url,
      MODULES_DIR: testbed.modulesDir,
      CRM_DB_URL: testbed.url('crm'),
    };
    const done = await run(['migrate', '--modules'], env);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toContain('The copy of module crm is up to date.');
    expect(await testbed.psql('crm', procedures)).toEqual([{ name: 'ensure_crm_tenant_schema' }]);
    const failed = await run(['migrate', '--modules'], {
      ...env,
      CRM_DB_URL: 'postgres://nobody@127.0.0.1:1/crm',
    });
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('services cannot create schemas of module crm by SQL');
  });
});
