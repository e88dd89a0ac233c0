import type { ClientBase } from 'pg';
import type { SchemaOwner } from '../fence/binding.js';

/** The migrations that ran in a schema, as the guard records them. */
export interface SchemaVersions {
  /** Checksum by migration name. */
  applied: Map<string, string>;
  owner: SchemaOwner;
}

interface Row {
  name: string;
  applied: Record<string, string>;
  tenantId: string;
  module: string;
}

/** Reads the versions of the schemas that exist; schemas in which no migration ran are left out. */
export async function readVersions(
  client: ClientBase,
  schemas: readonly string[],
): Promise<Map<string, SchemaVersions>> {
  const { rows } = await client.query<Row>(versionsSql, [schemas]);
  return new Map(
    rows.map(({ name, applied, tenantId, module }) => [
      name,
      { applied: new Map(Object.entries(applied)), owner: { tenantId, module } },
    ]),
  );
}

// Rows of a dropped schema of the same name are left out by the OID.
const versionsSql = `
  SELECT schema_name AS name, json_object_agg(migration, checksum) AS applied,
         min(tenant_id::text) AS "tenantId", min(module) AS module
  FROM tenant_guard.schema_version
  JOIN pg_namespace AS namespace ON nspname = schema_name AND namespace.oid = schema_oid
  WHERE schema_name = ANY ($1) GROUP BY schema_name`;
