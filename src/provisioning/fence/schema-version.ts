import { type ClientBase, DatabaseError } from 'pg';
import { findBinding, type SchemaOwner } from './binding.js';
import { hasGuardTable } from './guard.js';

/** A migration that ran in a schema. */
export interface AppliedMigration {
  /** "finance/0001_accounts_receivable.sql" */
  name: string;
  checksum: string;
}

/**
 * Rows of tenant_guard.schema_version that are about the schemas that exist now, not about dropped ones of the same name. No
 * table inside a tenant's schema is read: its owner could replace it by a view that runs a function.
 */
const present = `
  FROM tenant_guard.schema_version AS version
  JOIN pg_namespace AS namespace ON namespace.nspname = version.schema_name AND namespace.oid = version.schema_oid`;

/**
 * The tenant and module that the schema was made for: from its binding or, when an adoption was undone, from its versions.
 * undefined when it has neither: then the registry did not make it.
 */
export async function findSchemaOwner(client: ClientBase, schema: string): Promise<SchemaOwner | undefined> {
  const binding = await findBinding(client, schema);
  if (binding?.isSameSchema) return binding.owner;
  if (!(await hasGuardTable(client, 'schema_version'))) return undefined;
  const { rows } = await client.query<SchemaOwner>(
    `SELECT tenant_id AS "tenantId", module ${present} WHERE schema_name = $1 LIMIT 1`,
    [schema],
  );
  return rows[0];
}

/** The present name of a schema that was bound or migrated for this owner under another name, and renamed since. */
export async function findRenamedSchema(
  client: ClientBase,
  schema: string,
  { tenantId, module }: SchemaOwner,
): Promise<string | undefined> {
  for (const table of ['binding', 'schema_version'] as const) {
    if (!(await hasGuardTable(client, table))) continue;
    const { rows } = await client.query<{ name: string }>(
      `SELECT nspname AS name FROM tenant_guard.${table} JOIN pg_namespace AS namespace ON namespace.oid = schema_oid
       WHERE schema_name = $1 AND nspname <> $1::text AND tenant_id = $2 AND module = $3 LIMIT 1`,
      [schema, tenantId, module],
    );
    if (rows[0]) return rows[0].name;
  }
  return undefined;
}

/** The owners of all schemas of the database in which the registry's migrations ran. Not for use inside a transaction. */
export async function listSchemaOwners(client: ClientBase): Promise<Map<string, SchemaOwner>> {
  try {
    const { rows } = await client.query<SchemaOwner & { name: string }>(
      `SELECT DISTINCT ON (schema_name) schema_name AS name, tenant_id AS "tenantId", module ${present}
       ORDER BY schema_name`,
    );
    return new Map(rows.map(({ name, ...owner }) => [name, owner]));
  } catch (error) {
    // There is no guard, or an older one without this table.
    if (error instanceof DatabaseError && error.code === '42P01') return new Map();
    throw error;
  }
}

/** The migrations that ran in a schema, in the order of their names; those of folder _every come first. */
export async function listApplied(client: ClientBase, schema: string): Promise<AppliedMigration[]> {
  if (!(await hasGuardTable(client, 'schema_version'))) return [];
  const { rows } = await client.query<AppliedMigration>(
    `SELECT migration AS name, checksum ${present}
     WHERE schema_name = $1 ORDER BY migration NOT LIKE '\\_%', migration`,
    [schema],
  );
  return rows;
}

/** Records migrations that ran, inside the transaction that ran them. Replaces the rows of a dropped schema of the same name. */
export async function recordApplied(
  client: ClientBase,
  schema: string,
  { tenantId, module }: SchemaOwner,
  migrations: readonly AppliedMigration[],
): Promise<void> {
  await client.query(
    `DELETE FROM tenant_guard.schema_version WHERE schema_name = $1
       AND schema_oid <> (SELECT oid FROM pg_namespace WHERE nspname = $1::text)`,
    [schema],
  );
  await client.query(
    `INSERT INTO tenant_guard.schema_version (schema_name, schema_oid, migration, checksum, tenant_id, module)
     SELECT $1, (SELECT oid FROM pg_namespace WHERE nspname = $1::text), name, checksum, $2, $3
     FROM unnest($4::text[], $5::text[]) AS ran (name, checksum)`,
    [
      schema,
      tenantId,
      module,
      migrations.map(({ name }) => name),
      migrations.map(({ checksum }) => checksum),
    ],
  );
}

/** In place of the migrations of a schema that is dropped in portions: whose it is, and that its tables are not whole. */
export const beingDropped = '(being dropped)';

/** Records that a part of the schema was dropped, inside the transaction that drops it. */
export async function recordDropping(client: ClientBase, schema: string, owner: SchemaOwner): Promise<void> {
  // An older guard has no such table. Without versions no migration counts as applied.
  if (!(await hasGuardTable(client, 'schema_version'))) return;
  await removeVersions(client, schema);
  await recordApplied(client, schema, owner, [{ name: beingDropped, checksum: '' }]);
}

/** Whether a part of the schema was dropped, so that it holds no tenant's data any more. */
export async function isBeingDropped(client: ClientBase, schema: string): Promise<boolean> {
  return (await listApplied(client, schema)).some(({ name }) => name === beingDropped);
}

/** Removes the versions of a schema, inside the transaction that drops it. */
export async function removeVersions(client: ClientBase, schema: string): Promise<void> {
  if (await hasGuardTable(client, 'lone_migration'))
    await client.query('DELETE FROM tenant_guard.lone_migration WHERE schema_name = $1', [schema]);
  if (await hasGuardTable(client, 'schema_version'))
    await client.query('DELETE FROM tenant_guard.schema_version WHERE schema_name = $1', [schema]);
}
