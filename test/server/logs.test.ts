import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { aKey, type ServingProcess, serve } from '../setup/process.js';

let registry: TestDatabase;
let gateway: ServingProcess;
let key: string;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  key = await aKey({ DATABASE_URL: registry.url }, 'registry:read,keys:manage,resolve:*');
  gateway = await serve({ DATABASE_URL: registry.url, LOG_LEVEL: 'debug', LOG_REQUESTS: 'all' });
});
afterAll(async () => {
  await gateway?.end('SIGTERM');
  await registry?.drop();
});

const linesOf = (requestId: string) => gateway.log().filter((line) => line.requestId === requestId);
const isTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('the log', () => {
  test('has a line for each request, a JSON object, with its id and how it went', async () => {
    const headers = { 'x-request-id': 'asked-by-a-test' };
    await gateway.ask('{ tenants { totalCount } }', { key, headers });
    await expect.poll(() => linesOf('asked-by-a-test')).toHaveLength(1);
    expect(linesOf('asked-by-a-test')).toEqual([
      {
        level: 30,
        time: isTime,
        requestId: 'asked-by-a-test',
        method: 'POST',
        path: '/graphql',
        status: 200,
        durationMs: expect.any(Number),
        actor: expect.stringMatching(/^api-key:[0-9a-f-]{36}$/),
        msg: 'request',
      },
    ]);
    await fetch(`${gateway.url}/health?verbose`, { headers: { 'x-request-id': 'health' } });
    await expect.poll(() => linesOf('health')).toMatchObject([{ level: 20, path: '/health', status: 200 }]);
  });

  test.each([
    [
      'an id of tenantSchema',
      '{ tenantSchema(id: $id, module: "finance") { schemaName } }',
      { id: 'acme_corp' },
      'acme_corp',
    ],
    [
      'an id of tenant',
      '{ tenant(id: $id) { slug } }',
      { id: '0198f000-0000-7000-8000-000000000001' },
      '0198f000-0000-7000-8000-000000000001',
    ],
    [
      'an id of an operation',
      '{ operation(id: $id) { kind } }',
      { id: '0198f000-0000-7000-8000-000000000002' },
      undefined,
    ],
    ['text that is no slug', '{ tenant(id: $id) { slug } }', { id: 'Pa55 word' }, undefined],
  ])('names the tenant of a request: %s', async (what, selection, variables, tenant) => {
    const id = what.replaceAll(' ', '-');
    await gateway.ask(`query Look($id: ID!) ${selection}`, {
      key,
      variables,
      headers: { 'x-request-id': id },
    });
    await expect.poll(() => linesOf(id)).toHaveLength(1);
    expect(linesOf(id)[0]).toMatchObject({ operation: 'Look' });
    expect(linesOf(id)[0]?.tenant).toBe(tenant);
  });

  test('holds neither keys nor passwords, whatever is asked and however it fails', async () => {
    const made = await gateway.ask(
      'mutation { createApiKey(input: { name: "made", scopes: ["registry:read"] }) { secret apiKey { id } } }',
      { key },
    );
    const { secret } = made.body.data.createApiKey;
    expect(secret).toMatch(/^trk_/);
    const wrong = `${key.slice(0, -4)}wron`;
    for (const tried of [key, secret, wrong, 'Basic c2VzYW1l'])
      for (const query of ['{ tenants { totalCount } }', '{ nonsense', 'mutation { nothing }'])
        await gateway.ask(query, { key: tried, variables: { secret } });
    await fetch(`${gateway.url}/graphql?query={__typename}&key=${secret}`);
    await fetch(`${gateway.url}/${secret}?key=${secret}`);
    // The driver's own errors, with the connection in them.
    await gateway.ask('{ tenant(id: "nobody") { name } }', { key });
    // A server of the person's own may trust whoever comes.
    const { password } = new URL(registry.url);
    for (const [what, text] of Object.entries({ key, secret, wrong, ...(password && { password }) }))
      expect(gateway.stderr().includes(text), what).toBe(false);
  });

  test('says of a lost database connection what happened, and nothing about the connection', async () => {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: registry.url });
    await client.connect();
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await client.end();
    const line = await gateway.logged('lost an idle database connection');
    expect(line).toEqual({
      level: 40,
      time: isTime,
      err: {
        type: 'DatabaseError',
        message: 'terminating connection due to administrator command',
        stack: expect.any(String),
        code: '57P01',
      },
      msg: 'lost an idle database connection',
    });
  });

  test('does not take a client that goes away for an outage of the database', async () => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-request-id: gone\r\nauthorization: Bearer ${key}\r\n` +
        'content-type: application/json\r\ncontent-length: 100\r\n\r\n{"query":',
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    socket.destroy();
    await expect.poll(() => linesOf('gone')).toMatchObject([{ msg: 'request', status: 400 }]);
  });
});

describe('requests get a line', () => {
  const change = 'mutation { a: createApiKey(input: { name: "a", scopes: ["schema:read"] }) { revision } }';

  /** Which of these requests have a line once the last of them, which always has one, has. */
  async function linesAfter(other: ServingProcess) {
    const narrow = await aKey({ DATABASE_URL: registry.url }, 'resolve:finance');
    const ask = (id: string, query: string, asKey: string | undefined = key) =>
      other.ask(query, { ...(asKey && { key: asKey }), headers: { 'x-request-id': id } });
    await ask('answered', '{ tenants { totalCount } }');
    await ask('routine', '{ tenantSchema(id: "nobody", module: "finance") { schemaName } }');
    await ask('forbidden', '{ tenants { totalCount } }', narrow);
    await ask(
      'forbidden-with-routine',
      '{ a: tenantSchema(id: "x", module: "finance") { schemaName } t: tenants { totalCount } }',
      narrow,
    );
    await ask('unknown-key', '{ __typename }', `${key.slice(0, -4)}wron`);
    await fetch(`${other.url}/health`, { headers: { 'x-request-id': 'health' } });
    await fetch(`${other.url}/graphql`, { method: 'PUT', headers: { 'x-request-id': 'put' } });
    await fetch(`${other.url}/api/tenants`, {
      method: 'POST',
      headers: {
        'x-request-id': 'rest-change',
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
      },
      body: '{}',
    });
    await ask('change', change);
    await expect.poll(() => other.log().filter(({ requestId }) => requestId === 'change')).toHaveLength(1);
    return other.log().filter(({ msg }) => msg === 'request');
  }

  test('when they failed in a way that is not routine, by default, and always when they change something', async () => {
    await using other = await serve({ DATABASE_URL: registry.url });
    const lines = await linesAfter(other);
    expect(lines.map(({ requestId }) => requestId)).toEqual([
      ...['forbidden', 'forbidden-with-routine', 'unknown-key', 'put', 'rest-change', 'change'],
    ]);
    expect(lines[0]).toMatchObject({ status: 200, codes: ['FORBIDDEN'], level: 30 });
    expect(lines[1]).toMatchObject({ codes: ['TENANT_NOT_FOUND', 'FORBIDDEN'] });
    expect(lines[2]).toMatchObject({ status: 401 });
    expect(lines.at(-1)).toMatchObject({ status: 200, mutations: ['createApiKey'] });
  });

  test('with LOG_REQUESTS=none only when they change something', async () => {
    await using other = await serve({ DATABASE_URL: registry.url, LOG_REQUESTS: 'none' });
    const lines = await linesAfter(other);
    expect(lines.map(({ requestId }) => requestId)).toEqual(['rest-change', 'change']);
  });
});

describe('the last lines of a process are there', () => {
  test.each([1, 2, 3, 4, 5])('when it stops (%i)', async () => {
    const other = await serve({ DATABASE_URL: registry.url, LOG_REQUESTS: 'all', LOG_LEVEL: 'debug' });
    await Promise.all(Array.from({ length: 20 }, (_, at) => other.ask(`{ a${at}: __typename }`, { key })));
    const { code, stderr } = await other.end('SIGTERM');
    expect(code).toBe(0);
    expect(stderr.match(/"msg":"request"/g)).toHaveLength(20);
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ msg: 'stopped' });
  });

  test.each([
    ['by an error that nobody caught', "throw new Error('nobody caught this');"],
    ['at its own word', 'process.exit(1);'],
  ])('when it ends %s', (_how, end) => {
    const program = `
      const { openLog } = await import('./dist/log.js');
      const log = openLog('info', (line) => line);
      for (let at = 1; at <= 1000; at++) log.info({ at }, 'line');
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.info({ at: 1001 }, 'line');
      ${end}`;
    for (let round = 0; round < 5; round++) {
      const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        encoding: 'utf8',
      });
      expect(status).toBe(1);
      const lines = stderr.split('\n').filter((line) => line.includes('"msg":"line"'));
      expect(lines.map((line) => JSON.parse(line).at)).toEqual(
        Array.from({ length: 1001 }, (_, at) => at + 1),
      );
    }
  });
});

test('a log that cannot be written, as on a full disk, does not end the process', async () => {
  const script = `import { openLog } from './dist/log.js';
    openLog('info').info('lost');
    setTimeout(() => process.stdout.write('alive'), 50);`;
  const full = await open('/dev/full', 'w');
  try {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: join(import.meta.dirname, '../..'),
      stdio: ['ignore', 'pipe', full.fd],
    });
    let said = '';
    child.stdout?.on('data', (text) => {
      said += text;
    });
    const [code] = await once(child, 'exit');
    expect({ code, said }).toEqual({ code: 0, said: 'alive' });
  } finally {
    await full.close();
  }
});
