import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSecret } from '../../src/auth/api-key.js';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { noRates } from '../setup/no-rates.js';
import { openRedisServer } from '../setup/redis.js';
import { aTenant } from '../setup/stories.js';
import { until } from '../setup/until.js';
import { describeWithRedis } from '../setup/with-redis.js';

const failuresPerMinute = 30;

let plain: TestGateway;
beforeAll(async () => {
  plain = await openGateway({ authMode: 'required' });
});
afterAll(() => plain?.close());

/** A gateway on the same registry, with limits of its own. */
const withRates = (rates: Partial<typeof noRates>, redisUrl?: string) =>
  openGateway({
    sharing: plain,
    authMode: 'required',
    config: { rates: { ...noRates, ...rates }, redisUrl },
  });

const doors = {
  GraphQL: (url: string, key: string) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: '{"query":"{ __typename }"}',
    }),
  REST: (url: string, key: string) =>
    fetch(`${url}/api/tenants`, { headers: { authorization: `Bearer ${key}` } }),
  lease: (url: string, key: string) =>
    fetch(`${url}/lease`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: '{"client":"00000000-0000-4000-8000-000000000000"}',
    }),
};
type Door = keyof typeof doors;
const doorNames = Object.keys(doors) as Door[];

async function refusalOf(response: Response) {
  const body = (await response.json()) as {
    errors?: { extensions: { code: string } }[];
    error?: { code: string };
  };
  const code = body.errors?.[0]?.extensions.code ?? body.error?.code;
  const { headers, status } = response;
  return { status, code, retryAfter: headers.get('retry-after'), rate: headers.get('ratelimit') };
}

describe('failed authentications', () => {
  test.each([
    ['GraphQL', 2_000],
    ['REST', 200],
    ['lease', 200],
  ] as const)('at %s, %i random keys cost at most 50 statements and end in 429', async (door, keys) => {
    await using gateway = await withRates({ failedAuthenticationsPerMinute: failuresPerMinute });
    const statuses: number[] = [];
    const statements = await recordStatements(async () => {
      for (let batch = 0; batch < keys / 100; batch++)
        await Promise.all(
          Array.from({ length: 100 }, async () => {
            const response = await doors[door](gateway.url, createSecret());
            statuses.push(response.status);
            await response.arrayBuffer();
          }),
        );
    });
    expect(statements.length).toBeLessThanOrEqual(50);
    expect(statuses.filter((status) => status === 401)).toHaveLength(failuresPerMinute);
    expect(statuses.filter((status) => status === 429)).toHaveLength(keys - failuresPerMinute);
    const refusal = await refusalOf(await doors[door](gateway.url, createSecret()));
    expect(refusal).toEqual({
      status: 429,
      code: 'RATE_LIMITED',
      retryAfter: expect.stringMatching(/^\d+$/),
      rate: expect.stringMatching(/^"failed-authentications";r=0;t=\d+$/),
    });
  });

  test('malformed and misspelt keys cost none, and end in 429 too', async () => {
    await using gateway = await withRates({ failedAuthenticationsPerMinute: failuresPerMinute });
    const wrong = [`trk_${randomBytes(32).toString('base64url')}`, 'trk_short', 'Zm9v', 'a.b.c'];
    const statuses = new Set<number>();
    const statements = await recordStatements(async () => {
      for (let time = 0; time < failuresPerMinute + 5; time++)
        statuses.add((await doors.GraphQL(gateway.url, wrong[time % wrong.length] ?? '')).status);
    });
    expect([...statuses]).toEqual([401, 429]);
    expect(statements).toEqual([]);
  });

  test('a key that is known keeps working at an address where others fail, also after a change of keys', async () => {
    await using gateway = await withRates({ failedAuthenticationsPerMinute: 3 });
    const [key, stranger] = [
      await gateway.createKey('resolve:*', 'registry:read'),
      await plain.createKey('registry:read'),
    ];
    const statusOf = async (door: Door, secret: string) => (await doors[door](gateway.url, secret)).status;
    expect(await statusOf('GraphQL', key)).toBe(200);
    for (let time = 0; time < 5; time++) await doors.GraphQL(gateway.url, createSecret());
    expect(await statusOf('GraphQL', createSecret())).toBe(429);
    for (const door of doorNames) expect(await statusOf(door, key), door).toBe(200);
    // Another key was created, so memory's proof for this one does not hold any more and it is looked up again.
    await gateway.createKey('registry:read');
    for (const door of doorNames) expect(await statusOf(door, key), door).toBe(200);
    expect(await statusOf('GraphQL', stranger), 'a good key that is new here').toBe(429);
  });

  test('a request without credentials is no failure', async () => {
    await using gateway = await withRates({ failedAuthenticationsPerMinute: 3 });
    for (let time = 0; time < 10; time++)
      expect((await fetch(`${gateway.url}/graphql?query={__typename}`)).status).toBe(401);
  });
});

describe('mutations', () => {
  const suspend = (alias: string) =>
    `${alias}: suspendTenant(input: { tenantId: "nobody", reason: "x" }) { revision }`;

  test('count per caller, by fields and not by documents, at GraphQL and REST together', async () => {
    await using gateway = await withRates({ mutationsPerMinute: 4 });
    const [key, other] = [
      await gateway.createKey('registry:write'),
      await gateway.createKey('registry:write'),
    ];
    const first = await gateway.ask(
      `mutation { ${suspend('a')} ...more } fragment more on Mutation { ${suspend('b')} }`,
      {},
      { key },
    );
    expect(first.codes).toEqual(['TENANT_NOT_FOUND', 'TENANT_NOT_FOUND']);
    expect(first.headers.get('ratelimit')).toMatch(/^"mutations";r=2;t=\d+$/);
    expect(first.headers.get('ratelimit-policy')).toBe('"mutations";q=4;w=60');
    const deleted = await fetch(`${gateway.url}/api/tenants/nobody`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${key}` },
    });
    expect([deleted.status, deleted.headers.get('ratelimit')]).toEqual([
      404,
      expect.stringMatching(/^"mutations";r=1;/),
    ]);
    const both = await gateway.ask(`mutation { ${suspend('a')} ${suspend('b')} }`, {}, { key });
    expect([both.status, both.codes, both.data]).toEqual([429, ['RATE_LIMITED'], undefined]);
    expect(both.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await gateway.ask(`mutation { ${suspend('a')} }`, {}, { key })).codes).toEqual([
      'TENANT_NOT_FOUND',
    ]);
    const refused = await fetch(`${gateway.url}/api/tenants/nobody`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${key}` },
    });
    expect(await refusalOf(refused)).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
    // The engine, which counts, leaves these to Yoga: Yoga must not execute them.
    for (const more of [{ extensions: [] }, { variables: [] }]) {
      const byYoga = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({ query: `mutation { ${suspend('a')} }`, ...more }),
      });
      expect(await refusalOf(byYoga)).toMatchObject({ status: 400, code: 'VALIDATION_ERROR' });
    }
    expect((await gateway.ask('{ __typename }', {}, { key })).status).toBe(200);
    expect((await gateway.ask(`mutation { ${suspend('a')} }`, {}, { key: other })).codes).toEqual([
      'TENANT_NOT_FOUND',
    ]);
  });
});

describe('resolutions', () => {
  const batch = (slug: string, count: number) =>
    `{ tenantSchemas(keys: [${`{ id: "${slug}", module: "finance" }`.repeat(count)}]) {
      __typename ... on TenantSchemaRefusal { code } } }`;
  const single = (slug: string) => `{ tenantSchema(id: "${slug}", module: "finance") { schemaName } }`;

  test('are limited where that is configured, per caller and per tenant', async () => {
    const provisioner = await plain.createKey('registry:write', 'provision', 'resolve:*');
    const asking = {
      ask: ((query, variables) => plain.ask(query, variables, { key: provisioner })) as TestGateway['ask'],
    };
    const [acme, beta] = [
      await aTenant().subscribedTo('finance').at(asking),
      await aTenant().subscribedTo('finance').at(asking),
    ];
    const key = await plain.createKey('resolve:finance');

    await using perCaller = await withRates({ resolutionsPerSecond: 5 });
    const whole = await perCaller.ask(batch(acme.slug, 6), {}, { key });
    expect(new Set(whole.data.tenantSchemas.map(({ code }: { code: string }) => code))).toEqual(
      new Set(['RATE_LIMITED']),
    );
    const some = await perCaller.ask(batch(acme.slug, 5), {}, { key });
    expect(some.data.tenantSchemas).toEqual(
      Array.from({ length: 5 }, () => ({ __typename: 'TenantSchema' })),
    );

    await using perTenant = await withRates({ tenantResolutionsPerSecond: 5 });
    const asked = await perTenant.ask(
      `{ ${[1, 2, 3, 4, 5, 6, 7].map((n) => `a${n}: tenantSchema(id: "${n % 2 ? acme.slug : acme.id}", module: "finance") { schemaName }`).join(' ')} }`,
      {},
      { key, accept: 'application/graphql-response+json' },
    );
    expect(asked.codes).toEqual(['RATE_LIMITED', 'RATE_LIMITED']);
    expect(asked.headers.get('retry-after')).toBe('1');
    expect((await perTenant.ask(single(beta.slug), {}, { key })).codes).toEqual([]);
    expect((await plain.ask(batch(acme.slug, 500), {}, { key })).codes).toEqual([]);
  });
});

describeWithRedis('with Redis', () => {
  test('gateways count together, and each for itself while Redis hangs or is away', async () => {
    const redis = await openRedisServer();
    try {
      await using one = await withRates({ failedAuthenticationsPerMinute: 6 }, redis.url);
      await using two = await withRates({ failedAuthenticationsPerMinute: 6 }, redis.url);
      const fail = async ({ url }: TestGateway) => (await doors.GraphQL(url, createSecret())).status;
      // Redis may not be connected yet, so a failure may be counted by one gateway alone.
      await until(async () => {
        await fail(one);
        return (await redis.command('DBSIZE')) !== 0;
      });
      await until(async () => (await fail(two)) === 429);
      const [name] = (await redis.command('KEYS', 'tenant-registry:rate:*')) as string[];
      expect(name).toMatch(/^tenant-registry:rate:failed-authentications:[\w-]{22}$/);

      redis.freeze();
      await using three = await withRates({ failedAuthenticationsPerMinute: 6 }, redis.url);
      const statuses: number[] = [];
      for (let time = 0; time < 8; time++) statuses.push(await fail(three));
      expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429, 429]);
    } finally {
      redis.thaw();
      await redis.close();
    }
  });
});
