import { existsSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { everyOperation } from '../auth/support/every-operation.js';
import { createDatabase, createRegistryDatabase } from '../setup/database.js';
import { aDataDir, aKey, aModulesDir, serve } from '../setup/process.js';

const provisionNorth = `mutation { provisionTenant(input: {
  name: "North", slug: "north", adminEmail: "admin@north.example", modules: ["finance"]
}) { tenant { status } operation { status error } } }`;

const resolveNorth = '{ tenantSchema(id: "north", module: "finance") { schemaName databaseName } }';

describe('a gateway with a DATABASE_URL', () => {
  test('migrates an empty database, adds no demo, and answers no operation without a key', async () => {
    const registry = await createDatabase();
    await using gateway = await serve({ DATABASE_URL: registry.url, DATA_DIR: await aDataDir() });
    expect(gateway.log()).toMatchObject([
      { msg: 'migrated the registry database' },
      { msg: 'serving', authMode: 'required' },
    ]);
    for (const { query } of everyOperation())
      expect(await gateway.ask(query), query).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] });
    const key = await aKey({ DATABASE_URL: registry.url }, 'registry:read');
    expect((await gateway.ask('{ tenants { totalCount } }', { key })).body).toEqual({
      data: { tenants: { totalCount: 0 } },
    });
    await gateway.end('SIGTERM');
    await registry.drop();
  });

  test('says of a module without a variable that it is not ready, and starts no embedded PostgreSQL for it', async () => {
    const registry = await createRegistryDatabase();
    const settings = { DATABASE_URL: registry.url, DATA_DIR: await aDataDir() };
    const key = await aKey(settings, 'provision,resolve:*,registry:read');
    await using gateway = await serve(settings);
    const { body } = await gateway.ask(provisionNorth, { key });
    expect(body.errors).toMatchObject([
      {
        message:
          'Module finance is not ready: variable FINANCE_DB_URL is not set: set it to the URL of the module’s database and restart',
        extensions: { code: 'TENANT_NOT_READY' },
      },
    ]);
    expect((await gateway.ask('{ tenants { totalCount } }', { key })).body).toEqual({
      data: { tenants: { totalCount: 0 } },
    });
    const ready = await gateway.get('/ready');
    expect(ready).toMatchObject({ status: 200, body: { ready: true } });
    expect(ready.body.modulesNotReady).toEqual(
      ['dbtools', 'finance', 'inventory', 'operations'].map((name) => ({
        name,
        reason: expect.stringContaining(`variable ${name.toUpperCase()}_DB_URL is not set`),
      })),
    );
    expect(existsSync(settings.DATA_DIR)).toBe(false);
    await gateway.end('SIGTERM');
    await registry.drop();
  });

  test('keeps a module with a variable there, and starts no PostgreSQL of its own', async () => {
    const [registry, finance] = [await createRegistryDatabase(), await createDatabase()];
    const settings = {
      DATABASE_URL: registry.url,
      FINANCE_DB_URL: finance.url,
      DATA_DIR: await aDataDir(),
    };
    const key = await aKey(settings, 'provision,resolve:*');
    await using gateway = await serve(settings);
    expect((await gateway.ask(provisionNorth, { key })).codes).toEqual([]);
    expect((await gateway.ask(resolveNorth, { key })).body).toEqual({
      data: { tenantSchema: { schemaName: 'finance_north', databaseName: finance.name } },
    });
    const client = new pg.Client({ connectionString: finance.url });
    await client.connect();
    const { rows } = await client.query(`SELECT to_regclass('finance_north.ar_invoice') AS "table"`);
    await client.end();
    expect(rows).toEqual([{ table: 'finance_north.ar_invoice' }]);
    expect(existsSync(settings.DATA_DIR)).toBe(false);
    await gateway.end('SIGTERM');
    await finance.drop();
    await registry.drop();
  });

  test('cuts off a statement in somebody else’s PostgreSQL when its time is over', async () => {
    const [registry, finance] = [await createRegistryDatabase(), await createDatabase()];
    const settings = {
      DATABASE_URL: registry.url,
      FINANCE_DB_URL: finance.url,
      MODULES_DIR: await aModulesDir('finance', 'SELECT pg_sleep(300)'),
      SHUTDOWN_TIMEOUT_MS: '300',
    };
    const key = await aKey(settings, 'provision,resolve:*');
    await using gateway = await serve(settings);
    const answer = gateway.ask(provisionNorth, { key }).catch(String);
    const sleeping = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    const client = new pg.Client({ connectionString: finance.url });
    await client.connect();
    await expect.poll(async () => (await client.query(sleeping)).rowCount, { timeout: 20_000 }).toBe(1);
    await client.end();
    const since = performance.now();
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 1, signal: null });
    expect(performance.now() - since).toBeLessThan(15_000);
    expect(await answer).toContain('fetch failed');
    await finance.drop();
    await registry.drop();
  });
});
