import { createHash } from 'node:crypto';
import { type ProvisioningEnvironment, query, queryOnce } from './provisioning-environment.js';

/** The state of one tenant in the registry and the catalogs, without its slug and ids: equal for two tenants with the same history. */
export interface State {
  registry: unknown;
  /** By database. */
  catalogs: Record<string, unknown>;
}

interface Named {
  id: string;
  databases: string[];
}

export async function readState(environment: ProvisioningEnvironment, slug: string): Promise<State> {
  const { urls, psql } = environment;
  const [known] = await psql<{ state: unknown } & Named>(registryState, [slug]);
  const catalogs: Record<string, unknown> = {};
  for (const [place, url] of Object.entries({ one: urls.one, two: urls.two })) {
    catalogs[place] = await readCatalog(url, `%${slug}%`);
    for (const name of await databasesOf(url, slug))
      catalogs[`${place}: ${name}`] = await readCatalog(urlTo(url, name), 'public', queryOnce);
  }
  const text = JSON.stringify({ registry: known?.state ?? 'unknown', catalogs })
    .replaceAll(slug, '<slug>')
    .replaceAll(known?.id ?? slug, '<tenant>')
    .replaceAll(JSON.stringify(databaseIn(urls.one)), '"<one>"')
    .replaceAll(JSON.stringify(databaseIn(urls.two)), '"<two>"');
  return JSON.parse(text);
}

/** The catalogs of both service databases, and the names of all databases of this tenant. */
export async function readCatalogs({ urls }: ProvisioningEnvironment, slug: string): Promise<unknown> {
  return {
    one: await readCatalog(urls.one, '%'),
    two: await readCatalog(urls.two, '%'),
    databases: await databasesOf(urls.one, slug),
  };
}

/** Schemas, bindings and databases of this tenant that no row of the registry names. */
export async function findOrphans(environment: ProvisioningEnvironment, slug: string): Promise<string[]> {
  const orphans: string[] = [];
  const rows = await environment.psql<{ database: string; schema: string; isKept: boolean }>(
    `SELECT database_name AS database, schema_name AS schema,
            storage_removed_at IS NULL AND subscription.status <> 'failed' AS "isKept"
     FROM module_subscriptions AS subscription JOIN tenants ON tenants.id = tenant_id WHERE slug = $1`,
    [slug],
  );
  for (const [place, url] of Object.entries({ one: environment.urls.one, two: environment.urls.two })) {
    const database = databaseIn(url);
    const mayBe = (name: string) =>
      rows.some(({ schema, database: of, isKept }) => isKept && of === database && schema === name);
    for (const name of await schemasOf(url, slug)) if (!mayBe(name)) orphans.push(`${place}: schema ${name}`);
    for (const name of await bindingsOf(url, slug))
      if (!mayBe(name)) orphans.push(`${place}: binding of ${name}`);
    for (const name of await databasesOf(url, slug))
      if (!rows.some(({ isKept, database: of }) => isKept && of === name))
        orphans.push(`${place}: database ${name}`);
  }
  return orphans;
}

/** Operations of this tenant whose attempts are not numbered from 1 without a gap, or do not end as the operation has ended. */
export async function findBrokenHistories(
  { psql }: ProvisioningEnvironment,
  slug: string,
): Promise<string[]> {
  const rows = await psql<{ id: string; kind: string; attempts: string }>(
    `SELECT operation.id, operation.kind, coalesce(kept.numbers::text, 'none') || ' ' || coalesce(kept.last, '') AS attempts
     FROM operations AS operation JOIN tenants ON tenants.id = tenant_id
     CROSS JOIN LATERAL (
       SELECT array_agg(number ORDER BY number) AS numbers, (array_agg(status::text ORDER BY number DESC))[1] AS last,
         bool_and(runs > 0 OR status IN ('queued', 'cancelled') OR kind = 'mark_module_provisioned') AS ran
       FROM operation_attempts WHERE operation_id = operation.id) AS kept
     WHERE slug = $1 AND (kept.numbers, kept.last, kept.ran)
       IS DISTINCT FROM (ARRAY(SELECT generate_series(1, operation.attempt)), operation.status::text, true)`,
    [slug],
  );
  return rows.map(({ id, kind, attempts }) => `${kind} ${id}: ${attempts}`);
}

/** Unfinished databases of any tenant. */
export async function findBuildings(url: string): Promise<string[]> {
  const rows = await query<{ name: string }>(
    url,
    `SELECT datname AS name FROM pg_database WHERE datname LIKE 'registry\\_building\\_%'`,
  );
  return rows.map(({ name }) => name);
}

async function schemasOf(url: string, slug: string): Promise<string[]> {
  const rows = await query<{ name: string }>(
    url,
    'SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE $1',
    [`%${slug}%`],
  );
  return rows.map(({ name }) => name);
}

async function bindingsOf(url: string, slug: string): Promise<string[]> {
  const [guard] = await query<{ has: boolean }>(
    url,
    `SELECT to_regclass('tenant_guard.binding') IS NOT NULL AS has`,
  );
  if (!guard?.has) return [];
  const rows = await query<{ name: string }>(
    url,
    'SELECT schema_name AS name FROM tenant_guard.binding WHERE schema_name LIKE $1',
    [`%${slug}%`],
  );
  return rows.map(({ name }) => name);
}

/** The databases of one tenant, under their real names or their building names. */
export async function databasesOf(url: string, slug: string): Promise<string[]> {
  const rows = await query<{ name: string }>(url, 'SELECT datname AS name FROM pg_database ORDER BY 1');
  const real = ['gamma_', 'delta_', 'zeta_'].map((prefix) => `${prefix}${slug}`);
  const building = real.map(
    (name) => `registry_building_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`,
  );
  return rows.map(({ name }) => name).filter((name) => real.includes(name) || building.includes(name));
}

function databaseIn(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

export function urlTo(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

const registryState = `
  SELECT tenant.id, json_build_object(
    'tenant', json_build_object('status', status, 'reason', suspended_reason, 'email', primary_email,
      'keeps', purge_after IS NOT NULL),
    'subscriptions', (
      SELECT json_agg(json_build_object('module', module, 'status', status, 'isolation', isolation, 'database', database_name,
        'schema', schema_name, 'generation', generation, 'version', migration_version,
        'provisioned', provisioned_at IS NOT NULL, 'removed', storage_removed_at IS NOT NULL) ORDER BY module)
      FROM module_subscriptions WHERE tenant_id = tenant.id),
    'names', (SELECT json_agg(json_build_array(kind, name, resolved_at IS NOT NULL) ORDER BY kind, name)
              FROM storage_names WHERE tenant_id = tenant.id),
    'config', tenant_config,
    'members', (SELECT json_agg(json_build_array(email, full_name, role, status)) FROM members WHERE tenant_id = tenant.id),
    'invitations', (SELECT count(*) FROM invitations WHERE tenant_id = tenant.id),
    'settings', (SELECT json_agg(json_build_array(company_name, website)) FROM tenant_settings WHERE tenant_id = tenant.id),
    'branding', (SELECT json_agg(primary_color) FROM tenant_branding WHERE tenant_id = tenant.id),
    'operations', (SELECT json_agg(DISTINCT concat_ws(' ', kind, status)) FROM operations WHERE tenant_id = tenant.id),
    'changes', (SELECT json_agg(concat_ws(' ', kind, module) ORDER BY module, revision, position)
                FROM registry_change WHERE tenant_id = tenant.id)) AS state
  FROM tenants AS tenant WHERE slug = $1`;

/** Owners, privileges, definitions and contents of the schemas that match the pattern. */
async function readCatalog(url: string, pattern: string, ask = query): Promise<unknown> {
  const [found] = await ask<{ catalog: object; has: boolean }>(url, catalog, [pattern]);
  // A guard without bindings of this tenant counts as no guard.
  if (!found?.has) return { ...found?.catalog, bindings: [], versions: [] };
  const bindings = await ask(
    url,
    `SELECT schema_name, tenant_id, module, generation, state, epoch <> '' AS is_told,
            schema_oid = to_regnamespace(quote_ident(schema_name)) AS is_same_schema
     FROM tenant_guard.binding WHERE schema_name LIKE $1 ORDER BY 1`,
    [pattern],
  );
  const versions = await ask(
    url,
    `SELECT schema_name, migration, checksum, tenant_id, module,
            schema_oid = to_regnamespace(quote_ident(schema_name)) AS is_same_schema
     FROM tenant_guard.schema_version WHERE schema_name LIKE $1 ORDER BY 1, 2`,
    [pattern],
  );
  return { ...found.catalog, bindings, versions };
}

const catalog = `
  WITH mine AS (SELECT * FROM pg_namespace WHERE nspname LIKE $1 AND nspname !~ '^pg_|^information_schema$')
  SELECT to_regclass('tenant_guard.binding') IS NOT NULL AS has, json_build_object(
    'schemas', (SELECT json_agg(json_build_array(nspname, nspowner::regrole, nspacl::text) ORDER BY nspname) FROM mine),
    'relations', (
      SELECT json_agg(json_build_array(nspname, relname, relkind, relowner::regrole, relacl::text,
          (SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull), ', ' ORDER BY attnum)
           FROM pg_attribute WHERE attrelid = class.oid AND attnum > 0),
          CASE WHEN relkind = 'i' THEN pg_get_indexdef(class.oid) END,
          CASE WHEN relkind = 'r' THEN query_to_xml(format('SELECT count(*) FROM %I.%I', nspname, relname), true, false, '')::text
          END) ORDER BY nspname, relname)
      FROM pg_class AS class JOIN mine ON mine.oid = relnamespace),
    'constraints', (
      SELECT json_agg(json_build_array(nspname, conname, pg_get_constraintdef(pg_constraint.oid)) ORDER BY nspname, conname, conrelid::regclass::text)
      FROM pg_constraint JOIN mine ON mine.oid = connamespace),
    'functions', (
      SELECT json_agg(json_build_array(nspname, proname, pg_get_function_identity_arguments(pg_proc.oid), proowner::regrole, proacl::text)
        ORDER BY nspname, proname)
      FROM pg_proc JOIN mine ON mine.oid = pronamespace)) AS catalog`;
