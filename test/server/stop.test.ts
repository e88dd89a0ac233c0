import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  aDataDir,
  aModulesDir,
  aStartedDataDir,
  connectByHand,
  postmasterPid,
  type ServingProcess,
  serve,
  start,
} from '../setup/process.js';

const held = 4711;
let settings: { DATA_DIR: string; MODULES_DIR: string };

/** Tenants of inventory are provisioned only while nobody holds a certain lock. */
beforeAll(async () => {
  const MODULES_DIR = await aModulesDir('inventory', `SELECT pg_advisory_xact_lock(${held})`);
  settings = { DATA_DIR: await aStartedDataDir(), MODULES_DIR };
});

let tenants = 0;

/** A subscription that is being provisioned, and goes on with that when it is let. */
async function begin(gateway: ServingProcess) {
  const { psql } = await gateway.logged('look into the embedded PostgreSQL');
  const holder = await connectByHand(String(psql).replace(/finance$/, 'inventory'));
  await holder.query(`SELECT pg_advisory_lock(${held})`);
  const slug = `waiting-${++tenants}`;
  await gateway.ask(`mutation { registerTenant(input: { name: "${slug}", slug: "${slug}" }) { revision } }`);
  const answer = gateway.ask(
    `mutation { subscribeTenantToModule(input: { tenantId: "${slug}", module: "inventory" }) {
       subscription { status } operation { status error } } }`,
  );
  // Some tests want it to fail, and look only later.
  answer.catch(() => undefined);
  const waiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${held} AND NOT granted`;
  await expect.poll(async () => (await holder.query(waiting)).rowCount, { timeout: 20_000 }).toBe(1);
  return { slug, answer, letGo: () => holder.end() };
}

const subscribed = {
  data: {
    subscribeTenantToModule: {
      subscription: { status: 'ACTIVE' },
      operation: { status: 'SUCCEEDED', error: null },
    },
  },
};

describe('a gateway that is told to stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s answers what it has begun and refuses what comes, then leaves nothing running',
    async (signal) => {
      await using gateway = await serve(settings);
      const { answer, letGo } = await begin(gateway);
      process.kill(gateway.pid, signal);
      await gateway.logged('stopping');

      const refused = await gateway.ask('{ __typename }');
      expect(refused.status).toBe(503);
      expect(refused.body).toEqual({
        errors: [{ message: 'This gateway is stopping: ask another one, or again' }],
      });
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(refused.headers.get('connection')).toBe('close');
      expect(await gateway.get('/ready')).toMatchObject({
        status: 503,
        body: {
          ready: false,
          checks: [
            { name: 'server', ok: false, reason: 'stopping' },
            { name: 'registry database', ok: true },
            { name: 'migrations', ok: true },
            { name: 'change log', ok: true },
          ],
        },
      });
      expect(await gateway.get('/health')).toMatchObject({ status: 200, body: { status: 'alive' } });

      await letGo();
      expect((await answer).body).toEqual(subscribed);
      expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stdout: '' });
      expect(gateway.log().at(-1)).toMatchObject({ level: 30, msg: 'stopped' });
      expect(await postmasterPid(settings.DATA_DIR)).toBeUndefined();
    },
  );

  test('cuts off what does not end in time, and the next start goes on with it', async () => {
    await using gateway = await serve({ ...settings, SHUTDOWN_TIMEOUT_MS: '300' });
    const { slug, answer } = await begin(gateway);
    const since = performance.now();
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 1, signal: null });
    expect(performance.now() - since).toBeLessThan(15_000);
    await expect(answer).rejects.toThrow();
    expect(gateway.log().filter(({ msg }) => msg.startsWith('cutting off'))).toMatchObject([
      { level: 40, inFlight: 1 },
    ]);
    expect(gateway.log().at(-1)?.msg).toBe('stopped');
    expect(await postmasterPid(settings.DATA_DIR)).toBeUndefined();

    // The second gateway waits until the first has reported nothing for the staleness bound.
    const soon = { OPERATION_HEARTBEAT_MS: '500', OPERATION_TAKE_OVER_MS: '1500' };
    await using next = await serve({ ...settings, ...soon });
    const look = async () => {
      const { body } = await next.ask(
        `{ tenant(id: "${slug}") { subscriptions { status history { edges { node { status number } } } } } }`,
      );
      return (body as { data: { tenant: { subscriptions: unknown[] } } }).data.tenant.subscriptions;
    };
    await expect
      .poll(look, { timeout: 45_000 })
      .toEqual([{ status: 'ACTIVE', history: { edges: [{ node: { status: 'SUCCEEDED', number: 1 } }] } }]);
    await next.end('SIGTERM');
  });

  // After every other that begins something: what it leaves undone, a later gateway takes over.
  test('takes the Ctrl-C that npm passes on for the same one, and ends at once at a later one', async () => {
    await using gateway = await serve(settings);
    const { answer, letGo } = await begin(gateway);
    process.kill(gateway.pid, 'SIGINT');
    process.kill(gateway.pid, 'SIGINT');
    await gateway.logged('stopping');
    process.kill(gateway.pid, 'SIGINT');
    expect((await gateway.get('/health')).status).toBe(200);
    await delay(600);
    process.kill(gateway.pid, 'SIGINT');
    expect(await gateway.ended).toMatchObject({ code: 130 });
    await expect(answer).rejects.toThrow();
    await letGo();
  });

  test('gives a client that reads slowly the whole of its answer', async () => {
    await using gateway = await serve(settings);
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.write('GET /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n\r\n');
    await new Promise((resolve) => socket.once('readable', resolve));
    process.kill(gateway.pid, 'SIGTERM');
    await gateway.logged('stopping');
    await delay(300);
    for await (const chunk of socket) chunks.push(chunk);
    const answer = Buffer.concat(chunks).toString();
    expect(answer.length).toBeGreaterThan(1_000_000);
    const [head = ''] = answer.split('\r\n\r\n', 1);
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
    expect(Buffer.byteLength(answer)).toBe(Buffer.byteLength(head) + 4 + length);
    expect(await gateway.ended).toMatchObject({ code: 0 });
  });

  test('while it still starts does so in order, too', async () => {
    const dataDir = await aDataDir();
    await using gateway = start(['serve'], { PORT: '0', DATA_DIR: dataDir });
    await gateway.logged('migrated the registry database');
    expect(await gateway.end('SIGTERM')).toMatchObject({ code: 0 });
    expect(gateway.log().at(-1)?.msg).toBe('stopped');
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });
});
