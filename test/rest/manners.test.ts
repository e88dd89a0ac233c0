import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';
import { ask, type Failure, refusal } from './support/rest-calls.js';

let gateway: TestGateway;
let guarded: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
  guarded = await openGateway({ sharing: gateway, authMode: 'required' });
});
afterAll(async () => {
  await guarded?.close();
  await gateway?.close();
});

const acme = { name: 'Acme', slug: 'acme' };
const everything: [`${string} /${string}`, unknown?][] = [
  ['GET /api/tenants'],
  ['GET /api/tenants/acme'],
  ['POST /api/tenants', acme],
  ['DELETE /api/tenants/acme'],
  ['GET /api/v1/admin/tenants'],
  ['GET /api/v1/admin/tenants/acme'],
  ['POST /api/v1/admin/tenants', acme],
  ['DELETE /api/v1/admin/tenants/acme'],
];

/** Sends bytes that no client library would send; returns everything the server answers before it closes. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
  return answer;
}

describe('a caller', () => {
  test.each(everything)(
    '%s without a valid key is refused before any statement runs',
    async (request, body) => {
      const statements = await recordStatements(async () => {
        for (const headers of [{}, { authorization: 'Bearer nonsense' }, { authorization: 'Basic eDp5' }]) {
          const {
            status,
            body: answer,
            headers: sent,
          } = await ask<Failure>(guarded, request, { headers, body });
          expect([status, answer.error.code]).toEqual([401, 'UNAUTHENTICATED']);
          expect(sent.get('www-authenticate')).toBe('Bearer');
        }
      });
      expect(statements).toEqual([]);
    },
  );

  test('needs the scope of the mutation or query, which the refusal names', async () => {
    const scopes = [
      'registry:read',
      'registry:write',
      'provision',
      'audit:read',
      'resolve:*',
      'keys:manage',
      'schema:read',
    ];
    for (const [request, needed] of [
      ['GET /api/tenants', 'registry:read'],
      ['GET /api/tenants/acme', 'registry:read'],
      ['POST /api/tenants', 'provision'],
      ['DELETE /api/tenants/acme', 'registry:write'],
    ] as const) {
      const body = request.startsWith('POST') ? { nonsense: true } : undefined;
      const key = await guarded.createKey(...scopes.filter((scope) => scope !== needed));
      expect(await refusal(guarded, request, { key, body })).toEqual({
        status: 403,
        code: 'FORBIDDEN',
        message: `This needs a key with scope ${needed}`,
      });
      const right = await guarded.createKey(needed);
      expect((await refusal(guarded, request, { key: right, body })).code).not.toBe('FORBIDDEN');
    }
  });

  test('with the scope provision alone creates a tenant, and the audit log names the key', async () => {
    const key = await guarded.createKey('provision');
    const slug = uniqueName('t');
    const { status, body } = await ask(guarded, 'POST /api/tenants', {
      key,
      body: { name: 'Keyed', slug, modules: ['finance'] },
    });
    expect([status, body.status]).toEqual([201, 'active']);
    const rows = await gateway.psql<{ actor: string }>(
      'SELECT DISTINCT actor FROM registry_change WHERE tenant_id = $1',
      [body.id],
    );
    expect(rows.map(({ actor }) => actor)).toEqual([expect.stringMatching(/^api-key:/)]);
  });
});

describe('an invalid request', () => {
  test.each([
    '/api',
    '/api/',
    '/api/tenant',
    '/api/tenants/',
    '/api/tenants/acme/modules',
    '/api/tenantsx',
    '/api/v1/tenants',
    '/api/v1/admin/tenants/',
    '/api/openapi.json/',
    '/api/__proto__',
  ])('%s is 404 for every caller', async (path) => {
    for (const at of [gateway, guarded])
      expect(await refusal(at, `GET ${path as '/'}`)).toEqual({
        status: 404,
        code: 'NOT_FOUND',
        message: `There is nothing at ${path}; tenants are at /api/tenants, and /api/openapi.json describes the API`,
      });
  });

  test.each([
    ['/api/tenants', 'GET, HEAD, POST', ['PUT', 'PATCH', 'DELETE', 'OPTIONS']],
    ['/api/tenants/acme', 'GET, HEAD, DELETE', ['POST', 'PUT', 'PATCH', 'OPTIONS']],
    ['/api/v1/admin/tenants/acme', 'GET, HEAD, DELETE', ['POST', 'PUT']],
    ['/api/openapi.json', 'GET, HEAD', ['POST', 'DELETE']],
  ] as const)('%s accepts %s and no other method', async (path, allow, methods) => {
    for (const method of methods) {
      const { status, body, headers } = await ask<Failure>(gateway, `${method} ${path}`);
      expect([status, body.error.code, headers.get('allow')]).toEqual([405, 'METHOD_NOT_ALLOWED', allow]);
    }
    const [got, head] = await Promise.all(
      ['GET', 'HEAD'].map((method) => fetch(gateway.url + path, { method })),
    );
    expect(head?.status).toBe(got?.status);
    expect(await head?.text()).toBe('');
  });

  test.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/jsonx',
    'text/plain; application/json',
  ])('a POST of %s, which a web page can send without a preflight, changes nothing', async (type) => {
    const slug = uniqueName('t');
    const { status, body, headers } = await ask<Failure>(gateway, 'POST /api/tenants', {
      headers: { 'content-type': type },
      body: { name: 'Forged', slug },
    });
    expect([status, body.error.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    expect(headers.get('accept-post')).toBe('application/json');
    expect((await refusal(gateway, `GET /api/tenants/${slug}`)).status).toBe(404);
  });

  test.each([
    ['nothing', '', 'The body must be JSON such as'],
    ['half a body', '{"name": "Acme"', 'The body must be JSON such as'],
    ['text', 'name=Acme', 'The body must be JSON such as'],
    ['a list', '[]', 'must be a JSON object'],
    ['null', 'null', 'must be a JSON object'],
    ['a number', '7', 'must be a JSON object'],
  ])('%s in a POST is a VALIDATION_ERROR', async (_what, body, message) => {
    const refused = await refusal(gateway, 'POST /api/tenants', { body });
    expect(refused).toMatchObject({ status: 400, code: 'VALIDATION_ERROR' });
    expect(refused.message).toContain(message);
  });

  test('a body that is too large is refused with and without a content length', async () => {
    const announced = await refusal(gateway, 'POST /api/tenants', { body: `"${'x'.repeat(1_000_001)}"` });
    expect(announced).toMatchObject({ status: 413, code: 'CONTENT_TOO_LARGE' });
    const endless = await sendRaw(
      'POST /api/tenants HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
        `transfer-encoding: chunked\r\n\r\nF4241\r\n${'x'.repeat(0xf4241)}\r\n`,
    );
    expect(endless).toMatch(/^HTTP\/1\.1 413 [\s\S]*\{"error":\{"code":"CONTENT_TOO_LARGE"/);
  });

  test('an unknown parameter is refused, not ignored', async () => {
    const slug = uniqueName('t');
    await aTenant({ slug }).at(gateway);
    const { status, body } = await ask<Failure>(gateway, `DELETE /api/tenants/${slug}?restorable_days=9`);
    expect([status, body.error.details?.[0]?.field]).toEqual([400, 'restorable_days']);
    expect((await ask(gateway, `GET /api/tenants/${slug}`)).body.status).toBe('active');
  });
});

test.each(['evil.example', '127.0.0.1.evil.example'])(
  'a gateway without API keys refuses a request for host %s (DNS rebinding)',
  async (host) => {
    for (const [request] of everything.slice(0, 4)) {
      const answer = await sendRaw(`${request} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 421 [\s\S]*\{"error":\{"code":"MISDIRECTED_REQUEST"/);
    }
  },
);

describe('an internal failure', () => {
  test('that is unexpected is masked, and the message has the request id of the log entry', async () => {
    const broken = vi.spyOn(gateway.app.database.prisma.tenant, 'findUnique');
    broken.mockRejectedValueOnce(new TypeError('secret of the house'));
    const { status, body } = await ask<Failure>(gateway, 'GET /api/tenants/acme', {
      headers: { 'x-request-id': 'r-7' },
    });
    broken.mockRestore();
    expect([status, body]).toEqual([
      500,
      {
        error: {
          code: 'INTERNAL_SERVER_ERROR',
          message: 'Something went wrong here; the log has more under the request id r-7',
        },
      },
    ]);
  });

  test('of the database is 503 with a time to retry, never a missing tenant', async () => {
    const own = await openGateway();
    await aTenant({ slug: 'acme' }).at(own);
    const admit = (yes: boolean) =>
      gateway.psql(
        `ALTER DATABASE "${new URL(own.registry.url).pathname.slice(1)}" ALLOW_CONNECTIONS ${yes}`,
      );
    await admit(false);
    await gateway.psql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
      new URL(own.registry.url).pathname.slice(1),
    ]);
    for (const [request, body] of everything.slice(0, 4)) {
      const answer = await ask<Failure>(own, request, { body });
      expect([request, answer.status, answer.body.error.code]).toEqual([
        request,
        503,
        'REGISTRY_UNAVAILABLE',
      ]);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    }
    await admit(true);
    await expect.poll(async () => (await ask(own, 'GET /api/tenants/acme')).status).toBe(200);
    await own.close();
  });
});

test('metrics name the paths without text from clients', async () => {
  await ask(gateway, 'GET /api/tenants');
  await refusal(gateway, 'GET /api/tenants/secret-customer');
  await refusal(gateway, 'GET /api/v1/admin/tenants/secret-customer');
  await refusal(gateway, 'GET /api/secret-path');
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  for (const path of ['/api/tenants', '/api/tenants/{slug}', '/api/v1/admin/tenants/{slug}'])
    expect(text).toContain(`path="${path}"`);
  expect(text).not.toContain('secret');
});
