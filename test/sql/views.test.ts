import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

/** As services ask it. */
const asked = `SELECT finance_schema FROM tenant_registry WHERE tenant_id = $1 AND 'finance' = ANY(modules_subscribed)`;

async function rowOf(id: string) {
  const [row] = await gateway.psql('SELECT * FROM tenant_registry WHERE tenant_id = $1', [id]);
  return row;
}

describe('tenant_registry', () => {
  test('says where the data of a tenant’s modules is', async () => {
    const { id, slug } = await aTenant({ name: 'Acme' }).subscribedTo('finance', 'inventory').at(gateway);
    const name = slug.replaceAll('-', '_');
    expect(await rowOf(id)).toMatchObject({
      tenant_id: id,
      tenant_slug: slug,
      tenant_name: 'Acme',
      status: 'active',
      modules_subscribed: ['finance', 'inventory'],
      operations_schema: null,
      finance_schema: `finance_${name}`,
      inventory_schema: `inventory_${name}`,
      module_schemas: { finance: `finance_${name}`, inventory: `inventory_${name}` },
    });
    expect(await gateway.psql(asked, [id])).toEqual([{ finance_schema: `finance_${name}` }]);
  });

  test('has modules while the tenant is active, as resolution has', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    for (const status of ['pending', 'provisioning', 'suspended', 'failed', 'deleted', 'active']) {
      await gateway.psql(`UPDATE tenants SET status = $2::text::tenant_status WHERE id = $1`, [id, status]);
      const modules = status === 'active' ? ['finance'] : [];
      expect(await rowOf(id)).toMatchObject({ status, modules_subscribed: modules });
      expect(await gateway.psql(asked, [id])).toHaveLength(modules.length);
    }
  });

  test('leaves out what is not active of its subscriptions', async () => {
    const { id } = await aTenant().subscribedTo('finance', 'inventory').at(gateway);
    const inactive = [
      'pending',
      'provisioning',
      'migrating',
      'suspended',
      'failed',
      'deprovisioning',
      'cancelled',
    ];
    for (const status of inactive) {
      await gateway.psql(
        `UPDATE module_subscriptions SET status = $2::text::subscription_status WHERE tenant_id = $1 AND module = 'finance'`,
        [id, status],
      );
      expect(await rowOf(id)).toMatchObject({ modules_subscribed: ['inventory'], finance_schema: null });
      expect(await gateway.psql(asked, [id])).toEqual([]);
    }
  });

  test('has no row for a purged tenant', async () => {
    const { id } = await aTenant().at(gateway);
    await gateway.psql(`UPDATE tenants SET status = 'purged' WHERE id = $1`, [id]);
    expect(await rowOf(id)).toBeUndefined();
  });

  test('names the database of a tenant that has one of its own, and never its schema public', async () => {
    const { id, slug } = await aTenant().at(gateway);
    await mutate(gateway, 'subscribeTenantToModule', {
      tenantId: id,
      module: 'finance',
      isolation: 'DATABASE',
    });
    expect(await rowOf(id)).toMatchObject({
      modules_subscribed: ['finance'],
      finance_schema: null,
      module_schemas: {},
      module_databases: { finance: `finance_${slug.replaceAll('-', '_')}` },
    });
  });

  test('knows modules that were registered at run time', async () => {
    await gateway.psql(`INSERT INTO modules (name, database_ref, database_name, schema_prefix, migrations_folder)
      VALUES ('crm', 'CRM_DB_URL', 'crm', 'crm_', 'crm')`);
    const { id } = await aTenant().at(gateway);
    await gateway.psql(`CALL subscribe_tenant_to_module($1, 'crm', $2)`, [id, 'crm_acme']);
    await gateway.psql(`CALL mark_module_provisioned($1, 'crm', 'success')`, [id]);
    expect(await rowOf(id)).toMatchObject({
      modules_subscribed: ['crm'],
      module_schemas: { crm: 'crm_acme' },
    });
  });

  test('changes its updated_at with a subscription, for services that keep copies', async () => {
    const { id } = await aTenant().at(gateway);
    const before = (await rowOf(id))?.updated_at;
    await gateway.psql(`CALL subscribe_tenant_to_module($1, 'finance', $2)`, [id, uniqueName('finance')]);
    expect((await rowOf(id))?.updated_at > before).toBe(true);
  });

  test('is read by index among 10,000 tenants, by id, slug and external id', async () => {
    await using many = await openGateway();
    // Without triggers, which would write 20,000 changes into the log.
    await many.psql(`
      SET session_replication_role = replica;
      INSERT INTO tenants (slug, name) SELECT 't' || n, 'Tenant ' || n FROM generate_series(1, 10000) AS n;
      INSERT INTO tenant_external_ids (external_id, tenant_id) SELECT 'tn_' || slug, id FROM tenants;
      INSERT INTO module_subscriptions (tenant_id, module, isolation, database_name, schema_name, status, provisioned_at)
        SELECT tenants.id, modules.name, 'schema', database_name, schema_prefix || slug, 'active', now()
        FROM tenants, modules WHERE modules.isolation = 'schema'`);
    await many.psql('ANALYZE');
    const planOf = async (query: string) =>
      (await many.psql(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${query}`))[0]?.['QUERY PLAN'][0].Plan;
    const [tenant] = await many.psql(`SELECT id FROM tenants WHERE slug = 't4711'`);
    for (const query of [
      asked.replace('$1', `'${tenant?.id}'`),
      `SELECT * FROM tenant_registry WHERE tenant_slug = 't4711'`,
      `SELECT * FROM tenant_registry WHERE tenant_id = (SELECT tenant_id FROM tenant_names WHERE name = 'tn_t4711')`,
    ]) {
      const plan = await planOf(query);
      expect(JSON.stringify(plan)).not.toContain('Seq Scan');
      expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(200);
    }
    expect(await many.psql(asked, [tenant?.id])).toEqual([{ finance_schema: 'finance_t4711' }]);
    // The whole of it, for who copies it, takes a few pages per tenant.
    const whole = await planOf('SELECT * FROM tenant_registry');
    expect(whole['Shared Hit Blocks'] + whole['Shared Read Blocks']).toBeLessThan(100_000);
  });
});

describe('tenant_module_log', () => {
  const log = (id: string) =>
    gateway.psql(
      `SELECT module, action, status, performed_by, error, finished_at >= started_at AS ended
       FROM tenant_module_log WHERE tenant_id = $1 ORDER BY created_at, module`,
      [id],
    );

  test('says what was tried by whom and how it ended, and not that guards followed', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    await gateway.psql(`CALL subscribe_tenant_to_module($1, 'inventory', $2)`, [id, `inventory_${slug}`]);
    await gateway.psql(`CALL mark_module_provisioned($1, 'inventory', 'failed')`, [id]);
    await mutate(gateway, 'suspendTenant', { tenantId: id, reason: 'unpaid' });
    const [{ role } = { role: '' }] = await gateway.psql(`SELECT 'role:' || session_user AS role`);
    const row = { error: null, ended: true, status: 'succeeded' };
    expect(await log(id)).toEqual([
      { ...row, module: 'finance', action: 'subscribe_tenant', performed_by: 'developer' },
      {
        ...row,
        module: 'inventory',
        action: 'mark_module_provisioned',
        status: 'failed',
        performed_by: role,
        error: 'marked as failed',
      },
    ]);
  });

  test('has a row per module of one operation', async () => {
    const slug = uniqueName('t');
    const { result } = await mutate(
      gateway,
      'provisionTenant',
      { name: slug, slug, adminEmail: 'a@example.com', modules: ['finance', 'operations'] },
      'tenant { id }',
    );
    expect((await log(result.tenant.id)).map(({ module }) => module)).toEqual(['finance', 'operations']);
  });
});

test('every view, column, function and procedure of the registry has a comment', async () => {
  expect(
    await gateway.psql(`
      SELECT relname || '.' || attname AS undescribed FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
        AND relname <> '_prisma_migrations' AND col_description(attrelid, attnum) IS NULL
      UNION ALL
      SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
        AND relname <> '_prisma_migrations' AND obj_description(oid, 'pg_class') IS NULL
      UNION ALL
      SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL`),
  ).toEqual([]);
});
