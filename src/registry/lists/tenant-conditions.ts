import type { Values } from './list-page-sql.js';
import { type ModuleCondition, plansOf, statusesOf, type TenantSelection } from './tenant-filter.js';

/*
 * Conditions that no index has in the orders of the list. The tenants of a page are tested one by one, or all tenants that
 * meet one condition are read by its index, if they are few enough to be sorted.
 */

export interface TenantCondition {
  /** Whether few tenants meet it as a rule: then these are read before the list. */
  isRare: boolean;
  /** The condition on the row `tenant` of tenants. */
  test(values: Values): string;
  /** A query for the ids of the tenants that meet it, by an index; undefined where no index has them. */
  find: ((values: Values) => string) | undefined;
  /** Whether a test costs more than to look up a tenant that was found. */
  isCostly?: true;
}

/** How many tenants that a condition finds are sorted, how many are read for a page, and how far counts go. */
export const maxFound = 10_000;

/** The expression of tenants_text_idx. */
const searched = String.raw`lower(name || E'\n' || slug)`;

/** The conditions of the selection besides those that the parts of the list have, likely the rarest first. */
export function conditionsOf(selection: TenantSelection): TenantCondition[] {
  const { ids, externalIds, memberEmail, needsAttention, configSource, migration, modules, text, config } =
    selection;
  return [
    ...(ids ? [byId(ids)] : []),
    ...(externalIds ? [byExternalId(externalIds)] : []),
    ...(memberEmail === undefined ? [] : [byMember(memberEmail)]),
    ...(needsAttention === undefined ? [] : [byAttention(needsAttention)]),
    ...(configSource === undefined ? [] : [byConfigSource(configSource)]),
    ...(migration ? [byMigration(migration)] : []),
    ...modules.slice(1).map(bySubscription),
    ...(text === undefined ? [] : [byText(text)]),
    ...(config === undefined ? [] : [byConfig(config)]),
  ];
}

/** The conditions that the parts of the list have, on any tenant. */
export function structureTests(values: Values, selection: TenantSelection): string[] {
  const [module] = selection.modules;
  return [
    `tenant.status = ANY (${values.add(statusesOf(selection), 'tenant_status[]')})`,
    `tenant.plan = ANY (${values.add(plansOf(selection), 'plan[]')})`,
    ...(module ? [bySubscription(module).test(values)] : []),
    ...createdTests(values, selection, 'tenant.'),
  ];
}

export function createdTests(
  values: Values,
  { createdFrom, createdUntil }: TenantSelection,
  of: '' | 'tenant.',
): string[] {
  const add = (time: Date) => values.add(time.toISOString(), 'timestamptz');
  return [
    ...(createdFrom ? [`${of}created_at >= ${add(createdFrom)}`] : []),
    ...(createdUntil ? [`${of}created_at < ${add(createdUntil)}`] : []),
  ];
}

/**
 * One or two characters have no trigrams inside of a text, so they are looked for at the beginnings of name and slug, whose
 * trigrams begin with blanks.
 */
function textSql(values: Values, text: string, of: string): string {
  const literal = text.replace(/[\\%_]/g, '\\$&');
  const like = (pattern: string) => `${of} LIKE lower(${values.add(pattern, 'text')})`;
  if ([...text].length > 2) return like(`%${literal}%`);
  return `(${like(`${literal}%`)} OR ${like(`%\n${literal}%`)})`;
}

/** Whether a tenant has the text in its name, slug or an external id. `id` is the qualified column of its id. */
export function hasText(values: Values, text: string, id: string): string {
  return `(${textSql(values, text, searched)} OR EXISTS (${namedByText(values, text)} AND named.tenant_id = ${id}))`;
}

/** The expression is that of tenant_external_ids_text_idx. */
function namedByText(values: Values, text: string): string {
  return `SELECT named.tenant_id AS id FROM tenant_external_ids AS named
    WHERE named.status = 'active' AND ${textSql(values, text, 'lower(named.external_id)')}`;
}

function byExternalId(externalIds: readonly string[]): TenantCondition {
  const named = (values: Values) =>
    `SELECT DISTINCT named.tenant_id AS id FROM tenant_external_ids AS named
     WHERE named.status = 'active' AND named.external_id = ANY (${values.add(externalIds, 'text[]')})`;
  return {
    isRare: true,
    test: (values) => `EXISTS (${named(values)} AND named.tenant_id = tenant.id)`,
    find: named,
  };
}

function byId(ids: readonly string[]): TenantCondition {
  return {
    isRare: true,
    test: (values) => `tenant.id = ANY (${values.add(ids, 'uuid[]')})`,
    find: (values) => `SELECT DISTINCT unnest(${values.add(ids, 'uuid[]')}) AS id`,
  };
}

function byMember(email: string): TenantCondition {
  const member = (values: Values) =>
    `FROM members WHERE email = ${values.add(email, 'text')} AND status <> 'removed'`;
  return {
    isRare: true,
    test: (values) => `EXISTS (SELECT ${member(values)} AND tenant_id = tenant.id)`,
    find: (values) => `SELECT tenant_id AS id ${member(values)}`,
  };
}

function byAttention(isNeeded: boolean): TenantCondition {
  const failed = `SELECT tenant_id AS id FROM module_subscriptions WHERE status = 'failed'`;
  const stuck = `SELECT tenant_id AS id FROM operations WHERE status = 'needs_attention'`;
  const some = `(EXISTS (${failed} AND tenant_id = tenant.id) OR EXISTS (${stuck} AND tenant_id = tenant.id))`;
  const find = () =>
    `(${failed} LIMIT ${maxFound + 1}) UNION (${stuck} AND tenant_id IS NOT NULL LIMIT ${maxFound + 1})`;
  return {
    isRare: isNeeded,
    test: () => (isNeeded ? some : `NOT ${some}`),
    find: isNeeded ? find : undefined,
  };
}

/** Only YAML has an index: it is the source of tenants that are still to be imported. */
function byConfigSource(source: string): TenantCondition {
  const isYaml = source === 'yaml';
  return {
    isRare: isYaml,
    test: (values) => `tenant.config_source = ${values.add(source, 'config_source')}`,
    find: isYaml ? () => `SELECT id FROM tenants WHERE config_source = 'yaml'` : undefined,
  };
}

/** Cancelled subscriptions have no version; another subscription without storage is below every version. */
function byMigration({
  module,
  relation,
  version,
}: NonNullable<TenantSelection['migration']>): TenantCondition {
  const column = 'migration_version COLLATE "C"';
  const subscription = (values: Values, condition: string) =>
    `SELECT tenant_id AS id FROM module_subscriptions WHERE module = ${values.add(module, 'text')}
     AND status NOT IN ('cancelled', 'deprovisioning') AND ${condition}`;
  const compared = (operator: string) => (values: Values) =>
    `${column} ${operator} ${values.add(version, 'text')}`;
  const parts = {
    at: [compared('=')],
    below: [compared('<'), () => `${column} IS NULL`],
    notAt: [compared('<'), compared('>'), () => `${column} IS NULL`],
  }[relation];
  return {
    isRare: false,
    isCostly: true,
    test: (values) =>
      `EXISTS (${subscription(values, `(${parts.map((part) => part(values)).join(' OR ')})`)} AND tenant_id = tenant.id)`,
    // A range of the index each, whose whole order leaves the planner no other.
    find: (values) =>
      parts
        .map(
          (part) =>
            `(${subscription(values, part(values))} ORDER BY module, ${column}, tenant_id LIMIT ${maxFound + 1})`,
        )
        .join(' UNION ALL '),
  };
}

function bySubscription({ module, statuses }: ModuleCondition): TenantCondition {
  return {
    isRare: false,
    test: (values) =>
      `EXISTS (SELECT FROM module_tenants AS subscribed WHERE subscribed.tenant_id = tenant.id
       AND subscribed.module = ${values.add(module, 'text')}
       AND subscribed.subscription_status = ANY (${values.add(statuses, 'subscription_status[]')}))`,
    find: (values) =>
      `SELECT part.id FROM unnest(${values.add(statuses, 'subscription_status[]')}) AS of_subscription (status)
       CROSS JOIN LATERAL (
         SELECT tenant_id AS id FROM module_tenants
         WHERE module = ${values.add(module, 'text')} AND subscription_status = of_subscription.status
         ORDER BY module_tenants.status, plan, name, tenant_id LIMIT ${maxFound + 1}) AS part`,
  };
}

function byText(text: string): TenantCondition {
  return {
    isRare: false,
    test: (values) => hasText(values, text, 'tenant.id'),
    find: (values) =>
      `(SELECT id FROM tenants WHERE ${textSql(values, text, searched)} LIMIT ${maxFound + 1})
       UNION (${namedByText(values, text)} LIMIT ${maxFound + 1})`,
  };
}

/** Not walked for: it is costly to test. */
function byConfig(config: string): TenantCondition {
  const contains = (values: Values) => `tenant_config @> ${values.add(config, 'jsonb')}`;
  return {
    isRare: true,
    test: contains,
    find: (values) => `SELECT id FROM tenants WHERE ${contains(values)}`,
  };
}
