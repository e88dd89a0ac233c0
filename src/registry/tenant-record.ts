import type { TenantStatus } from '../database/generated/prisma/client.js';
import { TenantStatus as statuses } from '../database/generated/prisma/enums.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { tenantNotFound } from './route.js';
import { tenantWhere } from './tenant.js';

/** What identifies a tenant and says how it is. */
export interface TenantRecord {
  id: string;
  slug: string;
  name: string;
  status: TenantStatus;
  createdAt: Date;
}

const select = { id: true, slug: true, name: true, status: true, createdAt: true } as const;

/** The statuses in which a tenant is shown: of a purged one nothing is left but its names. */
export const shownStatuses = Object.values(statuses).filter((status) => status !== 'PURGED');

/** By slug, which never changes: pages neither overlap nor leave anybody out. */
export function listTenants(
  { prisma }: RegistryDatabase,
  page: { after: string | undefined; first: number },
): Promise<TenantRecord[]> {
  const { after, first } = page;
  return prisma.tenant.findMany({
    select,
    where: { status: { not: 'PURGED' }, ...(after !== undefined && { slug: { gt: after } }) },
    orderBy: { slug: 'asc' },
    take: first,
  });
}

/** In whatever status but PURGED; throws TENANT_NOT_FOUND. */
export async function requireTenantRecord(
  { prisma }: RegistryDatabase,
  reference: string,
): Promise<TenantRecord> {
  const where = tenantWhere(reference);
  const tenant = where && (await prisma.tenant.findUnique({ select, where }));
  if (!tenant || tenant.status === 'PURGED') throw tenantNotFound(reference);
  return tenant;
}
