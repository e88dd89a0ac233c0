import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, resolve } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { everyOperation, withTitles } from './support/every-operation.js';

let gateway: TestGateway;
let acme: StoryTenant;
beforeAll(async () => {
  gateway = await openGateway();
  acme = await aTenant().subscribedTo('finance', 'operations').at(gateway);
});
afterAll(() => gateway?.close());

const operations = everyOperation();
const resolving = ['tenantSchema', 'tenantSchemas', 'explainResolution'];
/** Open to every caller; an object that the caller may not read by `node` is null. */
const open = ['viewer', 'node', 'nodes'];
/** One document per query and mutation. */
const oneOfEach = [...new Map(operations.map((operation) => [operation.field, operation])).values()];

async function head(): Promise<string> {
  const [row] = await gateway.psql<{ revision: string }>('SELECT revision FROM registry_head');
  return row?.revision ?? '';
}

/** The scope of each field according to its description. */
const scopeOf: Record<string, string> = {
  tenant: 'registry:read',
  tenants: 'registry:read',
  modules: 'registry:read',
  module: 'registry:read',
  gateways: 'registry:read',
  slugSuggestion: 'registry:read',
  apiKeys: 'keys:manage',
  operation: 'registry:read',
  operations: 'registry:read',
  rollout: 'registry:read',
  rollouts: 'registry:read',
  rolloutPlan: 'registry:read',
  auditLog: 'audit:read',
  clientConfig: 'registry:read',
  clientConfigs: 'registry:read',
  registerTenant: 'registry:write',
  updateTenant: 'registry:write',
  suspendTenant: 'registry:write',
  resumeTenant: 'registry:write',
  deleteTenant: 'registry:write',
  suspendTenants: 'registry:write',
  resumeTenants: 'registry:write',
  subscribeTenants: 'registry:write',
  updateTenants: 'registry:write',
  bulkPreview: 'registry:read',
  restoreTenant: 'registry:write',
  purgeTenant: 'registry:write',
  updateTenantConfig: 'registry:write',
  updateTenantSettings: 'registry:write',
  updateTenantBranding: 'registry:write',
  inviteTenantMember: 'registry:write',
  updateTenantMember: 'registry:write',
  addTenantExternalId: 'registry:write',
  removeTenantExternalId: 'registry:write',
  removeTenantMember: 'registry:write',
  revokeInvitation: 'registry:write',
  acceptInvitation: 'registry:write',
  registerModule: 'registry:write',
  updateModule: 'registry:write',
  updatePlanLimits: 'registry:write',
  planLimits: 'registry:read',
  registryStats: 'registry:read',
  recordUsage: 'usage:record',
  recordUsages: 'usage:record',
  checkQuota: 'usage:record',
  retireModule: 'registry:write',
  removeModule: 'registry:write',
  subscribeTenantToModule: 'registry:write',
  unsubscribeTenantFromModule: 'registry:write',
  suspendSubscription: 'registry:write',
  resumeSubscription: 'registry:write',
  provisionModule: 'provision',
  provisionTenant: 'provision',
  markModuleProvisioned: 'provision',
  retryOperation: 'provision',
  cancelOperation: 'provision',
  startRollout: 'provision',
  pauseRollout: 'provision',
  resumeRollout: 'provision',
  retryRollout: 'provision',
  skipTenantInRollout: 'provision',
  cancelRollout: 'provision',
  drift: 'registry:read',
  repairDrift: 'provision',
  createApiKey: 'keys:manage',
  rotateApiKey: 'keys:manage',
  revokeApiKey: 'keys:manage',
};

const allScopes = [
  'resolve:*',
  'registry:read',
  'registry:write',
  'provision',
  'audit:read',
  'keys:manage',
  'schema:read',
  'documents:any',
  'usage:record',
];

test('the table has every query and mutation of the schema', () => {
  const fields = new Set(operations.map(({ field }) => field));
  expect([...fields].toSorted()).toEqual([...Object.keys(scopeOf), ...resolving, ...open].toSorted());
  expect(operations.length).toBeGreaterThan(fields.size * 2);
});

describe('a key for one module', () => {
  let key: string;
  beforeAll(async () => {
    key = await gateway.createKey('resolve:finance');
  });

  test('resolves that module', async () => {
    expect(await resolve(gateway, acme.id, 'finance', { key })).toBe(`finance_${acme.slug}`);
    expect(await resolve(gateway, 'nobody', 'finance', { key })).toBe('TENANT_NOT_FOUND');
  });

  test('cannot learn whether another module, or a tenant in it, exists', async () => {
    const answers: unknown[] = [];
    for (const [id, module] of [
      [acme.id, 'operations'],
      [acme.id, 'no_such_module'],
      ['nobody', 'operations'],
      ['nobody', 'no_such_module'],
    ]) {
      const { status, data, errors } = await gateway.ask(
        `query ($id: ID!, $module: ModuleName!) { tenantSchema(id: $id, module: $module) { schemaName } }`,
        { id, module },
        { key, accept: graphqlResponse },
      );
      const [error] = errors;
      answers.push({
        status,
        data,
        code: error?.extensions.code,
        message: error?.message.replace(`${module}`, '…'),
      });
    }
    expect(answers[0]).toMatchObject({ status: 200, data: { tenantSchema: null }, code: 'FORBIDDEN' });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test('in a batch gets routes of its own module and FORBIDDEN for the others, which are not read', async () => {
    const statements = await recordStatements(async () => {
      const { data, errors } = await gateway.ask(
        `query ($id: ID!) { tenantSchemas(keys: [
           { id: $id, module: "operations" }, { id: $id, module: "finance" }, { id: $id, module: "no_such_module" }
         ]) { ... on TenantSchema { schemaName } ... on TenantSchemaRefusal { code } } }`,
        { id: acme.id },
        { key },
      );
      expect(errors).toEqual([]);
      expect(data.tenantSchemas).toEqual([
        { code: 'FORBIDDEN' },
        { schemaName: `finance_${acme.slug}` },
        { code: 'FORBIDDEN' },
      ]);
    });
    // One statement for the key and one for the finance route; neither is cached.
    expect(statements.length).toBeLessThanOrEqual(2);
    expect(
      statements.filter((statement) => statement.includes('module_subscriptions')).length,
    ).toBeLessThanOrEqual(1);
    const none = await recordStatements(() =>
      gateway.ask(`{ tenantSchema(id: "x", module: "operations") { schemaName } }`, {}, { key }),
    );
    expect(none.every((statement) => statement.includes('api_keys'))).toBe(true);
  });

  test.each(withTitles(operations.filter(({ field }) => ![...resolving, ...open].includes(field))))(
    'gets FORBIDDEN for %s',
    async (_title, { query, field }) => {
      const before = await head();
      const { status, data, errors } = await gateway.ask(query, {}, { key, accept: graphqlResponse });
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', http: { status: 403 } } }]);
      expect(errors[0]?.message).toContain(scopeOf[field]);
      // As GraphQL over HTTP says, it is the errors' own only when there is no data at all.
      expect(status).toBe(data === null ? 403 : 200);
      expect(data?.answer ?? null).toBeNull();
      expect(await head()).toBe(before);
    },
  );
});

describe.each([...new Set(Object.values(scopeOf))])('the scope %s', (scope) => {
  test('permits its own queries and mutations only', async () => {
    const key = await gateway.createKey(scope);
    const opened = new Set<string>();
    for (const { field, query } of oneOfEach) {
      const { codes } = await gateway.ask(query, {}, { key });
      // tenantSchemas refuses single keys instead of the whole query; the test above covers that.
      if (!['tenantSchemas', ...open].includes(field) && !codes.includes('FORBIDDEN')) opened.add(field);
    }
    const promised = Object.keys(scopeOf).filter((field) => scopeOf[field] === scope);
    // A permitted mutation may still be refused for another reason, such as an unknown id.
    expect([...opened].toSorted()).toEqual(promised.toSorted());
  });
});

test('without its own scope, a query or mutation is refused even with all other scopes', async () => {
  for (const { field, query } of oneOfEach) {
    const needed = scopeOf[field];
    if (!needed) continue;
    const key = await gateway.createKey(...allScopes.filter((scope) => scope !== needed));
    expect([field, ...(await gateway.ask(query, {}, { key })).codes]).toEqual([field, 'FORBIDDEN']);
  }
});

test('resolve:* permits resolution of every module and nothing else', async () => {
  const key = await gateway.createKey('resolve:*');
  expect(await resolve(gateway, acme.id, 'operations', { key })).toBe(`tenant_${acme.slug}`);
  expect(await resolve(gateway, acme.id, 'no_such_module', { key })).toBe('MODULE_NOT_FOUND');
  expect((await gateway.ask('{ modules { name } }', {}, { key })).codes).toEqual(['FORBIDDEN']);
});

test('a key with every other scope cannot resolve', async () => {
  const key = await gateway.createKey(
    ...allScopes.filter((scope) => scope !== 'resolve:*'),
    'resolve:inventory',
  );
  expect(await resolve(gateway, acme.id, 'finance', { key })).toBe('FORBIDDEN');
  expect(await resolve(gateway, acme.id, 'inventory', { key })).toBe('MODULE_NOT_SUBSCRIBED');
});
