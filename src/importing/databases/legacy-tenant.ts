import type { ClientBase } from 'pg';
import { findLegacyTables, type LegacyTable } from '../../database/migrations/legacy-tables.js';
import type { Isolation } from '../../registry/modules/isolation.js';
import { isUuid } from '../../registry/slug.js';
import { readPlainTable } from '../platform/plain-table.js';
import { placeRow, sourceOf } from '../platform/platform-tables.js';
import { type PlacedRow, problemOf, type RowProblem, shapes } from '../platform/table-shape.js';

/** A row of a table of tenants from before the registry. Missing information is undefined. */
export interface LegacyTenant {
  /** "tenant_registry in finance" */
  source: string;
  id: string;
  slug: string | undefined;
  name: string | undefined;
  /** The reason why the tenant is suspended; undefined when it is not. */
  suspendedReason: string | undefined;
  isDeleted: boolean;
  /** Whether the row says anything about the status. */
  hasStatus: boolean;
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

/** A tenant with the row that describes it. */
export type PlacedTenant = LegacyTenant & { row: PlacedRow };

export interface LegacyTableFound extends LegacyTable {
  database: string;
  tenants: PlacedTenant[];
  /** Rows that describe no tenant. */
  problems: RowProblem[];
}

type Row = Record<string, unknown>;

const storageColumn = /^(?:(.+?)_)?(schema|database|db)(?:_name)?$/;
/** The word of the column that names the storage. */
const isolationByWord: Readonly<Record<string, Isolation>> = {
  schema: 'SCHEMA',
  database: 'DATABASE',
  db: 'DATABASE',
};
const knownColumns = new Set(Object.values(shapes.tenants.columns).flat());
const usable = ['active', 'enabled', 'live', 'true', 't', '1', 'yes'];

/**
 * Reads the tables of tenants that a session of this role sees, renamed ones included, with all their rows. Throws CONFLICT
 * for a table whose reading could run code of its owner: without its rows its tenants would get new ids.
 */
export async function readLegacyTables(
  client: ClientBase,
  database: string,
  schemas: readonly string[],
): Promise<LegacyTableFound[]> {
  const found: LegacyTableFound[] = [];
  for (const table of await findLegacyTables(client, schemas)) {
    const columns = table.columns.filter((name) => knownColumns.has(name) || storageColumn.test(name));
    const rows = await readPlainTable(client, table, columns);
    found.push({ ...table, database, ...readTenants(rows, sourceOf(table, database)) });
  }
  return found;
}

/** Reads the rows of a table of tenants. */
export function readTenants(
  rows: readonly Record<string, string | null>[],
  source: string,
): Pick<LegacyTableFound, 'tenants' | 'problems'> {
  const placed = rows.map((cells) => placeRow('tenants', cells, source));
  const tenants = placed.flatMap((row) => {
    const tenant = readLegacyTenant(row.cells, source);
    return tenant ? [{ ...tenant, row }] : [];
  });
  const problems = placed.flatMap((row) =>
    readLegacyTenant(row.cells, source) ? [] : [problemOf(row, 'id', 'is empty, so the row was left out')],
  );
  return { tenants, problems };
}

/** Returns undefined for a row without an id. */
export function readLegacyTenant(row: Row, source: string): LegacyTenant | undefined {
  const id = textOf(row.tenant_id) ?? textOf(row.id);
  if (id === undefined) return undefined;
  return {
    source,
    // The spelling of a UUID does not matter; that of any other id does.
    id: isUuid(id) ? id.toLowerCase() : id,
    slug: textOf(row.tenant_slug) ?? textOf(row.slug),
    name: textOf(row.tenant_name) ?? textOf(row.name),
    suspendedReason: findSuspension(row, source),
    isDeleted: isDeleted(row),
    hasStatus: statusColumns.some((column) => textOf(row[column]) !== undefined),
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

const statusColumns = ['status', 'state', 'active', 'is_active', 'enabled', 'deleted_at', 'suspended_at'];

/** Whether the status says so, or there is a date of deletion. */
function isDeleted(row: Row): boolean {
  const status = (textOf(row.status) ?? textOf(row.state))?.toLowerCase();
  return (
    status === 'deleted' ||
    (textOf(row.deleted_at) !== undefined && (status === undefined || usable.includes(status)))
  );
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
