import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../../setup/gateway.js';

let gateway: TestGateway;
let key: string;
beforeAll(async () => {
  // As the setting GRAPHIQL is by default where keys are required.
  gateway = await openGateway({ authMode: 'required', config: { showsGraphiql: false } });
  key = await gateway.createKey('registry:read', 'resolve:*', 'documents:any');
});
afterAll(() => gateway?.close());

describe('the audits of graphql-http', () => {
  test('find no error, no warning and no notice', async () => {
    const schemaKey = await gateway.createKey('schema:read', 'resolve:*', 'documents:any');
    const audits = serverAudits({
      url: `${gateway.url}/graphql`,
      fetchFn: (url: string, init: RequestInit = {}) =>
        fetch(url, {
          ...init,
          headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${schemaKey}` },
        }),
    });
    const results = [];
    for (const audit of audits) results.push(await audit.fn());
    const found = results.flatMap((result) =>
      result.status === 'ok' ? [] : [`${result.id} ${result.status}: ${result.name} (${result.reason})`],
    );
    expect(results.length).toBeGreaterThan(50);
    expect(found).toEqual([]);
  });
});

interface Sent {
  method?: 'GET' | 'POST';
  /** Parameters of the query string. */
  search?: string;
  accept?: string;
  contentType?: string;
  body?: unknown;
}

/** As graphql-cop sends its requests; `body` is sent as JSON unless it is a text. */
async function send({ method = 'POST', search = '', accept = '*/*', ...sent }: Sent, secret?: string) {
  const response = await fetch(`${gateway.url}/graphql${search}`, {
    method,
    headers: {
      accept,
      ...(method === 'POST' && { 'content-type': sent.contentType ?? 'application/json' }),
      ...(secret && { authorization: `Bearer ${secret}` }),
    },
    ...(sent.body !== undefined && {
      body: typeof sent.body === 'string' ? sent.body : JSON.stringify(sent.body),
    }),
  });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: each check looks for other parts of the answer
  let json: any;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { text, json };
}

const cop = (query: string) => ({ body: { query, operationName: 'cop' } });
type Found = Awaited<ReturnType<typeof send>>;

/** The thirteen checks of graphql-cop: the request, and what it takes for a finding. */
const checks: [name: string, request: Sent, isFinding: (answer: Found) => boolean][] = [
  [
    'alias overloading',
    cop(`query cop { ${Array.from({ length: 101 }, (_, at) => `alias${at}:__typename`).join(' ')} }`),
    ({ json }) => Boolean(json?.data?.alias100),
  ],
  [
    'array-based query batching',
    { body: Array.from({ length: 10 }, () => ({ query: 'query cop { __typename }' })) },
    ({ json }) => json?.length >= 10,
  ],
  [
    'circular introspection',
    cop(
      'query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }',
    ),
    ({ json }) => json?.data?.__schema?.types?.length > 25,
  ],
  [
    'directive overloading',
    cop(`query cop { __typename ${'@aa'.repeat(10)} }`),
    ({ json }) => json?.errors?.length === 10,
  ],
  [
    'field duplication',
    cop(`query cop { ${'__typename \n'.repeat(500)} }`),
    ({ json }) => Boolean(json?.data?.__typename),
  ],
  [
    'field suggestions',
    cop('query cop { __schema { directive } }'),
    ({ text }) => text.includes('Did you mean'),
  ],
  [
    'mutation by GET',
    { method: 'GET', search: `?query=${encodeURIComponent('mutation cop {__typename}')}` },
    ({ json }) => Boolean(json?.data?.__typename),
  ],
  [
    'query by GET',
    { method: 'GET', search: `?query=${encodeURIComponent('query cop {__typename}')}` },
    ({ json }) => Boolean(json?.data?.__typename),
  ],
  ['GraphiQL', { method: 'GET', accept: 'text/html' }, ({ text }) => /graphiql|playground/i.test(text)],
  [
    'introspection',
    cop('query cop { __schema { types { name fields { name } } } }'),
    ({ json }) => Boolean(json?.data?.__schema?.types),
  ],
  [
    'url-encoded POST',
    { contentType: 'application/x-www-form-urlencoded', body: 'query=query+cop+%7B+__typename+%7D' },
    ({ json }) => Boolean(json?.data?.__typename),
  ],
  ['trace mode', cop('query cop { __typename }'), ({ text }) => text.toLowerCase().includes('"tracing"')],
  [
    'unhandled errors',
    cop('qwerty cop { abc }'),
    ({ json, text }) => Boolean(json?.errors?.[0]?.extensions?.exception) || text.includes('"exception"'),
  ],
];

describe('graphql-cop finds nothing:', () => {
  test('by thirteen checks', () => expect(checks).toHaveLength(13));

  test.each(checks)('%s', async (name, request, isFinding) => {
    expect(isFinding(await send(request))).toBe(false);
    // With a key, queries by GET are answered: a web page cannot send a key without a preflight request.
    if (name !== 'query by GET') expect(isFinding(await send(request, key))).toBe(false);
  });
});
