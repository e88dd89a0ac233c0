import type { PoolClient } from 'pg';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { type Isolation, isolations, type StorageNames, storageNaming } from '../../registry/isolation.js';

/** What the registry says, in one snapshot. Statuses are as the rows have them, in lower case. */
export interface Wanted {
  epoch: string;
  revision: bigint;
  /** The registry's own. */
  database: string;
  /** By the clock of the registry's server. */
  now: Date;
  modules: WantedModule[];
  storages: WantedStorage[];
  operations: OpenOperation[];
  tenants: DueTenant[];
  /** Names that tenants' own databases have, had, or were to get. */
  databaseNames: string[];
}

export interface WantedModule {
  name: string;
  databaseRef: string;
  databaseName: string;
  schemaPrefix: string;
  isolation: Isolation;
  migrationsFolder: string;
}

/** A subscription, and with it the storage it wants. */
export interface WantedStorage {
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
  /** Of tenant and subscription. */
  asOf: string;
  lastWork: LastWork | null;
}

/** How the last operation on the storage of a subscription ended, which does not resolve. */
interface LastWork {
  kind: string;
  status: string;
  /** Whether the storage stood there before; null: nobody looked. */
  found: boolean | null;
  /** Whether it was about the name that the subscription has now. */
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
  attempt: number;
  runAfter: Date;
  /** When its worker last said that it lives. */
  heardOfAt: Date | null;
}

/** A tenant about which something should be under way. */
interface DueTenant {
  id: string;
  slug: string;
  status: string;
  asOf: string;
}

export async function readWanted(database: RegistryDatabase): Promise<Wanted> {
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const wanted = await readSnapshot(client);
    await client.query('COMMIT');
    client.release();
    return wanted;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function readSnapshot(client: PoolClient): Promise<Wanted> {
  const read = async <Row extends object>(sql: string) => (await client.query<Row>(sql)).rows;
  const [head] = await read<{ epoch: string; revision: string; database: string; now: Date }>(
    'SELECT registry_epoch() AS epoch, revision, current_database() AS database, now() AS now FROM registry_head',
  );
  if (!head) throw new Error('registry_head has no row: the database is damaged, restore it');
  const databaseNames = await read<{ name: string }>(
    `SELECT name FROM storage_names WHERE kind = 'database' ORDER BY name`,
  );
  return {
    ...head,
    revision: BigInt(head.revision),
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

const columns: Record<keyof StorageNames, string> = {
  schemaName: 'schema_name',
  databaseName: 'database_name',
};

/** The column with the issued name, for each isolation kind. */
const issuedNames = isolations.map(
  (isolation) =>
    `WHEN '${isolation.toLowerCase()}' THEN subscription.${columns[storageNaming[isolation].nameField]}`,
);

// What became of the storage of one that resolves is plain; of the others their last operation tells.
const storagesSql = `
  SELECT subscription.tenant_id AS "tenantId", tenant.slug AS "tenantSlug", tenant.status::text AS "tenantStatus",
         subscription.module, upper(subscription.isolation::text) AS isolation,
         subscription.database_name AS "databaseName", subscription.schema_name AS "schemaName",
         subscription.status::text AS status, subscription.generation,
         subscription.migration_version AS "migrationVersion", subscription.provisioned_at AS "provisionedAt",
         subscription.purge_after AS "purgeAfter", subscription.storage_removed_at AS "storageRemovedAt",
         tenant.version || '/' || subscription.version AS "asOf", work.facts AS "lastWork"
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
      -- Called off before it was begun, a removal has done nothing.
      AND NOT (operation.kind IN ('remove_storage', 'purge_tenant') AND operation.status = 'cancelled')
    ORDER BY operation.finished_at DESC LIMIT 1
  ) AS work ON subscription.status IN ('pending', 'failed', 'cancelled')
  ORDER BY tenant.slug, subscription.module`;

const operationsSql = `
  SELECT operation.id, operation.kind::text AS kind, operation.status::text AS status, operation.tenant_id AS "tenantId",
         tenant.slug AS "tenantSlug", operation.error, operation.attempt, operation.run_after AS "runAfter",
         coalesce(operation.heartbeat_at, operation.started_at) AS "heardOfAt",
         ARRAY(SELECT DISTINCT module FROM operation_steps AS step
               WHERE step.operation_id = operation.id AND module IS NOT NULL ORDER BY module) AS modules
  FROM operations AS operation LEFT JOIN tenants AS tenant ON tenant.id = operation.tenant_id
  WHERE operation.status IN ('queued', 'running', 'compensating', 'needs_attention')
  ORDER BY operation.created_at, operation.id`;

const tenantsSql = `
  SELECT id, slug, status::text AS status, version::text AS "asOf" FROM tenants
  WHERE status = 'provisioning' OR status = 'deleted' AND purge_after < now() - interval '5 minutes'
  ORDER BY slug`;
