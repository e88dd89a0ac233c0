import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryOnce } from '../database/support/temporary-databases.js';
import { urlTo } from '../provisioning/support/catalog.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { uniqueName } from '../setup/database.js';
import { aTenant } from '../setup/stories.js';
import { aLogin, grantRegistryRoles, urlAs } from './support/registry-roles.js';

/** The registry, a database with a schema per tenant, and a tenant's own database. */
let testbed: GatewayWithModules;
const urls = new Map<string, string>();
const vault = uniqueName('v').slice(0, 20);

beforeAll(async () => {
  testbed = await openGatewayWithModules(
    {
      name: 'crm',
      migrations: {
        ...contacts,
        '0003_total.sql':
          'CREATE FUNCTION total() RETURNS bigint STABLE BEGIN ATOMIC SELECT count(*) FROM contact; END',
      },
    },
    { name: vault, migrations: contacts, isolation: 'DATABASE' },
  );
  const tenant = await aTenant().subscribedTo('crm', vault).at(testbed.gateway);
  const { data } = await testbed.gateway.ask(
    'query ($id: ID!, $module: ModuleName!) { tenantSchema(id: $id, module: $module) { databaseName } }',
    { id: tenant.id, module: vault },
  );
  urls.set('registry', testbed.gateway.registry.url);
  urls.set('module', testbed.url('crm'));
  urls.set('tenant', urlTo(data.tenantSchema.databaseName));
});
afterAll(() => testbed?.close());

const isOwn = `nspname !~ '^pg_' AND nspname <> 'information_schema'`;

describe.each(['registry', 'module', 'tenant'])('in the database of the %s', (kind) => {
  const ask = (sql: string) => queryOnce<{ name: string }>(urls.get(kind) ?? '', sql);

  test('PUBLIC may execute no routine', async () => {
    expect(
      await ask(
        `SELECT proc.oid::regprocedure::text AS name FROM pg_proc AS proc JOIN pg_namespace AS n ON n.oid = pronamespace
         WHERE ${isOwn} AND EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0)
           -- The functions of pg_trgm are in a schema that PUBLIC may not use.
           AND NOT (nspname = 'registry_text_search' AND EXISTS (SELECT FROM pg_depend
                    WHERE classid = 'pg_proc'::regclass AND objid = proc.oid AND deptype = 'e'))`,
      ),
    ).toEqual([]);
  });

  test('PUBLIC has no right on a table, and may create nothing in a schema', async () => {
    expect(
      await ask(
        `SELECT class.oid::regclass::text AS name FROM pg_class AS class JOIN pg_namespace AS n ON n.oid = relnamespace
         WHERE ${isOwn} AND EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0)
         UNION ALL
         SELECT nspname FROM pg_namespace WHERE ${isOwn}
           AND EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = 0 AND (privilege_type = 'CREATE' OR nspname <> 'public'))
         UNION ALL
         SELECT datname FROM pg_database WHERE datname = current_database()
           AND EXISTS (SELECT FROM aclexplode(datacl) WHERE grantee = 0 AND privilege_type = 'CREATE')`,
      ),
    ).toEqual([]);
  });

  test('a SECURITY DEFINER routine has pg_catalog first and pg_temp last in its search_path', async () => {
    expect(
      await ask(
        `SELECT proc.oid::regprocedure::text AS name FROM pg_proc AS proc JOIN pg_namespace AS n ON n.oid = pronamespace
         WHERE ${isOwn} AND prosecdef
           AND NOT coalesce(proconfig::text ~ 'search_path=pg_catalog(, public)?, pg_temp[",}]', false)`,
      ),
    ).toEqual([]);
  });
});

test('of the guard, enter alone is open to another role than its owner', async () => {
  const role = `${uniqueName('m').slice(0, 20)}`;
  await queryOnce(urlTo('postgres'), `CREATE ROLE ${role}_access`);
  await using other = await openGatewayWithModules({ name: role, migrations: contacts });
  await aTenant().subscribedTo(role).at(other.gateway);
  const granted = await queryOnce(
    other.url(role),
    `SELECT DISTINCT proname AS name, pg_get_userbyid(grantee) AS role FROM pg_proc, aclexplode(proacl)
     WHERE pronamespace = 'tenant_guard'::regnamespace AND grantee <> proowner
     UNION SELECT relname, pg_get_userbyid(grantee) FROM pg_class, aclexplode(relacl)
     WHERE relnamespace = 'tenant_guard'::regnamespace AND grantee <> relowner`,
  );
  expect(granted).toEqual([{ name: 'enter', role: `${role}_access` }]);
});

test('a member of registry_admin writes the tables by hand, with everything that triggers do then', async () => {
  const { gateway } = testbed;
  await grantRegistryRoles(gateway.registry);
  const admin = urlAs(await aLogin('registry_admin'), gateway.registry);
  const slug = uniqueName('t').replaceAll('_', '-').slice(0, 40);
  await queryOnce(
    admin,
    `INSERT INTO tenants (slug, name, tenant_config) VALUES ('${slug}', 'By hand', '{"email": {"primary": "a@example.com"}}');
     INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'crm', 'active' FROM tenants WHERE slug = '${slug}';
     UPDATE module_subscriptions SET status = 'suspended' WHERE tenant_id = (SELECT id FROM tenants WHERE slug = '${slug}');
     UPDATE modules SET description = 'By hand' WHERE name = 'crm';
     INSERT INTO tenant_settings (tenant_id, company_name) SELECT id, name FROM tenants WHERE slug = '${slug}';
     UPDATE tenant_settings SET website = 'https://example.com';
     INSERT INTO tenant_branding (tenant_id) SELECT id FROM tenants WHERE slug = '${slug}';
     INSERT INTO members (tenant_id, email) SELECT id, 'a@example.com' FROM tenants WHERE slug = '${slug}';
     DELETE FROM members;
     UPDATE api_keys SET revoked_at = now();
     CALL register_tenant('${slug}-2', 'By procedure')`,
  );
  await queryOnce(admin, await sqlOfPage());
  expect(await gateway.psql('SELECT status::text FROM tenants WHERE slug = $1', ['acme-corp'])).toEqual([
    { status: 'suspended' },
  ]);

  async function sqlOfPage(): Promise<string> {
    await gateway.psql(`INSERT INTO tenants (slug, name) VALUES ('acme-corp', 'Acme')`);
    const page = await readFile(new URL('../../docs/sql.md', import.meta.url), 'utf8');
    return /^UPDATE tenants .*;$/m.exec(page)?.[0] ?? '';
  }
});
