/** Texts and bodies that cannot be stored or read, at the edges of GraphQL, REST and /lease. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let gateway: TestGateway;
let tenant: StoryTenant;
beforeAll(async () => {
  gateway = await openGateway();
  tenant = await aTenant().at(gateway);
});
afterAll(() => gateway?.close());

interface Answered {
  status: number;
  body: {
    errors?: { message: string; extensions?: { code?: string; fields?: unknown[] } }[];
    error?: object;
  };
}

async function send(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: response.status, body: (await response.json()) as Answered['body'] };
}

const refusedPath = (path: string) => ({
  code: 'VALIDATION_ERROR',
  fields: [
    {
      field: path,
      message: 'must not hold the character NUL or half a surrogate pair, which cannot be stored',
    },
  ],
});

const characters = [
  ['NUL', '\\u0000'],
  ['a high surrogate', '\\ud800'],
  ['a low surrogate', '\\udc00'],
  ['surrogates in the wrong order', '\\udc00\\ud800'],
] as const;

describe.each(characters)('%s is refused with its path', (_, escaped) => {
  const text = `a${escaped}b`;
  const ask = async (query: string, variables: string) => {
    const { body } = await send('/graphql', `{"query": ${JSON.stringify(query)}, "variables": ${variables}}`);
    return body.errors?.map(({ extensions }) => ({ code: extensions?.code, fields: extensions?.fields }));
  };

  test.each([
    ['ID', 'query ($v: ID!) { tenant(id: $v) { id } }', 'v'],
    ['ID of a route', 'query ($v: ID!) { tenantSchema(id: $v, module: "finance") { schemaName } }', 'v'],
    ['ModuleName', 'query ($v: ModuleName!) { tenantSchema(id: "a", module: $v) { schemaName } }', 'v'],
    [
      'Revision',
      'query ($v: Revision) { tenantSchema(id: "a", module: "finance", minRevision: $v) { schemaName } }',
      'v',
    ],
    ['String', 'query ($v: String) { tenants(after: $v) { totalCount } }', 'v'],
    [
      'DateTime',
      'query ($v: DateTime) { auditLog(filter: { since: $v }) { pageInfo { hasNextPage } } }',
      'v',
    ],
  ])('as %s', async (_, query, path) => {
    expect(await ask(query, `{"v": "${text}"}`)).toEqual([refusedPath(path)]);
  });

  test('in a list, in an input object, in JSON and in the name of a key of JSON', async () => {
    const keys = 'query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) { __typename } }';
    expect(
      await ask(keys, `{"keys": [{"id": "a", "module": "finance"}, {"id": "${text}", "module": "finance"}]}`),
    ).toEqual([refusedPath('keys.1.id')]);
    const configure =
      'mutation ($input: UpdateTenantConfigInput!) { updateTenantConfig(input: $input) { revision } }';
    const input = (patch: string) => `{"input": {"tenantId": "${tenant.id}", "patch": ${patch}}}`;
    expect(await ask(configure, input(`{"extensions": {"a": [{"b": "${text}"}]}}`))).toEqual([
      refusedPath('patch.extensions.a.0.b'),
    ]);
    expect(await ask(configure, input(`{"extensions": {"a${escaped}": 1}}`))).toEqual([
      {
        ...refusedPath(''),
        fields: [expect.objectContaining({ field: expect.stringMatching(/^patch\.extensions\.a\?+$/) })],
      },
    ]);
  });

  test('in every text of an API key, a tenant and a module, and nothing is written', async () => {
    const before = await gateway.psql('SELECT revision FROM registry_head');
    for (const [name, input, path] of [
      ['registerTenant', `{"name": "${text}"}`, 'name'],
      ['registerTenant', `{"name": "x", "settings": {"companyName": "${text}"}}`, 'settings.companyName'],
      ['suspendTenant', `{"tenantId": "${tenant.id}", "reason": "${text}"}`, 'reason'],
      ['createApiKey', `{"name": "${text}", "scopes": ["registry:read"]}`, 'name'],
      ['createApiKey', `{"name": "x", "scopes": ["${text}"]}`, 'scopes.0'],
      ['registerTenant', `{"name": "x", "idempotencyKey": "${text}"}`, 'idempotencyKey'],
    ] as const) {
      const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
      expect(
        await ask(
          `mutation ($input: ${type}!) { ${name}(input: $input) { __typename } }`,
          `{"input": ${input}}`,
        ),
      ).toEqual([refusedPath(path)]);
    }
    expect(await gateway.psql('SELECT revision FROM registry_head')).toEqual(before);
  });

  test('over REST, in the body, in the path and in /lease', async () => {
    for (const [path, body] of [
      ['/api/tenants', `{"name": "${text}", "slug": "acme"}`],
      ['/lease', `{"client": "${text}"}`],
    ] as const)
      expect((await send(path, body)).status).toBe(400);
    const { body } = await send('/api/tenants', `{"name": "${text}", "slug": "acme"}`);
    expect(body.error).toMatchObject({ code: 'VALIDATION_ERROR', details: refusedPath('name').fields });
  });
});

test('NUL in a document or in a path is refused as well', async () => {
  const query = String.raw`mutation { registerTenant(input: { name: "x", settings: { companyName: "a\u0000b" } }) { revision } }`;
  const { body } = await send('/graphql', JSON.stringify({ query }));
  expect(
    body.errors?.map(({ extensions }) => ({ code: extensions?.code, fields: extensions?.fields })),
  ).toEqual([refusedPath('settings.companyName')]);
  // A path names a resource: there is none of this name.
  const inPath = await fetch(`${gateway.url}/api/tenants/a%00b`);
  expect([inPath.status, await inPath.json()]).toEqual([
    404,
    { error: expect.objectContaining({ code: 'TENANT_NOT_FOUND' }) },
  ]);
  const inQuery = await fetch(`${gateway.url}/api/tenants?status=a%00b`);
  expect(inQuery.status).toBe(400);
});

test('half a surrogate pair in a document is a mistake of the document', async () => {
  for (const query of [
    String.raw`{ tenant(id: "\ud800") { id } }`,
    '{ tenant(id: "\ud800") { id } }',
    '{ a # \ud800\n}',
  ]) {
    const { body } = await send('/graphql', JSON.stringify({ query }));
    expect(body.errors?.map(({ extensions }) => extensions?.code)).toEqual(['VALIDATION_ERROR']);
  }
});

test('a subscription is refused like a query', async () => {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: `{"query": "subscription ($id: ID!) { operationProgress(id: $id) { __typename } }", "variables": {"id": "a\\u0000"}}`,
  });
  expect(await response.text()).toContain('cannot be stored');
});

test('whole surrogate pairs and every other character are accepted', async () => {
  const name = 'Ünïcode 😀 株式会社 \u{10FFFD}'.replace('\u{10FFFD}', '𝔸');
  const { body } = await send(
    '/graphql',
    JSON.stringify({
      query: 'mutation ($input: RegisterTenantInput!) { registerTenant(input: $input) { tenant { name } } }',
      variables: { input: { name, slug: 'unicode' } },
    }),
  );
  expect(body).toMatchObject({ data: { registerTenant: { tenant: { name } } } });
});

describe('a body that is not valid UTF-8 is refused at', () => {
  const invalid: [string, number[]][] = [
    ['a byte that is never in UTF-8', [0xff]],
    ['Latin-1', [0xe9]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a character that is cut off', [0xe2, 0x82]],
    ['a code point beyond Unicode', [0xf5, 0x80, 0x80, 0x80]],
  ];
  test.each(invalid)('/graphql, REST and /lease: %s', async (_, bytes) => {
    for (const [path, before, after] of [
      ['/graphql', '{"query": "{ __typename }", "operationName": "', '"}'],
      ['/api/tenants', '{"slug": "acme", "name": "', '"}'],
      ['/lease', '{"client": "', '"}'],
    ] as const) {
      const { status, body } = await send(
        path,
        Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]),
      );
      expect([path, status, JSON.stringify(body)]).toEqual([
        path,
        400,
        expect.stringContaining('The body is not valid UTF-8'),
      ]);
    }
  });
});

describe('a body with a Content-Encoding is refused at /graphql, REST and /lease:', () => {
  test.each([
    'gzip',
    'GZIP',
    'br',
    'deflate',
    'zstd',
    'compress',
    'x-gzip',
    'gzip, gzip',
    'identity, gzip',
    'nonsense',
    '',
  ])('%j', async (encoding) => {
    const json = '{"query": "{ __typename }"}';
    for (const path of ['/graphql', '/api/tenants', '/lease']) {
      const response = await fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': encoding },
        body: encoding === 'gzip' ? gzipSync(json) : json,
      });
      expect([path, response.status]).toEqual([path, 415]);
      expect(response.headers.get('accept-encoding')).toBe('identity');
      expect(await response.text()).toContain('compressed bodies are not accepted');
    }
  });

  test('not: identity', async () => {
    const { status } = await send('/graphql', '{"query": "{ __typename }"}', {
      'content-encoding': 'identity',
    });
    expect(status).toBe(200);
  });
});
