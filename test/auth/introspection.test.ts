import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse } from '../setup/graphql-calls.js';

let gateway: TestGateway;
let reader: string;
let other: string;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
  reader = await gateway.createKey('schema:read');
  other = await gateway.createKey(
    'registry:read',
    'registry:write',
    'resolve:*',
    'audit:read',
    'documents:any',
  );
});
afterAll(() => gateway?.close());

const documents: [string, string][] = [
  ['as tools ask', getIntrospectionQuery()],
  ['by __schema', '{ __schema { queryType { name } } }'],
  ['by __type', '{ __type(name: "Tenant") { fields { name } } }'],
  ['under another name', '{ hidden: __type(name: "Tenant") { name } }'],
  ['in an inline fragment', '{ ... on Query { __schema { types { name } } } }'],
  [
    'in a fragment of a fragment',
    '{ ...F } fragment F on Query { ...G } fragment G on Query { __schema { types { name } } }',
  ],
  ['beside something else', '{ __typename __schema { types { name } } }'],
  ['on a condition', 'query ($yes: Boolean = true) { __schema @include(if: $yes) { types { name } } }'],
];

describe('the schema', () => {
  test.each(documents)('queried %s, is returned for a key with schema:read', async (_how, query) => {
    const { data, errors } = await gateway.ask(query, {}, { key: reader });
    expect(errors).toEqual([]);
    expect(data.__schema ?? data.__type ?? data.hidden).toBeTruthy();
  });

  test.each(documents)(
    'queried %s, is refused for every other key, also after a permitted query',
    async (_how, query) => {
      for (const _time of [1, 2]) {
        await gateway.ask(query, {}, { key: reader });
        const { status, data, errors } = await gateway.ask(
          query,
          {},
          { key: other, accept: graphqlResponse },
        );
        expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', http: { status: 403 } } }]);
        expect(errors[0]?.message).toContain('schema:read');
        expect(status).toBe(403);
        expect(data ?? null).toBeNull();
      }
    },
  );

  test('is refused by GET as well', async () => {
    const response = await fetch(
      `${gateway.url}/graphql?query=${encodeURIComponent('{ __schema { types { name } } }')}`,
      {
        headers: { authorization: `Bearer ${other}`, accept: graphqlResponse },
      },
    );
    expect(response.status).toBe(403);
  });

  test('is not needed for __typename', async () => {
    const { data, errors } = await gateway.ask('{ __typename modules { __typename } }', {}, { key: other });
    expect(errors).toEqual([]);
    expect(data.__typename).toBe('Query');
  });

  test('is returned for the developer', async () => {
    await using open = await openGateway({ sharing: gateway });
    const { data } = await open.ask('{ __schema { queryType { name } } }');
    expect(data.__schema.queryType.name).toBe('Query');
  });
});
