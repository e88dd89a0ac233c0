import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';

let registry: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  client = new pg.Client({ connectionString: registry.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await registry?.drop();
});

/** Everything in the database that is not PostgreSQL's own or an extension's: what it is, and what stands there about it. */
const described = `
  WITH of_extension AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
  home AS (
    SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
  relation AS (
    SELECT oid, CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind
    FROM pg_class WHERE relnamespace IN (SELECT oid FROM home) AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S'))
  SELECT kind || ' ' || oid::regclass AS thing, obj_description(oid, 'pg_class') AS comment FROM relation
  UNION ALL
  SELECT 'column ' || attrelid::regclass || '.' || attname, col_description(attrelid, attnum)
    FROM pg_attribute JOIN relation ON relation.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND kind <> 'sequence'
  UNION ALL
  SELECT CASE prokind WHEN 'p' THEN 'procedure ' ELSE 'function ' END || oid::regprocedure, obj_description(oid, 'pg_proc')
    FROM pg_proc WHERE pronamespace IN (SELECT oid FROM home) AND ('pg_proc'::regclass, oid) NOT IN (SELECT * FROM of_extension)
  UNION ALL
  SELECT 'type ' || type.oid::regtype, obj_description(type.oid, 'pg_type')
    FROM pg_type AS type LEFT JOIN pg_class AS row_of ON row_of.oid = typrelid
    WHERE typnamespace IN (SELECT oid FROM home) AND typelem = 0 AND coalesce(row_of.relkind, 'c') = 'c'
      AND ('pg_type'::regclass, type.oid) NOT IN (SELECT * FROM of_extension)
  UNION ALL
  SELECT format('trigger %I on %s', tgname, tgrelid::regclass), obj_description(oid, 'pg_trigger')
    FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM relation) AND NOT tgisinternal
  ORDER BY 1`;

async function listThings() {
  return (await client.query<{ thing: string; comment: string | null }>(described)).rows;
}

test('every table, view, column, function, procedure, type and trigger of the registry says what it is', async () => {
  const things = await listThings();
  expect(things.filter(({ comment }) => !comment?.trim()).map(({ thing }) => thing)).toEqual([]);
  for (const kind of [
    'table tenants',
    'view tenant_registry',
    'column tenants.tenant_config',
    'type tenant_status',
    'function registry_touch()',
    'trigger tenants_record_change on tenants',
  ])
    expect(things.map(({ thing }) => thing)).toContain(kind);
  expect(things.filter(({ thing }) => thing.startsWith('procedure ')).length).toBeGreaterThan(3);
});

test('a comment is a sentence of its own', async () => {
  const columns = (await listThings()).filter(({ thing }) => !thing.includes('_prisma_migrations'));
  const wrong = columns.filter(
    ({ comment }) => comment && (!/^\S.{5,}[.!)]$/s.test(comment) || /todo|fixme/i.test(comment)),
  );
  expect(wrong).toEqual([]);
});

/** Openings that leave out the subject: the reader has to guess what the sentence is about. */
const headless =
  /^(what|who|whom|whose|whoever|whatever|when|where|since when|from when|how|why|whether|of)\b/i;

test('a comment begins with its subject', async () => {
  const wrong = (await listThings()).filter(({ comment }) => comment && headless.test(comment));
  expect(wrong).toEqual([]);
});

test('a thing without a comment would be found, of every kind', async () => {
  await client.query('BEGIN');
  try {
    await client.query(`
      CREATE TABLE mute (a int GENERATED ALWAYS AS IDENTITY); CREATE VIEW mute_view AS SELECT 1 AS a;
      CREATE TYPE mute_type AS ENUM ('a'); CREATE TYPE mute_row AS (a int); CREATE DOMAIN mute_domain AS int;
      CREATE FUNCTION mute() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE mute_it() LANGUAGE sql AS 'SELECT 1';
      CREATE FUNCTION mute_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER mute_trigger AFTER INSERT ON mute FOR EACH ROW EXECUTE FUNCTION mute_change();
      CREATE CONSTRAINT TRIGGER mute_late AFTER INSERT ON mute DEFERRABLE FOR EACH ROW EXECUTE FUNCTION mute_change();
      CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.mute ()`);
    const found = (await listThings()).filter(({ comment }) => !comment).map(({ thing }) => thing);
    expect(found.filter((thing) => /mute/.test(thing))).toEqual([
      'column mute.a',
      'column mute_view.a',
      'function mute()',
      'function mute_change()',
      'procedure mute_it()',
      'sequence mute_a_seq',
      'table elsewhere.mute',
      'table mute',
      'trigger mute_late on mute',
      'trigger mute_trigger on mute',
      'type mute_domain',
      'type mute_row',
      'type mute_type',
      'view mute_view',
    ]);
  } finally {
    await client.query('ROLLBACK');
  }
});

test('prisma/README.md has every migration, in order', async () => {
  const prisma = new URL('../../prisma/', import.meta.url);
  const readme = await readFile(new URL('README.md', prisma), 'utf8');
  const told = [...readme.matchAll(/^\| `(\d{14}_\w+)` \| \S/gm)].map(([, folder]) => folder);
  const made = (await readdir(new URL('migrations/', prisma))).filter((name) => /^\d/.test(name));
  expect(told).toEqual(made.sort());
});

test('prisma/README.md says of every trigger when it fires, in the order in which they do', async () => {
  const { rows } = await client.query<{ row: string }>(`
    SELECT format('%s | %s | %s', tgrelid::regclass, tgname, CASE WHEN tgdeferrable THEN 'at COMMIT of ' WHEN tgtype & 2 = 2 THEN 'BEFORE ' WHEN tgtype & 64 = 64 THEN 'INSTEAD OF ' ELSE 'AFTER ' END ||
             concat_ws(', ', CASE WHEN tgtype & 4 = 4 THEN 'INSERT' END, CASE WHEN tgtype & 16 = 16 THEN 'UPDATE' END,
                             CASE WHEN tgtype & 8 = 8 THEN 'DELETE' END, CASE WHEN tgtype & 32 = 32 THEN 'TRUNCATE' END)) AS row
    FROM pg_trigger WHERE NOT tgisinternal
    ORDER BY tgrelid::regclass::text, tgtype & 32, tgdeferrable, tgtype & 2 DESC, tgname`);
  const readme = await readFile(new URL('../../prisma/README.md', import.meta.url), 'utf8');
  const told = [...readme.matchAll(/^\| `([\w.]+)` \| `(\w+)` \| ([^|]+) \| [^|]+ \|$/gm)].map(
    ([, table, trigger, when]) => `${table} | ${trigger} | ${when}`,
  );
  // The tables stand in the order of schema.prisma, their triggers in that in which they fire.
  const byTable = (list: string[]) =>
    list.toSorted((one, other) => tableOf(one).localeCompare(tableOf(other)));
  expect(byTable(told)).toEqual(byTable(rows.map(({ row }) => row)));
});

function tableOf(row: string): string {
  return row.split(' ')[0] ?? '';
}
