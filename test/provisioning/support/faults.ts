import { randomUUID } from 'node:crypto';
import type { FindingCode } from '../../../src/provisioning/doctor/finding.js';
import type { BulkStorage } from './many-storages.js';

/** A fault of a storage, made by SQL in the registry, in the module's database, or in both. */
export interface Fault {
  /** The finding that doctor must report; undefined when the state is correct. */
  code: FindingCode | undefined;
  registry?: (storage: BulkStorage) => string;
  service?: (storage: BulkStorage) => string;
  /** The schema of the finding, where it is not the storage's own. */
  schema?: (storage: BulkStorage) => string;
}

const binding =
  (change: string) =>
  ({ schema }: BulkStorage) =>
    `UPDATE tenant_guard.binding SET ${change} WHERE schema_name = '${schema}'`;

/** A statement on the schema's versions that ends with WHERE or AND. */
const versions =
  (statement: string) =>
  ({ schema }: BulkStorage) =>
    `${statement} schema_name = '${schema}'`;

const subscription =
  (change: string) =>
  ({ tenantId, module }: BulkStorage) =>
    `UPDATE module_subscriptions SET ${change} WHERE tenant_id = '${tenantId}' AND module = '${module}'`;

const dropped = ({ schema }: BulkStorage) => `DROP SCHEMA ${schema} CASCADE`;
const forgotten = ({ schema }: BulkStorage) =>
  `DELETE FROM tenant_guard.binding WHERE schema_name = '${schema}'`;

const operation =
  (columns: Record<string, string>, facts = '{}') =>
  ({ tenantId, module }: BulkStorage) =>
    `WITH made AS (
       INSERT INTO operations (kind, tenant_id, actor, ${Object.keys(columns).join(', ')})
       VALUES ('subscribe_tenant', '${tenantId}', 'test', ${Object.values(columns).join(', ')}) RETURNING id)
     INSERT INTO operation_steps (operation_id, position, name, module, facts)
     SELECT id, 0, 'create_schema', '${module}', '${facts}' FROM made`;

/** Workers have taken up the operations of the tenant this many times. */
const takenUp =
  (times: number) =>
  ({ tenantId }: BulkStorage) =>
    Array.from(
      { length: times },
      () =>
        `UPDATE operations SET fencing_token = fencing_token + 1, worker = 'w' WHERE tenant_id = '${tenantId}'`,
    ).join('; ');

const both =
  (...statements: ((storage: BulkStorage) => string)[]) =>
  (storage: BulkStorage) =>
    statements.map((statement) => statement(storage)).join('; ');

/** `stranger` is a role other than the module's. */
export function listFaults(stranger: string): Fault[] {
  return [
    { code: 'SCHEMA_MISSING', service: dropped },
    { code: 'SCHEMA_MISSING', service: both(dropped, forgotten) },
    {
      code: 'SCHEMA_MISSING',
      service: ({ schema }) => `ALTER SCHEMA ${schema} RENAME TO elsewhere_${schema}`,
    },
    {
      code: 'BINDING_OTHER_SCHEMA',
      service: both(dropped, ({ schema }) => `CREATE SCHEMA ${schema}`),
    },
    { code: 'BINDING_OTHER_SCHEMA', service: binding('schema_oid = 1') },
    { code: 'BINDING_MISSING', service: forgotten },
    { code: 'BINDING_OTHER_OWNER', service: binding('tenant_id = gen_random_uuid()') },
    { code: 'BINDING_OTHER_OWNER', service: binding(`module = 'nobody'`) },
    { code: 'BINDING_GENERATION_DIFFERS', service: binding('generation = 2') },
    { code: 'BINDING_STATE_DIFFERS', service: binding(`state = 'suspended'`) },
    { code: 'BINDING_STATE_DIFFERS', service: binding(`state = 'closed'`) },
    { code: 'BINDING_STATE_DIFFERS', service: binding(`state = 'not_ready'`) },
    { code: 'BINDING_STATE_DIFFERS', registry: subscription(`status = 'suspended'`) },
    {
      code: 'BINDING_STATE_DIFFERS',
      registry: subscription(`status = 'cancelled', purge_after = now() + interval '1 day'`),
    },
    { code: 'SCHEMA_OWNER_WRONG', service: ({ schema }) => `ALTER SCHEMA ${schema} OWNER TO ${stranger}` },
    {
      code: 'TABLE_OWNER_WRONG',
      service: ({ schema }) => `ALTER TABLE ${schema}.contact OWNER TO ${stranger}`,
    },
    {
      code: 'TABLE_OWNER_WRONG',
      service: ({ schema }) =>
        `CREATE FUNCTION ${schema}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION ${schema}.f() OWNER TO ${stranger}`,
    },
    { code: 'SCHEMA_OPEN_TO_PUBLIC', service: ({ schema }) => `GRANT CREATE ON SCHEMA ${schema} TO PUBLIC` },
    {
      code: 'MIGRATIONS_MISSING',
      service: versions(`DELETE FROM tenant_guard.schema_version WHERE migration LIKE '%0002%' AND`),
    },
    {
      code: 'MIGRATION_EDITED',
      service: versions(
        `UPDATE tenant_guard.schema_version SET checksum = repeat('0', 64) WHERE migration LIKE module || '/0001%' AND`,
      ),
    },
    {
      code: 'MIGRATION_UNKNOWN',
      service: ({ schema }) =>
        `INSERT INTO tenant_guard.schema_version (schema_name, schema_oid, migration, checksum, tenant_id, module)
         SELECT schema_name, schema_oid, 'x/0009.sql', checksum, tenant_id, module
         FROM tenant_guard.schema_version WHERE schema_name = '${schema}' LIMIT 1`,
    },
    {
      code: 'MIGRATION_VERSION_DIFFERS',
      registry: subscription(`migration_version = '_every/0001_settings_and_activity_log.sql'`),
    },
    { code: 'VERSION_TABLE_MISSING', service: versions('DELETE FROM tenant_guard.schema_version WHERE') },
    {
      code: 'VERSION_TABLE_MISSING',
      service: versions('UPDATE tenant_guard.schema_version SET schema_oid = 1 WHERE'),
    },
    {
      code: 'SCHEMA_OPEN_TO_OTHERS',
      service: ({ schema }) => `GRANT CREATE ON SCHEMA ${schema} TO ${stranger}`,
    },
    {
      code: 'SCHEMA_OPEN_TO_OTHERS',
      service: ({ schema }) => `GRANT TRIGGER ON ${schema}.contact TO ${stranger}`,
    },
    {
      code: 'ACCESS_GRANT_MISSING',
      service: ({ schema, module }) => `REVOKE UPDATE ON ${schema}.contact FROM ${module}_access`,
    },
    {
      code: 'ACCESS_GRANT_MISSING',
      service: ({ schema, module }) => `REVOKE USAGE ON SCHEMA ${schema} FROM ${module}_access`,
    },
    {
      code: 'VERSION_TABLE_OTHER_OWNER',
      service: versions(`UPDATE tenant_guard.schema_version SET tenant_id = '${randomUUID()}' WHERE`),
    },
    {
      code: 'SCHEMA_WITHOUT_ROW',
      schema: ({ schema }) => `${schema}_alien`,
      service: ({ schema }) => `CREATE SCHEMA ${schema}_alien`,
    },
    {
      code: 'SCHEMA_WITHOUT_ROW',
      schema: ({ schema }) => `other_${schema}`,
      service: ({ schema }) =>
        `CREATE SCHEMA other_${schema}; INSERT INTO tenant_guard.binding
         SELECT 'other_' || schema_name, 'other_${schema}'::regnamespace, gen_random_uuid(), module, 1, 'active', '', 0
         FROM tenant_guard.binding WHERE schema_name = '${schema}'`,
    },
    {
      code: 'BINDING_LEFT_BEHIND',
      schema: ({ schema }) => `${schema}_gone`,
      service: ({ schema }) =>
        `INSERT INTO tenant_guard.binding SELECT schema_name || '_gone', 1, tenant_id, module, 1, 'active', '', 0
         FROM tenant_guard.binding WHERE schema_name = '${schema}'`,
    },
    {
      code: 'BINDING_LEFT_BEHIND',
      registry: subscription(`status = 'cancelled', storage_removed_at = now()`),
      service: dropped,
    },
    {
      code: 'STORAGE_NOT_REMOVED',
      registry: subscription(`status = 'cancelled', storage_removed_at = now()`),
    },
    {
      code: 'STORAGE_LEFT_BEHIND',
      registry: both(
        subscription(`status = 'failed', provisioned_at = NULL`),
        operation({ status: `'failed'`, finished_at: 'now()' }, '{"found": false}'),
      ),
    },
    { code: 'SUBSCRIPTION_STUCK', registry: subscription(`status = 'provisioning'`) },
    { code: 'SUBSCRIPTION_STUCK', registry: subscription(`status = 'deprovisioning'`) },
    {
      code: 'REMOVAL_OVERDUE',
      registry: subscription(`status = 'cancelled', purge_after = now() - interval '1 hour'`),
      service: binding(`state = 'closed'`),
    },
    {
      code: 'OPERATION_NEEDS_ATTENTION',
      registry: both(
        subscription(`status = 'failed'`),
        operation({ status: `'needs_attention'`, error: `'sorry'` }),
      ),
    },
    {
      code: 'OPERATION_OVERDUE',
      registry: both(
        subscription(`status = 'provisioning'`),
        operation({ status: `'queued'`, run_after: `now() - interval '1 hour'` }),
      ),
    },
    {
      code: 'OPERATION_OVERDUE',
      registry: both(
        subscription(`status = 'provisioning'`),
        operation({ status: `'running'`, heartbeat_at: `now() - interval '1 hour'` }),
      ),
    },
    {
      code: 'OPERATION_OVERDUE',
      registry: both(
        subscription(`status = 'provisioning'`),
        operation({ status: `'queued'`, error: `'down'` }),
        takenUp(9),
      ),
    },
  ];
}

/** States that look like faults but are correct. */
export const harmless: Fault[] = [
  { code: undefined, service: ({ schema }) => `CREATE SCHEMA not_ours_${schema}` },
  {
    code: undefined,
    registry: subscription(`status = 'suspended'`),
    service: binding(`state = 'suspended'`),
  },
  {
    code: undefined,
    registry: subscription(`status = 'migrating'`),
    service: both(binding(`state = 'not_ready'`), versions('DELETE FROM tenant_guard.schema_version WHERE')),
  },
  {
    code: undefined,
    registry: subscription(`status = 'cancelled', purge_after = now() + interval '1 day'`),
    service: both(binding(`state = 'closed'`), versions('DELETE FROM tenant_guard.schema_version WHERE')),
  },
  {
    code: undefined,
    registry: subscription(`status = 'cancelled', storage_removed_at = now()`),
    service: both(dropped, forgotten),
  },
  {
    code: undefined,
    registry: subscription(`status = 'pending', provisioned_at = NULL`),
    service: both(dropped, forgotten),
  },
  {
    code: undefined,
    registry: both(
      subscription(`status = 'failed', provisioned_at = NULL`),
      operation({ status: `'failed'`, finished_at: 'now()' }, '{"found": false}'),
    ),
    service: both(dropped, forgotten),
  },
  {
    code: undefined,
    registry: both(
      subscription(`status = 'provisioning', provisioned_at = NULL`),
      operation({ status: `'running'`, heartbeat_at: 'now()' }),
    ),
    service: both(dropped, forgotten),
  },
  {
    code: undefined,
    registry: both(subscription(`status = 'deprovisioning'`), operation({ status: `'queued'` })),
    service: dropped,
  },
  {
    code: undefined,
    registry: subscription('migration_version = NULL'),
    service: versions('DELETE FROM tenant_guard.schema_version WHERE'),
  },
  // The guard is about to be updated by a queued operation.
  {
    code: undefined,
    registry: ({ tenantId, module }) =>
      // The operation also covers the tenant's other storage; keep only the step of this one.
      `SELECT registry_enqueue_binding('${tenantId}');
       UPDATE operation_steps SET facts = '{"meant": true}' FROM operations
       WHERE id = operation_id AND kind = 'bind_storage' AND tenant_id = '${tenantId}' AND module = '${module}';
       DELETE FROM operation_steps USING operations
       WHERE id = operation_id AND kind = 'bind_storage' AND tenant_id = '${tenantId}' AND facts = '{}';
       UPDATE module_subscriptions SET status = 'suspended' WHERE tenant_id = '${tenantId}' AND module = '${module}'`,
  },
];
