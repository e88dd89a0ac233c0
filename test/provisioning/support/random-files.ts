import pg from 'pg';
import { expect } from 'vitest';
import { inTransaction } from '../../../src/database/statements/in-transaction.js';
import { runMigrations } from '../../../src/provisioning/storage/migration-run.js';
import { createDatabase } from '../../setup/database.js';
import { createDraw } from '../../setup/random.js';
import { seed } from '../../setup/seed.js';

type Below = (below: number) => number;

const setup = `
  CREATE SCHEMA neighbour; CREATE SCHEMA tenant;
  CREATE TABLE public.t (id int, name text); CREATE TABLE neighbour.t (id int, name text);
  INSERT INTO public.t VALUES (1, 'a'); INSERT INTO neighbour.t VALUES (1, 'a');
  CREATE SEQUENCE public.s; CREATE SEQUENCE neighbour.s;
  CREATE TYPE public.e AS ENUM ('a'); CREATE TYPE neighbour.e AS ENUM ('a');
  CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION neighbour.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION public.grow() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.t VALUES (7); RETURN 1; END';
  CREATE DOMAIN public.d AS int; CREATE DOMAIN neighbour.d AS int;
  CREATE VIEW public.v AS SELECT * FROM public.t; CREATE VIEW neighbour.v AS SELECT * FROM neighbour.t;
  CREATE TABLE tenant.own (id int, name text); INSERT INTO tenant.own VALUES (1, 'own');`;

/** Statements with $ for a schema and a dot, which is empty for the tenant's own. */
const statements = [
  'CREATE TABLE $new (a int)',
  'CREATE VIEW $new AS SELECT 1 AS a',
  'CREATE SEQUENCE $new',
  `CREATE TYPE $new AS ENUM ('x')`,
  'CREATE TYPE $new AS (a int)',
  'CREATE DOMAIN $new AS int',
  `CREATE FUNCTION $new() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
  `CREATE OR REPLACE FUNCTION $f() RETURNS int LANGUAGE sql AS 'SELECT 2'`,
  'CREATE MATERIALIZED VIEW $new AS SELECT 1 AS a',
  'CREATE TABLE $new AS SELECT 1 AS a',
  `CREATE COLLATION $new (locale = 'C')`,
  'CREATE AGGREGATE $new (int) (sfunc = int4pl, stype = int)',
  'CREATE OPERATOR $@@@ (leftarg = int, rightarg = int, function = int4pl)',
  'CREATE STATISTICS $new ON id, name FROM own',
  'CREATE INDEX new_idx ON $t (id)',
  'INSERT INTO $t VALUES (2)',
  `UPDATE $t SET name = 'b'`,
  'DELETE FROM $t',
  'TRUNCATE $t',
  'DROP TABLE $t CASCADE',
  'DROP FUNCTION $f()',
  'DROP TYPE $e',
  'DROP VIEW $v',
  'ALTER TABLE $t ADD COLUMN more int',
  'ALTER TABLE $t RENAME TO other',
  'ALTER TABLE $t ALTER name SET DEFAULT 1',
  `ALTER TYPE $e ADD VALUE 'b'`,
  `ALTER TYPE $e RENAME VALUE 'a' TO 'b'`,
  'ALTER DOMAIN $d ADD CHECK (VALUE > 0)',
  'ALTER FUNCTION $f() COST 7',
  'ALTER SEQUENCE $s INCREMENT 2',
  `COMMENT ON TABLE $t IS 'x'`,
  `COMMENT ON FUNCTION $f() IS 'x'`,
  `COMMENT ON COLUMN $t.id IS 'x'`,
  'GRANT SELECT ON $t TO PUBLIC',
  'GRANT SELECT (id) ON $t TO PUBLIC',
  'REVOKE ALL ON FUNCTION $f() FROM PUBLIC',
  'CREATE RULE r AS ON INSERT TO $t DO NOTHING',
  'ALTER TABLE $t ENABLE ROW LEVEL SECURITY',
  'CREATE POLICY p ON $t USING (true)',
  'LOCK TABLE $t IN EXCLUSIVE MODE',
  'ALTER TABLE own SET SCHEMA neighbour',
  'CREATE SCHEMA fresh',
  'DROP SCHEMA neighbour CASCADE',
  'ALTER SCHEMA neighbour RENAME TO other',
  'CREATE ROLE random_file_role',
  'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC',
  `COMMENT ON SCHEMA neighbour IS 'x'`,
  'CREATE TEMP TABLE gone (a int)',
  'CREATE CAST (public.e AS text) WITH INOUT',
  'SET search_path = public',
  'SET ROLE pg_monitor',
  'COMMIT',
  'CREATE EXTENSION plpgsql SCHEMA public',
];

const insideOnly = `CREATE TABLE new (a int); CREATE FUNCTION count_own() RETURNS int LANGUAGE sql AS 'SELECT 1';
  DO $d$ BEGIN EXECUTE 'CREATE INDEX own_idx ON own (id)'; INSERT INTO own VALUES (2); END $d$`;

/** Ways to write a statement so that its text shows less and less of what it does. */
const disguises: ((sql: string, below: Below) => string)[] = [
  (sql) => sql,
  (sql) => `/* harmless */ ${sql} -- at all`,
  (sql) => `DO $d$ BEGIN ${sql}; END $d$`,
  (sql, below) => {
    const cut = below(sql.length);
    return `DO $d$ BEGIN EXECUTE ${quote(sql.slice(0, cut))} || ${quote(sql.slice(cut))}; END $d$`;
  },
  (sql) => `DO $d$ BEGIN BEGIN ${sql}; EXCEPTION WHEN division_by_zero THEN NULL; END; END $d$`,
  (sql) =>
    `DO $d$ BEGIN PERFORM set_config('search_path', 'neighbour', true); EXECUTE ${quote(sql)}; END $d$`,
  (sql) =>
    `CREATE FUNCTION hidden() RETURNS int LANGUAGE plpgsql AS $b$ BEGIN ${sql}; RETURN 1; END $b$; SELECT hidden()`,
  (sql) => `CREATE PROCEDURE hidden() LANGUAGE plpgsql AS $b$ BEGIN ${sql}; END $b$; CALL hidden()`,
  (sql) => `CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $b$ BEGIN ${sql}; RETURN NULL; END $b$;
    CREATE TRIGGER fire AFTER INSERT ON own EXECUTE FUNCTION fire(); INSERT INTO own VALUES (3)`,
  (sql) => `CREATE FUNCTION late() RETURNS int LANGUAGE plpgsql AS $b$ BEGIN ${sql}; RETURN 1; END $b$;
    ALTER TABLE own ADD COLUMN late int DEFAULT late()`,
  (
    sql,
  ) => `CREATE FUNCTION tested(int) RETURNS boolean LANGUAGE plpgsql AS $b$ BEGIN ${sql}; RETURN true; END $b$;
    ALTER TABLE own ADD CHECK (tested(id))`,
  (
    sql,
  ) => `CREATE FUNCTION one(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $b$ BEGIN ${sql}; RETURN 1; END $b$;
    CREATE INDEX one_idx ON own (one(id))`,
];

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export interface RandomRun {
  files: number;
  /** How many files only the catalogs gave away. */
  undone: number;
}

/** Runs random files of which most try to get outside the tenant's schema, and compares everything outside after each. */
export async function runRandomFiles(files: number): Promise<RandomRun> {
  const below = createDraw(seed);
  const pick = <T>(from: readonly T[]) => from[below(from.length)] as T;
  const database = await createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const run: RandomRun = { files, undone: 0 };
  try {
    await client.query(setup);
    await client.query('SET search_path = pg_catalog, pg_temp');
    const before = await readOutside(client);
    // What stays inside the schema runs, so that a check that refuses everything does not look like one that works.
    await runFile(client, insideOnly);
    expect(await readOutside(client), insideOnly).toEqual(before);
    for (let made = 0; made < files; made++) {
      const parts = Array.from({ length: 1 + below(2) }, () => {
        const sql = pick(statements).replaceAll(
          '$',
          pick(['public.', 'neighbour.', 'public.', 'neighbour.', '']),
        );
        return pick(disguises)(sql, below);
      });
      const sql = parts.join(';\n');
      await runFile(client, sql).catch((error: Error) => {
        if (error.message.includes('was undone')) run.undone++;
      });
      expect(await readOutside(client), sql).toEqual(before);
    }
    return run;
  } finally {
    await client.end();
    await database.drop();
  }
}

/** Runs a file in a fresh schema and commits. What it did outside stays for the comparison. */
async function runFile(client: pg.ClientBase, sql: string): Promise<void> {
  await inTransaction(client, async () => {
    await runMigrations(client, 'tenant', [{ name: 'crm/1.sql', sql, checksum: '' }]);
    await client.query('DROP SCHEMA tenant CASCADE; CREATE SCHEMA tenant');
    await client.query(
      `CREATE TABLE tenant.own (id int, name text); INSERT INTO tenant.own VALUES (1, 'own')`,
    );
  });
}

/** Everything that is not inside the tenant's schema, as one text for each catalog. */
async function readOutside(client: pg.Client): Promise<unknown> {
  // No statement of the list names an object of PostgreSQL's own; temporary ones are no longer there.
  const place = (column: string) =>
    `${column} IN (SELECT oid FROM pg_namespace WHERE nspname NOT IN ('tenant', 'pg_toast', 'pg_catalog', 'information_schema'))`;
  const { rows } = await client.query(`SELECT
    (SELECT md5(string_agg(c.oid || relname || relnamespace || coalesce(relacl::text, '') || relrowsecurity || relhasrules, ',' ORDER BY c.oid))
       FROM pg_class AS c WHERE ${place('relnamespace')}) AS relations,
    (SELECT md5(string_agg(attrelid || attname || coalesce(attacl::text, '') || atthasdef, ',' ORDER BY attrelid, attnum))
       FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid WHERE ${place('relnamespace')}) AS columns,
    (SELECT md5(string_agg(p::text, ',' ORDER BY oid)) FROM pg_proc AS p WHERE ${place('pronamespace')}) AS routines,
    (SELECT md5(string_agg(p::text, ',' ORDER BY oid)) FROM pg_type AS p WHERE ${place('typnamespace')}) AS types,
    (SELECT md5(string_agg(p::text, ',' ORDER BY oid)) FROM pg_operator AS p WHERE ${place('oprnamespace')}) AS operators,
    (SELECT md5(string_agg(p::text, ',' ORDER BY oid)) FROM pg_collation AS p WHERE ${place('collnamespace')}) AS collations,
    (SELECT md5(string_agg(p::text, ',' ORDER BY oid)) FROM pg_constraint AS p WHERE ${place('connamespace')}) AS constraints,
    (SELECT md5(string_agg(p::text, ',' ORDER BY oid)) FROM pg_statistic_ext AS p WHERE ${place('stxnamespace')}) AS statistics,
    (SELECT string_agg(enumlabel, ',' ORDER BY e.oid) FROM pg_enum AS e JOIN pg_type AS t ON t.oid = enumtypid WHERE ${place('typnamespace')}) AS labels,
    (SELECT string_agg(nspname || coalesce(nspacl::text, ''), ',' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^(tenant|pg_temp|pg_toast_temp)') AS schemas,
    (SELECT count(*) FROM pg_roles WHERE rolname = 'random_file_role') AS roles,
    (SELECT count(*) FROM pg_cast) AS casts, (SELECT count(*) FROM pg_default_acl) AS defaults, (SELECT count(*) FROM pg_policy) AS policies,
    (SELECT count(*) FROM pg_description AS d WHERE objoid IN (SELECT oid FROM pg_class WHERE relname IN ('t')
       UNION SELECT oid FROM pg_proc WHERE proname = 'f' UNION SELECT oid FROM pg_namespace WHERE nspname = 'neighbour')) AS comments,
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM public.t AS t) AS public_rows,
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM neighbour.t AS t) AS neighbour_rows,
    (SELECT seqincrement FROM pg_sequence WHERE seqrelid = 'public.s'::regclass) AS step`);
  return rows[0];
}
