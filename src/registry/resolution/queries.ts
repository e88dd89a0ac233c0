import type { Pool } from 'pg';
import type { Loaded } from '../../cache/read-through.js';
import { queryWithin } from '../../database/pool.js';
import { queryPrepared } from '../../database/prepared-query.js';
import { isSlug, isUuid } from '../slug.js';
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

/** Loads the secret with which entries in shared tiers are signed. Only roles that own the registry's tables can read it. */
export async function loadCacheSecret(pool: Pool, timeoutMs: number): Promise<Uint8Array> {
  const { rows } = await queryWithin(pool, timeoutMs, { text: 'SELECT secret FROM cache_secret' });
  const secret: unknown = rows[0]?.secret;
  if (!(secret instanceof Uint8Array) || secret.length < 32)
    throw new Error('cache_secret has no row with at least 32 bytes: the database is damaged, restore it');
  return secret;
}

/** Ids and slugs go in separate columns, so that each is found by its own index. Other texts find nothing. */
function routeFactsParameters(keys: readonly RouteKey[]): [(string | null)[], (string | null)[], string[]] {
  return [
    keys.map(({ reference }) => (isUuid(reference) ? reference : null)),
    keys.map(({ reference }) => (isSlug(reference) ? reference : null)),
    keys.map(({ module }) => module),
  ];
}

// Row by row, so that a plan made while the tables are small is good for large ones, too.
const routeFactsSql = (wanted: string) => `
  SELECT
    tenant.id                    AS "tenantId",
    tenant.slug                  AS "tenantSlug",
    tenant.status                AS "tenantStatus",
    CASE tenant.status WHEN 'suspended' THEN tenant.suspended_reason ELSE subscription.suspended_reason END AS "suspendedReason",
    module.name IS NOT NULL      AS "moduleExists",
    subscription.status          AS "subscriptionStatus",
    subscription.isolation       AS "isolation",
    subscription.database_name   AS "databaseName",
    subscription.schema_name     AS "schemaName",
    subscription.generation      AS "generation",
    head.epoch                   AS "epoch",
    head.revision                AS "asOf"
  FROM (SELECT revision, registry_epoch() AS epoch FROM registry_head LIMIT 1) AS head
  CROSS JOIN ${wanted} AS wanted (id, slug, module, ordinal)
  LEFT JOIN LATERAL (
    SELECT id, slug, status, suspended_reason FROM tenants WHERE tenants.id = wanted.id
    UNION ALL
    SELECT id, slug, status, suspended_reason FROM tenants WHERE tenants.slug = wanted.slug
    LIMIT 1
  ) AS tenant ON true
  LEFT JOIN modules AS module ON module.name = wanted.module
  LEFT JOIN LATERAL (
    SELECT * FROM module_subscriptions WHERE tenant_id = tenant.id AND module = wanted.module LIMIT 1
  ) AS subscription ON true
  ORDER BY wanted.ordinal`;

const manyRoutesSql = routeFactsSql('unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY');

/** For one key: planned as one row whatever the key, so that PostgreSQL keeps the plan of the prepared statement. */
const oneRouteSql = routeFactsSql('(VALUES ($1::uuid, $2::text, $3::text, 1))');

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
