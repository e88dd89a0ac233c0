import { type ClientBase, DatabaseError } from 'pg';
import { type Answer, sendBatch } from '../../../database/statements/batch.js';
import { nameOf } from '../../../database/statements/prepared-query.js';
import { isSameOwner, type SchemaOwner } from '../../fence/binding.js';
import { type AppliedMigration, beingDropped } from '../../fence/schema-version.js';
import { findMissing, type ModuleMigration } from '../../storage/module-migrations.js';

/** The state of a tenant's schema in its service database. */
export interface StorageState {
  /** Process of the session that has read this. */
  pid: number;
  exists: boolean;
  /** The roles are names; that of schema public is the owner of the database. */
  ownerRole: string | null;
  /** From the binding, or else from the versions. */
  owner: SchemaOwner | undefined;
  applied: AppliedMigration[];
}

/** The application name of the sessions that migrate tenants. */
export const sessionName = 'tenant-registry rollout';

/** Releases the locks of storages that the session has. */
export const releasingSql = 'SELECT pg_catalog.pg_advisory_unlock_all()';

/**
 * Takes the lock of the storage's name for this session and reads what is in the schema, in one message. Undefined when another session
 * has the lock. `moduleClient` is connected to the module's database, `client` to the one with the schema.
 */
export async function lockStorage(
  moduleClient: ClientBase,
  client: ClientBase,
  { lockName, schemaName }: { lockName: string; schemaName: string },
): Promise<StorageState | undefined> {
  const lock = {
    text: 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "isLocked"',
    values: [lockName],
  };
  const read = { text: stateSql, name: nameOf(stateSql), values: [schemaName] };
  const isSame = moduleClient === client;
  const { answers, error } = await sendBatch(moduleClient, [lock, ...(isSame ? [read] : [])]);
  if (answers[0] && !answers[0].rows[0]?.isLocked) return undefined;
  if (isSame) return readState(answers[1], error);
  if (error) throw error;
  const second = await sendBatch(client, [read]);
  return readState(second.answers[0], second.error);
}

// A schema that was dropped and made again has another oid, so the rows of the old one are not about it.
const stateSql = `
  SELECT pg_backend_pid() AS pid, CASE pg_get_userbyid(nspowner) WHEN 'pg_database_owner' THEN
           (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database())
         ELSE pg_get_userbyid(nspowner) END AS "ownerRole",
         (SELECT json_build_object('tenantId', tenant_id, 'module', module) FROM tenant_guard.binding
          WHERE schema_name = nspname AND schema_oid = namespace.oid) AS bound,
         (SELECT json_agg(json_build_object('name', migration, 'checksum', checksum, 'tenantId', tenant_id, 'module', module))
          FROM tenant_guard.schema_version AS version WHERE schema_name = nspname AND schema_oid = namespace.oid) AS versions
  FROM pg_namespace AS namespace WHERE nspname = $1`;

function readState(answer: Answer | undefined, error: Error | undefined): StorageState {
  // Without a guard nothing was made by the registry.
  const isUnguarded = error instanceof DatabaseError && error.code === '42P01';
  if (error && !isUnguarded) throw error;
  const row = answer?.rows[0];
  if (!row) return { pid: 0, exists: isUnguarded, ownerRole: null, owner: undefined, applied: [] };
  const versions: (AppliedMigration & SchemaOwner)[] = row.versions ?? [];
  const applied = versions.map(({ name, checksum }) => ({ name, checksum }));
  return { pid: row.pid, exists: true, ownerRole: row.ownerRole, owner: row.bound ?? versions[0], applied };
}

/** Reads what is in a schema, without a lock. */
export async function readStorage(client: ClientBase, schemaName: string): Promise<StorageState> {
  const { answers, error } = await sendBatch(client, [{ text: stateSql, values: [schemaName] }]);
  return readState(answers[0], error);
}

/** Ends sessions of rollouts that have the lock: their process has ended or lost the lead. Others are left alone. */
export async function endLostSessions(client: ClientBase, lockName: string): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid), (SELECT hashtextextended($1, 0) AS key) AS wanted
     WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid <> pg_backend_pid() AND application_name = '${sessionName}'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid`,
    [lockName],
  );
}

/** The files to run for a tenant, or the reason why none can run. */
export type Decision =
  | { kind: 'run'; missing: ModuleMigration[]; present: string | null }
  | { kind: 'blocked' | 'skipped'; reason: string; present: string | null };

/** A schema and what the registry knows about it. */
export interface ExpectedStorage {
  schemaName: string;
  owner: SchemaOwner;
  /** The version in the registry; null for adopted storage. */
  registeredVersion: string | null;
  files: readonly ModuleMigration[];
}

/** Decides from what the schema has. Throws CONFLICT for files that were edited or do not come after those that ran. */
export function decide(
  state: StorageState,
  { schemaName, owner, registeredVersion, files }: ExpectedStorage,
): Decision {
  const { exists, applied } = state;
  const present = newestOf(applied, files);
  if (!exists)
    return {
      kind: 'blocked',
      reason: `Schema ${schemaName} does not exist: tenant-registry doctor shows more`,
      present,
    };
  if (applied.length === 0)
    return registeredVersion === null
      ? {
          kind: 'skipped',
          reason: `Schema ${schemaName} was adopted and has no versions, so its tables are not the registry’s to migrate`,
          present,
        }
      : {
          kind: 'blocked',
          reason: `Schema ${schemaName} has no versions, and the registry says that it has ${registeredVersion}: tenant-registry doctor shows more`,
          present,
        };
  if (applied.some(({ name }) => name === beingDropped))
    return { kind: 'skipped', reason: `Schema ${schemaName} is being dropped`, present: null };
  if (!isSameOwner(state.owner, owner))
    return {
      kind: 'blocked',
      reason: `Schema ${schemaName} belongs to tenant ${state.owner?.tenantId}, module ${state.owner?.module}: tenant-registry doctor shows more`,
      present,
    };
  const known = new Set(files.map(({ name }) => name));
  const unknown = applied.find(({ name }) => !known.has(name));
  if (unknown)
    return {
      kind: 'blocked',
      reason: `Schema ${schemaName} has ${unknown.name}, which is not among the files of the rollout: deploy the files with which it was migrated and start another rollout`,
      present: unknown.name,
    };
  return { kind: 'run', missing: findMissing(schemaName, files, applied), present };
}

/** The newest of the files that ran. */
function newestOf(applied: readonly AppliedMigration[], files: readonly ModuleMigration[]): string | null {
  const ran = new Set(applied.map(({ name }) => name));
  return files.findLast(({ name }) => ran.has(name))?.name ?? null;
}
