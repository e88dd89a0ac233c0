import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { aLogin, openRoleSessions, type RoleSessions, refusalOf, urlAs } from './support/registry-roles.js';

/** What members of the group roles try in order to see more than their role shows. */
let sessions: RoleSessions;
beforeAll(async () => {
  sessions = await openRoleSessions();
});
afterAll(() => sessions?.close());

const tables = ['tenants', 'module_subscriptions', 'members', 'operations', 'operation_steps'];

const as = (role: string) => sessions.as(role);

async function connect(login: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlAs(login, sessions.registry) });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

async function slugs(client: pg.Client, sql = 'SELECT slug FROM tenants ORDER BY slug'): Promise<string[]> {
  return (await client.query<{ slug: string }>(sql)).rows.map(({ slug }) => slug);
}

describe.each(['registry_service', 'registry_reader', 'registry_admin'])('a member of %s', (role) => {
  test.each([
    'SET ROLE registry_admin',
    'SET ROLE registry_reader',
    'SET ROLE registry_service',
    'SET ROLE pg_read_all_data',
    'SET ROLE pg_database_owner',
    () => `SET ROLE ${sessions.registry.owner}`,
    () => `SET SESSION AUTHORIZATION ${sessions.registry.owner}`,
    () => `GRANT registry_admin TO current_user`,
    'ALTER TABLE tenants DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY',
    'DROP POLICY registry_reader ON tenants',
    'CREATE POLICY mine ON tenants USING (true)',
    'ALTER VIEW tenant_registry SET (security_barrier = false)',
    'CREATE OR REPLACE VIEW tenant_registry AS SELECT 1',
    'CREATE OR REPLACE FUNCTION registry_sees_everything() RETURNS boolean LANGUAGE sql RETURN true',
    'ALTER FUNCTION registry_visible_tenant() SECURITY INVOKER',
    `SELECT registry_protect_rows('tenants')`,
    'CREATE INDEX ON tenants ((slug))',
    'CREATE TRIGGER t BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION registry_touch()',
    'SET session_replication_role = replica',
    `COPY tenants TO PROGRAM 'cat'`,
  ])('is refused %s', async (given) => {
    const sql = typeof given === 'string' ? given : given();
    await as(role).query('BEGIN');
    const refusal = await refusalOf(as(role).query(sql));
    await as(role).query('ROLLBACK');
    // PostgreSQL lets a member take its own role, which changes nothing.
    if (sql === `SET ROLE ${role}`) expect(refusal).toBeUndefined();
    else expect(refusal).toMatch(/permission denied|must be (owner|able|superuser)|must have/);
  });
});

describe('earlier plans and settings', () => {
  test.each(['RESET ROLE', 'RESET ALL', 'DISCARD ALL', 'SET ROLE NONE', 'SET SESSION AUTHORIZATION DEFAULT'])(
    'after %s a reader sees its tenant at most',
    async (sql) => {
      const client = await connect(await aLogin('registry_reader'));
      await client.query(`SET app.tenant_id = 'mine'`);
      await client.query('SET ROLE registry_reader');
      await client.query(sql);
      const keeps = !['RESET ALL', 'DISCARD ALL'].includes(sql);
      expect(await slugs(client)).toEqual(keeps ? ['mine'] : []);
    },
  );

  test('a session that leaves a role leaves its rows, in prepared statements and in functions as well', async () => {
    const login = await aLogin('registry_admin', 'registry_reader');
    const client = await connect(login);
    const asked = { name: 'asked', text: 'SELECT slug FROM tenants ORDER BY slug' };
    const viewed = { name: 'viewed', text: 'SELECT tenant_slug AS slug FROM tenant_registry ORDER BY 1' };
    const below = {
      name: 'below',
      text: `WITH found AS (SELECT slug FROM (SELECT slug FROM tenants) AS inner_part) SELECT slug FROM found ORDER BY slug`,
    };
    await client.query(`SET plan_cache_mode = force_generic_plan; SET app.tenant_id = 'mine';
      CREATE FUNCTION pg_temp.in_function() RETURNS SETOF text LANGUAGE plpgsql AS
        $$ BEGIN RETURN QUERY SELECT slug FROM tenants ORDER BY slug; END $$`);
    const read = async () => {
      const found = [];
      for (const query of [asked, viewed, below])
        found.push((await client.query<{ slug: string }>(query)).rows.map(({ slug }) => slug));
      return [...found, await slugs(client, 'SELECT pg_temp.in_function() AS slug')];
    };
    const all = ['gone', 'mine', 'other'];
    expect(await read()).toEqual([all, ['mine', 'other'], all, all]);
    await client.query('SET ROLE registry_reader');
    expect(await read()).toEqual([['mine'], ['mine'], ['mine'], ['mine']]);
    await client.query('RESET ROLE');
    expect(await read()).toEqual([all, ['mine', 'other'], all, all]);
  });

  test('the owner of the tables that takes the role of a reader sees what a reader sees', async () => {
    await as('superuser').query(`GRANT registry_reader TO ${sessions.registry.owner}`);
    onTestFinished(
      async () =>
        void (await as('superuser').query(`REVOKE registry_reader FROM ${sessions.registry.owner}`)),
    );
    const client = await connect(sessions.registry.owner);
    const asked = { name: 'asked', text: 'SELECT slug FROM tenants ORDER BY slug' };
    expect((await client.query(asked)).rows).toHaveLength(3);
    await client.query(`SET ROLE registry_reader; SET app.tenant_id = 'mine'`);
    expect((await client.query(asked)).rows).toEqual([{ slug: 'mine' }]);
  });
});

describe('row_security = off', () => {
  test.each(tables)('is an error for a reader of %s', async (table) => {
    const client = await connect(await aLogin('registry_reader'));
    await client.query(`SET row_security = off; SET app.tenant_id = 'mine'`);
    expect(await refusalOf(client.query(`SELECT * FROM ${table}`))).toMatch(
      /^query would be affected by row-level security policy/,
    );
  });

  test('shows a reader no other tenant in the views', async () => {
    const client = await connect(await aLogin('registry_reader'));
    await client.query(`SET row_security = off; SET app.tenant_id = 'mine'`);
    for (const view of ['tenant_registry', 'tenant_module_log'])
      expect(await refusalOf(client.query(`SELECT * FROM ${view}`))).toMatch(/row-level security policy/);
  });
});

describe('with views and tables that belong to a superuser, which no policy limits', () => {
  const relations = [
    'VIEW tenant_registry',
    'VIEW tenant_module_log',
    'FUNCTION registry_visible_tenant()',
    ...tables.map((table) => `TABLE ${table}`),
  ];
  const giveTo = (owner: string) =>
    as('superuser').query(relations.map((relation) => `ALTER ${relation} OWNER TO ${owner}`).join('; '));
  beforeAll(async () => void (await giveTo('CURRENT_USER')));
  afterAll(async () => void (await giveTo(sessions.registry.owner)));

  test.each(['on', 'off'])(
    'the views show a reader its tenant alone, row_security being %s',
    async (setting) => {
      const client = await connect(await aLogin('registry_admin', 'registry_reader'));
      await client.query(`SET plan_cache_mode = force_generic_plan; SET app.tenant_id = 'mine'`);
      const found = async (name: string) =>
        (await client.query({ name, text: `SELECT DISTINCT tenant_slug FROM ${name} ORDER BY 1` })).rowCount;
      expect([await found('tenant_registry'), await found('tenant_module_log')]).toEqual([2, 3]);
      await client.query(`SET ROLE registry_reader; SET row_security = ${setting}`);
      expect([await found('tenant_registry'), await found('tenant_module_log')]).toEqual([1, 1]);
    },
  );
});

/** A function that tells what it is given, and that the planner prefers to every other condition. */
const spy = `CREATE FUNCTION pg_temp.spy(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
  $$ BEGIN RAISE NOTICE 'spied %', $1; RETURN true; END $$`;

test.each([
  ['registry_service', 'SELECT tenant_id FROM tenant_registry WHERE pg_temp.spy(tenant_slug)', 'mine,other'],
  [
    'registry_service',
    'SELECT tenant_id FROM tenant_registry WHERE pg_temp.spy(tenant_id::text || status)',
    '2',
  ],
  [
    'registry_service',
    'SELECT module FROM tenant_module_log WHERE pg_temp.spy(tenant_slug)',
    'gone,mine,other',
  ],
  ['registry_reader', 'SELECT id FROM tenants WHERE pg_temp.spy(slug)', 'mine'],
  ['registry_reader', 'SELECT id FROM tenants ORDER BY pg_temp.spy(slug)', 'mine'],
  ['registry_reader', 'SELECT id FROM members WHERE pg_temp.spy(email)', 'mine@example.com'],
  ['registry_reader', 'SELECT tenant_id FROM tenant_registry WHERE pg_temp.spy(tenant_name)', 'Name of mine'],
  ['registry_reader', 'SELECT module FROM tenant_module_log WHERE pg_temp.spy(tenant_slug)', 'mine'],
  [
    'registry_reader',
    'SELECT 1 FROM operation_steps AS s JOIN operations AS o ON pg_temp.spy(o.tenant_id::text)',
    '1',
  ],
])('a function of %s in "%s" is given visible rows alone', async (role, sql, expected) => {
  const client = await connect(await aLogin(role));
  const spied = new Set<string>();
  client.on('notice', ({ message }) => message && spied.add(message.replace('spied ', '')));
  await client.query(`${spy}; SET app.tenant_id = 'mine'`);
  await client.query(sql);
  const found = [...spied].sort();
  expect(/^\d$/.test(expected) ? String(found.length) : found.join(',')).toBe(expected);
});

test.each([
  [
    'registry_service',
    'SELECT tenant_slug AS slug FROM tenant_registry WHERE 1 / (CASE tenant_slug WHEN $1 THEN 0 ELSE 1 END) = 1',
  ],
  ['registry_reader', 'SELECT slug FROM tenants WHERE 1 / (CASE slug WHEN $1 THEN 0 ELSE 1 END) = 1'],
])('an error does not tell %s of a row that it does not see', async (role, sql) => {
  const client = await connect(await aLogin(role));
  await client.query(`SET app.tenant_id = 'mine'`);
  expect(await refusalOf(client.query(sql, ['gone']))).toBeUndefined();
  expect(await refusalOf(client.query(sql, ['mine']))).toBe('division by zero');
});

test('functions and operators in front of the search_path are not taken for those of PostgreSQL', async () => {
  const login = await aLogin('registry_reader');
  await as('superuser').query(`CREATE SCHEMA planted AUTHORIZATION ${login}`);
  const client = await connect(login);
  await client.query(`
    SET search_path = planted;
    CREATE FUNCTION pg_has_role(oid, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION to_regrole(text) RETURNS regrole LANGUAGE sql AS 'SELECT current_user::regrole';
    CREATE FUNCTION registry_sees_everything() RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION registry_visible_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
    CREATE FUNCTION current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$SELECT 'other'$$;
    CREATE FUNCTION yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION yes(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE FUNCTION yes(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = yes);
    CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = oid, FUNCTION = yes);
    CREATE OPERATOR = (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = yes);
    CREATE TABLE tenants (id uuid, slug text);
    SET search_path = planted, pg_catalog, public;
    SET app.tenant_id = 'mine'`);
  expect(await slugs(client, 'SELECT slug FROM public.tenants')).toEqual(['mine']);
  expect(await slugs(client, 'SELECT tenant_slug AS slug FROM public.tenant_registry')).toEqual(['mine']);
});

test('statistics of the planner do not show a reader the values of others', async () => {
  await as('superuser').query('ANALYZE');
  const { rows } = await as('registry_reader').query(
    `SELECT tablename, attname FROM pg_stats WHERE schemaname = 'public'`,
  );
  expect(rows).toEqual([]);
});
