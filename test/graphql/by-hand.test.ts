import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

async function rowOf(id: string) {
  const [row] = await gateway.psql('SELECT * FROM tenants WHERE id = $1', [id]);
  if (!row) throw new Error(`no tenant ${id}`);
  return row;
}

describe('a status written in psql', () => {
  test('fills its dependent columns and takes effect at once: suspended, active again, deleted', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    const before = await rowOf(id);

    await gateway.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [id]);
    const suspended = await rowOf(id);
    expect(suspended.version).toBe(before.version + 1);
    expect(suspended.suspended_at).toBeInstanceOf(Date);
    expect(suspended.updated_at).toEqual(suspended.suspended_at);
    expect(suspended.updated_at > before.updated_at).toBe(true);
    expect(await resolve(gateway, id)).toBe('TENANT_SUSPENDED');

    await gateway.psql(`UPDATE tenants SET status = 'active' WHERE id = $1`, [id]);
    expect(await rowOf(id)).toMatchObject({
      version: before.version + 2,
      suspended_at: null,
      suspended_reason: null,
    });
    expect(await resolve(gateway, slug)).toBe(`finance_${slug}`);

    await gateway.psql(`UPDATE tenants SET status = 'deleted' WHERE id = $1`, [id]);
    const deleted = await rowOf(id);
    expect(deleted.deleted_at).toBeInstanceOf(Date);
    expect(deleted.purge_after > deleted.deleted_at).toBe(true);
    expect(await resolve(gateway, id)).toBe('TENANT_DELETED');
    const restored = await mutate(gateway, 'restoreTenant', { tenantId: id }, 'tenant { status deletedAt }');
    expect(restored.result.tenant).toEqual({ status: 'ACTIVE', deletedAt: null });
  });

  test('keeps its reason, and clears it when the tenant is resumed', async () => {
    const { id } = await aTenant().at(gateway);
    await gateway.psql(
      `UPDATE tenants SET status = 'suspended', suspended_reason = 'by phone' WHERE id = $1`,
      [id],
    );
    expect((await rowOf(id)).suspended_reason).toBe('by phone');
    await gateway.psql(`UPDATE tenants SET status = 'active' WHERE id = $1`, [id]);
    expect((await rowOf(id)).suspended_reason).toBeNull();
  });

  test('suspended a second time has the time of the second suspension', async () => {
    const { id } = await aTenant().at(gateway);
    const suspend = () => gateway.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [id]);
    await suspend();
    const first = await rowOf(id);
    await gateway.psql(`UPDATE tenants SET status = 'active' WHERE id = $1`, [id]);
    await suspend();
    expect((await rowOf(id)).suspended_at > first.suspended_at).toBe(true);
  });

  test('never changes a PURGED tenant', async () => {
    const { id } = await aTenant().at(gateway);
    await gateway.psql(`UPDATE tenants SET status = 'purged' WHERE id = $1`, [id]);
    await expect(
      gateway.psql(`UPDATE tenants SET status = 'active' WHERE id = $1`, [id]),
    ).rejects.toMatchObject({
      constraint: 'tenants_purged',
    });
  });
});

describe('identities', () => {
  test('a tenant’s id and slug never change, not even by SQL', async () => {
    const { id } = await aTenant().at(gateway);
    for (const change of [`slug = 'other-slug'`, 'id = gen_random_uuid()'])
      await expect(gateway.psql(`UPDATE tenants SET ${change} WHERE id = $1`, [id])).rejects.toMatchObject({
        constraint: 'tenants_identity',
      });
  });

  test('tenants and subscriptions are never deleted as rows', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    const wrong = { code: '42501' };
    await expect(gateway.psql('DELETE FROM tenants WHERE id = $1', [id])).rejects.toMatchObject(wrong);
    await expect(
      gateway.psql('DELETE FROM module_subscriptions WHERE tenant_id = $1', [id]),
    ).rejects.toMatchObject(wrong);
  });

  test.each(['deleted', 'purged'])(
    'a tenant that is %s keeps its id, its slug and its schema name',
    async (status) => {
      const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
      await gateway.psql('UPDATE tenants SET status = $1 WHERE id = $2', [status, id]);

      const sameSlug = await mutate(gateway, 'registerTenant', { name: 'Another', slug });
      expect(sameSlug.errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', fields: [{ field: 'slug' }] });
      const sameId = await mutate(gateway, 'registerTenant', { name: 'Another', id });
      expect(sameId.errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', fields: [{ field: 'id' }] });

      const other = await aTenant().at(gateway);
      const sameSchema = await mutate(gateway, 'subscribeTenantToModule', {
        tenantId: other.id,
        module: 'finance',
        schemaName: `finance_${slug}`,
      });
      expect(sameSchema.errors[0]?.extensions).toMatchObject({
        code: 'CONFLICT',
        fields: [{ field: 'schemaName' }],
      });
      expect(sameSchema.errors[0]?.message).toContain(id);
    },
  );

  test('a tenant inserted by SQL behaves as any other tenant', async () => {
    await gateway.psql(`INSERT INTO tenants (slug, name) VALUES ('by-hand', 'By Hand')`);
    await gateway.psql(
      `INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM tenants WHERE slug = 'by-hand'`,
    );
    expect(await resolve(gateway, 'by-hand')).toBe('finance_by_hand');
    const { data } = await gateway.ask(
      `{ tenant(id: "by-hand") { name status plan settings { companyName } } }`,
    );
    expect(data.tenant).toEqual({
      ...{ name: 'By Hand', status: 'ACTIVE', plan: 'LITE' },
      settings: { companyName: 'By Hand' },
    });
  });
});
