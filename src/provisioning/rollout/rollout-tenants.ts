import type { Rollout } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { invalidField } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { matchNames, namedTenantsSql } from '../../registry/tenants/named-tenants.js';
import type { RolloutStrategy } from './strategy.js';

/**
 * SQL: subscriptions with storage that rollouts migrate. Those of suspended and of deleted tenants are among them, because both can
 * come back. A cancelled one that starts again, and one that is being made, get the newest files with that.
 */
export const hasMigratableStorage = `subscription.status IN ('pending', 'active', 'suspended', 'migrating')
  AND subscription.storage_removed_at IS NULL AND tenant.status <> 'purged'
  AND (subscription.provisioned_at IS NOT NULL OR subscription.migration_version IS NOT NULL)`;

/**
 * SQL: subscriptions of module $1 that are not at version $2, in an open parenthesis: a tenant can lack a file of the folder of all
 * modules and yet be at the newest version.
 */
const behind = `FROM module_subscriptions AS subscription JOIN tenants AS tenant ON tenant.id = subscription.tenant_id
  WHERE subscription.module = $1 AND ${hasMigratableStorage} AND (subscription.migration_version IS DISTINCT FROM $2`;

/**
 * Appends all tenants that are behind or in `lacking`, and returns how many. Their order is random, so that not always the same tenants are the first;
 * those of the canary that were named come before all others. The waves after the canary have as many tenants each.
 */
export async function appendTenants(
  tx: Transaction,
  rollout: Pick<Rollout, 'id' | 'moduleName' | 'targetVersion' | 'waves'>,
  { canaryTenants, canaryPercent, canaryTenantIds }: RolloutStrategy,
  lacking: readonly string[],
): Promise<number> {
  const [inserted] = await tx.send({
    text: `INSERT INTO rollout_tenants (rollout_id, tenant_id, wave, from_version, generation)
      SELECT $3::uuid, tenant_id, CASE WHEN place <= canary THEN 0 ELSE 1 + (place - 1 - canary) * $4::int / (total - canary) END,
             migration_version, generation
      FROM (SELECT *, least(total, coalesce($5::int, ceil(total * $6::int / 100.0)::int, 0)) AS canary FROM (
        SELECT tenant_id, migration_version, generation, count(*) OVER () AS total,
               row_number() OVER (ORDER BY tenant_id <> ALL ($7::uuid[]), md5($3::uuid::text || tenant_id::text)) AS place
        ${behind} OR tenant_id = ANY ($8::uuid[]))) AS listed) AS counted`,
    values: [
      rollout.moduleName,
      rollout.targetVersion,
      rollout.id,
      rollout.waves,
      canaryTenants,
      canaryPercent,
      canaryTenantIds,
      lacking,
    ],
  });
  return inserted?.rowCount ?? 0;
}

/**
 * The strategy with the ids of the tenants that make the canary, each of them once: a tenant can be named by its id, its slug and an external id.
 * Throws VALIDATION_ERROR for tenants that the rollout does not migrate.
 */
export async function withCanary(
  tx: Transaction,
  { moduleName, targetVersion }: Pick<Rollout, 'moduleName' | 'targetVersion'>,
  strategy: RolloutStrategy,
  lacking: readonly string[],
): Promise<RolloutStrategy> {
  const references = strategy.canaryTenantIds;
  if (references.length === 0) return strategy;
  const [rows] = await tx.send(namedTenantsSql(references));
  const named = matchNames(references, rows?.rows ?? []);
  const wanted = [...new Set(named.flatMap(({ tenantId }) => tenantId ?? []))];
  const [found] = await tx.send({
    text: `SELECT tenant.id ${behind} OR tenant.id = ANY ($4::uuid[])) AND tenant.id = ANY ($3::uuid[])`,
    values: [moduleName, targetVersion, wanted, lacking],
  });
  const migrated = new Set((found?.rows ?? []).map(({ id }: { id: string }) => id));
  for (const [at, { reference, tenantId }] of named.entries())
    if (tenantId === undefined || !migrated.has(tenantId))
      throw invalidField(
        `strategy.canary.tenantIds.${at}`,
        `tenant ${reference} is not behind in module ${moduleName}: name a tenant that rollout plan lists`,
      );
  return { ...strategy, canaryTenants: wanted.length, canaryTenantIds: wanted };
}

/** Appends tenants to the last wave that were behind after the start: their storage was made by a process with older files. */
export async function appendLateTenants(
  tx: Transaction,
  { id, moduleName, targetVersion, waves }: Pick<Rollout, 'id' | 'moduleName' | 'targetVersion' | 'waves'>,
): Promise<number> {
  const [inserted] = await tx.send({
    text: `INSERT INTO rollout_tenants (rollout_id, tenant_id, wave, from_version, generation)
      SELECT $3::uuid, tenant_id, $4::int, migration_version, generation ${behind})
      ON CONFLICT DO NOTHING`,
    values: [moduleName, targetVersion, id, waves],
  });
  return inserted?.rowCount ?? 0;
}

/** The schemas in the module's database of tenants that are not migrated yet. */
export async function listSchemas(
  { database }: Pick<CommandContext, 'database'>,
  { id, moduleName }: Pick<Rollout, 'id' | 'moduleName'>,
): Promise<string[]> {
  const { rows } = await database.query(
    `SELECT schema_name AS name FROM rollout_tenants AS part
     JOIN module_subscriptions AS subscription ON subscription.tenant_id = part.tenant_id AND subscription.module = $2
     WHERE rollout_id = $1 AND part.status IN ('queued', 'running') AND isolation = 'schema'`,
    [id, moduleName],
  );
  return rows.map(({ name }: { name: string }) => name);
}
