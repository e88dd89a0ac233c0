import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { migrateRegistry } from '../../src/database/migrations/migrate.js';
import { queryOnce } from '../database/support/temporary-databases.js';
import { createDatabase } from '../setup/database.js';
import {
  oldColumns,
  openLegacyService,
  tenantRow,
  upsertBranding,
  upsertSettings,
  upsertTenant,
} from './support/old-statements.js';
import { outcomeOf } from './support/procedure-calls.js';
import { aLogin, createOwnedRegistry, grantRegistryRoles, urlAs } from './support/registry-roles.js';
import { createTwoTenants } from './support/two-tenants.js';

/** Two tenants, which the old services know as tn_mine and tn_other, in a registry whose owner is no superuser. */
let registry: Awaited<ReturnType<typeof createOwnedRegistry>>;
let all: pg.Client;
let limited: pg.Client;
beforeAll(async () => {
  registry = await createOwnedRegistry();
  await createTwoTenants(registry.url);
  // As the purge does.
  for (const table of ['tenant_settings', 'tenant_branding'])
    await asSuperuser(`DELETE FROM ${table} WHERE legacy_id = 'tn_gone'`);
  ({ client: all } = await openLegacyService(registry));
  ({ client: limited } = await openLegacyService(registry, 'registry_reader'));
});
afterAll(async () => {
  await all?.end();
  await limited?.end();
  await registry?.drop();
});

const views = Object.keys(oldColumns);
const asSuperuser = (sql: string) => queryOnce(registry.url, sql);
const tenantsIn = async (client: pg.Client, view: string) => {
  const column = view === 'tenants' ? 'id' : 'tenant_id';
  const { rows } = await client.query<{ id: string }>(
    `SELECT DISTINCT ${column} AS id FROM legacy.${view} ORDER BY 1`,
  );
  return rows.map(({ id }) => id);
};

async function enter(setting: string | undefined): Promise<void> {
  if (setting === undefined) await limited.query('RESET app.tenant_id');
  else await limited.query(`SELECT set_config('app.tenant_id', $1, false)`, [setting]);
}

/** Statements that write what belongs to a tenant. */
const writes: [what: string, sql: string, values: unknown[]][] = [
  ['an upsert of the tenant', upsertTenant, tenantRow('tn_other')],
  [
    'an upsert of its settings',
    upsertSettings,
    ['tn_other', 'x', null, null, null, 'ZAR', 'UTC', null, null],
  ],
  ['an upsert of its branding', upsertBranding, ['tn_other', 'x', null, null, null, null]],
  ['an upsert by its slug', upsertTenant, tenantRow('other')],
  [
    'a new user',
    `INSERT INTO organization_users (tenant_id, email) VALUES ($1, 'x@example.com')`,
    ['tn_other'],
  ],
];

describe.each([
  ['owns the database', (): string => registry.owner],
  ['owns the tables alone', (): string => 'CURRENT_USER'],
])('where the role of the registry %s', (_what, owner) => {
  beforeAll(() => asSuperuser(`ALTER DATABASE ${registry.name} OWNER TO ${owner()}`));

  test('a service sees all tenants but purged ones, in every view', async () => {
    for (const view of views)
      expect([view, await tenantsIn(all, view)]).toEqual([view, ['tn_mine', 'tn_other']]);
  });

  test.each<[string | undefined, string[]]>([
    ['tn_mine', ['tn_mine']],
    ['mine', ['tn_mine']],
    ['tn_other', ['tn_other']],
    ['tn_gone', []],
    ['', []],
    [undefined, []],
    ['%', []],
    ['tn_mine,tn_other', []],
  ])('one that is limited to the tenant %s sees it alone', async (setting, expected) => {
    await enter(setting);
    for (const view of views) expect([view, await tenantsIn(limited, view)]).toEqual([view, expected]);
    const { rows } = await limited.query(
      `SELECT id FROM tenants WHERE id = current_setting('app.tenant_id', true)`,
    );
    expect(rows).toEqual(setting?.startsWith('tn_') ? expected.map((id) => ({ id })) : []);
  });

  test.each(writes)(
    '%s goes through for both, and is refused for another tenant',
    async (_write, sql, values) => {
      const undone = async (client: pg.Client, given: unknown[] = values) => {
        await client.query('BEGIN');
        const outcome = await outcomeOf(client.query(sql, given));
        await client.query('ROLLBACK');
        return outcome;
      };
      expect(await undone(all)).toBe('done');
      await enter('tn_other');
      expect(await undone(limited)).toBe('done');
      for (const setting of ['tn_mine', '', undefined]) {
        await enter(setting);
        expect(await undone(limited)).toMatch(
          /^42501 Only the tenant in app.tenant_id can be written$|^TR006 TENANT_NOT_FOUND: No tenant has the id "tn_other"$/,
        );
        // A name of another tenant and one that nobody has get the same answer.
        const nobody = values.map((value) =>
          value === 'tn_other' || value === 'other' ? 'tn_nobody' : value,
        );
        expect(nobody).not.toEqual(values);
        expect((await undone(limited, nobody)).replaceAll('tn_nobody', 'tn_other')).toBe(
          await undone(limited),
        );
      }
    },
  );

  test('UPDATE and DELETE find no row of another tenant, and no tenant can be registered', async () => {
    await enter('tn_mine');
    const before = await asSuperuser('SELECT revision FROM registry_head');
    for (const view of views.filter((name) => name !== 'user_invitations')) {
      const column = view === 'tenants' ? 'id' : 'tenant_id';
      const set =
        view === 'tenants'
          ? `name = 'x'`
          : view === 'organization_users'
            ? `role = 'x'`
            : 'updated_at = now()';
      for (const sql of [
        `UPDATE ${view} SET ${set} WHERE ${column} = 'tn_other'`,
        `DELETE FROM ${view} WHERE ${column} = 'tn_other'`,
      ])
        expect((await limited.query(sql)).rowCount).toBe(0);
    }
    expect(await outcomeOf(limited.query(upsertTenant, tenantRow('newcomer')))).toBe(
      '42501 Only the tenant in app.tenant_id can be written',
    );
    expect(await asSuperuser('SELECT revision FROM registry_head')).toEqual(before);
  });

  test('ON CONFLICT tells nothing about the row of another tenant', async () => {
    await enter('tn_mine');
    const guess = (name: string) =>
      outcomeOf(
        limited.query(`INSERT INTO tenants AS t (id, name) VALUES ('tn_other', 'x')
          ON CONFLICT (id) DO UPDATE SET name = 'x' WHERE CASE WHEN t.name = '${name}' THEN 1 / (length(t.name) - length(t.name)) = 1 END`),
      );
    expect(await guess('Name of other')).toBe(await guess('Wrong'));
  });

  test('a service writes its tenant, which the log says', async () => {
    await enter('tn_mine');
    await limited.query(
      `UPDATE tenants SET name = name || '!' WHERE id = current_setting('app.tenant_id', true)`,
    );
    await limited.query(`UPDATE tenant_settings SET company_name = company_name || '!'`);
    const rows = await asSuperuser(
      `SELECT kind, tenant_slug, actor = 'role:' || database_role AS ok FROM registry_change ORDER BY revision DESC LIMIT 2`,
    );
    expect(rows).toEqual([
      { kind: 'settings.updated', tenant_slug: 'mine', ok: true },
      { kind: 'tenant.updated', tenant_slug: 'mine', ok: true },
    ]);
  });
});

describe('rights', () => {
  test('of the other group roles', async () => {
    const ask = async (role: string, sql: string) =>
      outcomeOf(queryOnce(urlAs(await aLogin(role), registry), sql));
    const set = `SET app.tenant_id = 'mine'; `;
    expect(await ask('registry_admin', `UPDATE legacy.tenants SET name = 'x' WHERE id = 'tn_other'`)).toBe(
      'done',
    );
    expect(await ask('registry_reader', `${set}SELECT * FROM legacy.tenants`)).toBe('done');
    expect(await ask('registry_reader', `${set}UPDATE legacy.tenants SET name = 'x'`)).toBe(
      '42501 permission denied for view tenants',
    );
    expect(await ask('registry_service', 'SELECT * FROM legacy.tenants')).toBe(
      '42501 permission denied for schema legacy',
    );
  });

  test('registry_legacy has none on a table, and executes no procedure', async () => {
    const rows = await asSuperuser(
      `SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
         AND has_any_column_privilege('registry_legacy', oid, 'SELECT, INSERT, UPDATE, REFERENCES')
       UNION ALL
       SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'p'
         AND has_function_privilege('registry_legacy', oid, 'EXECUTE')`,
    );
    expect(rows).toEqual([]);
  });

  test('the views have the options that hide rows from functions, and the columns that grants name', async () => {
    const rows = await asSuperuser(
      `SELECT relname FROM pg_class WHERE relnamespace = 'legacy'::regnamespace AND relkind = 'v' AND 'security_barrier=true' = ANY (reloptions)
       ORDER BY 1`,
    );
    expect(rows.map(({ relname }) => relname)).toEqual([...views].sort());
    const fixed = await asSuperuser(
      `SELECT relname || '.' || attname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
       WHERE relnamespace = 'legacy'::regnamespace AND attnum > 0 AND NOT has_column_privilege('registry_legacy', attrelid, attnum, 'UPDATE')
       ORDER BY 1`,
    );
    expect(fixed.map(({ name }) => name).filter((name) => !name.endsWith('.tenant_uuid'))).toEqual([
      'tenants.slug',
      'user_invitations.accepted_at',
      'user_invitations.created_at',
    ]);
  });
});

describe('a database', () => {
  /** Migrates as a role that has no right on the database but to connect. */
  async function migrateAsGuest(prepare?: string) {
    const database = await createDatabase();
    onTestFinished(database.drop);
    const guest = await aLogin();
    await queryOnce(database.url, `GRANT USAGE, CREATE ON SCHEMA public TO ${guest}; ${prepare ?? ''}`);
    await migrateRegistry(urlAs(guest, database));
    await grantRegistryRoles(database);
    return { database, guest, ask: (sql: string) => queryOnce(database.url, sql) };
  }

  test('without the right to create schemas is migrated, and gets the views from an administrator', async () => {
    const { guest, ask, database } = await migrateAsGuest();
    expect(await ask(`SELECT to_regnamespace('legacy') AS found`)).toEqual([{ found: null }]);
    await ask(`CREATE SCHEMA legacy AUTHORIZATION ${guest}`);
    for (let round = 0; round < 2; round++)
      expect(await ask('SELECT registry_create_legacy_schema() AS made')).toEqual([{ made: true }]);
    await grantRegistryRoles(database);
    const { client } = await openLegacyService(database);
    onTestFinished(() => client.end());
    await client.query(upsertTenant, tenantRow('Acme.1'));
    expect(await tenantsIn(client, 'tenants')).toEqual(['Acme.1']);
  });

  test('whose schema legacy belongs to an application is migrated, and keeps it', async () => {
    const { ask } = await migrateAsGuest('CREATE SCHEMA legacy; CREATE TABLE legacy.tenants (id text)');
    expect(await ask('SELECT registry_create_legacy_schema() AS made')).toEqual([{ made: false }]);
    expect(
      await ask(`SELECT relname, relkind FROM pg_class WHERE relnamespace = 'legacy'::regnamespace`),
    ).toEqual([{ relname: 'tenants', relkind: 'r' }]);
  });
});
