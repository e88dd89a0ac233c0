import type { ClientBase } from 'pg';
import { identifier } from '../identifier.js';

/** Names of the tables in which services kept their tenants before the registry. */
const legacyNames = ['tenant_registry', 'tenants'];

export interface LegacyTable {
  schema: string;
  name: string;
  columns: string[];
  /** True when the table was renamed already. */
  isAside: boolean;
}

const asidePattern = `^(${legacyNames.join('|')})_before_registry(_\\d+)?$`;

/**
 * Finds the tables of tenants from before the registry that a session of this user sees: tables of these names with an
 * id, and a slug, a schema name or a configuration. The registry's own table is not among them.
 */
export async function findLegacyTables(
  client: ClientBase,
  /** The schemas to look in; by default those of the session's search_path. */
  schemas?: readonly string[],
): Promise<LegacyTable[]> {
  const { rows } = await client.query<LegacyTable>(
    `SELECT nspname AS schema, relname AS name, relname ~ $2 AS "isAside",
            (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped) AS columns
     FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
     WHERE relkind IN ('r', 'p') AND nspname = ANY (coalesce($3::name[], current_schemas(false))) AND (relname = ANY ($1) OR relname ~ $2)
     ORDER BY nspname, relname`,
    [legacyNames, asidePattern, schemas ?? null],
  );
  return rows.filter(({ columns }) => isTenantTable(columns ?? []));
}

function isTenantTable(columns: readonly string[]): boolean {
  const has = (...names: string[]) => names.some((name) => columns.includes(name));
  const isRegistryTable = has('status_before_deletion') && has('tenant_config');
  const namesSchema = columns.some((name) => /(^|_)schema(_name)?$/.test(name));
  // A platform whose tenants have text ids needs no slug beside them.
  const isPlatform = has('name') && has('tenant_config', 'config_source');
  return (
    !isRegistryTable && has('tenant_id', 'id') && (has('tenant_slug', 'slug') || namesSchema || isPlatform)
  );
}

/** Renames the table and returns its new name. It waits at most five seconds for transactions that use the table. */
export async function setTableAside(client: ClientBase, table: LegacyTable): Promise<string> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = '5s'`);
    const name = await findAsideName(client, table.schema, table.name);
    await client.query(
      `ALTER TABLE ${identifier(table.schema)}.${identifier(table.name)} RENAME TO ${identifier(name)}`,
    );
    await client.query('COMMIT');
    return name;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const asideEnding = /_before_registry(_\d+)?$/;

/** The name of a table before it was renamed, of which only the first 40 characters are known. */
export function originalName(name: string): string {
  return name.replace(asideEnding, '');
}

/** What a renamed table keeps of its name. Only very long names are cut, to leave room for a number. */
export function asideStem(name: string): string {
  return name.slice(0, 40);
}

/** Returns `<name>_before_registry`, with a number when a relation, a type or a routine has that name. */
export async function findAsideName(client: ClientBase, schema: string, name: string): Promise<string> {
  const stem = `${asideStem(name)}_before_registry`;
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace($1)
     UNION ALL SELECT typname FROM pg_type WHERE typnamespace = to_regnamespace($1)
     UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace($1)`,
    [identifier(schema)],
  );
  const taken = new Set(rows.map((row) => row.name));
  let free = stem;
  for (let number = 2; taken.has(free); number++) free = `${stem}_${number}`;
  return free;
}
