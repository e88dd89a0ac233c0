import { getIntrospectionQuery, isCompositeType, isListType, isObjectType, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from '../../../src/auth/caller.js';
import { RegistryError } from '../../../src/errors.js';
import { requireBudget } from '../../../src/graphql/limits/budget.js';
import { costOf, estimateCost } from '../../../src/graphql/limits/cost-estimate.js';
import {
  fieldCosts,
  listArguments,
  listSizes,
  workArguments,
} from '../../../src/graphql/limits/list-sizes.js';
import { schema } from '../../../src/graphql/schema.js';
import { openGateway, recordStatements, type TestGateway } from '../../setup/gateway.js';
import { graphqlResponse } from '../../setup/graphql-calls.js';
import { seed } from '../../setup/seed.js';
import { hostileRequests } from './support/hostile-documents.js';

let gateway: TestGateway;
let resolver: string;
let reader: string;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
  resolver = await gateway.createKey('resolve:*');
  reader = await gateway.createKey('registry:read', 'resolve:*', 'audit:read');
  // Keys are read from the database once.
  for (const key of [resolver, reader]) await gateway.ask('{ __typename }', {}, { key });
});
afterAll(() => gateway?.close());

function estimate(query: string, variables: Record<string, unknown> = {}): number {
  const document = parse(query);
  const [operation] = document.definitions;
  if (operation?.kind !== 'OperationDefinition') throw new Error('no operation');
  return costOf(estimateCost(schema, document, operation), variables);
}

const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

describe('the estimated cost of', () => {
  const pages =
    'query ($n: Int) { tenants(first: $n) { edges { node { name members(first: 10) { edges { node { email } } } } } } }';
  const keys = 'query ($k: [TenantSchemaKey!]!) { tenantSchemas(keys: $k) { __typename } }';
  test.each<[string, number, string, Record<string, unknown>?]>([
    ['a route', 1, '{ tenantSchema(id: "a", module: "finance") { schemaName } }'],
    ['fields of plain values', 0, '{ __typename }'],
    ['500 keys', 500, keys, { k: times(500, String) }],
    ['one key that is no list', 1, keys, { k: { id: 'a', module: 'finance' } }],
    ['more keys than the resolver takes', 500, keys, { k: times(9_000, String) }],
    // The connection, and for each edge: itself, the tenant and a connection of ten edges with a member.
    ['a page by a variable', 1 + 5 * 23, pages, { n: 5 }],
    ['a page of the usual length', 1 + 20 * 23, pages],
    ['a page of null', 1 + 20 * 23, pages, { n: null }],
    ['a page beyond the largest', 1 + 100 * 23, pages, { n: 2_147_483_647 }],
    ['a negative page', 1 + 20 * 23, pages, { n: -5 }],
    [
      'a page by the default of a variable',
      1 + 7 * 2,
      'query ($n: Int = 7) { tenants(first: $n) { edges { node { name } } } }',
    ],
    ['a page from its end', 1 + 3 * 2, '{ tenants(last: 3) { edges { node { name } } } }'],
    ['a count', 1 + 50, '{ tenants { totalCount } }'],
    [
      'nested lists',
      1 + 4 * (1 + 1 + 20 * (2 + 4)),
      '{ tenant(id: "a") { subscriptions { history { edges { node { steps { name } } } } } } }',
    ],
    [
      'a preview, with the tenants that it evaluates',
      900 + 1 + 5,
      '{ bulkPreview(change: RESUME, tenantIds: ["a"]) { refused { code } } }',
    ],
    [
      'two previews',
      2 * 901,
      '{ a: bulkPreview(change: RESUME) { changed } b: bulkPreview(change: RESUME) { changed } }',
    ],
    [
      'records of usage, whose results are not asked for',
      1 + 3,
      'mutation { recordUsages(input: { records: [{}, {}, {}] }) { revision } }',
    ],
    ...[
      [
        'a variable',
        'mutation ($r: [UsageRecordInput!]!) { recordUsages(input: { records: $r })',
        { r: times(9, String) },
        9,
      ],
      [
        'the variable of the input',
        'mutation ($r: RecordUsagesInput!) { recordUsages(input: $r)',
        { r: { records: times(9, String) } },
        9,
      ],
      [
        'too many',
        'mutation ($r: RecordUsagesInput!) { recordUsages(input: $r)',
        { r: { records: times(9_000, String) } },
        500,
      ],
      [
        'a variable that is not given',
        'mutation ($r: RecordUsagesInput!) { recordUsages(input: $r)',
        {},
        500,
      ],
    ].map(([what, begin, variables, count]): [string, number, string, Record<string, unknown>] => [
      `records of usage with their results: ${what}`,
      1 + Number(count) * 3,
      `${begin} { results { ... on UsageRecorded { usage { used } } } } }`,
      variables as Record<string, unknown>,
    ]),
    ['numbers of operations, which count rows', 1 + 200 + 1, '{ registryStats { operations { failed } } }'],
    [
      'one field that is selected twice',
      1 + 4,
      '{ tenant(id: "a") { subscriptions { status } } tenant(id: "a") { subscriptions { version } } }',
    ],
    ['aliases', 1 + 4 + 4, '{ tenant(id: "a") { x: subscriptions { status } y: subscriptions { status } } }'],
    [
      'a fragment',
      1 + 4,
      '{ tenant(id: "a") { ...T } } fragment T on Tenant { ... on Tenant { subscriptions { status } } }',
    ],
    [
      'a fragment on the connection',
      1 + 2 * 2,
      '{ tenants(first: 2) { ...C } } fragment C on TenantConnection { edges { node { id } } }',
    ],
    [
      'a field under a directive, whatever its condition',
      1 + 4,
      'query ($yes: Boolean!) { tenant(id: "a") { subscriptions @include(if: $yes) { status } } }',
      { yes: false },
    ],
  ])('%s is %i', (_what, cost, query, variables) => {
    expect(estimate(query, variables)).toBe(cost);
  });

  test('the whole schema, as tools ask for it, is within the budget', () => {
    const cost = estimate(getIntrospectionQuery());
    expect(cost).toBeGreaterThan(100);
    expect(cost).toBeLessThan(20_000);
  });

  test('each field with a cost of its own is in the schema', () => {
    const unknown = [...Object.keys(fieldCosts), ...Object.keys(workArguments)].filter((coordinate) => {
      const [type = '', field = ''] = coordinate.split('.');
      const parent = schema.getType(type);
      return !isObjectType(parent) || !(field in parent.getFields());
    });
    expect(unknown).toEqual([]);
  });

  test('each list of the schema without an argument for its length has a size', () => {
    const lists = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type) && !type.name.startsWith('__') && !/Connection$/.test(type.name)
        ? Object.values(type.getFields())
            .filter(({ type: of, args }) => {
              const inner = 'ofType' in of ? of.ofType : of;
              const item = isListType(inner) ? inner.ofType : undefined;
              const named = item && 'ofType' in item ? item.ofType : item;
              return isCompositeType(named) && !args.some(({ name }) => name === 'first' || name === 'last');
            })
            .map(({ name }) => `${type.name}.${name}`)
        : [],
    );
    const ofWork = Object.values(workArguments).map(({ list }) => list);
    expect(lists.sort()).toEqual(
      [...Object.keys(listSizes), ...Object.keys(listArguments), ...ofWork].sort(),
    );
  });
});

describe('the budget', () => {
  const caller = (...scopes: string[]): Caller => ({
    kind: 'api-key',
    actor: 'api-key:x',
    scopes: new Set(scopes),
  });
  const budgets = { resolve: 10, read: 100 };
  const check =
    (cost: number, ...scopes: string[]) =>
    () =>
      requireBudget(budgets, caller(...scopes), { fixed: cost, products: [] }, undefined);

  test.each<[string[], number]>([
    [['resolve:finance'], 10],
    [['resolve:*', 'documents:any'], 10],
    [[], 10],
    [['resolve:*', 'registry:read'], 100],
    [['audit:read'], 100],
    [['*'], 100],
  ])('of a caller with %j is %i', (scopes, budget) => {
    expect(check(budget, ...scopes)).not.toThrow();
    expect(check(budget + 1, ...scopes)).toThrow(
      new RegistryError(
        'QUERY_TOO_COMPLEX',
        `The operation has an estimated cost of ${budget + 1}, and the budget of this caller is ${budget}: ` +
          'ask for smaller pages (first) or fewer nested lists',
      ),
    );
  });
});

const ask = (key: string, query: string, variables = {}) =>
  gateway.ask(query, variables, { key, accept: graphqlResponse });

describe('QUERY_TOO_COMPLEX is the answer, without a statement, to', () => {
  const route = (at: number) => `r${at}: tenantSchema(id: "t${at}", module: "finance") { schemaName }`;
  const deep = (depth: number): string => (depth === 0 ? 'id' : `x { ${deep(depth - 1)} }`);
  test.each<[string, string, RegExp]>([
    ['too many tokens', `{ ${'a '.repeat(15_000)} }`, /15000 tokens/],
    [
      'too many brackets',
      `{ tenants(filter: { config: ${'['.repeat(60)}${']'.repeat(60)} }) { totalCount } }`,
      /50 brackets/,
    ],
    ['a stack of brackets that would exhaust the parser', '{'.repeat(14_000), /50 brackets/],
    ['a deep selection', `{ ${deep(20)} }`, /20 fields within each other/],
    ['101 aliases of one field', `{ ${times(101, (at) => `a${at}: __typename`).join(' ')} }`, /100 aliases/],
    ['501 aliases of tenantSchema', `{ ${times(501, route).join(' ')} }`, /500 aliases of tenantSchema/],
    ['repeated fields', `{ ${'__typename '.repeat(500)} }`, /repeats more than 50 fields/],
    ['directives in one place', `{ __typename ${'@a'.repeat(10)} }`, /4 directives in one place/],
    [
      'fragments that multiply',
      `{ ...F0 } ${times(20, (at) => `fragment F${at} on Query { ...F${at + 1} ... on Query { a: __typename ...F${at + 1} } }`).join(' ')} fragment F20 on Query { __typename }`,
      /more than 10000 fields/,
    ],
    ['many operations', times(21, (at) => `query Q${at} { __typename }`).join(' '), /10 operations/],
    ['many fragments', times(101, (at) => `fragment F${at} on Query { a }`).join(' '), /50 fragments/],
    ['many spreads', `{ ${'...F '.repeat(51)} } fragment F on Query { __typename }`, /20 fragments/],
    [
      'pages within pages',
      '{ tenants(first: 100) { edges { node { subscriptions { history(first: 100) { edges { node { id } } } } } } } }',
      /estimated cost of \d+, and the budget of this caller is 20000/,
    ],
  ])('%s', async (_what, query, message) => {
    const statements = await recordStatements(async () => {
      const { status, codes, errors } = await ask(reader, query);
      expect([status, codes]).toEqual([400, ['QUERY_TOO_COMPLEX']]);
      expect(errors[0]?.message).toMatch(message);
    });
    expect(statements).toEqual([]);
  });

  test('a query that a key for routes has no budget for, and a reader has', async () => {
    const query = '{ tenants(first: 100) { edges { node { members { edges { node { email } } } } } } }';
    expect((await ask(resolver, query)).errors[0]?.message).toContain('the budget of this caller is 1000');
    expect((await ask(reader, query)).errors).toEqual([]);
  });

  test('a subscription with the same faults, and no stream begins', async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${resolver}`,
      },
      body: JSON.stringify({
        query: `subscription { routesChanged { ${times(101, (at) => `k${at}: kind`).join(' ')} } }`,
      }),
    });
    const body = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect([response.status, body.errors[0]?.extensions.code]).toEqual([400, 'QUERY_TOO_COMPLEX']);
  });

  test('500 aliases of tenantSchema, and 500 keys, are answered', async () => {
    const aliases = await ask(resolver, `{ ${times(500, route).join(' ')} }`);
    expect(aliases.codes).toEqual(times(500, () => 'TENANT_NOT_FOUND'));
    const keys = times(500, (at) => ({ id: `t${at}`, module: 'finance' }));
    const query = 'query ($keys: [TenantSchemaKey!]!) { tenantSchemas(keys: $keys) { __typename } }';
    const { data } = await ask(resolver, query, { keys });
    expect(data.tenantSchemas).toHaveLength(500);
  });
});

test('hostile documents are refused by code, and never by an unexpected error', async () => {
  const codes: Record<string, string[]> = {};
  for (const { kind, query, variables } of hostileRequests(seed, 64)) {
    const answer = await ask(reader, query, variables);
    codes[kind] = [...(codes[kind] ?? []), answer.codes[0] ?? 'answered'];
  }
  const expected = /^(QUERY_TOO_COMPLEX|VALIDATION_ERROR|FORBIDDEN|answered)$/;
  const unexpected = Object.entries(codes).filter(([, found]) => !found.every((code) => expected.test(code)));
  expect({ seed, unexpected }).toEqual({ seed, unexpected: [] });
  const complex = Object.values(codes)
    .flat()
    .filter((code) => code === 'QUERY_TOO_COMPLEX');
  expect({ seed, complex: complex.length > 30 }).toEqual({ seed, complex: true });
});
