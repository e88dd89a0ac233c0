import { type GraphQLInputObjectType, isNonNullType } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

/** For each mutation an input that is refused, and the code of the refusal. */
const refusals: Record<string, [input: object, code: string]> = {
  acceptInvitation: [{ token: 'none' }, 'VALIDATION_ERROR'],
  addTenantExternalId: [{ tenantId: 'nobody', externalId: 'tn_x' }, 'TENANT_NOT_FOUND'],
  cancelOperation: [{ id: crypto.randomUUID() }, 'NOT_FOUND'],
  cancelRollout: [{ id: crypto.randomUUID() }, 'NOT_FOUND'],
  createApiKey: [{ name: 'k', scopes: ['none'] }, 'VALIDATION_ERROR'],
  deleteTenant: [{ tenantId: 'nobody' }, 'TENANT_NOT_FOUND'],
  inviteTenantMember: [{ tenantId: 'nobody', email: 'a@b.example', role: 'ADMIN' }, 'TENANT_NOT_FOUND'],
  markModuleProvisioned: [{ tenantId: 'nobody', module: 'finance', status: 'SUCCESS' }, 'TENANT_NOT_FOUND'],
  pauseRollout: [{ id: crypto.randomUUID() }, 'NOT_FOUND'],
  provisionModule: [{ tenantId: 'nobody', module: 'finance' }, 'TENANT_NOT_FOUND'],
  provisionTenant: [{ name: '', adminEmail: 'a@b.example', modules: ['finance'] }, 'VALIDATION_ERROR'],
  purgeTenant: [{ tenantId: 'nobody' }, 'TENANT_NOT_FOUND'],
  recordUsage: [{ tenantId: 'nobody', metric: 'MONTHLY_QUOTES', amount: 1 }, 'TENANT_NOT_FOUND'],
  recordUsages: [{ records: [] }, 'VALIDATION_ERROR'],
  registerModule: [{ name: 'finance' }, 'CONFLICT'],
  registerTenant: [{ name: '' }, 'VALIDATION_ERROR'],
  removeModule: [{ name: 'none' }, 'MODULE_NOT_FOUND'],
  removeTenantExternalId: [{ tenantId: 'nobody', externalId: 'tn_x' }, 'TENANT_NOT_FOUND'],
  removeTenantMember: [{ tenantId: 'nobody', memberId: crypto.randomUUID() }, 'TENANT_NOT_FOUND'],
  repairDrift: [{ id: crypto.randomUUID(), resolution: 'IGNORE' }, 'NOT_FOUND'],
  restoreTenant: [{ tenantId: 'nobody' }, 'TENANT_NOT_FOUND'],
  resumeRollout: [{ id: crypto.randomUUID() }, 'NOT_FOUND'],
  resumeSubscription: [{ tenantId: 'nobody', module: 'finance' }, 'TENANT_NOT_FOUND'],
  resumeTenant: [{ tenantId: 'nobody' }, 'TENANT_NOT_FOUND'],
  resumeTenants: [{ tenantIds: [] }, 'VALIDATION_ERROR'],
  retireModule: [{ name: 'none' }, 'MODULE_NOT_FOUND'],
  retryOperation: [{ id: crypto.randomUUID() }, 'NOT_FOUND'],
  retryRollout: [{ id: crypto.randomUUID() }, 'NOT_FOUND'],
  revokeApiKey: [{ id: crypto.randomUUID() }, 'NOT_FOUND'],
  revokeInvitation: [{ tenantId: 'nobody', memberId: crypto.randomUUID() }, 'TENANT_NOT_FOUND'],
  rotateApiKey: [{ id: crypto.randomUUID() }, 'NOT_FOUND'],
  skipTenantInRollout: [{ id: crypto.randomUUID(), tenantId: 'nobody' }, 'NOT_FOUND'],
  startRollout: [{ module: 'none' }, 'MODULE_NOT_FOUND'],
  subscribeTenantToModule: [{ tenantId: 'nobody', module: 'finance' }, 'TENANT_NOT_FOUND'],
  subscribeTenants: [{ tenantIds: ['nobody'], module: 'none' }, 'MODULE_NOT_FOUND'],
  suspendSubscription: [{ tenantId: 'nobody', module: 'finance' }, 'TENANT_NOT_FOUND'],
  suspendTenant: [{ tenantId: 'nobody', reason: 'unpaid' }, 'TENANT_NOT_FOUND'],
  suspendTenants: [{ tenantIds: ['nobody'], reason: 'unpaid', expectedCount: 2 }, 'CONFLICT'],
  unsubscribeTenantFromModule: [{ tenantId: 'nobody', module: 'finance' }, 'TENANT_NOT_FOUND'],
  updateModule: [{ name: 'none' }, 'MODULE_NOT_FOUND'],
  updatePlanLimits: [{ plan: 'LITE', maxUsers: -1 }, 'VALIDATION_ERROR'],
  updateTenant: [{ tenantId: 'nobody' }, 'TENANT_NOT_FOUND'],
  updateTenantBranding: [{ tenantId: 'nobody' }, 'TENANT_NOT_FOUND'],
  updateTenantConfig: [{ tenantId: 'nobody', patch: {} }, 'TENANT_NOT_FOUND'],
  updateTenantMember: [
    { tenantId: 'nobody', memberId: crypto.randomUUID(), role: 'ADMIN' },
    'TENANT_NOT_FOUND',
  ],
  updateTenantSettings: [{ tenantId: 'nobody' }, 'TENANT_NOT_FOUND'],
  updateTenants: [{ tenantIds: ['nobody'] }, 'VALIDATION_ERROR'],
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

test('the table has every mutation', () => {
  expect(Object.keys(refusals)).toEqual(Object.keys(schema.getMutationType()?.getFields() ?? {}).toSorted());
});

for (const place of ['first', 'second']) {
  test.each(Object.entries(refusals))(
    `a refused %s that is ${place} in its request leaves the other standing and answered`,
    async (name, [input, code]) => {
      const refused = `refused: ${name}(input: $input) { revision }`;
      const other = 'other: createApiKey(input: { name: $other, scopes: ["registry:read"] }) { secret }';
      const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input!`;
      const owner = uniqueName('key');
      const { status, data, errors } = await gateway.ask(
        `mutation ($input: ${type}, $other: String!) {
          ${place === 'first' ? `${refused} ${other}` : `${other} ${refused}`}
        }`,
        { input, other: owner },
      );
      expect(errors).toMatchObject([{ path: ['refused'], extensions: { code } }]);
      expect([status, data.refused]).toEqual([200, null]);
      expect(data.other.secret).toMatch(/^trk_/);
      expect(await gateway.psql('SELECT FROM api_keys WHERE name = $1', [owner])).toHaveLength(1);
    },
  );
}

/** Options of the call, which null omits. */
const options = ['expectedVersion', 'idempotencyKey', 'wait'];

/** Conditions on the tenants of a change of many, which null omits as well. */
const conditions = ['expectedCount', 'filter', 'tenantIds'];
const clearableOfTenant = ['gcpDataset', 'gcpProjectId', 'internalNote', 'primaryEmail', 'shortName'];

/** Fields that null clears. Null is refused for every other field that may be omitted. */
const clearable: Record<string, string[]> = {
  provisionTenant: ['branding', 'settings', ...clearableOfTenant],
  registerTenant: ['branding', 'settings', ...clearableOfTenant],
  updateTenant: [...clearableOfTenant, 'suspendUntil'],
  updateTenantBranding: ['accentColor', 'logoUrl', 'primaryColor', 'secondaryColor'],
  updateTenantSettings: ['emailFromEmail', 'emailFromName', 'supportEmail', 'supportPhone', 'website'],
};

test.each(Object.entries(refusals))('%s refuses null where it clears nothing', async (name, [input]) => {
  const type = schema.getType(
    `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`,
  ) as GraphQLInputObjectType;
  const accepted: string[] = [];
  for (const field of Object.values(type.getFields())) {
    if (isNonNullType(field.type) || [...options, ...conditions].includes(field.name)) continue;
    const { errors } = await gateway.ask(
      `mutation ($input: ${type.name}!) { ${name}(input: $input) { revision } }`,
      { input: { ...input, [field.name]: null } },
    );
    const problem = errors[0]?.extensions.fields?.find((one) => one.field === field.name);
    if (!problem) accepted.push(field.name);
  }
  expect(accepted.toSorted()).toEqual(clearable[name]?.toSorted() ?? []);
});

test('null omits every option of a call', async () => {
  const { id } = await aTenant().at(gateway);
  const nothing = Object.fromEntries(options.map((name) => [name, null]));
  const { codes } = await mutate(gateway, 'updateTenant', { tenantId: id, name: 'Acme', ...nothing });
  expect(codes).toEqual([]);
});

test('null clears a field of a tenant, and the configuration that repeats it', async () => {
  const { id } = await aTenant().at(gateway);
  const set = {
    shortName: 'T',
    primaryEmail: 't@acme.example',
    gcpProjectId: 'acme-prod',
    gcpDataset: 'quotes',
  };
  const patch = { email: { primary: 'u@acme.example' } };
  await mutate(gateway, 'updateTenant', { tenantId: id, ...set });
  await mutate(gateway, 'updateTenantConfig', { tenantId: id, patch });
  const read = async () =>
    (
      await gateway.ask(
        'query ($id: ID!) { tenant(id: $id) { shortName primaryEmail gcpProjectId gcpDataset config } }',
        { id },
      )
    ).data.tenant;
  expect(await read()).toEqual({ ...set, primaryEmail: 'u@acme.example', config: patch });
  const nothing = Object.fromEntries(Object.keys(set).map((field) => [field, null]));
  expect((await mutate(gateway, 'updateTenant', { tenantId: id, ...nothing })).codes).toEqual([]);
  expect(await read()).toEqual({ ...nothing, config: { email: {} } });
  await mutate(gateway, 'updateTenantConfig', { tenantId: id, patch });
  await mutate(gateway, 'updateTenantConfig', { tenantId: id, patch: { email: null } });
  expect(await read()).toEqual({ ...nothing, config: {} });
});

test('an error says with its request id whether and when to ask again', async () => {
  const { id } = await aTenant().subscribedTo('finance').at(gateway);
  await gateway.psql(`UPDATE module_subscriptions SET status = 'migrating' WHERE tenant_id = $1`, [id]);
  const ask = (module: string) =>
    fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'a-request' },
      body: JSON.stringify({
        query: `{ tenantSchema(id: "${id}", module: "${module}", consistency: STRONG) { schemaName } }`,
      }),
    });
  const answerOf = async (response: Response) => [
    response.headers.get('retry-after'),
    (await response.json()).errors[0].extensions,
  ];
  const refusal = { requestId: 'a-request', http: { status: 503 } };
  expect(await answerOf(await ask('finance'))).toEqual([
    '1',
    { ...refusal, code: 'SCHEMA_MIGRATING', retryable: true, retryAfterMs: 1_000 },
  ]);
  expect(await answerOf(await ask('inventory'))).toEqual([
    null,
    { ...refusal, code: 'MODULE_NOT_SUBSCRIBED', http: { status: 403 }, retryable: false },
  ]);
  await gateway.psql(`UPDATE module_subscriptions SET status = 'pending' WHERE tenant_id = $1`, [id]);
  expect(await answerOf(await ask('finance'))).toEqual([
    '1',
    { ...refusal, code: 'TENANT_NOT_READY', retryable: true, retryAfterMs: 1_000 },
  ]);
});
