import type { TenantStatus } from '../database/generated/prisma/client.js';
import { TenantStatus as statuses } from '../database/generated/prisma/enums.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { tenantNotFound } from './route.js';
import { tenantWhere } from './tenant.js';

/** The identity and the status of a tenant. */
export interface TenantRecord {
  id: string;
  slug: string;
  name: string;
  status: TenantStatus;
  createdAt: Date;
  /** When the data of a deleted tenant is dropped. */
  purgeAfter: Date | null;
}

const select = { id: true, slug: true, name: true, status: true, createdAt: true, purgeAfter: true } as const;

/** The statuses in which a tenant is listed. A purged tenant has only its names left. */
export const shownStatuses = Object.values(statuses).filter((status) => status !== 'PURGED');

/** Lists tenants by slug. A slug never changes, so pages neither overlap nor miss a tenant. */
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

/** Returns the tenant with this id or slug in any status, PURGED included. */
export async function findTenantRecord(
  { prisma }: Pick<RegistryDatabase, 'prisma'>,
  reference: string,
): Promise<TenantRecord | null> {
  const where = tenantWhere(reference);
  return where ? prisma.tenant.findUnique({ select, where }) : null;
}

/** Returns the tenant in any status except PURGED; throws TENANT_NOT_FOUND. */
export async function requireTenantRecord(
  database: RegistryDatabase,
  reference: string,
): Promise<TenantRecord> {
  const tenant = await findTenantRecord(database, reference);
  if (!tenant || tenant.status === 'PURGED') throw tenantNotFound(reference);
  return tenant;
}
