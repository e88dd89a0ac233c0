import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const facts = `tenant {
  id slug name shortName status plan maxUsers maxMonthlyQuotes maxStorageGb timezone currency primaryEmail
  gcpProjectId gcpDataset createdAt createdBy updatedAt version settings { companyName supportEmail currency }
} revision`;

const register = (input: object) => mutate(gateway, 'registerTenant', input, facts);
const update = (input: object) => mutate(gateway, 'updateTenant', input, facts, { accept: graphqlResponse });

describe('updateTenant', () => {
  test('changes given fields and keeps the rest', async () => {
    const { result: registered } = await register({ name: 'Before', primaryEmail: 'a@before.example' });
    const { id, slug, version, updatedAt } = registered.tenant;
    const changes = {
      name: 'After',
      shortName: 'Aft',
      plan: 'PRO',
      maxUsers: 7,
      maxMonthlyQuotes: 8,
      maxStorageGb: 9,
      timezone: 'UTC',
      currency: 'USD',
      primaryEmail: 'a@after.example',
      gcpProjectId: 'p',
      gcpDataset: 'd',
    };
    for (const [at, [field, value]] of Object.entries(changes).entries()) {
      const before = (await update({ tenantId: slug })).result.tenant;
      const { result } = await update({ tenantId: at % 2 ? id : slug, [field]: value });
      expect(result.tenant).toEqual({
        ...before,
        [field]: value,
        version: version + 1 + at,
        updatedAt: result.tenant.updatedAt,
      });
      expect(Date.parse(result.tenant.updatedAt)).toBeGreaterThanOrEqual(Date.parse(updatedAt));
    }
  });

  test('that changes nothing creates no version and no revision', async () => {
    const { result: first } = await register({ name: 'Same Again' });
    const { id } = first.tenant;
    for (const same of [{}, { name: 'Same Again' }, { shortName: null }])
      expect((await update({ tenantId: id, ...same })).result).toEqual(first);
  });

  test('refuses the same values as registration and then changes nothing', async () => {
    const { result: first } = await register({ name: 'Unchanged' });
    const { id } = first.tenant;
    for (const [field, value] of Object.entries({ name: '\u0000', currency: 'none', maxUsers: -1 })) {
      const { status, errors } = await update({ tenantId: id, plan: 'PRO', [field]: value });
      expect(status).toBe(400);
      expect(errors[0]?.extensions).toMatchObject({ code: 'VALIDATION_ERROR', fields: [{ field }] });
    }
    expect((await update({ tenantId: id })).result).toEqual(first);
  });

  test('changes a suspended tenant and leaves it suspended', async () => {
    const { id } = await aTenant().at(gateway);
    await mutate(gateway, 'suspendTenant', { tenantId: id, reason: 'unpaid' });
    const { result } = await update({ tenantId: id, plan: 'PRO' });
    expect(result.tenant).toMatchObject({ plan: 'PRO', status: 'SUSPENDED' });
  });

  test('has no input for slug and status', async () => {
    const { id } = await aTenant().at(gateway);
    for (const field of ['slug', 'status', 'id', 'version'])
      expect((await update({ tenantId: id, [field]: 'DELETED' })).codes).toEqual(['VALIDATION_ERROR']);
  });
});
