import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Caller, developer } from '../../src/auth/caller.js';
import type { RequestFacts } from '../../src/graphql/context.js';
import {
  type GivenParameters,
  readGetParameters,
  readPostParameters,
} from '../../src/graphql/engine/parameters.js';
import { mediaTypeFor } from '../../src/graphql/result.js';
import { openGraphqlServer } from '../../src/graphql/yoga.js';
import { everyOperation } from '../auth/support/every-operation.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';

/** The response that a client gets, and the facts that are noted for the log. */
interface Answered {
  status: number;
  contentType: string | null;
  allow: string | null;
  retryAfter: string | null;
  body: string;
  codes: string[];
}

interface Asked {
  query: string;
  variables?: unknown;
  operationName?: string;
}

let gateway: TestGateway;
let engines: ReturnType<typeof openGraphqlServer>;
let tenantId: string;
let revision: string;
beforeAll(async () => {
  gateway = await openGateway();
  engines = openGraphqlServer();
  const registered = await mutate(
    gateway,
    'registerTenant',
    { name: 'Acme', slug: 'acme' },
    'revision tenant { id }',
  );
  tenantId = registered.result.tenant.id;
  await mutate(gateway, 'subscribeTenantToModule', { tenantId, module: 'finance' });
  await mutate(gateway, 'registerTenant', { name: 'Asleep', slug: 'asleep' });
  await mutate(gateway, 'suspendTenant', { tenantId: 'asleep', reason: 'unpaid' });
  ({ revision } = (await mutate(gateway, 'registerTenant', { name: 'Last', slug: 'last' })).result);
});
afterAll(async () => {
  await engines?.yoga.dispose();
  await gateway?.close();
});

const keyWith = (...scopes: string[]): Caller => ({
  kind: 'api-key',
  actor: 'api-key:test',
  scopes: new Set(scopes),
});
const callers: Record<string, Caller> = {
  developer,
  'a key for finance': keyWith('resolve:finance'),
  'a key that reads': keyWith('registry:read', 'audit:read', 'resolve:*'),
};

function factsFor(caller: Caller): RequestFacts {
  const running = gateway.app.gateway;
  if (!running) throw new Error('no gateway');
  return {
    requestId: 'the-same',
    caller,
    shared: {
      ...running.freshness,
      caches: running.caches,
      rates: running.rates,
      clients: running.clients,
      limits: running.limits,
    },
    openCommands: () => gateway.app.commandsFor(caller),
    readClient: () => undefined,
    watchCredential: () => undefined,
    outcome: { codes: [], mutations: [] },
  };
}

const queryString = ({ query, variables, operationName }: Asked) =>
  new URLSearchParams({
    query,
    ...(variables !== undefined && { variables: JSON.stringify(variables) }),
    ...(operationName != null && { operationName }),
  }).toString();

/** Undefined when it leaves the answer to Yoga. */
/** The parameters of a request that has the text of its document. */
const withText = (given: GivenParameters | undefined) =>
  given?.query === undefined ? undefined : { ...given, query: given.query };
const readGet = (queryString: string) => withText(readGetParameters(queryString));
const readPost = (body: string) => withText(readPostParameters(body));

async function byEngine(
  method: 'GET' | 'POST',
  asked: Asked,
  caller: Caller,
  accept: string,
): Promise<Answered | undefined> {
  const facts = factsFor(caller);
  const parameters = method === 'GET' ? readGet(queryString(asked)) : readPost(JSON.stringify(asked));
  const answer = await engines.engine.answer({ method, parameters, mediaType: mediaTypeFor(accept), facts });
  if (!answer) return undefined;
  const { status, headers, body } = answer;
  return {
    status,
    contentType: headers['content-type'] ?? null,
    allow: headers.allow ?? null,
    retryAfter: headers['retry-after'] ?? null,
    body: withoutTimes(body),
    codes: facts.outcome.codes,
  };
}

async function byYoga(
  method: 'GET' | 'POST',
  asked: Asked,
  caller: Caller,
  accept: string,
): Promise<Answered> {
  const facts = factsFor(caller);
  const answer = await engines.yoga.fetch(
    `http://gateway/graphql${method === 'GET' ? `?${queryString(asked)}` : ''}`,
    {
      method,
      headers: { accept, 'content-type': 'application/json' },
      body: method === 'GET' ? null : JSON.stringify(asked),
    },
    { facts },
  );
  return {
    status: answer.status,
    contentType: answer.headers.get('content-type'),
    allow: answer.headers.get('allow'),
    retryAfter: answer.headers.get('retry-after'),
    body: withoutTimes(await answer.text()),
    codes: facts.outcome.codes,
  };
}

/** Moments of the asking itself. */
function withoutTimes(body: string): string {
  return body
    .replace(/"(leaseRemainingMs|ageMs|lastPolledAt|part)":\d+/g, '"$1":0')
    .replace(/"(reportedAt)":"[^"]*"/g, '"$1":""');
}

/** Both ways, in both media types, for every caller; true when the engine had an answer of its own. */
async function compare(
  method: 'GET' | 'POST',
  asked: Asked,
  who: Record<string, Caller> = callers,
): Promise<boolean> {
  let isAnswered = false;
  for (const [name, caller] of Object.entries(who))
    for (const accept of ['application/json', graphqlResponse]) {
      // The second engine would find in memory what the first one has read.
      await byYoga(method, asked, caller, accept);
      const ours = await byEngine(method, asked, caller, accept);
      const theirs = await byYoga(method, asked, caller, accept);
      if (!ours) continue;
      isAnswered = true;
      expect({ name, accept, ...ours }).toEqual({ name, accept, ...theirs });
    }
  return isAnswered;
}

const operations = everyOperation();
const notChanging = Object.fromEntries(Object.entries(callers).filter(([name]) => name !== 'developer'));

describe('both engines answer alike', () => {
  test.each([...new Set(operations.map(({ kind, field }) => `${kind} ${field}`))])('%s', async (title) => {
    const parts = operations.filter(({ kind, field }) => `${kind} ${field}` === title);
    for (const { kind, query } of parts) {
      // The developer may do everything, and the second time would differ from the first.
      const who = kind === 'mutation' ? notChanging : callers;
      expect(await compare('POST', { query }, who)).toBe(true);
      expect(await compare('GET', { query }, who)).toBe(kind === 'query');
    }
  });

  const route =
    '{ schemaName searchPath databaseName isolation generation revision leaseRemainingMs __typename }';
  const variable = `query ($id: ID!, $module: ModuleName!) { tenantSchema(id: $id, module: $module) ${route} }`;
  const many = `query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) {
    __typename ... on TenantSchema ${route} ... on TenantSchemaRefusal { code message tenantId module asOf } } }`;
  const register =
    'mutation ($input: RegisterTenantInput!) { registerTenant(input: $input) { revision tenant { slug } } }';

  test.each<[string, Asked]>([
    ['a route', { query: `{ tenantSchema(id: "acme", module: "finance") ${route} }` }],
    ['a refused route', { query: `{ tenantSchema(id: "asleep", module: "finance") ${route} }` }],
    ['an unknown tenant', { query: `{ tenantSchema(id: "nobody", module: "finance") ${route} }` }],
    ['an unknown module', { query: `{ tenantSchema(id: "acme", module: "nothing") ${route} }` }],
    ['no slug at all', { query: `{ tenantSchema(id: "Ac me/", module: "finance") ${route} }` }],
    [
      'a route read anew',
      { query: `{ tenantSchema(id: "acme", module: "finance", consistency: STRONG) ${route} }` },
    ],
    [
      'consistency null',
      { query: `{ tenantSchema(id: "acme", module: "finance", consistency: null) ${route} }` },
    ],
    [
      'a revision that is no token',
      {
        query: `query ($r: Revision) { tenantSchema(id: "acme", module: "finance", minRevision: $r) ${route} }`,
        variables: { r: '7' },
      },
    ],
    [
      'a revision not reached',
      {
        query: `{ tenantSchema(id: "acme", module: "finance", minRevision: "0123456789abcdef:99") ${route} }`,
      },
    ],
    ['variables', { query: variable, variables: { id: 'acme', module: 'finance' } }],
    ['a number as ID', { query: variable, variables: { id: 7, module: 'finance' } }],
    ['a fraction as ID', { query: variable, variables: { id: 7.5, module: 'finance' } }],
    ['an object as ID', { query: variable, variables: { id: { a: 1 }, module: 'finance' } }],
    ['a list as ID', { query: variable, variables: { id: ['acme'], module: 'finance' } }],
    ['a module that is none', { query: variable, variables: { id: 'acme', module: 'No' } }],
    ['a module that is a number', { query: variable, variables: { id: 'acme', module: 4 } }],
    ['missing variables', { query: variable }],
    ['null variables', { query: variable, variables: null }],
    ['variables that are null', { query: variable, variables: { id: null, module: null } }],
    [
      'a variable nobody asked for',
      { query: variable, variables: { id: 'acme', module: 'finance', more: [1] } },
    ],
    [
      'a default',
      {
        query: `query ($id: ID! = "acme", $c: Consistency = STRONG) { tenantSchema(id: $id, module: "finance", consistency: $c) ${route} }`,
      },
    ],
    [
      'a default overruled by null',
      {
        query: `query ($c: Consistency = STRONG) { tenantSchema(id: "acme", module: "finance", consistency: $c) ${route} }`,
        variables: { c: null },
      },
    ],
    [
      'a value that is no enum',
      {
        query: `query ($c: Consistency) { tenantSchema(id: "acme", module: "finance", consistency: $c) ${route} }`,
        variables: { c: 'LOOSE' },
      },
    ],
    [
      'aliases',
      {
        query: `{ a: tenantSchema(id: "acme", module: "finance") { b: schemaName c: schemaName } d: tenantSchema(id: "nobody", module: "finance") { schemaName } }`,
      },
    ],
    [
      'fragments',
      {
        query: `{ tenantSchema(id: "acme", module: "finance") { ...F ...F ... on TenantSchema { generation } ... { revision } } } fragment F on TenantSchema { schemaName ...G } fragment G on TenantSchema { databaseName }`,
      },
    ],
    [
      'fields named twice',
      {
        query: `{ tenantSchema(id: "acme", module: "finance") { schemaName } tenantSchema(id: "acme", module: "finance") { schemaName generation } }`,
      },
    ],
    [
      'many',
      {
        query: many,
        variables: {
          keys: [
            { id: 'acme', module: 'finance' },
            { id: 'nobody', module: 'finance' },
            { id: 'asleep', module: 'dbtools' },
            { id: 'ACME', module: 'finance' },
          ],
        },
      },
    ],
    ['none', { query: many, variables: { keys: [] } }],
    ['a key instead of a list', { query: many, variables: { keys: { id: 'acme', module: 'finance' } } }],
    [
      'a key with a mistake',
      { query: many, variables: { keys: [{ id: 'acme', module: 'finance', more: 1 }, { id: null }] } },
    ],
    [
      'too many',
      {
        query: many,
        variables: { keys: Array.from({ length: 501 }, () => ({ id: 'acme', module: 'finance' })) },
      },
    ],
    [
      'fields that the caller may not read',
      { query: `{ tenantSchema(id: "acme", module: "finance") { schemaName config isConfigFile } }` },
    ],
    [
      'such fields of many',
      {
        query: `{ tenantSchemas(keys: [{ id: "acme", module: "finance" }, { id: "acme", module: "finance" }]) { ... on TenantSchema { isConfigFile config } } }`,
      },
    ],
    [
      'skip',
      {
        query: `query ($s: Boolean!) { tenantSchema(id: "acme", module: "finance") { schemaName @skip(if: $s) generation @include(if: $s) } }`,
        variables: { s: true },
      },
    ],
    [
      'skip by a default',
      {
        query: `query ($s: Boolean = false) { tenantSchema(id: "acme", module: "finance") { schemaName @skip(if: $s) ...F @include(if: $s) } } fragment F on TenantSchema { generation }`,
      },
    ],
    [
      'lists of the admin side',
      {
        query: `{ tenants(first: 2, orderBy: { field: NAME, direction: ASC }) { totalCount edges { cursor node { id slug version subscriptions { module { name } schemaName } members { edges { node { email } } } } } pageInfo { hasNextPage endCursor } } }`,
      },
    ],
    [
      'a tenant with all that hangs on it',
      {
        query: `{ tenant(id: "acme") { __typename name config settings { currency } subscriptions { module { name description } status history { edges { node { kind status } } } } } modules { name } }`,
      },
    ],
    ['a page that is none', { query: `{ tenants(first: 2, last: 2) { totalCount } }` }],
    [
      'a page that is too long',
      { query: `query ($n: Int) { tenants(first: $n) { edges { node { slug } } } }`, variables: { n: 101 } },
    ],
    ['a cursor that is none', { query: `{ tenants(after: "nonsense") { totalCount edges { cursor } } }` }],
    [
      'the audit log',
      {
        query: `{ auditLog(first: 3, filter: { kind: [TENANT_REGISTERED, OTHER] }) { edges { node { __typename kind kindText revision } } } }`,
      },
    ],
    ['a tier', { query: `{ explainResolution(id: "acme", module: "nothing") { code gate tier } }` }],
    [
      'the names of steps',
      { query: `{ tenant(id: "acme") { subscriptions { history { edges { node { steps { name } } } } } } }` },
    ],
    ['the schema', { query: `{ __schema { queryType { name } types { name } } }` }],
    ['a type', { query: `{ __type(name: "Tenant") { fields { name } } __typename }` }],
    [
      'the schema in a fragment',
      { query: `{ ...F } fragment F on Query { __schema { queryType { name } } }` },
    ],
    [
      'one of two operations',
      { query: `query A { a: __typename } query B { b: __typename }`, operationName: 'B' },
    ],
    ['a refused mutation', { query: register, variables: { input: { name: 'Acme', slug: 'acme' } } }],
    ['a mutation without its name', { query: register, variables: { input: {} } }],
    ['a mutation with a number as text', { query: register, variables: { input: { name: 7 } } }],
    [
      'a repeated mutation',
      { query: register, variables: { input: { name: 'Once', slug: 'once', idempotencyKey: 'once' } } },
    ],
    [
      'mutations of which the first is refused',
      {
        query: `mutation { a: resumeTenant(input: { tenantId: "nobody" }) { revision } b: resumeTenant(input: { tenantId: "nobody either" }) { revision } }`,
      },
    ],
  ])('%s', async (_what, asked) => {
    expect(await compare('POST', asked)).toBe(true);
    if (!asked.query.startsWith('mutation')) expect(await compare('GET', asked)).toBe(true);
  });

  const two = 'query A { a: __typename } query B { b: __typename }';
  test.each<[string, Asked & Record<string, unknown>]>([
    ['an empty name', { query: 'query A { __typename }', operationName: '' }],
    ['a name that is null', { query: '{ __typename }', operationName: null } as never],
    [
      'members of other protocols',
      { query: '{ __typename }', magic: true, id: 7, extensions: { operationId: 'x' } },
    ],
    ['a member that every object has', { query: '{ __typename }', constructor: 1, toString: null } as never],
    [
      'the hash of a document beside its text',
      { query: two, operationName: 'A', extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } },
    ],
    [
      'one refused alias beside one that is answered',
      { query: '{ a: tenantSchema(id: "nobody", module: "finance") { schemaName } b: __typename }' },
    ],
    [
      'nothing but refused aliases',
      { query: '{ a: tenantSchema(id: "nobody", module: "finance") { schemaName } }' },
    ],
  ])('%s', async (_what, asked) => {
    expect(await compare('POST', asked)).toBe(true);
    expect(await compare('GET', asked)).toBe(true);
  });

  test('a revision that is reached', async () => {
    const query = `query ($r: Revision) { tenantSchema(id: "acme", module: "finance", minRevision: $r) ${route} }`;
    expect(await compare('POST', { query, variables: { r: revision } })).toBe(true);
    const [epoch, number] = revision.split(':');
    expect(await compare('POST', { query, variables: { r: `${epoch}:${Number(number) + 1_000}` } })).toBe(
      true,
    );
  });

  test('an error that nobody expected', async () => {
    await gateway.psql('ALTER TABLE members RENAME TO lost_members');
    try {
      const query =
        '{ lost: tenant(id: "acme") { members { edges { node { email } } } } kept: tenant(id: "acme") { name } }';
      expect(await compare('POST', { query }, { developer })).toBe(true);
    } finally {
      await gateway.psql('ALTER TABLE lost_members RENAME TO members');
    }
  });
});

test.each([
  '{ tenant(id: ',
  '{ tenantz }',
  '{ ...F } fragment F on Query { ...F }',
  `{ ${'__typename '.repeat(200)} }`,
  `{ ${Array.from({ length: 60 }, (_, at) => `a${at}: tenants(first: 100) { edges { node { members { edges { node { id } } } } } }`).join(' ')} }`,
  '{'.repeat(14_000),
])('both engines refuse %j alike', async (query) => {
  expect(await compare('POST', { query }, callers)).toBe(true);
});

describe('the engine leaves to Yoga', () => {
  test.each<[string, unknown]>([
    ['an operation that is not there', { query: 'query A { __typename }', operationName: 'B' }],
    ['an operation without its name', { query: 'query A { __typename } query B { __typename }' }],
    [
      'an empty name where there are two',
      { query: 'query A { __typename } query B { __typename }', operationName: '' },
    ],
    ['an empty document', { query: '' }],
    ['a name that is a number', { query: 'query A { __typename }', operationName: 7 }],
    ['a subscription', { query: 'subscription { routesChanged { kind } }' }],
    ['variables that are a list', { query: '{ __typename }', variables: [] }],
    ['extensions that are text', { query: '{ __typename }', extensions: 'none' }],
    ['a list', [{ query: '{ __typename }' }]],
    ['null', null],
    ['no query', {}],
  ])('%s', async (_what, body) => {
    const parameters = readPost(JSON.stringify(body));
    const request = {
      method: 'POST',
      parameters,
      mediaType: 'application/json',
      facts: factsFor(developer),
    } as const;
    expect(engines.engine.answer(request)).toBeUndefined();
  });

  test('a mutation by GET', () => {
    const parameters = readGet('query=mutation{resumeTenant(input:{tenantId:"a"}){revision}}');
    expect(parameters).toBeDefined();
    const request = {
      method: 'GET',
      parameters,
      mediaType: 'application/json',
      facts: factsFor(developer),
    } as const;
    expect(engines.engine.answer(request)).toBeUndefined();
  });
});
