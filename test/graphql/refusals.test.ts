import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const statusOf: Record<string, number> = {
  TENANT_NOT_FOUND: 404,
  TENANT_DELETED: 410,
  TENANT_SUSPENDED: 403,
  TENANT_NOT_READY: 503,
  MODULE_NOT_FOUND: 404,
  MODULE_NOT_SUBSCRIBED: 403,
  SCHEMA_MIGRATING: 503,
};

/** A tenant with an active finance subscription, then changed by SQL. */
async function aTenantWith(changes: { status?: string; subscription?: string }): Promise<string> {
  const tenant = await aTenant().subscribedTo('finance').at(gateway);
  if (changes.subscription)
    await gateway.psql('UPDATE module_subscriptions SET status = $1 WHERE tenant_id = $2', [
      changes.subscription,
      tenant.id,
    ]);
  if (changes.status)
    await gateway.psql('UPDATE tenants SET status = $1 WHERE id = $2', [changes.status, tenant.id]);
  return tenant.id;
}

async function expectRefusal(id: string, module: string, code: string) {
  const one = await gateway.ask(
    `query ($id: ID!, $module: ModuleName!) { tenantSchema(id: $id, module: $module) { schemaName } }`,
    { id, module },
    { accept: graphqlResponse },
  );
  expect(one.data).toEqual({ tenantSchema: null });
  expect(one.errors).toMatchObject([
    { path: ['tenantSchema'], extensions: { code, http: { status: statusOf[code] } } },
  ]);
  // There is data: `tenantSchema` is null.
  expect(one.status).toBe(200);
  expect(one.headers.get('content-type')).toContain(graphqlResponse);

  const many = await gateway.ask(
    `query ($keys: [TenantSchemaKey!]!) {
       tenantSchemas(keys: $keys) { __typename ... on TenantSchemaRefusal { code message tenantId module } }
     }`,
    { keys: [{ id, module }] },
    { accept: graphqlResponse },
  );
  expect(many.errors).toEqual([]);
  expect(many.status).toBe(200);
  expect(many.data.tenantSchemas).toEqual([
    { __typename: 'TenantSchemaRefusal', code, message: one.errors[0]?.message, tenantId: id, module },
  ]);
}

describe('a tenant that', () => {
  test.each([
    ['purged', 'TENANT_NOT_FOUND'],
    ['deleted', 'TENANT_DELETED'],
    ['suspended', 'TENANT_SUSPENDED'],
    ['pending', 'TENANT_NOT_READY'],
    ['provisioning', 'TENANT_NOT_READY'],
    ['failed', 'TENANT_NOT_READY'],
  ])('is %s gets %s for every module', async (status, code) => {
    const id = await aTenantWith({ status });
    await expectRefusal(id, 'finance', code);
    await expectRefusal(id, 'inventory', code);
    await expectRefusal(id, 'no_such_module', code);
    const withSuspendedModule = await aTenantWith({ status, subscription: 'suspended' });
    await expectRefusal(withSuspendedModule, 'finance', code);
  });

  test.each(['nobody', '00000000-0000-4000-8000-000000000000', '', 'Acme', "'; --", 'x'.repeat(5000)])(
    'does not exist gets TENANT_NOT_FOUND for every module: %j',
    async (id) => {
      await expectRefusal(id, 'finance', 'TENANT_NOT_FOUND');
      await expectRefusal(id, 'no_such_module', 'TENANT_NOT_FOUND');
    },
  );
});

describe('an active tenant', () => {
  test('gets MODULE_NOT_FOUND for an unknown module', async () => {
    const { id } = await aTenant().at(gateway);
    await expectRefusal(id, 'no_such_module', 'MODULE_NOT_FOUND');
  });

  test('gets MODULE_NOT_SUBSCRIBED for a module without a subscription', async () => {
    const { id } = await aTenant().at(gateway);
    await expectRefusal(id, 'finance', 'MODULE_NOT_SUBSCRIBED');
  });

  test.each([
    ['cancelled', 'MODULE_NOT_SUBSCRIBED'],
    ['deprovisioning', 'MODULE_NOT_SUBSCRIBED'],
    ['suspended', 'TENANT_SUSPENDED'],
    ['migrating', 'SCHEMA_MIGRATING'],
    ['pending', 'TENANT_NOT_READY'],
    ['provisioning', 'TENANT_NOT_READY'],
    ['failed', 'TENANT_NOT_READY'],
  ])('whose subscription is %s gets %s', async (subscription, code) => {
    const id = await aTenantWith({ subscription });
    await expectRefusal(id, 'finance', code);
  });

  test('resolves again when the reason of the refusal has ended', async () => {
    const id = await aTenantWith({ subscription: 'migrating' });
    await expectRefusal(id, 'finance', 'SCHEMA_MIGRATING');
    await gateway.psql(`UPDATE module_subscriptions SET status = 'active' WHERE tenant_id = $1`, [id]);
    const { data, errors } = await gateway.ask(
      `query ($id: ID!) { tenantSchema(id: $id, module: "finance") { tenantId } }`,
      { id },
    );
    expect(errors).toEqual([]);
    expect(data.tenantSchema.tenantId).toBe(id);
  });
});

describe('one refusal among answers', () => {
  test('leaves the other results and the success of the request', async () => {
    const acme = await aTenant().subscribedTo('finance').at(gateway);
    const { status, data, errors } = await gateway.ask(
      `query ($id: ID!) {
         before: tenantSchema(id: $id, module: "finance") { schemaName }
         refused: tenantSchema(id: $id, module: "inventory") { schemaName }
         after: tenantSchema(id: $id, module: "finance") { schemaName }
       }`,
      { id: acme.id },
      { accept: graphqlResponse },
    );
    const answer = { schemaName: `finance_${acme.slug}` };
    expect(data).toEqual({ before: answer, refused: null, after: answer });
    expect(errors).toMatchObject([{ path: ['refused'], extensions: { code: 'MODULE_NOT_SUBSCRIBED' } }]);
    expect(status).toBe(200);
  });

  test('has its status in its extensions under application/json, where the HTTP status is 200', async () => {
    const { status, errors } = await gateway.ask(
      `{ tenantSchema(id: "nobody", module: "finance") { schemaName } }`,
    );
    expect(status).toBe(200);
    expect(errors).toMatchObject([{ extensions: { code: 'TENANT_NOT_FOUND', http: { status: 404 } } }]);
  });

  test('contains the reason of a suspension', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    await gateway.psql(
      `UPDATE tenants SET status = 'suspended', suspended_reason = 'invoice 7 is open' WHERE id = $1`,
      [id],
    );
    const { errors } = await gateway.ask(
      `query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName } }`,
      { id },
    );
    expect(errors[0]?.message).toContain('invoice 7 is open');
  });
});
