import pg from 'pg';
import { inject } from 'vitest';
import { queryOnce } from '../../database/support/temporary-databases.js';

/** What really stands in a database, from PostgreSQL's own catalog. */

/** Schemas that PostgreSQL did not bring, public and the guard's left out. */
export async function listSchemas(url: string): Promise<string[]> {
  const rows = await queryOnce<{ name: string }>(
    url,
    `SELECT nspname AS name FROM pg_namespace
     WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public', 'tenant_guard') ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** Everything a schema holds, "table contact" by "table contact"; what belongs to a table is not repeated. */
async function contentsOf(url: string, schema: string): Promise<string[]> {
  const rows = await queryOnce<{ name: string }>(
    url,
    `SELECT CASE relkind WHEN 'r' THEN 'table ' WHEN 'i' THEN 'index ' WHEN 'v' THEN 'view '
                         WHEN 'S' THEN 'sequence ' ELSE relkind::text || ' ' END || relname AS name
     FROM pg_class WHERE relnamespace = to_regnamespace(${pg.escapeLiteral(pg.escapeIdentifier(schema))})
     UNION ALL
     SELECT 'function ' || proname FROM pg_proc
     WHERE pronamespace = to_regnamespace(${pg.escapeLiteral(pg.escapeIdentifier(schema))})
     ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

export async function listTables(url: string, schema: string): Promise<string[]> {
  const contents = await contentsOf(url, schema);
  return contents.flatMap((name) => (name.startsWith('table ') ? name.slice('table '.length) : []));
}

/** Tables with all their rows, definitions and owners: two photographs are equal when nobody touched the schema. */
export async function readSchemaContents(url: string, schema: string): Promise<unknown> {
  const name = pg.escapeLiteral(schema);
  return await queryOnce(
    url,
    `SELECT relname, relowner::regrole::text AS owner, class.oid, relfilenode, relacl::text AS rights,
            (SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull), ', ' ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = class.oid AND attnum > 0) AS columns,
            CASE WHEN relkind = 'r'
              THEN query_to_xml(format('SELECT xmin, ctid, * FROM %I.%I', nspname, relname), true, false, '')::text END AS rows
     FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
     WHERE nspname = ${name} ORDER BY relname`,
  );
}

/** Whom a schema was made for, as its own version table says: one tenant and module, when all is well. */
export async function readSchemaOwners(
  url: string,
  schema: string,
): Promise<{ tenantId: string; module: string }[]> {
  return await queryOnce(
    url,
    `SELECT DISTINCT tenant_id AS "tenantId", module FROM ${pg.escapeIdentifier(schema)}.schema_version`,
  );
}

/** Databases of the whole server, by a pattern of LIKE. */
export async function listDatabases(pattern: string): Promise<string[]> {
  const rows = await queryOnce<{ name: string }>(
    inject('postgresUrl'),
    `SELECT datname AS name FROM pg_database WHERE datname LIKE ${pg.escapeLiteral(pattern)} ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** The same server, another database. */
export function urlTo(database: string): string {
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}
