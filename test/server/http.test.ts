import { createServer } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectionBounds } from '../../src/server/server.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
const question = '{"query":"{ __typename }"}';

/** Bytes as no client library would send them, and all that comes back until the server closes. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
  return answer;
}

const post = (headers: Record<string, string>, body: BodyInit) =>
  fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body });

async function messageOf(response: Response): Promise<string> {
  const { errors } = (await response.json()) as { errors: { message: string }[] };
  expect(errors).toHaveLength(1);
  return errors[0]?.message ?? '';
}

describe('the HTTP server', () => {
  test('leads from / to GraphQL, a browser to the admin page, and says of other paths where GraphQL is', async () => {
    const seen = await fetch(gateway.url, { redirect: 'manual', headers: { accept: 'text/html,*/*;q=0.8' } });
    expect([seen.status, seen.headers.get('location')]).toEqual([302, '/admin']);
    const root = await fetch(gateway.url, { redirect: 'manual' });
    expect({ status: root.status, location: root.headers.get('location') }).toEqual({
      status: 302,
      location: '/graphql',
    });
    for (const path of ['/nothing', '/graphql/', '//graphql', '/GRAPHQL', '/healthy']) {
      const response = await fetch(`${gateway.url}${path}`);
      expect(response.status, path).toBe(404);
      expect(await messageOf(response)).toBe(`There is nothing at ${path}; GraphQL is at /graphql`);
    }
  });

  test('is alive and ready', async () => {
    const health = await fetch(`${gateway.url}/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'alive' }]);
    const ready = await fetch(`${gateway.url}/ready`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      {
        ready: true,
        checks: [
          { name: 'server', ok: true },
          { name: 'registry database', ok: true },
          { name: 'migrations', ok: true },
          { name: 'change log', ok: true },
        ],
        writes: { ok: true },
        modulesNotReady: [],
      },
    ]);
    expect(ready.headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/graphql',
    'application/jsonx',
    'text/plain; application/json',
  ])('refuses a post of %s, which a foreign page could send unasked', async (type) => {
    const response = await post({ 'content-type': type }, question);
    expect(response.status).toBe(415);
    expect(response.headers.get('accept-post')).toBe('application/json');
    expect(await messageOf(response)).toBe('Send the GraphQL request as application/json');
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON'])(
    'takes a post of %s',
    async (type) => {
      const response = await post({ 'content-type': type }, question);
      expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
    },
  );

  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('refuses %s', async (method) => {
    const response = await fetch(`${gateway.url}/graphql`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD, POST');
  });

  const graphql = (parameters: Record<string, string>) => `/graphql?${new URLSearchParams(parameters)}`;
  test.each([
    ['/', '*/*'],
    ['/health', '*/*'],
    ['/ready', '*/*'],
    ['/metrics', '*/*'],
    ['/nothing', '*/*'],
    ['/graphql', 'text/html'],
    ['/graphql', 'application/json'],
    [graphql({ query: '{ modules { name } }' }), 'application/json'],
    [graphql({ query: '{ tenant(id: "nobody") { name } }' }), 'application/graphql-response+json'],
    [graphql({ query: '{ tenantz }' }), 'application/graphql-response+json'],
    [graphql({ query: 'mutation { resumeTenant(input: { tenantId: "nobody" }) { revision } }' }), '*/*'],
    ['/api/tenants', 'application/json'],
    ['/api/tenants/nobody', 'application/json'],
    ['/api/openapi.json', 'application/json'],
    ['/api/nothing', 'application/json'],
    ['/lease', '*/*'],
  ])('answers HEAD %s (%s) as GET, without the body', async (path, accept) => {
    const ask = async (method: string) => {
      const response = await fetch(`${gateway.url}${path}`, {
        method,
        headers: { accept },
        redirect: 'manual',
      });
      const headers = new Headers(response.headers);
      // fetch closes the connection of a HEAD.
      for (const name of ['date', 'x-request-id', 'transfer-encoding', 'connection', 'keep-alive'])
        headers.delete(name);
      // The figures of the metrics differ in length from one moment to the next.
      if (path === '/metrics') headers.delete('content-length');
      return { status: response.status, headers: Object.fromEntries(headers), body: await response.text() };
    };
    const [got, head] = [await ask('GET'), await ask('HEAD')];
    expect(head).toEqual({ ...got, body: '' });
  });

  test('answers HEAD of a long list without writing it, and of a subscription without opening it', async () => {
    await gateway.psql(
      `INSERT INTO tenants (slug, name, status) SELECT 'many-' || n, 'Many', 'active' FROM generate_series(1, 1100) AS n`,
    );
    const list = await fetch(`${gateway.url}/api/tenants`, { method: 'HEAD' });
    expect([list.status, await list.text()]).toEqual([200, '']);
    const query = 'subscription { routesChanged { kind } }';
    const stream = await fetch(`${gateway.url}${graphql({ query })}`, {
      method: 'HEAD',
      headers: { accept: 'text/event-stream' },
    });
    expect([stream.status, stream.headers.get('content-type'), await stream.text()]).toEqual([
      200,
      'text/event-stream',
      '',
    ]);
    expect(gateway.app.gateway?.limits.streams.open).toBe(0);
  });

  const single = 'The single connection mode of GraphQL over Server-Sent Events is not supported';
  const socket = 'GraphQL over WebSocket (graphql-ws) is not supported';
  test.each<[string, string, string, Record<string, string>, number, string]>([
    ['reserves a stream', 'PUT', '/graphql', {}, 405, single],
    ['opens a reserved stream', 'GET', '/graphql?token=7', { accept: 'text/event-stream' }, 400, single],
    ['opens it by its header', 'GET', '/graphql', { 'x-graphql-event-stream-token': '7' }, 400, single],
    ['executes over it', 'POST', '/graphql', { 'x-graphql-event-stream-token': '7' }, 400, single],
    ['ends an operation', 'DELETE', '/graphql?operationId=7', {}, 405, single],
    ['opens a WebSocket', 'GET', '/graphql', { connection: 'Upgrade', upgrade: 'websocket' }, 400, socket],
    [
      'opens one in upper case',
      'GET',
      '/graphql',
      { connection: 'upgrade', upgrade: 'WebSocket' },
      400,
      socket,
    ],
  ])(
    'says in words what it does not support: a client that %s',
    async (_what, method, path, headers, status, words) => {
      const lines = Object.entries({
        host: 'localhost',
        'content-type': 'application/json',
        connection: 'close',
        ...headers,
      });
      const answer = await sendRaw(
        `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
      );
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answer).toContain(words);
    },
  );

  test.each(['h2c', 'HTTP/2.0'])(
    'ignores the offer to go on with %s, as Java’s client makes it',
    async (upgrade) => {
      const answer = await sendRaw(
        `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: Upgrade, HTTP2-Settings, close\r\n` +
          `upgrade: ${upgrade}\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\ncontent-length: ${question.length}\r\n\r\n${question}`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    },
  );

  test('keeps idle connections longer than balancers do, and has later bounds for requests', async () => {
    const { headers } = await fetch(`${gateway.url}/health`);
    expect(headers.get('keep-alive')).toBe('timeout=75');
    for (const keepAliveTimeoutMs of [1_000, 75_000, 3_600_000]) {
      const bounds = connectionBounds({ keepAliveTimeoutMs });
      expect(bounds).toMatchObject({ keepAliveTimeout: keepAliveTimeoutMs });
      expect(bounds.headersTimeout).toBeGreaterThan(keepAliveTimeoutMs);
      // Node.js refuses contradictory bounds.
      createServer(bounds);
    }
  });

  test.each([
    ['a body without an end', '{"query":'],
    ['no body', ''],
    ['null', 'null'],
    ['a number', '7'],
    ['a list', `[${question}]`],
    ['a query that is a number', '{"query":7}'],
    ['variables that are text', '{"query":"{ __typename }","variables":"x"}'],
    ['a document that ends early', '{"query":"{"}'],
    ['binary', '\u0000\u0001\ufffd'],
    ['a mutation by the name of none', '{"query":"query A { __typename }","operationName":"B"}'],
  ])('answers %s with a VALIDATION_ERROR', async (_what, body) => {
    const response = await post({ 'content-type': 'application/json' }, body);
    const answer = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual(['VALIDATION_ERROR']);
    expect(answer).not.toHaveProperty('data');
  });

  test('refuses what is too large as soon as it is, whether its length is announced or not', async () => {
    const announced = await post({ 'content-type': 'application/json' }, 'x'.repeat(1_000_001));
    expect(announced.status).toBe(413);
    expect(await messageOf(announced)).toBe('The request is larger than 1000000 bytes: ask in parts');
    const endless = await sendRaw(
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
        `transfer-encoding: chunked\r\n\r\nF4241\r\n${'x'.repeat(0xf4241)}\r\n`,
    );
    expect(endless).toMatch(/^HTTP\/1\.1 413 /);
  });

  test.each([
    ['no HTTP at all', 'GARBAGE\r\n\r\n', 400],
    ['HTTP/1.1 without a host', 'GET /health HTTP/1.1\r\n\r\n', 400],
    [
      'headers without an end',
      `GET /health HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
    ],
    [
      'another server’s address',
      'GET http://evil.example/graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      404,
    ],
  ])('answers %s and goes on', async (_what, bytes, status) => {
    expect(await sendRaw(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  test('gives each answer its request’s id: the given one, or a new one for what could not be logged', async () => {
    const idOf = async (given?: string) => {
      const response = await fetch(`${gateway.url}/health`, {
        headers: given ? { 'x-request-id': given } : {},
      });
      return response.headers.get('x-request-id');
    };
    for (const given of ['7', 'trace:0af7.651-916_cd', 'x'.repeat(128)])
      expect(await idOf(given)).toBe(given);
    for (const given of [undefined, 'a b', '{"x":1}', 'a"b', 'x'.repeat(129)])
      expect(await idOf(given)).toMatch(uuid);
    expect(await idOf()).not.toBe(await idOf());
  });
});

describe('without API keys', () => {
  const askAs = (host: string) =>
    sendRaw(
      `POST /graphql HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\nconnection: close\r\n` +
        `content-length: ${question.length}\r\n\r\n${question}`,
    );

  test.each([
    'localhost',
    'LOCALHOST:4000',
    '127.0.0.1',
    '127.0.0.1:4000',
    '127.9.9.9',
    '[::1]',
    '[::1]:4000',
  ])('a request for %s is served', async (host) => {
    expect(await askAs(host)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.1.5',
    'localhost@evil',
  ])('a request for %s, as a page with a borrowed name sends it, is not', async (host) => {
    const answer = await askAs(host);
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(answer).toContain(`not the host \\"${host}\\"`);
    expect(answer).not.toContain('__typename');
  });

  test('a key that opens nothing is refused all the same', async () => {
    const response = await post(
      { 'content-type': 'application/json', authorization: 'Bearer trk_wrong' },
      question,
    );
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });
});
