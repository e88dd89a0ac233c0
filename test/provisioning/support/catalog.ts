import pg from 'pg';
import { inject } from 'vitest';
import { queryOnce } from '../../database/support/temporary-databases.js';

/** The schemas of a database, without those of PostgreSQL, public and the guard's. */
export async function listSchemas(url: string): Promise<string[]> {
  const rows = await queryOnce<{ name: string }>(
    url,
    `SELECT nspname AS name FROM pg_namespace
     WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public', 'tenant_guard') ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** The relations and functions of a schema, such as "table contact". */
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

/** Relations with rows, definitions and owners. Two results are equal when nothing in the schema was changed in between. */
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

/** The owners in the versions of the schema: exactly one tenant and module in a correct schema. */
export async function readSchemaOwners(
  url: string,
  schema: string,
): Promise<{ tenantId: string; module: string }[]> {
  return await queryOnce(
    url,
    `SELECT DISTINCT tenant_id AS "tenantId", module FROM tenant_guard.schema_version
     WHERE schema_name = ${pg.escapeLiteral(schema)} AND schema_oid = to_regnamespace(quote_ident(schema_name))`,
  );
}

/** The databases of the server that match a LIKE pattern. */
export async function listDatabases(pattern: string): Promise<string[]> {
  const rows = await queryOnce<{ name: string }>(
    inject('postgresUrl'),
    `SELECT datname AS name FROM pg_database WHERE datname LIKE ${pg.escapeLiteral(pattern)} ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** URL of another database on the same server. */
export function urlTo(database: string): string {
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}
