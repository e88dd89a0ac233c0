import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let gateway: TestGateway;
let acme: StoryTenant;
let key: string;
beforeAll(async () => {
  gateway = await openGateway();
  acme = await aTenant().subscribedTo('finance').at(gateway);
  key = await gateway.createKey('resolve:*', 'registry:read');
});
afterAll(() => gateway?.close());

/** Runs on another database of the same server, because the registry is unavailable in these tests. */
const onServer = (sql: string) => gateway.psqlIn('finance', sql);

const cutConnections = () =>
  onServer(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${gateway.registry.name}'`,
  );

describe.each([
  { how: 'lets nobody in', nameMeanwhile: () => gateway.registry.name },
  { how: 'is gone', nameMeanwhile: () => `${gateway.registry.name}_away` },
])('while the registry database $how', ({ nameMeanwhile }) => {
  async function rename(from: string, to: string) {
    if (from !== to) await onServer(`ALTER DATABASE ${from} RENAME TO ${to}`);
  }

  beforeAll(async () => {
    await onServer(`ALTER DATABASE ${gateway.registry.name} ALLOW_CONNECTIONS false`);
    await cutConnections();
    await rename(gateway.registry.name, nameMeanwhile());
  });
  afterAll(async () => {
    await rename(nameMeanwhile(), gateway.registry.name);
    await onServer(`ALTER DATABASE ${gateway.registry.name} ALLOW_CONNECTIONS true`);
  });

  test('resolution answers REGISTRY_UNAVAILABLE for known and unknown tenants', async () => {
    for (const id of [acme.id, acme.slug, 'nobody']) {
      const { status, data, codes } = await gateway.ask(
        `query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName } }`,
        { id },
        { accept: graphqlResponse },
      );
      expect({ status, data, codes }).toEqual({
        // There is data.
        status: 200,
        data: { tenantSchema: null },
        codes: ['REGISTRY_UNAVAILABLE'],
      });
    }
  });

  test('each key of a batch is refused with REGISTRY_UNAVAILABLE, and the batch is answered', async () => {
    const { data, errors } = await gateway.ask(
      `query ($id: ID!) {
         tenantSchemas(keys: [{ id: $id, module: "finance" }, { id: "nobody", module: "finance" }]) {
           ... on TenantSchemaRefusal { code }
         }
       }`,
      { id: acme.id },
    );
    expect(errors).toEqual([]);
    expect(data.tenantSchemas).toEqual([{ code: 'REGISTRY_UNAVAILABLE' }, { code: 'REGISTRY_UNAVAILABLE' }]);
  });

  test.each([
    ['a tenant', 200, `{ tenant(id: "nobody") { name } }`],
    ['the list of tenants', 503, `{ tenants { totalCount edges { node { name } } } }`],
    ['the catalogue', 503, `{ modules { name } }`],
    ['the audit log', 503, `{ auditLog { edges { node { kind } } } }`],
  ])('%s is unavailable, not unknown', async (_what, expected, query) => {
    const { status, codes } = await gateway.ask(query, {}, { accept: graphqlResponse });
    expect([status, ...new Set(codes)]).toEqual([expected, 'REGISTRY_UNAVAILABLE']);
  });

  test('a mutation is refused with REGISTRY_UNAVAILABLE', async () => {
    const suspended = await mutate(gateway, 'suspendTenant', { tenantId: acme.id, reason: 'never' });
    expect(suspended.codes).toEqual(['REGISTRY_UNAVAILABLE']);
  });

  test('an API key that cannot be checked is not reported as unknown', async () => {
    const { status, codes } = await gateway.ask('{ modules { name } }', {}, { key });
    expect([status, codes]).toEqual([503, ['REGISTRY_UNAVAILABLE']]);
  });
});

describe('after the outage', () => {
  test('all requests are answered again', async () => {
    expect(await resolve(gateway, acme.id)).toBe(`finance_${acme.slug}`);
    expect(await resolve(gateway, acme.id, 'finance', { key })).toBe(`finance_${acme.slug}`);
    const updated = await mutate(gateway, 'updateTenant', { tenantId: acme.id, name: 'Back again' });
    expect(updated.codes).toEqual([]);
  });

  test('connections that the server closed during the outage fail no request', async () => {
    await gateway.ask('{ modules { name } }');
    await cutConnections();
    // This process notices the closed connection a moment later.
    await new Promise((wake) => setTimeout(wake, 100));
    expect(await resolve(gateway, acme.id)).toBe(`finance_${acme.slug}`);
    expect((await gateway.ask('{ modules { name } }')).errors).toEqual([]);
  });
});
