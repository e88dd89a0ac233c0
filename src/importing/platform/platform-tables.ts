import type { ClientBase, QueryResult } from 'pg';
import { asideStem, originalName } from '../../database/migrations/legacy-tables.js';
import { messageOf, RegistryError } from '../../errors.js';
import type { ColumnMap, MappedTable } from './column-map.js';
import { placeColumn, readPlainTable } from './plain-table.js';
import { type PlacedRow, type Row, shapes, type TableRole, tableRoles } from './table-shape.js';

/** A table of a platform with its rows. */
export interface PlatformTable {
  schema: string;
  name: string;
  database: string;
  role: TableRole;
  rows: PlacedRow[];
  /** Why the rows could not be read. */
  problem: string | null;
}

export interface FoundTable {
  schema: string;
  name: string;
  columns: string[];
}

/** Tables of these names in schema public of the registry's own database are the registry's, unless they were renamed. */
const ownTables = ['tenant_settings', 'tenant_branding'];

/** Schema public and those of the role's own search_path. This session's path is pinned to pg_catalog. */
export async function listVisibleSchemas(client: ClientBase): Promise<string[]> {
  // A qualified name without operators: nothing in the schemas of the path can take its place.
  const results: unknown = await client.query(
    `BEGIN; SET LOCAL search_path TO DEFAULT;
     SELECT pg_catalog.current_schemas(false)::pg_catalog.text[] AS names; COMMIT`,
  );
  // The driver returns an array for several statements, which its types do not describe.
  const [, , visible] = results as QueryResult<{ names: string[] }>[];
  return [...new Set([...(visible?.rows[0]?.names ?? []), 'public'])];
}

/** Lists the tables of some schemas, with their columns. */
export async function listTables(client: ClientBase, schemas: readonly string[]): Promise<FoundTable[]> {
  const { rows } = await client.query<FoundTable>(
    `SELECT nspname AS schema, relname AS name, ARRAY(
       SELECT attname::text FROM pg_attribute WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS columns
     FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
     WHERE relkind IN ('r', 'p') AND nspname = ANY ($1::name[]) ORDER BY nspname, relname`,
    [schemas],
  );
  return rows;
}

/**
 * Reads the tables of a platform beside its table of tenants, and all that the map of columns names. A table that cannot be read
 * is returned with the problem, and does not keep the others from being read.
 */
export async function readPlatformTables(
  client: ClientBase,
  database: string,
  options: { schemas: readonly string[]; map: ColumnMap; isRegistry: boolean },
): Promise<PlatformTable[]> {
  const read: PlatformTable[] = [];
  for (const { table, ...found } of await listPlatformTables(client, options))
    read.push(await readTable(client, table, { database, ...found }));
  return read;
}

/** Lists the tables of a platform beside its table of tenants, and all that the map of columns names. */
export async function listPlatformTables(
  client: ClientBase,
  { schemas, map, isRegistry }: { schemas: readonly string[]; map: ColumnMap; isRegistry: boolean },
): Promise<{ table: FoundTable; role: TableRole; mapped: MappedTable | undefined }[]> {
  const named = map.flatMap(({ schema }) => schema ?? []);
  const tables = await listTables(client, [...new Set([...schemas, ...named])]);
  return tables.flatMap((table) => {
    const mapped = findMapped(map, table);
    if (isRegistry && !mapped && table.schema === 'public' && ownTables.includes(table.name)) return [];
    const role = mapped ? mapped.role : schemas.includes(table.schema) ? findRole(table) : undefined;
    return role ? [{ table, role, mapped }] : [];
  });
}

/** The entry of the map for a table, which may have been renamed by an earlier import. */
export function findMapped(
  map: ColumnMap,
  { schema, name }: { schema: string; name: string },
): MappedTable | undefined {
  const original = originalName(name);
  const isOf = (one: MappedTable) =>
    one.name === name || (original !== name && asideStem(one.name) === original);
  return map.find((one) => isOf(one) && (one.schema ?? schema) === schema);
}

/** Tables of tenants are found by another rule, because they are renamed. */
function findRole({ name, columns }: FoundTable): TableRole | undefined {
  const known = originalName(name);
  return tableRoles.find((role) => {
    const { tables, columns: meanings } = shapes[role];
    return (
      role !== 'tenants' &&
      tables.includes(known) &&
      (meanings.tenant ?? []).some((column) => columns.includes(column))
    );
  });
}

async function readTable(
  client: ClientBase,
  table: FoundTable,
  { database, role, mapped }: { database: string; role: TableRole; mapped: MappedTable | undefined },
): Promise<PlatformTable> {
  const { schema, name } = table;
  const columns = mapped
    ? Object.values(mapped.columns)
    : table.columns.filter((column) => Object.values(shapes[role].columns).flat().includes(column));
  const found = { schema, name, database, role };
  const missing = columns.filter((column) => !table.columns.includes(column));
  if (missing.length > 0)
    return { ...found, rows: [], problem: `it has no column ${missing.join(', ')}: correct --columns` };
  try {
    const rows = await readPlainTable(client, table, [...new Set(columns)]);
    const source = sourceOf(table, database);
    return {
      ...found,
      problem: null,
      rows: rows.map((cells) => placeRow(role, rename(cells, mapped, role), source)),
    };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return { ...found, rows: [], problem: messageOf(error) };
  }
}

/** Gives the cells of a mapped table the names of the known shape. */
function rename(cells: Row, mapped: MappedTable | undefined, role: TableRole): Row {
  if (!mapped) return cells;
  const named = Object.entries(mapped.columns).map(([meaning, column]) => [
    shapes[role].columns[meaning]?.[0] ?? meaning,
    cells[column] ?? null,
  ]);
  return { [placeColumn]: cells[placeColumn] ?? null, ...Object.fromEntries(named) };
}

/** "tenants in crm": the original name of the table, so that the source reads the same after the renaming. */
export function sourceOf({ name }: { name: string }, database: string): string {
  return `${originalName(name)} in ${database}`;
}

export function placeRow(role: TableRole, cells: Row, source: string): PlacedRow {
  const [id] = (shapes[role].columns.id ?? []).flatMap((column) => cells[column]?.trim() || []);
  return { source, cells, place: id === undefined ? `row ${cells[placeColumn] ?? ''}` : `id ${id}` };
}
