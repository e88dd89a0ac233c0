import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryOnce } from '../database/support/temporary-databases.js';
import {
  aLogin,
  groupRoles,
  openRoleSessions,
  type RoleSessions,
  refusalOf,
  urlAs,
} from './support/registry-roles.js';

let sessions: RoleSessions;
const firstColumn = new Map<string, string>();
const as = (role: string) => sessions.as(role);

beforeAll(async () => {
  sessions = await openRoleSessions();
  const { rows } = await as('superuser').query<{ relation: string; column: string }>(
    `SELECT attrelid::regclass AS relation, attname AS column FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = 'public'::regnamespace AND attnum = 1`,
  );
  for (const { relation, column } of rows) firstColumn.set(relation, column);
});
afterAll(() => sessions?.close());

const nothing = '-';

/**
 * What each role may do: the rows that SELECT shows (all of the registry, or those of one tenant), and I for INSERT, U for
 * UPDATE, D for DELETE, T for TRUNCATE where no missing right and no policy refuses the command. Triggers may still refuse it.
 */
const matrix: Record<string, { service: string; reader: string; admin: string; owner: string }> = {
  tenants: { service: nothing, reader: 'own', admin: 'all IU', owner: 'all IUDT' },
  module_subscriptions: { service: nothing, reader: 'own', admin: 'all IU', owner: 'all IUDT' },
  tenant_settings: { service: nothing, reader: 'own', admin: 'all IU', owner: 'all IUDT' },
  tenant_branding: { service: nothing, reader: 'own', admin: 'all IU', owner: 'all IUDT' },
  members: { service: nothing, reader: 'own', admin: 'all IUD', owner: 'all IUDT' },
  tenant_external_ids: { service: nothing, reader: 'own', admin: 'all IU', owner: 'all IUDT' },
  operations: { service: nothing, reader: 'own', admin: 'all', owner: 'all IUDT' },
  operation_steps: { service: nothing, reader: 'own', admin: 'all', owner: 'all IUDT' },
  operation_tenants: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  operation_attempts: { service: nothing, reader: 'own', admin: 'all', owner: 'all IUDT' },
  operation_modules: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  rollouts: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  rollout_tenants: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  modules: { service: nothing, reader: nothing, admin: 'all IU', owner: 'all IUDT' },
  storage_names: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  invitations: { service: nothing, reader: nothing, admin: 'all D', owner: 'all IUDT' },
  api_keys: { service: nothing, reader: nothing, admin: 'all U', owner: 'all IUDT' },
  idempotency_keys: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  registry_head: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  registry_change: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  registry_checkpoints: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  replicas: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  compared_guards: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  drift_findings: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  drift_scans: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  takeovers: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  trusted_documents: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  module_tenants: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  tenant_counts: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  subscription_counts: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  tenant_usage: { service: nothing, reader: 'own', admin: 'all', owner: 'all IUDT' },
  usage_keys: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  plans: { service: nothing, reader: nothing, admin: 'all IU', owner: 'all IUDT' },
  plan_updates: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  tenant_growth: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  quota_use: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  personal_data_keys: { service: nothing, reader: nothing, admin: nothing, owner: 'all IUDT' },
  cache_secret: { service: nothing, reader: nothing, admin: nothing, owner: 'all IUDT' },
  _prisma_migrations: { service: nothing, reader: nothing, admin: 'all', owner: 'all IUDT' },
  tenant_registry: { service: 'all', reader: 'own', admin: 'all', owner: 'all' },
  tenant_names: { service: 'all', reader: 'own', admin: 'all', owner: 'all' },
  tenant_module_log: { service: 'all', reader: 'own', admin: 'all', owner: 'all' },
};

const roleOf = {
  service: 'registry_service',
  reader: 'registry_reader',
  admin: 'registry_admin',
  owner: 'owner',
};

test('every table and view of the registry has a row in the matrix', async () => {
  const { rows } = await as('superuser').query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')`,
  );
  expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(matrix).sort());
});

test('row-level security is enabled and forced on every table, and views hide rows from functions', async () => {
  const { rows } = await as('superuser').query(
    `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
     AND CASE relkind WHEN 'v' THEN NOT coalesce('security_barrier=true' = ANY (reloptions), false)
                      ELSE NOT (relrowsecurity AND relforcerowsecurity) END
     AND relkind IN ('r', 'p', 'v', 'm', 'f')`,
  );
  expect(rows).toEqual([]);
});

test.each(Object.entries(matrix))('%s is as open as the matrix says', async (relation, expected) => {
  const found = { ...expected };
  for (const [kind, role] of Object.entries(roleOf) as [keyof typeof roleOf, string][]) {
    const allowed = [];
    for (const letter of Object.keys(commands))
      if (await isAllowed(role, relation, letter)) allowed.push(letter);
    found[kind] = [await rowsSeen(role, relation), allowed.join('')].filter(Boolean).join(' ');
  }
  expect(found).toEqual(expected);
});

const commands: Record<string, (relation: string) => string> = {
  I: (relation) => `INSERT INTO ${relation} DEFAULT VALUES`,
  U: (relation) =>
    `UPDATE ${relation} SET ${relation === 'api_keys' ? 'name' : firstColumn.get(relation)} = DEFAULT`,
  D: (relation) => `DELETE FROM ${relation}`,
  T: (relation) => `TRUNCATE ${relation} CASCADE`,
};

/** Whether neither a missing right nor a policy refuses the command. What the command does is rolled back. */
async function isAllowed(role: string, relation: string, letter: string): Promise<boolean> {
  const refusal = await inTransaction(role, (client) =>
    refusalOf(client.query(commands[letter]?.(relation) ?? '')),
  );
  return !/permission denied|row-level security|is not a table|cannot (insert|update|delete)/.test(
    refusal ?? '',
  );
}

/** "all", "own" or "-", in a session in which app.tenant_id names one of two tenants. */
async function rowsSeen(role: string, relation: string): Promise<string> {
  const count = async (client: pg.Client, where = '') =>
    (await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${relation} ${where}`)).rows[0]?.n ??
    0;
  const seen = await inTransaction(role, (client) =>
    count(client).catch((error) => {
      if (/permission denied/.test(error.message)) return undefined;
      throw error;
    }),
  );
  if (seen === undefined) return nothing;
  const all = await count(as('superuser'));
  expect(all).toBeGreaterThan(0);
  if (seen === all) return 'all';
  const tenant = {
    tenants: 'id',
    operation_steps: '(SELECT tenant_id FROM operations WHERE id = operation_id)',
  };
  const own = relation in tenant ? tenant[relation as keyof typeof tenant] : 'tenant_id';
  const expected = await count(as('superuser'), `WHERE ${own} = '${sessions.mine.id}'`);
  return seen === expected && seen > 0 ? 'own' : `${seen} of ${all}`;
}

async function inTransaction<T>(role: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = as(role);
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL app.tenant_id = '${sessions.mine.slug}'`);
    return await work(client);
  } finally {
    await client.query('ROLLBACK');
  }
}

test('the group roles cannot log in and have no attributes', async () => {
  const { rows } = await as('superuser').query(
    `SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)
     AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)`,
    [groupRoles],
  );
  expect(rows).toEqual([]);
});

describe('registry_reader', () => {
  test('may read every column of its tenant but the note of operators', async () => {
    const { rows } = await as('superuser').query<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'tenants'::regclass AND attnum > 0 AND NOT attisdropped
         AND NOT has_column_privilege('registry_reader', attrelid, attnum, 'SELECT')`,
    );
    expect(rows).toEqual([{ name: 'internal_note' }]);
  });
});

describe('registry_service', () => {
  test('may read these columns and no others', async () => {
    const { rows } = await as('superuser').query<{ name: string }>(
      `SELECT relname || '.' || attname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0
         AND has_column_privilege('registry_service', attrelid, attnum, 'SELECT') ORDER BY attrelid, attnum`,
    );
    const columns = (view: string, ...names: string[]) => names.map((name) => `${view}.${name}`);
    expect(rows.map(({ name }) => name).sort()).toEqual(
      [
        ...columns(
          'tenant_registry',
          'tenant_id',
          'tenant_slug',
          'status',
          'modules_subscribed',
          'operations_schema',
        ),
        ...columns(
          'tenant_registry',
          'finance_schema',
          'inventory_schema',
          'module_schemas',
          'module_databases',
        ),
        ...columns('tenant_registry', 'created_at', 'updated_at', 'external_ids'),
        ...columns('tenant_names', 'name', 'tenant_id', 'is_external'),
        ...columns(
          'tenant_module_log',
          'operation_id',
          'tenant_id',
          'tenant_slug',
          'module',
          'action',
          'status',
        ),
        ...columns('tenant_module_log', 'attempt', 'created_at', 'started_at', 'finished_at'),
      ].sort(),
    );
  });

  test('reads the routes of every tenant that is not purged, whatever app.tenant_id is', async () => {
    for (const setting of ['', 'mine', 'x']) {
      await as('registry_service').query(`SELECT set_config('app.tenant_id', $1, false)`, [setting]);
      const { rows } = await as('registry_service').query(
        'SELECT tenant_slug, finance_schema FROM tenant_registry ORDER BY 1',
      );
      expect(rows).toEqual([
        { tenant_slug: 'mine', finance_schema: 'finance_mine' },
        { tenant_slug: 'other', finance_schema: 'finance_other' },
      ]);
    }
  });

  test.each([
    'SELECT tenant_name FROM tenant_registry',
    'SELECT * FROM tenant_registry',
    'SELECT tenant_registry FROM tenant_registry',
    `SELECT tenant_slug FROM tenant_registry WHERE tenant_name = 'x'`,
    'SELECT tenant_slug FROM tenant_registry ORDER BY tenant_name',
    'SELECT performed_by FROM tenant_module_log',
    'SELECT error FROM tenant_module_log',
    'SELECT slug FROM tenants',
    'SELECT registry_visible_tenant()',
    'SELECT registry_enqueue_binding(gen_random_uuid())',
    `CALL register_tenant('new', 'New')`,
    'CREATE TABLE own (id int)',
    'COPY tenant_registry TO STDOUT',
  ])('is refused %s', async (sql) => {
    expect(await refusalOf(as('registry_service').query(sql))).toMatch(/^permission denied/);
  });
});

describe('registry_reader', () => {
  const id = (which: 'mine' | 'other') => () => sessions[which].id;
  test.each<[string, (() => string | null) | undefined, string[]]>([
    ['its id', id('mine'), ['mine']],
    ['its slug', () => 'mine', ['mine']],
    ['the id of another tenant', id('other'), ['other']],
    ['the slug of another tenant', () => 'other', ['other']],
    ['nothing', undefined, []],
    ['null', () => null, []],
    ['an empty text', () => '', []],
    ['its id in capitals', () => sessions.mine.id.toUpperCase(), []],
    ['its id without hyphens', () => sessions.mine.id.replaceAll('-', ''), []],
    ['its id in braces', () => `{${sessions.mine.id}}`, []],
    ['its id and a blank', () => `${sessions.mine.id} `, []],
    ['its id and a line feed', () => `${sessions.mine.id}\n`, []],
    ['its slug in capitals', () => 'MINE', []],
    ['its slug and a blank', () => ' mine', []],
    ['an array of slugs', () => '{mine,other}', []],
    ['an array of ids', () => `{${sessions.mine.id},${sessions.other.id}}`, []],
    ['a list of slugs', () => 'mine,other', []],
    ['a pattern', () => '%', []],
    ['another pattern', () => 'm_ne', []],
    ['a regular expression', () => '.*', []],
    ['SQL', () => `x' OR 'a' = 'a`, []],
    ['SQL with a comment', () => `mine' OR true --`, []],
    ['null as text', () => 'NULL', []],
    ['a name', () => 'Name of mine', []],
    ['an address', () => 'mine@example.com', []],
    ['100,000 characters', () => 'mine'.repeat(25_000), []],
  ])('with %s in app.tenant_id', async (_name, setting, expected) => {
    const client = as('registry_reader');
    if (setting) await client.query(`SELECT set_config('app.tenant_id', $1, false)`, [setting()]);
    else await client.query('RESET app.tenant_id');
    const read = async (sql: string) =>
      (await client.query<{ slug: string }>(sql)).rows.map(({ slug }) => slug);
    expect(await read('SELECT slug FROM tenants')).toEqual(expected);
    expect(await read('SELECT tenant_slug AS slug FROM tenant_registry')).toEqual(expected);
    expect(await read(`SELECT split_part(schema_name, '_', 2) AS slug FROM module_subscriptions`)).toEqual(
      expected,
    );
    expect(await read('SELECT DISTINCT tenant_slug AS slug FROM tenant_module_log')).toEqual(expected);
    expect(await read(`SELECT split_part(email, '@', 1) AS slug FROM members`)).toEqual(expected);
  });

  test('sees nothing where the setting was never made', async () => {
    const login = await aLogin('registry_reader');
    expect(await queryOnce(urlAs(login, sessions.registry), 'SELECT slug FROM tenants')).toEqual([]);
  });

  test('stays limited to its tenant as a member of registry_service, too', async () => {
    const login = await aLogin('registry_service', 'registry_reader');
    const url = new URL(urlAs(login, sessions.registry));
    url.searchParams.set('options', '-c app.tenant_id=mine');
    for (const sql of ['SELECT slug FROM tenants', 'SELECT tenant_slug AS slug FROM tenant_registry'])
      expect(await queryOnce(url.href, sql)).toEqual([{ slug: 'mine' }]);
  });
});
