import type { RegistryDatabase } from '../../database/registry-database.js';
import { activeExternalIds } from '../external-id.js';
import type { TenantRecord } from '../tenants/tenant-record.js';
import { readTenantSelection } from './tenant-filter.js';
import { inOrder, listTenantsBySlug } from './tenant-pages.js';

/** A tenant in a list for people. */
export interface TenantSummary extends Omit<TenantRecord, 'purgeAfter' | 'suspendUntil'> {
  plan: string;
  /** Names of the subscribed modules, without cancelled subscriptions. */
  modules: string[];
}

/** A page of the tenants that match the filter, by slug, which never changes. Throws VALIDATION_ERROR. */
export async function listTenantSummaries(
  database: RegistryDatabase,
  filter: unknown,
  page: { after: string | undefined; first: number },
): Promise<TenantSummary[]> {
  const ids = await listTenantsBySlug(database, readTenantSelection(filter), page);
  const tenants = await database.prisma.tenant.findMany({
    where: { id: { in: ids } },
    select: {
      ...{ id: true, slug: true, name: true, status: true, plan: true, createdAt: true },
      externalIds: activeExternalIds,
      subscriptions: {
        where: { status: { notIn: ['CANCELLED', 'DEPROVISIONING'] } },
        select: { moduleName: true },
        orderBy: { moduleName: 'asc' },
      },
    },
  });
  return inOrder(tenants, ids).map(({ subscriptions, externalIds, ...tenant }) => ({
    ...tenant,
    externalIds: externalIds.map(({ externalId }) => externalId),
    modules: subscriptions.map(({ moduleName }) => moduleName),
  }));
}

/** Whether the registry has a tenant with any other slug than these. */
export async function hasOtherTenants(
  { prisma }: RegistryDatabase,
  slugs: readonly string[],
): Promise<boolean> {
  const other = { slug: { notIn: [...slugs] } };
  return (await prisma.tenant.findFirst({ where: other, select: { id: true } })) !== null;
}
