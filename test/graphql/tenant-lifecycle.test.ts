import http from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const facts = 'tenant { id status version suspendedAt suspendedReason deletedAt restorableUntil } revision';
const inputOf: Record<string, object> = { suspendTenant: { reason: 'unpaid' } };

const change = (name: string, tenantId: string, more: object = {}) =>
  mutate(gateway, name, { tenantId, ...inputOf[name], ...more }, facts, { accept: graphqlResponse });

async function factsOf(id: string) {
  const { data } = await gateway.ask(
    `query ($id: ID!) { tenant(id: $id) {
       id status version updatedAt suspendedAt suspendedReason deletedAt restorableUntil
     } }`,
    { id },
  );
  return data.tenant;
}

async function aTenantThatIs(status: string): Promise<string> {
  const { id } = await aTenant().at(gateway);
  if (status !== 'active') await gateway.psql('UPDATE tenants SET status = $1 WHERE id = $2', [status, id]);
  return id;
}

describe('the lifecycle of a tenant', () => {
  test('goes from active to suspended and back, with reason and times', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    const before = await factsOf(id);

    const suspended = await change('suspendTenant', slug, { reason: 'invoice 7 is open' });
    expect(suspended.result.tenant).toMatchObject({
      status: 'SUSPENDED',
      suspendedReason: 'invoice 7 is open',
      version: before.version + 1,
    });
    expect(Date.now() - Date.parse(suspended.result.tenant.suspendedAt)).toBeLessThan(60_000);
    expect(await resolve(gateway, id)).toBe('TENANT_SUSPENDED');

    const resumed = await change('resumeTenant', id);
    expect(resumed.result.tenant).toMatchObject({
      status: 'ACTIVE',
      suspendedAt: null,
      suspendedReason: null,
    });
    expect(await resolve(gateway, id)).toBe(`finance_${slug}`);
  });

  test('a deleted tenant stops resolving; a restored one has its earlier status', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    const deleted = await change('deleteTenant', id, { restorableDays: 7 });
    expect(deleted.result.tenant.status).toBe('DELETED');
    const { deletedAt, restorableUntil } = deleted.result.tenant;
    expect(Math.round((Date.parse(restorableUntil) - Date.parse(deletedAt)) / 3_600_000)).toBe(7 * 24);
    expect(await resolve(gateway, slug)).toBe('TENANT_DELETED');

    const restored = await change('restoreTenant', id);
    expect(restored.result.tenant).toMatchObject({
      status: 'ACTIVE',
      deletedAt: null,
      restorableUntil: null,
    });
    expect(await resolve(gateway, slug)).toBe(`finance_${slug}`);
  });

  test('a deleted tenant can be restored for 30 days by default', async () => {
    const id = await aTenantThatIs('active');
    const { deletedAt, restorableUntil } = (await change('deleteTenant', id)).result.tenant;
    expect(Math.round((Date.parse(restorableUntil) - Date.parse(deletedAt)) / 3_600_000)).toBe(30 * 24);
  });

  test('a tenant deleted while suspended is restored as suspended, with its reason and time', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    const suspended = await change('suspendTenant', id, { reason: 'fraud' });
    await change('deleteTenant', id);
    const restored = await change('restoreTenant', id);
    const { suspendedAt } = suspended.result.tenant;
    expect(restored.result.tenant).toMatchObject({
      status: 'SUSPENDED',
      suspendedReason: 'fraud',
      suspendedAt,
    });
    expect(await resolve(gateway, id)).toBe('TENANT_SUSPENDED');
    expect((await change('resumeTenant', id)).result.tenant.status).toBe('ACTIVE');
  });

  test('a tenant cannot be restored after its restorable time', async () => {
    const id = await aTenantThatIs('active');
    await change('deleteTenant', id, { restorableDays: 1 });
    await gateway.psql(`UPDATE tenants SET purge_after = now() - interval '1 second' WHERE id = $1`, [id]);
    const { status, codes, errors } = await change('restoreTenant', id);
    expect([status, codes]).toEqual([410, ['TENANT_DELETED']]);
    expect(errors[0]?.message).toContain('could be restored until');
    expect((await factsOf(id)).status).toBe('DELETED');
  });

  test.each([0, -1, 3651])('%i restorable days are refused', async (restorableDays) => {
    const id = await aTenantThatIs('active');
    const { status, errors } = await change('deleteTenant', id, { restorableDays });
    expect(status).toBe(400);
    expect(errors[0]?.extensions).toMatchObject({
      code: 'VALIDATION_ERROR',
      fields: [{ field: 'restorableDays' }],
    });
  });

  test('a suspension needs a reason', async () => {
    const id = await aTenantThatIs('active');
    for (const reason of ['', '   ', 'x'.repeat(501)]) {
      const { errors } = await change('suspendTenant', id, { reason });
      expect(errors[0]?.extensions).toMatchObject({
        code: 'VALIDATION_ERROR',
        fields: [{ field: 'reason' }],
      });
    }
    expect((await factsOf(id)).status).toBe('ACTIVE');
  });
});

describe('an impossible transition is refused and changes nothing:', () => {
  const httpStatus: Record<string, number> = {
    CONFLICT: 409,
    TENANT_DELETED: 410,
    TENANT_NOT_FOUND: 404,
    OPERATION_IN_PROGRESS: 423,
  };
  test.each([
    ['suspendTenant', 'pending', 'CONFLICT'],
    ['suspendTenant', 'provisioning', 'OPERATION_IN_PROGRESS'],
    ['suspendTenant', 'suspended', 'CONFLICT'],
    ['suspendTenant', 'failed', 'CONFLICT'],
    ['suspendTenant', 'deleted', 'TENANT_DELETED'],
    ['suspendTenant', 'purged', 'TENANT_NOT_FOUND'],
    ['resumeTenant', 'pending', 'CONFLICT'],
    ['resumeTenant', 'provisioning', 'CONFLICT'],
    ['resumeTenant', 'active', 'CONFLICT'],
    ['resumeTenant', 'failed', 'CONFLICT'],
    ['resumeTenant', 'deleted', 'TENANT_DELETED'],
    ['resumeTenant', 'purged', 'TENANT_NOT_FOUND'],
    ['deleteTenant', 'provisioning', 'OPERATION_IN_PROGRESS'],
    ['deleteTenant', 'deleted', 'TENANT_DELETED'],
    ['deleteTenant', 'purged', 'TENANT_NOT_FOUND'],
    ['restoreTenant', 'pending', 'CONFLICT'],
    ['restoreTenant', 'provisioning', 'CONFLICT'],
    ['restoreTenant', 'active', 'CONFLICT'],
    ['restoreTenant', 'suspended', 'CONFLICT'],
    ['restoreTenant', 'failed', 'CONFLICT'],
    ['restoreTenant', 'purged', 'TENANT_NOT_FOUND'],
    ['updateTenant', 'deleted', 'TENANT_DELETED'],
    ['updateTenant', 'purged', 'TENANT_NOT_FOUND'],
  ])('%s of a tenant that is %s: %s', async (name, from, code) => {
    const id = await aTenantThatIs(from);
    const before = await factsOf(id);
    const refused = await change(name, id);
    expect(refused.codes).toEqual([code]);
    expect(refused.status).toBe(httpStatus[code]);
    expect(refused.result).toBeNull();
    expect(await factsOf(id)).toEqual(before);
  });

  test.each(['pending', 'suspended', 'failed', 'active'])(
    'a tenant that is %s can be deleted',
    async (from) => {
      const id = await aTenantThatIs(from);
      expect((await change('deleteTenant', id)).result.tenant.status).toBe('DELETED');
      expect((await change('restoreTenant', id)).result.tenant.status).toBe(from.toUpperCase());
    },
  );

  test.each(['suspendTenant', 'resumeTenant', 'deleteTenant', 'restoreTenant', 'updateTenant'])(
    '%s of nobody',
    async (name) => {
      for (const nobody of ['nobody', '00000000-0000-4000-8000-000000000000', 'No Body'])
        expect((await change(name, nobody)).codes).toEqual(['TENANT_NOT_FOUND']);
    },
  );
});

describe('expectedVersion', () => {
  test.each([
    ['suspendTenant', 'active'],
    ['resumeTenant', 'suspended'],
    ['deleteTenant', 'active'],
    ['restoreTenant', 'deleted'],
    ['updateTenant', 'active'],
  ])('keeps %s from overwriting a concurrent change', async (name, from) => {
    const id = await aTenantThatIs(from);
    const { version } = await factsOf(id);
    await gateway.psql('UPDATE tenants SET max_users = max_users + 1 WHERE id = $1', [id]);
    const more = name === 'updateTenant' ? { name: 'New name' } : {};
    const late = await change(name, id, { expectedVersion: version, ...more });
    expect([late.status, late.codes]).toEqual([412, ['VERSION_CONFLICT']]);
    expect((await factsOf(id)).version).toBe(version + 1);
    const inTime = await change(name, id, { expectedVersion: version + 1, ...more });
    expect(inTime.codes).toEqual([]);
    expect(inTime.result.tenant.version).toBe(version + 2);
  });
});

describe('several mutations in one request', () => {
  test('run in order, and a later query on the same connection reads their result', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (query: string) => askOn(agent, query);
    try {
      const both = await ask(`mutation {
        s: suspendTenant(input: { tenantId: "${id}", reason: "a moment" }) { tenant { status } revision }
        r: resumeTenant(input: { tenantId: "${id}" }) { tenant { status } revision }
      }`);
      expect(both.body.data).toMatchObject({
        s: { tenant: { status: 'SUSPENDED' } },
        r: { tenant: { status: 'ACTIVE' } },
      });
      const [s, r] = ['s', 'r'].map((alias) => Number(both.body.data[alias].revision.split(':')[1]));
      expect(r).toBe((s ?? 0) + 1);

      const resolved = await ask(`{ tenantSchema(id: "${id}", module: "finance") { schemaName } }`);
      expect(resolved.body.data.tenantSchema.schemaName).toBe(`finance_${slug}`);
      await ask(`mutation { suspendTenant(input: { tenantId: "${id}", reason: "again" }) { revision } }`);
      const refused = await ask(`{ tenantSchema(id: "${id}", module: "finance") { schemaName } }`);
      expect(refused.body.errors[0].extensions.code).toBe('TENANT_SUSPENDED');
      expect([resolved.reused, refused.reused]).toEqual([true, true]);
    } finally {
      agent.destroy();
    }
  });
});

async function askOn(agent: http.Agent, query: string) {
  const request = http.request(`${gateway.url}/graphql`, {
    agent,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject).end(JSON.stringify({ query }));
  });
  const body = JSON.parse(Buffer.concat(await response.toArray()).toString());
  return { body, reused: request.reusedSocket };
}
