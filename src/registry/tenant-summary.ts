import type { Prisma } from '../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { tenantsMatching } from './tenant-filter.js';
import type { TenantRecord } from './tenant-record.js';

/** A tenant in a list for people. */
export interface TenantSummary extends Omit<TenantRecord, 'purgeAfter'> {
  plan: string;
  /** Names of the subscribed modules, without cancelled subscriptions. */
  modules: string[];
}

/** A page of the tenants that match the filter, by slug, which never changes. Throws VALIDATION_ERROR. */
export async function listTenantSummaries(
  { prisma }: RegistryDatabase,
  filter: unknown,
  { after, first }: { after: string | undefined; first: number },
): Promise<TenantSummary[]> {
  const page = await prisma.tenant.findMany({
    where: { AND: [tenantsMatching(filter), after === undefined ? {} : { slug: { gt: after } }] },
    orderBy: { slug: 'asc' },
    take: first,
    select: {
      ...{ id: true, slug: true, name: true, status: true, plan: true, createdAt: true },
      subscriptions: {
        where: { status: { notIn: ['CANCELLED', 'DEPROVISIONING'] } },
        select: { moduleName: true },
        orderBy: { moduleName: 'asc' },
      },
    },
  });
  return page.map(({ subscriptions, ...tenant }) => ({
    ...tenant,
    modules: subscriptions.map(({ moduleName }) => moduleName),
  }));
}

export function countTenants(
  { prisma }: Pick<RegistryDatabase, 'prisma'>,
  where: Prisma.TenantWhereInput,
): Promise<number> {
  return prisma.tenant.count({ where });
}

/** Whether the registry has a tenant with any other slug than these. */
export async function hasOtherTenants(
  database: RegistryDatabase,
  slugs: readonly string[],
): Promise<boolean> {
  return (await countTenants(database, { slug: { notIn: [...slugs] } })) > 0;
}
