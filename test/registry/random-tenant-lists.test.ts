import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRowReader } from '../../src/database/statements/row-reader.js';
import { readTenantSelection } from '../../src/registry/lists/tenant-filter.js';
import { groupsOf, type TenantOrderField } from '../../src/registry/lists/tenant-list-sql.js';
import { countTenants, listTenantPositions } from '../../src/registry/lists/tenant-pages.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { createDraw } from '../setup/random.js';
import { promiseSeed, seed } from '../setup/seed.js';

let registry: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  registry = await createRegistryDatabase();
  client = new pg.Client({ connectionString: registry.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await registry?.drop();
});

const statuses = ['PENDING', 'PROVISIONING', 'ACTIVE', 'SUSPENDED', 'FAILED', 'DELETED', 'PURGED'] as const;
const plans = ['LITE', 'PRO', 'ENTERPRISE'] as const;
const subscriptionStatuses = [
  ...(['PENDING', 'PROVISIONING', 'ACTIVE', 'MIGRATING'] as const),
  ...(['SUSPENDED', 'FAILED', 'DEPROVISIONING', 'CANCELLED'] as const),
];
const modules = ['finance', 'inventory', 'operations'];
const versions = ['a/0001.sql', 'a/0002.sql', 'a/0010.sql'];
const orders: TenantOrderField[] = ['name', 'slug', 'createdAt', 'updatedAt', 'plan', 'status'];

interface RandomTenant {
  id: string;
  slug: string;
  name: string;
  status: string;
  plan: string;
  configSource: string;
  createdAt: number;
  updatedAt: number;
  theme: string;
  subscriptions: { module: string; status: string; version: string | null }[];
  members: { email: string; isRemoved: boolean }[];
  isStuck: boolean;
}

interface Filter {
  ids?: string[];
  status?: string[];
  plan?: string[];
  module?: string;
  modules?: { module: string; statuses?: string[] }[];
  migration?: { module: string; at?: string; notAt?: string; below?: string };
  configSource?: string;
  createdFrom?: Date;
  createdUntil?: Date;
  memberEmail?: string;
  needsAttention?: boolean;
  text?: string;
}

const day = 86_400_000;
const begin = Date.parse('2026-01-01');

/** Whether the tenant meets the filter, in plain words. */
function meets(tenant: RandomTenant, filter: Filter, config: { theme: string } | undefined): boolean {
  const { subscriptions } = tenant;
  const subscribed = (module: string, among: readonly string[] = ['ACTIVE']) =>
    subscriptions.some((one) => one.module === module && among.includes(one.status));
  const isMigrated = ({ module, at, notAt, below }: NonNullable<Filter['migration']>) =>
    subscriptions.some(
      ({ module: of, status, version }) =>
        of === module &&
        !['CANCELLED', 'DEPROVISIONING'].includes(status) &&
        (at === undefined || version === at) &&
        (notAt === undefined || version !== notAt) &&
        (below === undefined || version === null || version < below),
    );
  const needs = tenant.isStuck || subscriptions.some(({ status }) => status === 'FAILED');
  return [
    filter.status?.includes(tenant.status) ?? tenant.status !== 'PURGED',
    filter.ids?.includes(tenant.id) ?? true,
    filter.plan?.includes(tenant.plan) ?? true,
    filter.module === undefined || subscribed(filter.module),
    (filter.modules ?? []).every((one) => subscribed(one.module, one.statuses)),
    !filter.migration || isMigrated(filter.migration),
    filter.configSource === undefined || tenant.configSource === filter.configSource,
    !filter.createdFrom || tenant.createdAt >= filter.createdFrom.getTime(),
    !filter.createdUntil || tenant.createdAt < filter.createdUntil.getTime(),
    filter.memberEmail === undefined ||
      tenant.members.some(
        ({ email, isRemoved }) => !isRemoved && email === filter.memberEmail?.toLowerCase(),
      ),
    filter.needsAttention === undefined || needs === filter.needsAttention,
    filter.text === undefined || tenant.name.includes(filter.text) || tenant.slug.includes(filter.text),
    !config || tenant.theme === config.theme,
  ].every(Boolean);
}

/** The order of a list as text that sorts alike. */
function keyOf(tenant: RandomTenant, field: TenantOrderField): string {
  const { id, slug, name, status, plan } = tenant;
  const first = {
    ...{ name, slug, createdAt: String(tenant.createdAt), updatedAt: String(tenant.updatedAt) },
    plan: `${plans.indexOf(plan as (typeof plans)[number])}${name}`,
    status: `${statuses.indexOf(status as (typeof statuses)[number])}${name}`,
  };
  return `${first[field]} ${id}`;
}

test('lists with every combination of conditions and every order equal those of a plain filter', {
  timeout: 120_000,
}, async () => {
  promiseSeed();
  const random = createDraw(seed);
  const one = <T>(list: readonly T[]) => list[random(list.length)] as T;
  const some = <T>(list: readonly T[]) => list.filter(() => random(2) === 0);
  const tenants = Array.from({ length: 300 }, (_, at): RandomTenant => {
    const createdAt = begin + random(60) * day;
    return {
      id: `${String(random(100_000_000)).padStart(8, '0')}-0000-4000-8000-${String(at).padStart(12, '0')}`,
      slug: `tenant-${String(at).padStart(3, '0')}`,
      // Several tenants have the same name, so only the ids separate them.
      name: `company ${String(random(60)).padStart(2, '0')}`,
      ...{ status: one(statuses), plan: one(plans), configSource: one(['YAML', 'DATABASE', 'DATABASE']) },
      ...{ createdAt, updatedAt: createdAt + random(9) * day, theme: one(['blue', 'red']) },
      subscriptions: some(modules).map((module) => ({
        module,
        status: one(subscriptionStatuses),
        version: one([...versions, null]),
      })),
      members: some(['ann@a.example', 'bob@a.example']).map((email) => ({
        email,
        isRemoved: random(3) === 0,
      })),
      isStuck: random(15) === 0,
    };
  });
  await insert(tenants);

  const readRows = createRowReader((text, values) => client.query(text, values));
  for (let round = 0; round < 120; round++) {
    const optional = <T>(rate: number, make: () => T): T | undefined =>
      random(rate) === 0 ? make() : undefined;
    const from = random(60);
    const withoutUndefined = Object.entries({
      ids: optional(8, () =>
        tenants.filter(() => random(4) === 0).map(({ id }) => id.toUpperCase().toLowerCase()),
      ),
      status: optional(4, () => some(statuses)),
      plan: optional(4, () => some(plans)),
      module: optional(6, () => one(modules)),
      modules: optional(4, () =>
        some(modules).map((module) => ({
          module,
          ...(random(3) > 0 && { statuses: some(subscriptionStatuses) }),
        })),
      ),
      migration: optional(6, () => ({
        module: one(modules),
        [one(['at', 'notAt', 'below'])]: one(versions),
      })),
      configSource: optional(6, () => one(['YAML', 'DATABASE'])),
      createdFrom: optional(4, () => new Date(begin + from * day)),
      createdUntil: optional(4, () => new Date(begin + (from + 1 + random(40)) * day)),
      memberEmail: optional(8, () => one(['Ann@A.example', 'bob@a.example', 'eve@a.example'])),
      needsAttention: optional(6, () => random(2) === 0),
      text: optional(6, () => one(['company', 'pany 1', 'tenant-1', 'ny 07'])),
    }).filter(([, value]) => value !== undefined);
    const filter: Filter = Object.fromEntries(withoutUndefined);
    const config = optional(8, () => ({ theme: one(['blue', 'red', 'green']) }));
    const selection = readTenantSelection(filter, config && JSON.stringify(config));
    const field = one(orders);
    const isDescending = random(2) === 0;
    const expected = tenants
      .filter((tenant) => meets(tenant, filter, config))
      .toSorted((a, b) => (keyOf(a, field) < keyOf(b, field) === isDescending ? 1 : -1))
      .map(({ id }) => id);
    const said = JSON.stringify({ filter, config, field, isDescending });

    for (const isFromEnd of [false, true]) {
      const limit = one([1, 3, 17, 100]);
      const listed: string[] = [];
      let last: { value: string; id: string } | undefined;
      for (;;) {
        const bound = { after: isFromEnd ? undefined : last, before: isFromEnd ? last : undefined };
        const page = { field, isDescending, isFromEnd, limit, ...bound };
        const positions = await listTenantPositions({ readRows }, selection, page);
        listed.push(...positions.map(({ id }) => id));
        last = positions.at(-1);
        if (last) expect(groupsOf(field)?.includes(last.value.split(':')[0] ?? '') ?? true, said).toBe(true);
        if (positions.length < limit || listed.length > tenants.length || limit === 1) break;
      }
      const all = isFromEnd ? expected.toReversed() : expected;
      expect(listed, said).toEqual(limit === 1 ? all.slice(0, 1) : all);
    }
    expect(await countTenants({ readRows }, selection), said).toEqual({
      total: expected.length,
      isCapped: false,
    });
  }
});

async function insert(tenants: readonly RandomTenant[]): Promise<void> {
  await client.query('SET session_replication_role = replica');
  await client.query(
    `INSERT INTO tenants (id, slug, name, status, plan, config_source, created_at, updated_at, tenant_config, suspended_at,
       deleted_at, purge_after, status_before_deletion)
     SELECT id, slug, name, lower(status)::tenant_status, lower(plan)::plan, lower("configSource")::config_source,
       to_timestamp("createdAt" / 1000), to_timestamp("updatedAt" / 1000), jsonb_build_object('theme', theme),
       CASE status WHEN 'SUSPENDED' THEN now() END, CASE WHEN status IN ('DELETED', 'PURGED') THEN now() END,
       CASE WHEN status IN ('DELETED', 'PURGED') THEN now() END,
       CASE WHEN status IN ('DELETED', 'PURGED') THEN 'active' END::tenant_status
     FROM jsonb_to_recordset($1) AS given
       (id uuid, slug text, name text, status text, plan text, "configSource" text, "createdAt" bigint, "updatedAt" bigint, theme text)`,
    [JSON.stringify(tenants)],
  );
  const rows = <T extends object>(list: (tenant: RandomTenant) => T[]) =>
    JSON.stringify(tenants.flatMap((tenant) => list(tenant).map((row) => ({ ...row, tenantId: tenant.id }))));
  await client.query(
    `INSERT INTO module_subscriptions (tenant_id, module, status, isolation, database_name, schema_name, migration_version, provisioned_at)
     SELECT "tenantId", module, lower(status)::subscription_status, 'schema', 'd', 's', version, now()
     FROM jsonb_to_recordset($1) AS given ("tenantId" uuid, module text, status text, version text)`,
    [rows(({ subscriptions }) => subscriptions)],
  );
  await client.query(
    `INSERT INTO members (tenant_id, email, status)
     SELECT "tenantId", email, CASE WHEN "isRemoved" THEN 'removed' ELSE 'active' END::member_status
     FROM jsonb_to_recordset($1) AS given ("tenantId" uuid, email text, "isRemoved" boolean)`,
    [rows(({ members }) => members)],
  );
  await client.query(
    `INSERT INTO operations (tenant_id, kind, status, actor)
     SELECT "tenantId", 'purge_tenant', 'needs_attention', 'gateway' FROM jsonb_to_recordset($1) AS given ("tenantId" uuid)`,
    [rows(({ isStuck }) => (isStuck ? [{}, {}] : []))],
  );
  await client.query('SELECT registry_recount()');
  await client.query('SET session_replication_role = origin');
}
