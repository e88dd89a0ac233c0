import type { ClientBase, QueryResult } from 'pg';
import { findLegacyTables, type LegacyTable } from '../../database/migrations/legacy-tables.js';
import type { Isolation } from '../../registry/isolation.js';
import { readPlainTable } from './plain-table.js';

/** A row of a table of tenants from before the registry. Missing information is undefined. */
export interface LegacyTenant {
  /** "tenant_registry in finance" */
  source: string;
  id: string;
  slug: string | undefined;
  name: string | undefined;
  /** The reason why the tenant is suspended; undefined when it is not. */
  suspendedReason: string | undefined;
  /** undefined when the table does not list modules. */
  modules: string[] | undefined;
  names: StorageNamed[];
}

/** A schema or database that a column names. `module` is undefined for a column that does not name a module. */
export interface StorageNamed {
  module: string | undefined;
  kind: Isolation;
  name: string;
}

export interface LegacyTableFound extends LegacyTable {
  database: string;
  tenants: LegacyTenant[];
}

type Row = Record<string, unknown>;

const storageColumn = /^(?:(.+?)_)?(schema|database|db)(?:_name)?$/;
/** The word of the column that names the storage. */
const isolationByWord: Readonly<Record<string, Isolation>> = {
  schema: 'SCHEMA',
  database: 'DATABASE',
  db: 'DATABASE',
};
const knownColumns =
  /^(tenant_id|id|tenant_slug|slug|tenant_name|name|modules_subscribed|modules|status|state|active|is_active|enabled|deleted_at|suspended_at)$/;
const usable = ['active', 'enabled', 'live', 'true', 't', '1', 'yes'];

/**
 * Reads the tables of tenants that a session of this role sees, renamed ones included, with all their rows. Throws CONFLICT
 * for a table whose reading could run code of its owner: without its rows its tenants would get new ids.
 */
export async function readLegacyTables(client: ClientBase, database: string): Promise<LegacyTableFound[]> {
  const found: LegacyTableFound[] = [];
  for (const table of await findLegacyTables(client, await listVisibleSchemas(client))) {
    const columns = table.columns.filter((name) => knownColumns.test(name) || storageColumn.test(name));
    const rows = await readPlainTable(client, table, columns);
    // The original name of the table, so that the source reads the same after the renaming.
    const source = `${table.name.replace(/_before_registry(_\d+)?$/, '')} in ${database}`;
    const tenants = rows.flatMap((row) => readLegacyTenant(row, source) ?? []);
    found.push({ ...table, database, tenants });
  }
  return found;
}

/** Schema public and those of the role's own search_path. This session's path is pinned to pg_catalog. */
async function listVisibleSchemas(client: ClientBase): Promise<string[]> {
  // A qualified name without operators: nothing in the schemas of the path can take its place.
  const results: unknown = await client.query(
    `BEGIN; SET LOCAL search_path TO DEFAULT;
     SELECT pg_catalog.current_schemas(false)::pg_catalog.text[] AS names; COMMIT`,
  );
  // The driver returns an array for several statements, which its types do not describe.
  const [, , visible] = results as QueryResult<{ names: string[] }>[];
  return [...new Set([...(visible?.rows[0]?.names ?? []), 'public'])];
}

/** Returns undefined for a row without an id. */
export function readLegacyTenant(row: Row, source: string): LegacyTenant | undefined {
  const id = textOf(row.tenant_id) ?? textOf(row.id);
  if (id === undefined) return undefined;
  return {
    source,
    id: id.toLowerCase(),
    slug: textOf(row.tenant_slug) ?? textOf(row.slug),
    name: textOf(row.tenant_name) ?? textOf(row.name),
    suspendedReason: findSuspension(row, source),
    modules: listOf(row.modules_subscribed ?? row.modules),
    names: Object.entries(row).flatMap(([column, value]) => {
      const match = storageColumn.exec(column);
      const name = textOf(value);
      const kind = isolationByWord[match?.[2] ?? ''];
      if (!match || !kind || name === undefined) return [];
      return [{ module: match[1], kind, name }];
    }),
  };
}

/**
 * A status that is not known to mean "active" counts as suspended: an operator can resume a tenant later, but cannot
 * undo access that was given by mistake.
 */
function findSuspension(row: Row, source: string): string | undefined {
  const status = textOf(row.status) ?? textOf(row.state);
  if (status !== undefined && !usable.includes(status.toLowerCase())) return `${status} in ${source}`;
  const flag = [row.active, row.is_active, row.enabled].find(
    (value) => value !== undefined && value !== null,
  );
  if (flag !== undefined && !usable.includes(String(flag).toLowerCase())) return `inactive in ${source}`;
  if (textOf(row.deleted_at) !== undefined) return `deleted in ${source}`;
  if (textOf(row.suspended_at) !== undefined) return `suspended in ${source}`;
  return undefined;
}

function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined || typeof value === 'object') return undefined;
  const text = String(value).trim();
  return text === '' ? undefined : text;
}

/** Reads an array, a JSON array or a text such as "a,b". */
function listOf(value: unknown): string[] | undefined {
  if (Array.isArray(value)) return value.flatMap((item) => textOf(item)?.toLowerCase() ?? []);
  return textOf(value)
    ?.replace(/[[\]{}"]/g, '')
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '');
}
