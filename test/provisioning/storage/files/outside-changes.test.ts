import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inTransaction } from '../../../../src/database/statements/in-transaction.js';
import { runMigrations } from '../../../../src/provisioning/storage/migration-run.js';
import { createDatabase, type TestDatabase, uniqueName } from '../../../setup/database.js';

let database: TestDatabase;
let client: pg.Client;
let schema: string;
let count = 0;
const role = uniqueName('outside');

beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    CREATE ROLE ${role};
    CREATE TABLE public.shared (id int PRIMARY KEY, name text);
    CREATE SEQUENCE public.numbers;
    CREATE TYPE public.mood AS ENUM ('good');
    CREATE DOMAIN public.positive AS int;
    CREATE FUNCTION public.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE VIEW public.seen AS SELECT * FROM public.shared;
    CREATE SCHEMA neighbour;
    CREATE TABLE neighbour.t (a int);
    SET search_path = pg_catalog, pg_temp`);
});
afterAll(async () => {
  await client.query(`DROP ROLE ${role}`);
  await client.end();
  await database.drop();
});
beforeEach(async () => {
  schema = `tenant_${count++}`;
  await client.query(
    `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.t (a int); INSERT INTO ${schema}.t VALUES (1)`,
  );
});

const run = (sql: string) =>
  inTransaction(client, () => runMigrations(client, schema, [{ name: 'crm/1.sql', sql, checksum: '' }]));
const dynamic = (sql: string) => `DO $do$ BEGIN ${sql}; END $do$`;

/** In a transaction that has made the schema, and more, before the file. */
const inFreshSchema = (sql: string, on: pg.Client = client) =>
  inTransaction(on, async () => {
    await on.query(`CREATE SCHEMA fresh; CREATE TABLE fresh.t (a int);
      CREATE FUNCTION public.earlier() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    await runMigrations(on, 'fresh', [{ name: 'crm/1.sql', sql, checksum: '' }]);
    throw new Error('nothing was refused');
  });

/** Statements in a DO block, and the object that the refusal names. */
const outside: Record<string, [sql: string, named: string]> = {
  'a table': ['CREATE TABLE public.made (a int)', 'table public.made'],
  'a table in the schema of another tenant': ['CREATE TABLE neighbour.made (a int)', 'table neighbour.made'],
  'a view': ['CREATE VIEW public.made AS SELECT 1', 'view public.made'],
  'a sequence': ['CREATE SEQUENCE public.made', 'sequence public.made'],
  'a function': [
    `CREATE FUNCTION public.made() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    'routine public.made',
  ],
  'a replaced function': [
    `CREATE OR REPLACE FUNCTION public.one() RETURNS int LANGUAGE sql AS 'SELECT 2'`,
    'routine public.one',
  ],
  'a type': [`CREATE TYPE public.made AS ENUM ('a')`, 'type public.made'],
  'a domain': ['CREATE DOMAIN public.made AS int', 'type public.made'],
  'a constraint of a domain': [
    'ALTER DOMAIN public.positive ADD CHECK (VALUE > 0)',
    'constraint public.positive_check',
  ],
  'a value of an enum': [
    `ALTER TYPE public.mood RENAME VALUE 'good' TO 'bad'`,
    'value bad of type public.mood',
  ],
  'an operator': [
    'CREATE OPERATOR public.@@@ (leftarg = int, rightarg = int, function = int4pl)',
    'operator public.@@@',
  ],
  'a collation': [`CREATE COLLATION public.made (locale = 'C')`, 'collation public.made'],
  'a schema': ['CREATE SCHEMA made', 'schema made'],
  'an extension': [`COMMENT ON EXTENSION plpgsql IS 'x'`, 'comment on extension plpgsql'],
  'a role': ['CREATE ROLE never_made', 'a role'],
  'a membership': [`GRANT pg_monitor TO ${role}`, `membership of role ${role}`],
  'a setting of a role': [`ALTER ROLE ${role} SET work_mem = '5MB'`, 'settings of a role'],
  'default privileges': ['ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC', 'default privileges'],
  'an event trigger': [
    `CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
     CREATE EVENT TRIGGER made ON ddl_command_end EXECUTE FUNCTION ev()`,
    'event trigger made',
  ],
  'a temporary table': ['CREATE TEMP TABLE made (a int)', '.made'],
  'a large object': ['PERFORM lo_create(0)', 'large object'],
  'a cast': ['CREATE CAST (public.mood AS text) WITH INOUT', 'cast from public.mood to text'],
  'a row': ['INSERT INTO public.shared VALUES (1)', 'table public.shared'],
  'an update': ['UPDATE public.shared SET id = 2', 'table public.shared'],
  'a deletion': ['DELETE FROM neighbour.t', 'table neighbour.t'],
  'a truncated table': ['TRUNCATE neighbour.t', 'table neighbour.t'],
  'a locked table': ['LOCK TABLE public.shared IN SHARE MODE', 'table public.shared'],
  'a number of a sequence': [`PERFORM nextval('public.numbers')`, 'sequence public.numbers'],
  'a column': ['ALTER TABLE public.shared ADD COLUMN more int', 'table public.shared'],
  'an index': ['CREATE INDEX ON public.shared (name)', 'public.shared'],
  'a trigger': [
    `CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE TRIGGER made BEFORE INSERT ON public.shared FOR EACH ROW EXECUTE FUNCTION fire()`,
    'table public.shared',
  ],
  'a grant': ['GRANT SELECT ON public.shared TO PUBLIC', 'table public.shared'],
  'a grant of a column': ['GRANT SELECT (name) ON public.shared TO PUBLIC', 'column public.shared.name'],
  'a grant of a function': [`REVOKE ALL ON FUNCTION public.one() FROM PUBLIC`, 'routine public.one'],
  'a comment on a table': [`COMMENT ON TABLE public.shared IS 'x'`, 'table public.shared'],
  'a comment on a function': [`COMMENT ON FUNCTION public.one() IS 'x'`, 'comment on function public.one()'],
  'a dropped table': ['DROP TABLE public.shared CASCADE', 'table public.shared (dropped)'],
  'a dropped function': ['DROP FUNCTION public.one()', 'routine public.one (dropped)'],
  'a dropped type': ['DROP TYPE public.mood', 'type public.mood (dropped)'],
  'a dropped schema': ['DROP SCHEMA neighbour CASCADE', 'schema neighbour (dropped)'],
  'a moved table': [
    'CREATE TABLE mine (a int); ALTER TABLE mine SET SCHEMA neighbour',
    'table neighbour.mine',
  ],
  'a change of PostgreSQL’s own function': [
    'ALTER FUNCTION pg_catalog.lower(text) COST 2',
    'routine pg_catalog.lower',
  ],
  'what a subtransaction made': [
    `BEGIN CREATE FUNCTION public.made() RETURNS int LANGUAGE sql AS 'SELECT 1'; EXCEPTION WHEN division_by_zero THEN END`,
    'routine public.made',
  ],
  'what was made with another search_path': [
    `PERFORM set_config('search_path', 'public', true); CREATE TABLE made (a int)`,
    'table public.made',
  ],
};

describe('a DO block that makes or changes, outside the tenant’s schema,', () => {
  test.each(Object.entries(outside))(
    '%s is undone, and the refusal names it',
    async (_kind, [sql, named]) => {
      const before = await countObjects();
      await expect(run(`${dynamic(sql)}; CREATE TABLE inside (a int)`)).rejects.toThrow(
        expect.objectContaining({
          code: 'CONFLICT',
          message: expect.stringContaining(named),
        }),
      );
      expect(await countObjects()).toEqual(before);
    },
  );

  test('anything is found also where the server does not count writes', async () => {
    await client.query('SET track_counts = off');
    try {
      await expect(run(dynamic('DROP FUNCTION public.one()'))).rejects.toThrow(
        'routine public.one (dropped)',
      );
      await run(dynamic('CREATE TABLE inside (a int)'));
    } finally {
      await client.query('SET track_counts = on');
    }
  });

  test.each<[string, sql: string, named: string]>([
    [
      'makes',
      `CREATE SCHEMA made; CREATE FUNCTION public.made() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
      'routine public.made, schema made',
    ],
    ['changes', 'ALTER FUNCTION public.earlier() COST 7', 'routine public.earlier'],
    ['drops', 'DROP FUNCTION public.earlier()', 'routine public.earlier (dropped)'],
  ])(
    'what the file itself %s is named, and not what its transaction did before',
    async (_kind, sql, named) => {
      await expect(inFreshSchema(dynamic(sql))).rejects.toThrow(
        `is not inside schema fresh: ${named}. Remove`,
      );
    },
  );

  test('a temporary table is named without the schema that the session gets for it', async () => {
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    try {
      await other.query('SET search_path = pg_catalog, pg_temp');
      const names = /: table pg_temp_\d+\.made(, type pg_temp_\d+\._?made)*\. Remove/;
      await expect(inFreshSchema(dynamic('CREATE TEMP TABLE made (a text)'), other)).rejects.toThrow(names);
    } finally {
      await other.end();
    }
  });

  test.each([
    ['DROP TABLE t CASCADE', 'rule on public.over_t'],
    ['ALTER TABLE t DROP COLUMN a CASCADE', 'public.over_t'],
  ])('what depends on the schema from outside and goes by %s', async (sql) => {
    await client.query(`CREATE VIEW public.over_t AS SELECT a FROM ${schema}.t`);
    try {
      await expect(run(sql)).rejects.toThrow('public.over_t');
      expect((await client.query(`SELECT to_regclass('public.over_t') IS NOT NULL AS yes`)).rows).toEqual([
        { yes: true },
      ]);
    } finally {
      await client.query('DROP VIEW IF EXISTS public.over_t');
    }
  });

  test('a trigger, a function and a default that write there are found by what they do', async () => {
    await client.query(`
      CREATE FUNCTION ${schema}.spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.shared VALUES (9); RETURN NEW; END';
      CREATE TRIGGER spy BEFORE INSERT ON ${schema}.t FOR EACH ROW EXECUTE FUNCTION ${schema}.spy();
      CREATE FUNCTION ${schema}.leak() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.shared VALUES (8); RETURN 1; END'`);
    for (const sql of [
      'INSERT INTO t VALUES (2)',
      'SELECT leak()',
      'ALTER TABLE t ADD COLUMN b int DEFAULT leak()',
    ])
      await expect(run(sql)).rejects.toThrow('table public.shared');
  });
});

/** Statements inside the tenant's schema that must pass, though they do much at once. */
const inside: Record<string, string> = {
  'a DO block':
    dynamic(`CREATE TABLE x (a int PRIMARY KEY, b text); CREATE VIEW y AS SELECT * FROM x; DROP TABLE t;
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMENT ON FUNCTION f() IS 'x'; COMMENT ON TABLE x IS 'x'`),
  'types and domains':
    dynamic(`CREATE TYPE e AS ENUM ('a'); CREATE DOMAIN d AS int CHECK (VALUE > 0); COMMENT ON TYPE e IS 'x';
    ALTER TYPE e ADD VALUE 'b'; DROP TYPE e; CREATE TYPE pair AS (a int, b int)`),
  'rows with a toast table': `CREATE TABLE big (a text); INSERT INTO big SELECT string_agg(md5(n::text), '') FROM generate_series(1, 9999) AS n`,
  'a handled error': dynamic(
    `BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN CREATE TABLE caught (a int); END`,
  ),
  'reading elsewhere': dynamic('PERFORM count(*) FROM public.shared, pg_catalog.pg_class'),
  'a grant of its own': dynamic('GRANT SELECT (a) ON t TO PUBLIC; REVOKE ALL ON t FROM PUBLIC'),
  'an operator and an aggregate': `CREATE OPERATOR @@@ (leftarg = int, rightarg = int, function = int4pl);
    CREATE AGGREGATE total (int) (sfunc = int4pl, stype = int); SELECT total(a) FROM t`,
};

describe('a file that stays inside the schema runs:', () => {
  test.each(Object.entries(inside))('%s', async (_kind, sql) => {
    await run(sql);
  });

  test('while another session is dropping what is in a catalog that the file does not write', async () => {
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    try {
      await other.query('CREATE COLLATION public.others FROM "C"');
      await inTransaction(client, async () => {
        await client.query('SELECT pg_current_xact_id()');
        await other.query('BEGIN; DROP COLLATION public.others');
        // The catalogs of operators and collations are read by one cursor.
        const sql = dynamic('CREATE OPERATOR @@@ (leftarg = int, rightarg = int, function = int4pl)');
        await runMigrations(client, schema, [{ name: 'crm/1.sql', sql, checksum: '' }]);
        await other.query('COMMIT');
      });
    } finally {
      await other.end();
    }
  });

  test('while another session makes, changes and drops objects elsewhere', async () => {
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    try {
      await other.query(
        `CREATE TABLE public.others (a int); CREATE FUNCTION public.others() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
      );
      await inTransaction(client, async () => {
        await client.query('SELECT pg_current_xact_id()');
        await other.query('BEGIN');
        await other.query('DROP FUNCTION public.others(); CREATE TABLE public.open (a int)');
        const others = new pg.Client({ connectionString: database.url });
        await others.connect();
        await others.query('DROP TABLE public.others; CREATE TABLE public.committed (a int)');
        await others.end();
        await runMigrations(client, schema, [
          {
            name: 'crm/1.sql',
            sql: dynamic('CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$; DROP TABLE t'),
            checksum: '',
          },
        ]);
        await other.query('ROLLBACK');
      });
    } finally {
      await other.query('DROP FUNCTION public.others(); DROP TABLE public.committed');
      await other.end();
    }
  });
});

async function countObjects() {
  const { rows } = await client.query(
    `SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_namespace),
            (SELECT count(*) FROM pg_roles), (SELECT count(*) FROM public.shared), (SELECT count(*) FROM pg_largeobject_metadata),
            (SELECT string_agg(proacl::text || prosrc, ',') FROM pg_proc WHERE proname = 'one')`,
  );
  return rows;
}
