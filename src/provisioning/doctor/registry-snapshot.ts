import type { PoolClient } from 'pg';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { epochBeganSql } from '../../registry/log/epoch.js';
import {
  type Isolation,
  isolations,
  type StorageNames,
  storageNaming,
} from '../../registry/modules/isolation.js';

/** The registry's rows that doctor compares, all of one database snapshot. Statuses are in lower case, as stored. */
export interface RegistrySnapshot {
  epoch: string;
  revision: bigint;
  /** The revision after which the epoch began: changes of other epochs with later revisions were lost. */
  began: bigint;
  /** The name of the registry's own database. */
  database: string;
  /** The time on the registry's server. */
  now: Date;
  modules: RegisteredModule[];
  storages: RegisteredStorage[];
  operations: OpenOperation[];
  tenants: DueTenant[];
  /** All names that were issued for tenants' own databases, in use or not. */
  databaseNames: string[];
}

export interface RegisteredModule {
  name: string;
  databaseRef: string;
  databaseName: string;
  schemaPrefix: string;
  isolation: Isolation;
  migrationsFolder: string;
}

/** A subscription and the storage that belongs to it. */
export interface RegisteredStorage {
  tenantId: string;
  tenantSlug: string;
  tenantStatus: string;
  module: string;
  isolation: Isolation;
  databaseName: string;
  schemaName: string;
  status: string;
  generation: number;
  migrationVersion: string | null;
  provisionedAt: Date | null;
  purgeAfter: Date | null;
  storageRemovedAt: Date | null;
  /** Versions of the tenant and the subscription. */
  asOf: string;
  lastOperation: LastOperation | null;
}

/** The last finished operation on the storage of a subscription that does not resolve. */
interface LastOperation {
  kind: string;
  status: string;
  /** Whether the storage existed before the operation; null when the operation did not check. */
  found: boolean | null;
  /** Whether the operation ended after the subscription got its present name. */
  isUnderThisName: boolean;
}

/** An operation that has not ended. */
export interface OpenOperation {
  id: string;
  kind: string;
  status: string;
  tenantId: string | null;
  tenantSlug: string | null;
  modules: string[];
  error: string | null;
  /** How often a worker has taken up its present attempt. */
  runs: number;
  runAfter: Date;
  /** The last heartbeat of its worker. */
  heartbeatAt: Date | null;
}

/** A tenant that some operation should be working on. */
interface DueTenant {
  id: string;
  slug: string;
  status: string;
  asOf: string;
}

export async function readRegistrySnapshot(database: RegistryDatabase): Promise<RegistrySnapshot> {
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const snapshot = await readSnapshot(client);
    await client.query('COMMIT');
    client.release();
    return snapshot;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function readSnapshot(client: PoolClient): Promise<RegistrySnapshot> {
  const read = async <Row extends object>(sql: string) => (await client.query<Row>(sql)).rows;
  const [head] = await read<{ epoch: string; revision: string; began: string; database: string; now: Date }>(
    `SELECT registry_epoch() AS epoch, revision, ${epochBeganSql} AS began,
       current_database() AS database, now() AS now FROM registry_head`,
  );
  if (!head) throw new Error('registry_head has no row: the database is damaged, restore it');
  const databaseNames = await read<{ name: string }>(
    `SELECT name FROM storage_names WHERE kind IN (${databaseKinds.join(', ')}) ORDER BY name`,
  );
  return {
    ...head,
    revision: BigInt(head.revision),
    began: BigInt(head.began),
    modules: await read(modulesSql),
    storages: await read(storagesSql),
    operations: await read(operationsSql),
    tenants: await read(tenantsSql),
    databaseNames: databaseNames.map(({ name }) => name),
  };
}

const modulesSql = `
  SELECT name, database_ref AS "databaseRef", database_name AS "databaseName", schema_prefix AS "schemaPrefix",
         upper(isolation::text) AS isolation, migrations_folder AS "migrationsFolder"
  FROM modules ORDER BY name`;

/** The isolation kinds that give a tenant its own database, as SQL literals. */
const databaseKinds = isolations
  .filter((isolation) => storageNaming[isolation].hasOwnDatabase)
  .map((isolation) => `'${isolation.toLowerCase()}'`);

const columns: Record<keyof StorageNames, string> = {
  schemaName: 'schema_name',
  databaseName: 'database_name',
};

/** The column with the issued name, for each isolation kind. */
const issuedNames = isolations.map(
  (isolation) =>
    `WHEN '${isolation.toLowerCase()}' THEN subscription.${columns[storageNaming[isolation].nameField]}`,
);

// A subscription that resolves has its storage. For the others, the last operation tells whether the storage exists.
const storagesSql = `
  SELECT subscription.tenant_id AS "tenantId", tenant.slug AS "tenantSlug", tenant.status::text AS "tenantStatus",
         subscription.module, upper(subscription.isolation::text) AS isolation,
         subscription.database_name AS "databaseName", subscription.schema_name AS "schemaName",
         subscription.status::text AS status, subscription.generation,
         subscription.migration_version AS "migrationVersion", subscription.provisioned_at AS "provisionedAt",
         subscription.purge_after AS "purgeAfter", subscription.storage_removed_at AS "storageRemovedAt",
         tenant.version || '/' || subscription.version AS "asOf", work.facts AS "lastOperation"
  FROM module_subscriptions AS subscription
  JOIN tenants AS tenant ON tenant.id = subscription.tenant_id
  LEFT JOIN LATERAL (
    SELECT json_build_object(
             'kind', operation.kind, 'status', operation.status, 'found', (step.facts ->> 'found')::boolean,
             'isUnderThisName', coalesce(operation.finished_at >= name.claimed_at, false)) AS facts
    FROM operations AS operation
    JOIN operation_steps AS step ON step.operation_id = operation.id AND step.module = subscription.module
    LEFT JOIN storage_names AS name ON name.kind = subscription.isolation AND name.tenant_id = subscription.tenant_id
      AND name.name = CASE subscription.isolation ${issuedNames.join(' ')} END
    WHERE operation.tenant_id = subscription.tenant_id AND operation.finished_at IS NOT NULL
      AND operation.kind <> 'bind_storage'
      -- A removal that was cancelled has changed nothing: it can only be cancelled before it starts.
      AND NOT (operation.kind IN ('remove_storage', 'purge_tenant') AND operation.status = 'cancelled')
    ORDER BY operation.finished_at DESC LIMIT 1
  ) AS work ON subscription.status IN ('pending', 'failed', 'cancelled')
  ORDER BY tenant.slug, subscription.module`;

const operationsSql = `
  SELECT operation.id, operation.kind::text AS kind, operation.status::text AS status, operation.tenant_id AS "tenantId",
         tenant.slug AS "tenantSlug", operation.error, attempt.runs, operation.run_after AS "runAfter",
         coalesce(operation.heartbeat_at, operation.started_at) AS "heartbeatAt",
         ARRAY(SELECT DISTINCT module FROM operation_steps AS step
               WHERE step.operation_id = operation.id AND module IS NOT NULL ORDER BY module) AS modules
  FROM operations AS operation
  JOIN operation_attempts AS attempt ON attempt.operation_id = operation.id AND attempt.number = operation.attempt
  LEFT JOIN tenants AS tenant ON tenant.id = operation.tenant_id
  WHERE operation.status IN ('queued', 'running', 'compensating', 'needs_attention')
  ORDER BY operation.created_at, operation.id`;

const tenantsSql = `
  SELECT id, slug, status::text AS status, version::text AS "asOf" FROM tenants
  WHERE status = 'provisioning' OR status = 'deleted' AND NOT is_protected AND purge_after < now() - interval '5 minutes'
  ORDER BY slug`;
