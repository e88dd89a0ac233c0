import http from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse } from '../setup/graphql-calls.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** By node:http, because fetch refuses to send some of these headers. */
async function send({ method = 'POST', path = '/graphql', headers = {}, body }: Sent) {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const request = http.request(`${gateway.url}${path}`, {
    method,
    headers: { ...length, ...headers },
    agent: false,
  });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject).end(body);
  });
  const text = Buffer.concat(await response.toArray()).toString();
  const isJson = response.headers['content-type']?.includes('json');
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
}

const json = { 'content-type': 'application/json' };
const modules = JSON.stringify({ query: '{ modules { name } }' });

async function countTenants(): Promise<number> {
  const [row] = await gateway.psql('SELECT count(*)::int AS tenants FROM tenants');
  return row?.tenants;
}

describe('content types that a web page can send without a preflight are refused with 415:', () => {
  const query = 'mutation { registerTenant(input: { name: "Forged" }) { revision } }';
  const multipart = [
    '--x',
    'content-disposition: form-data; name="operations"',
    '',
    JSON.stringify({ query }),
    '--x',
    'content-disposition: form-data; name="map"',
    '',
    '{}',
    '--x--',
    '',
  ].join('\r\n');
  test.each([
    ['application/x-www-form-urlencoded', `query=${encodeURIComponent(query)}`],
    ['multipart/form-data; boundary=x', multipart],
    ['text/plain', JSON.stringify({ query })],
    ['text/plain; charset=application/json', JSON.stringify({ query })],
    ['application/graphql', query],
    ['application/json-patch+json', JSON.stringify({ query })],
    ['', JSON.stringify({ query })],
  ])('%s', async (contentType, body) => {
    const before = await countTenants();
    const headers: Record<string, string> = contentType ? { 'content-type': contentType } : {};
    const answer = await send({ headers, body });
    expect(answer.status).toBe(415);
    expect(answer.body.errors).toHaveLength(1);
    expect(await countTenants()).toBe(before);
  });

  test('application/json is served, also with a charset and in upper case', async () => {
    for (const contentType of [
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON ;charset=UTF-8',
    ])
      expect(
        (await send({ headers: { 'content-type': contentType }, body: modules })).body.data.modules,
      ).toHaveLength(4);
  });
});

describe('by GET', () => {
  const get = (query: string, more = '') =>
    send({ method: 'GET', path: `/graphql?query=${encodeURIComponent(query)}${more}` });

  test('a query with variables is answered', async () => {
    const variables = `&variables=${encodeURIComponent(JSON.stringify({ id: 'nobody' }))}`;
    const answer = await get('query ($id: ID!) { tenant(id: $id) { name } modules { name } }', variables);
    expect(answer.body.data).toMatchObject({ tenant: null, modules: [{}, {}, {}, {}] });
  });

  const modulesQuery = '{ modules { name } }';
  const two = 'query One { modules { name } } query Two($id: ID!) { tenant(id: $id) { name } }';
  const tenantQuery = 'query ($id: ID!) { tenant(id: $id) { name } }';
  test.each<[string, string, string, object]>([
    [
      'a name among several operations',
      two,
      '&operationName=One',
      { status: 200, data: { modules: [{}, {}, {}, {}] } },
    ],
    [
      'the name and variables of the other',
      two,
      '&operationName=Two&variables={"id":"x"}',
      { status: 200, data: { tenant: null } },
    ],
    [
      'empty parameters, as left out',
      modulesQuery,
      '&operationName=&variables=&extensions=',
      { status: 200, data: { modules: [{}, {}, {}, {}] } },
    ],
    [
      'parameters of other software',
      modulesQuery,
      '&utm_source=mail',
      { status: 200, data: { modules: [{}, {}, {}, {}] } },
    ],
    ['no name among several operations', two, '', { status: 400 }],
    ['an unknown name', two, '&operationName=Three', { status: 400 }],
    ['variables that are no JSON', tenantQuery, '&variables={id', { status: 400 }],
    ['variables that are a list', tenantQuery, '&variables=[1]', { status: 400 }],
    ['extensions that are no JSON', modulesQuery, '&extensions={', { status: 400 }],
    ['a variable that is missing', tenantQuery, '', { status: 400 }],
    ['no document', '', '', { status: 400 }],
  ])('%s', async (_what, query, more, expected) => {
    const encoded = more.replaceAll(/[{}[\]"]/g, encodeURIComponent);
    const path = `/graphql?query=${encodeURIComponent(query)}${encoded}`;
    const { status, body } = await send({ method: 'GET', path, headers: { accept: graphqlResponse } });
    expect({ status, ...body }).toMatchObject(expected);
    if (status !== 200) expect(body.errors).toMatchObject([{ extensions: { code: 'VALIDATION_ERROR' } }]);
  });

  test.each(['application/json', graphqlResponse, '*/*'])(
    'a mutation is refused with 405, also for %s',
    async (accept) => {
      const before = await countTenants();
      const query = 'mutation { registerTenant(input: { name: "By Get" }) { revision } }';
      const answer = await send({
        method: 'GET',
        path: `/graphql?query=${encodeURIComponent(query)}`,
        headers: { accept },
      });
      expect(await countTenants()).toBe(before);
      expect(answer.body.errors).toMatchObject([{ extensions: { code: 'VALIDATION_ERROR' } }]);
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
    },
  );
});

test.each(['PUT', 'PATCH', 'DELETE'])('%s is refused with 405', async (method) => {
  const answer = await send({ method, headers: json, body: modules });
  expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
});

describe('a body', () => {
  test.each([
    ['that is no JSON', '{ query'],
    ['that is empty', ''],
    ['that is null', 'null'],
    ['that is a text', '"{ modules { name } }"'],
    ['without a query', '{}'],
    ['whose query is a number', '{"query": 7}'],
    ['whose variables are a text', '{"query": "{ modules { name } }", "variables": "none"}'],
    ['with nothing but something unknown', '{"magic": true}'],
    ['with an empty query', '{"query": ""}'],
    ['that is a batch', `[${modules}, ${modules}]`],
    ['that is an empty batch', '[]'],
  ])('%s is refused with VALIDATION_ERROR and 400', async (_what, body) => {
    const statements = await recordStatements(async () => {
      for (const accept of [graphqlResponse, 'application/json']) {
        const answer = await send({ headers: { ...json, accept }, body });
        expect(answer.body.errors).toMatchObject([{ extensions: { code: 'VALIDATION_ERROR' } }]);
        expect(answer.body.data ?? null).toBeNull();
        expect([accept, answer.status]).toEqual([accept, 400]);
      }
    });
    expect(statements).toEqual([]);
  });

  test.each([1_000_001, 20_000_000])(
    'of %i bytes is refused with 413, and the client receives the reason',
    async (size) => {
      const answer = await send({ headers: json, body: Buffer.alloc(size, ' ') });
      expect(answer.status).toBe(413);
      expect(answer.body.errors[0].message).toContain('larger than');
    },
  );

  test('without a content length is refused with 413 as well', async () => {
    const request = http.request(`${gateway.url}/graphql`, { method: 'POST', headers: json, agent: false });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      request.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
    });
    for (let sent = 0; sent < 30; sent++) request.write(Buffer.alloc(50_000, ' '));
    request.end();
    expect(await answered).toBe(413);
  });

  test('of nearly 1 MB is answered', async () => {
    const body = JSON.stringify({ query: `{ modules { name } } ${'#'.repeat(990_000)}` });
    expect((await send({ headers: json, body })).status).toBe(200);
  });
});

describe('a document that is sent by its hash, which nobody has registered', () => {
  const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } };
  const notSupported = {
    errors: [
      { message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } },
    ],
  };

  test.each([
    ['application/json', 200],
    ['*/*', 200],
    [graphqlResponse, 400],
  ])('is answered in the words of Automatic Persisted Queries, for %s with %i', async (accept, status) => {
    const given = { extensions, operationName: 'Modules', variables: {} };
    const posted = await send({ headers: { ...json, accept }, body: JSON.stringify(given) });
    const query = new URLSearchParams({ extensions: JSON.stringify(extensions), operationName: 'Modules' });
    const got = await send({ method: 'GET', path: `/graphql?${query}`, headers: { accept } });
    for (const answer of [posted, got]) {
      expect(answer.status).toBe(status);
      expect(answer.body).toMatchObject(notSupported);
    }
  });

  test('is executed where its text comes with the hash', async () => {
    const answer = await send({
      headers: json,
      body: JSON.stringify({ ...JSON.parse(modules), extensions }),
    });
    expect(answer.body.data.modules).toHaveLength(4);
  });
});

describe('the HTTP status is 200 when data is not null, and that of the errors otherwise:', () => {
  test.each([
    ['a refused field', '{ tenantSchema(id: "nobody", module: "finance") { schemaName } }', 200],
    [
      'nothing but refused fields',
      '{ a: tenantSchema(id: "no", module: "finance") { schemaName } b: tenantSchema(id: "no", module: "finance") { schemaName } }',
      200,
    ],
    [
      'a field whose error takes all data away',
      '{ tenants(after: "nonsense") { totalCount edges { cursor } } }',
      400,
    ],
    ['a document that is refused', '{ tenantz }', 400],
  ])('%s', async (_what, query, status) => {
    const answer = await send({
      headers: { ...json, accept: graphqlResponse },
      body: JSON.stringify({ query }),
    });
    expect(answer.body.errors.length).toBeGreaterThan(0);
    expect([answer.body.data != null, answer.status]).toEqual([status === 200, status]);
  });
});

describe('a subscription', () => {
  const query = 'subscription { routesChanged { kind } }';

  test.each(['multipart/mixed', 'application/json', '*/*', ''])(
    'for a client that accepts "%s" is refused in words',
    async (accept) => {
      const answer = await send({ headers: { ...json, accept }, body: JSON.stringify({ query }) });
      expect(answer.body.errors[0].message).toContain('send "Accept: text/event-stream"');
    },
  );

  test('is answered by multipart/mixed as Apollo Client asks for it', async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        ...json,
        accept: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json',
      },
      body: JSON.stringify({ query }),
    });
    expect(response.headers.get('content-type')).toBe(
      'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
    );
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader?.read())?.value ?? '';
    await gateway.ask('mutation { registerTenant(input: { name: "Parts" }) { revision } }');
    while (!text.includes('TENANT_REGISTERED')) text += (await reader?.read())?.value ?? '';
    const part = '{"payload":{"data":{"routesChanged":{"kind":"TENANT_REGISTERED"}}}}';
    expect(
      text.startsWith(`\r\n--graphql\r\ncontent-type: application/json\r\n\r\n${part}\r\n--graphql`),
    ).toBe(true);
    await reader?.cancel();
  });
});

describe('the request id', () => {
  test.each(['abc-123', '01J9Z.x:y_z', 'a'.repeat(128)])('of a proxy is returned: %s', async (id) => {
    const { headers } = await send({ headers: { ...json, 'x-request-id': id }, body: modules });
    expect(headers['x-request-id']).toBe(id);
  });

  test.each(['', 'a b', 'a"b', '<script>', `${'a'.repeat(129)}`, 'a\u00e9'])(
    'that could damage a log is replaced: %j',
    async (id) => {
      const { headers } = await send({ headers: { ...json, 'x-request-id': id }, body: modules });
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test('is in every answer and differs between answers', async () => {
    const ids = [
      (await send({ headers: json, body: modules })).headers['x-request-id'],
      (await send({ headers: json, body: '{' })).headers['x-request-id'],
      (await send({ method: 'GET', path: '/nothing' })).headers['x-request-id'],
    ];
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('a gateway without API keys serves its own machine only:', () => {
  const port = () => new URL(gateway.url).port;
  test.each(['localhost', '127.0.0.1', '127.1.2.3', '[::1]', 'LOCALHOST'])(
    'the host %s is accepted',
    async (name) => {
      for (const host of [name, `${name}:${port()}`])
        expect((await send({ headers: { ...json, host }, body: modules })).status).toBe(200);
    },
  );

  test.each([
    ...[
      'evil.example',
      'localhost.evil.example',
      'evil.example:4000',
      '127.0.0.1.evil.example',
      '192.168.0.7',
    ],
    ...['localhost:4000.evil.example', 'evil.example#localhost', '0.0.0.0'],
  ])('the host %j is refused', async (host) => {
    const answer = await send({ headers: { ...json, host }, body: modules });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body?.data).toBeUndefined();
  });

  test('a page of another site cannot read an answer', async () => {
    const { headers } = await send({ headers: { ...json, origin: 'https://evil.example' }, body: modules });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    const preflight = await send({
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(403);
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});
