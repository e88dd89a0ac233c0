import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';
import { messageOf } from '../../errors.js';
import type { SchemaOwner } from '../fence/binding.js';
import { versionTable } from '../storage/module-migrations.js';

/** The rows of a schema's version table, or why it could not be read. */
export interface VersionTable {
  /** Checksum by migration name. */
  applied: Map<string, string>;
  /** undefined when the table is empty. */
  owner: SchemaOwner | undefined;
  problem: string | undefined;
}

interface Row {
  place: number;
  applied: Record<string, string> | null;
  tenantId: string | null;
  module: string | null;
}

/** How many tables one statement reads. Each takes two locks of the server's lock table. */
const tablesPerStatement = 200;

/** Reads the version tables of those schemas that have one. */
export async function readVersions(
  client: ClientBase,
  schemas: readonly string[],
): Promise<Map<string, VersionTable>> {
  const found = new Map<string, VersionTable>();
  const { rows } = await client.query<{ name: string; isReadable: boolean }>(tablesSql, [
    schemas,
    versionTable,
  ]);
  for (const { name } of rows.filter(({ isReadable }) => !isReadable))
    found.set(name, unreadable('this session may not read it'));
  const names = rows.flatMap(({ name, isReadable }) => (isReadable ? [name] : []));
  for (let start = 0; start < names.length; start += tablesPerStatement)
    await readSome(client, names.slice(start, start + tablesPerStatement), found);
  return found;
}

// Recognised by its columns, because other tools also have a table named schema_version.
const tablesSql = `
  SELECT nspname AS name,
         has_schema_privilege(namespace.oid, 'USAGE') AND has_table_privilege(class.oid, 'SELECT') AS "isReadable"
  FROM pg_namespace AS namespace
  JOIN pg_class AS class ON class.relnamespace = namespace.oid AND relname = $2 AND relkind = 'r'
  WHERE nspname = ANY ($1)
    AND (SELECT count(*) FROM pg_attribute WHERE attrelid = class.oid AND NOT attisdropped
         AND attname IN ('migration', 'checksum', 'tenant_id', 'module')) = 4`;

/** A table that is dropped or changed at this moment fails the whole statement; then each half is read separately. */
async function readSome(
  client: ClientBase,
  names: readonly string[],
  found: Map<string, VersionTable>,
): Promise<void> {
  const selects = names.map(
    (name, place) =>
      `SELECT ${place} AS place, json_object_agg(migration, checksum) AS applied,
              (min(tenant_id::text)) AS "tenantId", min(module) AS module FROM ${identifier(name)}.${versionTable}`,
  );
  try {
    const { rows } = await client.query<Row>(selects.join(' UNION ALL '));
    for (const { place, applied, tenantId, module } of rows)
      found.set(names[place] ?? '', {
        applied: new Map(Object.entries(applied ?? {})),
        owner: tenantId === null || module === null ? undefined : { tenantId, module },
        problem: undefined,
      });
  } catch (error) {
    const [only] = names;
    if (names.length === 1 && only !== undefined) found.set(only, unreadable(messageOf(error)));
    else {
      const half = Math.ceil(names.length / 2);
      await readSome(client, names.slice(0, half), found);
      await readSome(client, names.slice(half), found);
    }
  }
}

function unreadable(problem: string): VersionTable {
  return { applied: new Map(), owner: undefined, problem };
}
