import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Caller } from '../../src/auth/caller.js';
import { DocumentTime } from '../../src/rates/document-time.js';
import { RateLimit } from '../../src/rates/rate-limit.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { noRates } from '../setup/no-rates.js';

describe('the time of a caller’s documents', () => {
  const caller = (actor: string, kind = 'apiKey') => ({ actor, kind }) as Caller;
  const [one, other] = [caller('one'), caller('other')];
  const open = () => {
    const clock = { now: 0 };
    const read = () => clock.now;
    const limit = new RateLimit({ name: 'documents', quota: 200, windowSeconds: 10 }, { clock: read });
    return { clock, time: new DocumentTime(limit, read) };
  };

  test('refuses this caller alone, until the window ends', () => {
    const { clock, time } = open();
    time.add(one, 199);
    expect(time.refusal(one)).toBeUndefined();
    clock.now = 4_000;
    time.add(one, 1);
    expect(time.refusal(one)).toMatchObject({
      code: 'RATE_LIMITED',
      state: { remaining: 0, resetSeconds: 6 },
    });
    expect(time.refusal(other)).toBeUndefined();
    clock.now = 9_999;
    expect(time.refusal(one)).toBeDefined();
    clock.now = 10_000;
    expect(time.refusal(one)).toBeUndefined();
  });

  test('is not counted in open mode', () => {
    const { time } = open();
    const developer = caller('developer', 'developer');
    time.add(developer, 10_000);
    expect(time.refusal(developer)).toBeUndefined();
  });
});

describe('a caller whose documents took too long', () => {
  let gateway: TestGateway;
  let key: string;
  let other: string;
  const known = '{ tenants(first: 1) { totalCount } }';
  const post = (secret: string, request: object | string, headers: Record<string, string> = {}) =>
    fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}`, ...headers },
      body: typeof request === 'string' ? request : JSON.stringify(request),
    });
  const get = (secret: string, query: string) =>
    fetch(`${gateway.url}/graphql?query=${encodeURIComponent(query)}`, {
      headers: { authorization: `Bearer ${secret}` },
    });
  const codesOf = async (response: Response) => {
    const { errors = [] } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
    return [response.status, ...errors.map(({ extensions }) => extensions.code)];
  };

  beforeAll(async () => {
    gateway = await openGateway({
      authMode: 'required',
      config: { rates: { ...noRates, documentMsPer10Seconds: 200 } },
    });
    const scopes = ['registry:read', 'resolve:*', 'schema:read'];
    [key, other] = [await gateway.createKey(...scopes), await gateway.createKey(...scopes)];
    // By a key of its own: a first document may take long on a cold gateway.
    const first = await gateway.createKey(...scopes);
    for (const query of [known, getIntrospectionQuery()])
      expect(await codesOf(await post(first, { query }))).toEqual([200]);
  });
  beforeEach(async () => {
    // Each has another text, so no document cache shortens it; and the window must last for the test.
    for (;;) {
      const unknown = `x${performance.now().toFixed(3).replace('.', 'x')}`;
      const query = `{ ${Array.from({ length: 500 }, (_, field) => `${unknown}x${field}`).join(' ')} }`;
      const response = await post(key, { query });
      const [status, code] = await codesOf(response);
      if (status !== 429) expect([status, code]).toEqual([200, 'VALIDATION_ERROR']);
      else if (Number(response.headers.get('retry-after')) >= 5) break;
    }
  });
  afterAll(() => gateway?.close());

  test.each<[string, () => Promise<Response>]>([
    ['a new document', () => post(key, { query: '{ tenants(first: 2) { totalCount } }' })],
    ['a document with a syntax error', () => post(key, { query: '{' })],
    ['introspection, though it is known', () => post(key, { query: getIntrospectionQuery() })],
    ['a long body', () => post(key, { query: known, variables: { text: 'x'.repeat(20_000) } })],
    ['a body that is no JSON', () => post(key, '{"query"')],
    [
      'a subscription',
      () =>
        post(
          key,
          { query: 'subscription { routesChanged { __typename } }' },
          { accept: 'text/event-stream' },
        ),
    ],
    ['a new document by GET', () => get(key, '{ modules { name } }')],
  ])('is refused %s', async (_name, send) => {
    const response = await send();
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(response.headers.get('ratelimit')).toMatch(/^"document-milliseconds";r=0;t=\d+$/);
    expect(await codesOf(response)).toEqual([429, 'RATE_LIMITED']);
  });

  test('is answered a document that the gateway knows, by POST and by GET', async () => {
    expect(await codesOf(await post(key, { query: known }))).toEqual([200]);
    expect(await codesOf(await get(key, known))).toEqual([200]);
  });

  test('costs no other caller anything', async () => {
    expect(await codesOf(await post(other, { query: '{ tenants(first: 3) { totalCount } }' }))).toEqual([
      200,
    ]);
  });
});

test('documents that are executed count nothing, however long they take on a cold gateway', async () => {
  await using cold = await openGateway({
    authMode: 'required',
    config: { rates: { ...noRates, documentMsPer10Seconds: 1 } },
  });
  const key = await cold.createKey('registry:read', 'schema:read');
  for (let at = 1; at <= 5; at++) {
    const fields = Array.from({ length: 100 }, (_, field) => `a${field}: slug`).join(' ');
    const query = `{ tenants(first: ${at}) { edges { node { ${fields} } } } }`;
    expect((await cold.ask(query, {}, { key })).codes).toEqual([]);
  }
  expect((await cold.ask(getIntrospectionQuery(), {}, { key })).codes).toEqual([]);
});
