import type { Pool } from 'pg';
import type { Loaded } from '../../cache/read-through.js';
import { queryWithin } from '../../database/connections/pool.js';
import { queryPrepared } from '../../database/statements/prepared-query.js';
import { isExternalId } from '../external-id.js';
import { isSlug, isUuid } from '../slug.js';
import type { MigrationProgress } from './migration-gate.js';
import type { RouteFacts, RouteKey } from './route.js';

/**
 * Loads the facts for any number of keys, in their order. One statement reads them with the head revision in one
 * snapshot, so an answer always belongs to its revision.
 */
export async function loadRouteFacts(
  pool: Pool,
  keys: readonly RouteKey[],
  timeoutMs: number,
): Promise<Loaded<RouteFacts>> {
  const { rows } =
    keys.length === 1
      ? await queryPrepared(pool, timeoutMs, { text: oneRouteSql, values: routeFactsParameters(keys).flat() })
      : await queryWithin(pool, timeoutMs, { text: manyRoutesSql, values: routeFactsParameters(keys) });
  const [{ epoch, asOf }] = rows;
  return { epoch, asOf: BigInt(asOf), values: rows.map(({ epoch, asOf, ...facts }) => facts) };
}

/** Loads configurations by tenant id in the same way; null for an unknown tenant. */
export async function loadTenantConfigs(
  pool: Pool,
  tenantIds: readonly string[],
  timeoutMs: number,
): Promise<Loaded<StoredConfig | null>> {
  const { rows } = await queryWithin(pool, timeoutMs, { text: tenantConfigsSql, values: [tenantIds] });
  const [{ epoch, asOf }] = rows;
  return {
    epoch,
    asOf: BigInt(asOf),
    values: rows.map(({ slug, source, config }) => (slug === null ? null : { slug, source, config })),
  };
}

/** A tenant, by id, and a module. */
export interface SubscriptionKey {
  tenantId: string;
  module: string;
}

/** How far these tenants are, and the running rollouts that are still to migrate them, in one snapshot and in the order of the keys. */
export async function loadMigrationProgress(
  pool: Pool,
  keys: readonly SubscriptionKey[],
  timeoutMs: number,
): Promise<MigrationProgress[]> {
  const { rows } = await queryPrepared(pool, timeoutMs, {
    text: migrationProgressSql,
    values: [keys.map(({ tenantId }) => tenantId), keys.map(({ module }) => module)],
  });
  return rows.map(({ version, rolloutId, targetVersion }) => ({
    version,
    rollout: rolloutId === null ? undefined : { rolloutId, targetVersion },
  }));
}

const migrationProgressSql = `
  SELECT subscription.migration_version AS version, rollout.id AS "rolloutId", rollout.target_version AS "targetVersion"
  FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS wanted (tenant_id, module, ordinal)
  LEFT JOIN module_subscriptions AS subscription USING (tenant_id, module)
  LEFT JOIN LATERAL (
    SELECT rollouts.id, rollouts.target_version
    FROM rollout_tenants AS due JOIN rollouts ON rollouts.id = due.rollout_id
    WHERE due.tenant_id = wanted.tenant_id AND due.status IN ('queued', 'running')
      AND rollouts.module = wanted.module AND rollouts.status = 'running'
    LIMIT 1
  ) AS rollout ON true
  ORDER BY wanted.ordinal`;

/** Loads the secret with which entries in shared tiers are signed. Only roles that own the registry's tables can read it. */
export async function loadCacheSecret(pool: Pool, timeoutMs: number): Promise<Uint8Array> {
  const { rows } = await queryWithin(pool, timeoutMs, { text: 'SELECT secret FROM cache_secret' });
  const secret: unknown = rows[0]?.secret;
  if (!(secret instanceof Uint8Array) || secret.length < 32)
    throw new Error('cache_secret has no row with at least 32 bytes: the database is damaged, restore it');
  return secret;
}

/** Ids, slugs and external ids go in separate columns, so that each is found by its own index. Other texts find nothing. */
function routeFactsParameters(keys: readonly RouteKey[]): [...(string | null)[][], string[]] {
  const ofKind = (isOfKind: (reference: string) => boolean) =>
    keys.map(({ reference }) => (isOfKind(reference) ? reference : null));
  return [ofKind(isUuid), ofKind(isSlug), ofKind(isExternalId), keys.map(({ module }) => module)];
}

// Row by row, so that a plan made while the tables are small is good for large ones, too.
const routeFactsSql = (wanted: string) => `
  SELECT
    tenant.id                    AS "tenantId",
    tenant.slug                  AS "tenantSlug",
    tenant.external_id           AS "externalId",
    tenant.status                AS "tenantStatus",
    CASE tenant.status WHEN 'suspended' THEN tenant.suspended_reason ELSE subscription.suspended_reason END AS "suspendedReason",
    module.name IS NOT NULL      AS "moduleExists",
    subscription.status          AS "subscriptionStatus",
    subscription.isolation       AS "isolation",
    subscription.database_name   AS "databaseName",
    subscription.schema_name     AS "schemaName",
    subscription.generation      AS "generation",
    subscription.migration_version AS "migrationVersion",
    head.epoch                   AS "epoch",
    head.revision                AS "asOf"
  FROM (SELECT revision, registry_epoch() AS epoch FROM registry_head LIMIT 1) AS head
  CROSS JOIN ${wanted} AS wanted (id, slug, external_id, module, ordinal)
  LEFT JOIN LATERAL (
    -- One after the other: a tenant that is found by its id or slug costs no further look-up.
    SELECT id, slug, status, suspended_reason, NULL AS external_id FROM tenants WHERE tenants.id = wanted.id
    UNION ALL
    SELECT id, slug, status, suspended_reason, NULL FROM tenants WHERE tenants.slug = wanted.slug
    UNION ALL
    SELECT named.id, named.slug, named.status, named.suspended_reason, known.external_id
    FROM tenant_external_ids AS known JOIN tenants AS named ON named.id = known.tenant_id
    WHERE known.external_id = wanted.external_id AND known.status = 'active'
    LIMIT 1
  ) AS tenant ON true
  LEFT JOIN modules AS module ON module.name = wanted.module
  LEFT JOIN LATERAL (
    SELECT * FROM module_subscriptions WHERE tenant_id = tenant.id AND module = wanted.module LIMIT 1
  ) AS subscription ON true
  ORDER BY wanted.ordinal`;

const manyRoutesSql = routeFactsSql('unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY');

/** For one key: planned as one row whatever the key, so that PostgreSQL keeps the plan of the prepared statement. */
const oneRouteSql = routeFactsSql('(VALUES ($1::uuid, $2::text, $3::text, $4::text, 1))');

/** A tenant's configuration; secrets in it are references. */
export type TenantConfig = Record<string, unknown>;

/** A configuration as stored. With the source `yaml`, the tenant's client.yaml takes precedence over it. */
export interface StoredConfig {
  slug: string;
  source: 'yaml' | 'database';
  config: TenantConfig;
}

const tenantConfigsSql = `
  SELECT tenant.slug AS "slug", tenant.config_source AS "source", tenant.tenant_config AS "config", head.epoch AS "epoch", head.revision AS "asOf"
  FROM (SELECT revision, registry_epoch() AS epoch FROM registry_head LIMIT 1) AS head
  CROSS JOIN unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, ordinal)
  LEFT JOIN tenants AS tenant ON tenant.id = wanted.id
  ORDER BY wanted.ordinal`;
