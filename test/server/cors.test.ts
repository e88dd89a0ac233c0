import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { LoadShedding } from '../../src/server/overload/load-shedding.js';
import { openServer } from '../../src/server/server.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';

/** Pages of listed origins may read every answer of /graphql and /api, refusals included; pages of others may read none. */

const page = 'https://admin.example.com';
const other = 'https://evil.example';

let gateway: TestGateway;
let open: TestGateway;
let key: string;
beforeAll(async () => {
  gateway = await openGateway({
    authMode: 'required',
    config: { corsOrigins: [page, 'http://localhost:5173'] },
  });
  open = await openGateway({ sharing: gateway, config: { corsOrigins: [page] } });
  key = await gateway.createKey('registry:read', 'resolve:*');
});
afterAll(async () => {
  await open?.close();
  await gateway?.close();
});

interface Sent {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** fetch sets some of these headers itself, and does not send an Origin. Streams are left after their headers. */
function send(url: string, { method = 'GET', headers = {}, body }: Sent) {
  return new Promise<{ status: number; headers: Record<string, string> }>((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers as Record<string, string> });
      response.destroy();
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const bearer = () => ({ authorization: `Bearer ${key}` });
const query = (text: string) => JSON.stringify({ query: text });

/** Requests to both doors, each with the status of its answer. */
const requests: [string, string, () => Sent, number][] = [
  [
    'a query',
    '/graphql',
    () => ({ method: 'POST', headers: { ...json, ...bearer() }, body: query('{ viewer { actor } }') }),
    200,
  ],
  ['a query by GET', '/graphql?query={__typename}', () => ({ headers: bearer() }), 200],
  [
    'a query that Yoga answers',
    '/graphql',
    () => ({
      method: 'POST',
      headers: { ...json, ...bearer(), accept: 'text/event-stream' },
      body: query('{ __typename }'),
    }),
    200,
  ],
  [
    'a stream of events',
    '/graphql',
    () => ({
      method: 'POST',
      headers: { ...json, ...bearer(), accept: 'text/event-stream' },
      body: query('subscription { routesChanged { revision } }'),
    }),
    200,
  ],
  ['a list', '/api/tenants', () => ({ headers: bearer() }), 200],
  ['the description of the API', '/api/openapi.json', () => ({}), 200],
  ['no key', '/graphql', () => ({ method: 'POST', headers: json, body: query('{ __typename }') }), 401],
  ['no key', '/api/tenants', () => ({}), 401],
  [
    'a key without the scope',
    '/api/tenants',
    () => ({ method: 'POST', headers: { ...json, ...bearer() }, body: '{}' }),
    403,
  ],
  ['a method that is none', '/graphql', () => ({ method: 'PUT', headers: bearer() }), 405],
  [
    'a form',
    '/graphql',
    () => ({ method: 'POST', headers: { ...bearer(), 'content-type': 'text/plain' }, body: 'x' }),
    415,
  ],
  [
    'a body that is too large',
    '/graphql',
    () => ({ method: 'POST', headers: { ...json, ...bearer() }, body: ' '.repeat(1_000_001) }),
    413,
  ],
  [
    'a transport that is not supported',
    '/graphql',
    () => ({ headers: { ...bearer(), upgrade: 'websocket' } }),
    400,
  ],
  ['an unknown path', '/api/nothing', () => ({ headers: bearer() }), 404],
];

describe('the answer to', () => {
  test.each(requests)('%s at %s can be read by a listed page alone', async (_what, path, make, status) => {
    const given = make();
    const ask = (origin?: string) =>
      send(`${gateway.url}${path}`, { ...given, headers: { ...given.headers, ...(origin && { origin }) } });
    const allowed = await ask(page);
    expect([allowed.status, allowed.headers['access-control-allow-origin']]).toEqual([status, page]);
    expect(allowed.headers.vary).toBe('Origin');
    expect(allowed.headers['access-control-expose-headers']).toMatch(/X-Request-Id.*Retry-After/);
    expect(allowed.headers).not.toHaveProperty('access-control-allow-credentials');
    const refused = await ask(other);
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([status, undefined]);
    expect(refused.headers.vary).toBe('Origin');
    const { headers } = await ask();
    expect(Object.keys(headers).filter((name) => /^access-control|^vary/.test(name))).toEqual([]);
  });

  test('a request that an overloaded gateway refuses can be read', async () => {
    const shedding = new LoadShedding({
      ...{ delayMs: 1_000, clock: () => 0, idleMs: () => 0, log: gateway.app.log },
      metrics: { sheddingChanged: () => undefined },
    });
    vi.spyOn(shedding, 'isActive', 'get').mockReturnValue(true);
    vi.spyOn(shedding, 'admitsRoute').mockReturnValue(false);
    vi.spyOn(shedding, 'admitsOther').mockReturnValue(false);
    const server = await openServer(gateway.app, { shedding });
    for (const path of ['/graphql?query={__typename}', '/api/tenants']) {
      const { status, headers } = await send(`${server.url}${path}`, { headers: { origin: page } });
      expect([status, headers['access-control-allow-origin'], headers['retry-after']]).toEqual([
        503,
        page,
        '1',
      ]);
    }
    await server.close();
  });
});

describe('a preflight', () => {
  const preflight = (url: string, path: string, origin: string) =>
    send(`${url}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  test.each(['/graphql', '/api/tenants', '/api/v1/tenants/acme/settings'])(
    'to %s is answered',
    async (path) => {
      const { status, headers } = await preflight(gateway.url, path, page);
      expect(status).toBe(204);
      expect(headers).toMatchObject({
        'access-control-allow-origin': page,
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE',
        'access-control-max-age': '7200',
        vary: 'Origin',
      });
      const names = headers['access-control-allow-headers']?.toLowerCase().split(', ');
      for (const name of [
        'authorization',
        'content-type',
        'x-tenant-id',
        'if-match',
        'idempotency-key',
        'last-event-id',
      ])
        expect(names).toContain(name);
    },
  );

  test.each([
    ['of a page that is not listed', '/graphql', other],
    ['of an opaque origin', '/graphql', 'null'],
    ['of a listed host with another scheme', '/graphql', 'http://admin.example.com'],
    ['of a listed host with another port', '/graphql', `${page}:8443`],
    ['to a path without data', '/metrics', page],
    ['to the lease of clients', '/lease', page],
  ])('%s is not', async (_what, path, origin) => {
    const { status, headers } = await preflight(gateway.url, path, origin);
    expect(status).not.toBe(204);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('is answered by no gateway without the setting', async () => {
    await using plain = await openGateway({ sharing: gateway, authMode: 'required' });
    const { status, headers } = await preflight(plain.url, '/graphql', page);
    expect([status, headers['access-control-allow-origin'], headers.vary]).toEqual([
      405,
      undefined,
      undefined,
    ]);
  });
});

test('without API keys listed pages act as the developer, and others stay refused', async () => {
  const site = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };
  const ask = (headers: Record<string, string>) =>
    send(`${open.url}/graphql`, {
      ...{ method: 'POST', headers: { ...json, ...site, ...headers }, body: query('{ viewer { actor } }') },
    });
  expect((await ask({ origin: page })).status).toBe(200);
  expect((await ask({ origin: other })).status).toBe(403);
  expect((await ask({ origin: page, host: 'evil.example' })).status).toBe(421);
  expect((await ask({})).status).toBe(403);
});
