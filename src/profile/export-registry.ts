import { authorize } from '../auth/permissions.js';
import type { Prisma } from '../database/generated/prisma/client.js';
import type { CommandContext } from '../registry/command.js';
import { tenantNotFound } from '../registry/resolution/route.js';
import { findByReference } from '../registry/tenants/tenant.js';
import { ownMetrics } from '../registry/tenants/tenant-fields.js';
import { withoutSecrets } from './config/without-secrets.js';

export interface ExportOptions {
  /** Exports only this tenant, given by id, slug or external id. */
  tenant?: string | undefined;
  onBegin: (begin: { revision: string; modules: ExportedModule[] }) => Promise<void>;
  /** Called for each tenant in turn. While it is pending, the export waits and holds no further tenants in memory. */
  onTenant: (tenant: ExportedTenant) => Promise<void>;
  /** Called with the path of each value that looked like a secret and was left out. */
  onSecret: (slug: string, path: string) => void;
}

const pageSize = 200;

/** How long a whole export may take, in milliseconds. Its reader decides on the pace. */
const longestMs = 3_600_000;

/**
 * Exports modules and tenants, with their profiles and the places of their data, from one snapshot and in an order that
 * depends only on the data. Keys and tokens are not included. Throws TENANT_NOT_FOUND.
 */
export async function exportRegistry(context: CommandContext, options: ExportOptions): Promise<void> {
  authorize(context.caller, 'readRegistry');
  const { tenant: reference } = options;
  await context.database.prisma.$transaction(
    async (tx) => {
      const only = reference === undefined ? {} : await requireId(tx, reference);
      const head = await tx.registryHead.findFirstOrThrow({ select: { revision: true } });
      const modules = await tx.module.findMany({ select: moduleFields, orderBy: { name: 'asc' } });
      await options.onBegin({ revision: head.revision.toString(), modules });
      for (let after = ''; ; ) {
        const page = await tx.tenant.findMany({
          where: { AND: [only, { slug: { gt: after } }] },
          select: tenantFields,
          orderBy: { slug: 'asc' },
          take: pageSize,
        });
        const belongings = await loadBelongings(tx, page);
        for (const tenant of page)
          await options.onTenant(describe(tenant, belongings.of(tenant.id), options.onSecret));
        const last = page.at(-1);
        if (!last || page.length < pageSize) return;
        after = last.slug;
      }
    },
    { isolationLevel: 'RepeatableRead', maxWait: 10_000, timeout: longestMs },
  );
}

async function requireId(tx: Prisma.TransactionClient, reference: string): Promise<{ id: string }> {
  const tenant = await findByReference(tx, reference, (where) =>
    tx.tenant.findUnique({ where, select: { id: true } }),
  );
  if (!tenant) throw tenantNotFound(reference);
  return tenant;
}

const moduleFields = {
  ...{ name: true, description: true, databaseRef: true, databaseName: true, schemaPrefix: true },
  ...{ isolation: true, migrationsFolder: true, retiredAt: true },
} as const satisfies Prisma.ModuleSelect;

const tenantFields = {
  ...{ id: true, slug: true, name: true, shortName: true, status: true, plan: true },
  ...{
    maxUsers: true,
    maxMonthlyQuotes: true,
    maxStorageGb: true,
    ownLimits: true,
    timezone: true,
    currency: true,
  },
  ...{ primaryEmail: true, gcpProjectId: true, gcpDataset: true, config: true, configSource: true },
  ...{ createdAt: true, createdBy: true, updatedAt: true, suspendedAt: true, suspendedReason: true },
  ...{
    suspendUntil: true,
    deletedAt: true,
    purgeAfter: true,
    isProtected: true,
    internalNote: true,
    version: true,
  },
} as const satisfies Prisma.TenantSelect;

const memberFields = {
  ...{ tenantId: true, id: true, email: true, fullName: true, role: true, status: true },
} as const satisfies Prisma.MemberSelect;

const subscriptionFields = {
  ...{
    tenantId: true,
    moduleName: true,
    status: true,
    isolation: true,
    databaseName: true,
    schemaName: true,
  },
  ...{ generation: true, migrationVersion: true, provisionedAt: true, cancelledAt: true },
  ...{ suspendedAt: true, suspendedReason: true, purgeAfter: true, storageRemovedAt: true },
} as const satisfies Prisma.ModuleSubscriptionSelect;

/**
 * The queries run one after the other: a transaction has one connection, on which Prisma would send the queries for
 * relations all at once.
 */
async function loadBelongings(tx: Prisma.TransactionClient, tenants: readonly { id: string }[]) {
  const where = { tenantId: { in: tenants.map(({ id }) => id) } };
  const settings = await tx.tenantSettings.findMany({
    where,
    omit: { updatedAt: true, version: true, legacyId: true },
  });
  const branding = await tx.tenantBranding.findMany({
    where,
    omit: { updatedAt: true, version: true, legacyId: true },
  });
  const members = await tx.member.findMany({ where, select: memberFields, orderBy: { email: 'asc' } });
  const named = await tx.tenantExternalId.findMany({
    where: { ...where, status: 'ACTIVE' },
    select: { tenantId: true, externalId: true },
    orderBy: { externalId: 'asc' },
  });
  const subscriptions = await tx.moduleSubscription.findMany({
    where,
    select: subscriptionFields,
    orderBy: { moduleName: 'asc' },
  });
  return {
    of: (id: string) => ({
      externalIds: ownedBy(id, named).map(({ externalId }) => externalId),
      settings: ownedBy(id, settings)[0] ?? null,
      branding: ownedBy(id, branding)[0] ?? null,
      members: ownedBy(id, members),
      subscriptions: ownedBy(id, subscriptions).map(({ moduleName, ...subscription }) => ({
        module: moduleName,
        ...subscription,
      })),
    }),
  };
}

function ownedBy<Row extends { tenantId: string }>(
  id: string,
  rows: readonly Row[],
): Omit<Row, 'tenantId'>[] {
  return rows.filter((row) => row.tenantId === id).map(({ tenantId: _, ...row }) => row);
}

type TenantRow = Prisma.TenantGetPayload<{ select: typeof tenantFields }>;
type Belongings = ReturnType<Awaited<ReturnType<typeof loadBelongings>>['of']>;
type ExportedModule = Prisma.ModuleGetPayload<{ select: typeof moduleFields }>;
export type ExportedTenant = ReturnType<typeof describe>;

/** Describes a tenant with the field names of GraphQL. */
function describe(tenant: TenantRow, belongings: Belongings, onSecret: ExportOptions['onSecret']) {
  const { purgeAfter, config: kept, ownLimits, ...profile } = tenant;
  const { config, paths } = withoutSecrets(kept);
  for (const path of paths) onSecret(tenant.slug, path);
  return { ...profile, ownLimits: ownMetrics(ownLimits), restorableUntil: purgeAfter, config, ...belongings };
}
