import { describe, expect, onTestFinished, test } from 'vitest';
import { createDatabase } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { openTcpProxy } from '../setup/tcp-proxy.js';

interface Body {
  ready: boolean;
  checks: { name: string; ok: boolean; reason?: string }[];
  modulesNotReady: { name: string; reason: string }[];
}

async function readyOf({ url }: TestGateway): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${url}/ready`);
  return { status: response.status, body: (await response.json()) as Body };
}

async function startupOf({ url }: TestGateway): Promise<number> {
  return (await fetch(`${url}/startup`)).status;
}

/** A gateway whose way to the registry, or to module finance, can be broken. */
async function aGatewayBehind(broken: 'registry' | 'finance') {
  const gateway = await openGateway();
  onTestFinished(() => gateway.close());
  const behind = new URL(broken === 'registry' ? gateway.registry.url : (await createDatabase()).url);
  const proxy = await openTcpProxy(Number(behind.port || 5432));
  onTestFinished(() => proxy.close());
  behind.host = `127.0.0.1:${proxy.port}`;
  const through = await openGateway({
    sharing: gateway,
    config:
      broken === 'registry'
        ? { databaseUrl: behind.href, stalenessMs: 1_000 }
        : { serviceDatabaseUrls: { FINANCE_DB_URL: behind.href } },
  });
  onTestFinished(() => through.close());
  return { gateway: through, proxy };
}

describe('/ready', () => {
  test('says of a module whose database is down why, and stays ready', async () => {
    const { gateway, proxy } = await aGatewayBehind('finance');
    const nameless = ({ body }: { body: Body }) =>
      body.modulesNotReady.filter(({ reason }) => !reason.includes('is not set'));
    await proxy.cut();
    const ready = await readyOf(gateway);
    expect(ready).toMatchObject({ status: 200, body: { ready: true } });
    expect(nameless(ready)).toEqual([
      {
        name: 'finance',
        reason: expect.stringMatching(/^the database in FINANCE_DB_URL cannot be used: \w/),
      },
    ]);
  });

  test('waits half a second at most for the database of a module that does not answer', async () => {
    const { gateway, proxy } = await aGatewayBehind('finance');
    proxy.blackhole();
    // The connection gives up after five seconds; this answer does not wait for it.
    const first = await readyOf(gateway);
    expect(first).toMatchObject({ status: 200 });
    expect(first.body.modulesNotReady.map(({ name }) => name)).not.toContain('finance');
    await expect
      .poll(async () => (await readyOf(gateway)).body.modulesNotReady.map(({ name }) => name))
      .toContain('finance');
  });

  test('names migrations that the registry lacks, as after the restore of an older one', async () => {
    await using gateway = await openGateway();
    const [last] = await gateway.psql<{ name: string }>(
      'SELECT max(migration_name) AS name FROM _prisma_migrations',
    );
    await gateway.psql('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = $1', [
      last?.name,
    ]);
    const { status, body } = await readyOf(gateway);
    expect(status).toBe(503);
    expect(body.checks).toContainEqual({
      name: 'migrations',
      ok: false,
      reason: `1 pending, the first is ${last?.name}: run "tenant-registry migrate" or restart the gateway`,
    });
  });

  test('is not ready when the change log was not read for the staleness bound', async () => {
    const { gateway, proxy } = await aGatewayBehind('registry');
    expect((await readyOf(gateway)).body.checks).toContainEqual({ name: 'change log', ok: true });
    await proxy.cut();
    await expect
      .poll(async () => (await readyOf(gateway)).body.checks)
      .toContainEqual({
        name: 'change log',
        ok: false,
        reason: 'not read for longer than STALENESS_BOUND_MS (1000 ms)',
      });
  });
});

describe('/startup', () => {
  test('is 503 until the gateway is ready for the first time, and 200 from then on', async () => {
    const { gateway, proxy } = await aGatewayBehind('registry');
    await proxy.cut();
    const early = await fetch(`${gateway.url}/startup`);
    expect([early.status, await early.json()]).toMatchObject([
      503,
      {
        started: false,
        checks: [{ name: 'server', ok: true }, { name: 'registry database', ok: false }, {}],
      },
    ]);
    await proxy.heal();
    await expect.poll(() => startupOf(gateway)).toBe(200);
    await proxy.cut();
    expect((await readyOf(gateway)).status).toBe(503);
    expect(await startupOf(gateway)).toBe(200);
  });
});
