import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { createDatabase, createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { aDataDir, aKey, aModulesDir, run, serve } from '../setup/process.js';

describe('a registry database that is not there', () => {
  test('at the start: one line without the password and exit 1', async () => {
    const url = 'postgres://someone:sesame@127.0.0.1:1/registry';
    for (const command of [['serve'], ['migrate'], ['keys', 'list']]) {
      const env = { DATABASE_URL: url, DATA_DIR: await aDataDir(), LOG_LEVEL: 'debug' };
      const { code, stdout, stderr } = await run(command, env);
      expect({ command, code, stdout }).toEqual({ command, code: 1, stdout: '' });
      expect(stderr).toBe(
        'Cannot connect to database "registry" at 127.0.0.1:1 as someone: connect ECONNREFUSED 127.0.0.1:1: ' +
          'start the server, or correct the host and the port in DATABASE_URL\n',
      );
    }
  });
});

/** A way to a database that can be cut, or swallow what is sent. */
async function aRelay(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let swallows = false;
  const server = createServer((near) => {
    const far = connect(Number(target.port || 5432), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.on('data', (chunk) => void (swallows || to.write(chunk)));
    }
  });
  const listen = async (port: number) => {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return (server.address() as { port: number }).port;
  };
  const port = await listen(0);
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  const cut = async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    if (server.listening) await once(server, 'close');
  };
  return {
    url: url.href,
    cut,
    mend: () => listen(port),
    swallow: () => {
      swallows = true;
    },
    [Symbol.asyncDispose]: cut,
  };
}

describe('a registry database that goes away', () => {
  test('shows in /ready and not in /health, and is served from again when it is back', async () => {
    const registry = await createRegistryDatabase();
    await using relay = await aRelay(registry.url);
    const key = await aKey({ DATABASE_URL: registry.url }, 'registry:read');
    await using gateway = await serve({ DATABASE_URL: relay.url });
    const ask = () => gateway.ask('{ tenants { totalCount } }', { key });
    expect((await ask()).status).toBe(200);
    expect(await gateway.get('/ready')).toMatchObject({ status: 200, body: { ready: true } });

    await relay.cut();
    const ready = await gateway.get('/ready');
    expect(ready).toMatchObject({ status: 503, body: { ready: false } });
    expect(ready.body.checks).toEqual([
      { name: 'server', ok: true },
      { name: 'registry database', ok: false, reason: expect.stringMatching(/\w/) },
      // For as long as the lease lasts.
      { name: 'change log', ok: true },
    ]);
    expect((await gateway.get('/health')).status).toBe(200);
    // The key is still known, so that it is the question that finds nobody home.
    expect(await ask()).toMatchObject({ codes: ['REGISTRY_UNAVAILABLE'] });

    await relay.mend();
    await expect.poll(async () => (await gateway.get('/ready')).status).toBe(200);
    expect((await ask()).body).toEqual({ data: { tenants: { totalCount: 0 } } });
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 0 });
    await registry.drop();
  });

  test('without a word is missed by /ready within seconds, and does not keep the gateway from stopping', async () => {
    const registry = await createRegistryDatabase();
    await using relay = await aRelay(registry.url);
    await using gateway = await serve({ DATABASE_URL: relay.url });
    expect((await gateway.get('/ready')).status).toBe(200);
    relay.swallow();
    const since = performance.now();
    expect(await gateway.get('/ready')).toMatchObject({
      status: 503,
      body: {
        checks: [{ ok: true }, { ok: false, reason: 'no answer within 2000 ms' }, { name: 'change log' }],
      },
    });
    expect((await gateway.get('/health')).status).toBe(200);
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 0 });
    expect(performance.now() - since).toBeLessThan(10_000);
    await registry.drop();
  });
});

describe('a connection that is lost in the middle of work', () => {
  /** A superuser in the database, who sees who waits there and ends their connections. */
  async function aWatcher(database: TestDatabase) {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const others = 'FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
    return {
      client,
      waitUntil: (event: string) =>
        expect
          .poll(async () => (await client.query(`SELECT ${others} AND wait_event = '${event}'`)).rowCount, {
            timeout: 20_000,
          })
          .toBe(1),
      cut: () => client.query(`SELECT pg_terminate_backend(pid) ${others}`),
    };
  }

  test('to the registry refuses that mutation only', async () => {
    const registry = await createRegistryDatabase();
    const key = await aKey({ DATABASE_URL: registry.url }, 'registry:read,registry:write');
    await using gateway = await serve({ DATABASE_URL: registry.url });
    const { client, waitUntil, cut } = await aWatcher(registry);
    await client.query('BEGIN; LOCK TABLE tenants');
    const answer = gateway.ask('mutation { registerTenant(input: { name: "Late" }) { revision } }', { key });
    await waitUntil('relation');
    await cut();
    expect(await answer).toMatchObject({ codes: ['REGISTRY_UNAVAILABLE'] });
    await client.end();
    expect((await gateway.ask('{ tenants { totalCount } }', { key })).body).toEqual({
      data: { tenants: { totalCount: 0 } },
    });
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 0 });
    await registry.drop();
  });

  test('to a module’s database is made anew, and the provisioning goes on', async () => {
    const [registry, finance] = [await createRegistryDatabase(), await createDatabase()];
    const settings = {
      DATABASE_URL: registry.url,
      FINANCE_DB_URL: finance.url,
      MODULES_DIR: await aModulesDir('finance', 'SELECT pg_sleep(300)'),
    };
    const key = await aKey(settings, 'registry:read,provision');
    await using gateway = await serve(settings);
    const { client, waitUntil, cut } = await aWatcher(finance);
    const answer = gateway.ask(
      `mutation { provisionTenant(input: { name: "North", adminEmail: "a@north.example", modules: ["finance"] }) {
         tenant { status } operation { status } } }`,
      { key },
    );
    await waitUntil('PgSleep');
    await writeFile(join(settings.MODULES_DIR, 'finance', '9999_last.sql'), 'SELECT 1');
    await cut();
    expect((await answer).body).toEqual({
      data: { provisionTenant: { tenant: { status: 'ACTIVE' }, operation: { status: 'SUCCEEDED' } } },
    });
    await client.end();
    expect((await gateway.get('/ready')).status).toBe(200);
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 0 });
    await finance.drop();
    await registry.drop();
  });
});
