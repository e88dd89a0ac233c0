import type { TenantStatus } from '../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { readTenantSelection } from './lists/tenant-filter.js';
import { inOrder, listTenantsBySlug } from './lists/tenant-pages.js';
import { tenantNotFound } from './resolution/route.js';
import { tenantWhere } from './tenant.js';

/** The identity and the status of a tenant. */
export interface TenantRecord {
  id: string;
  slug: string;
  name: string;
  status: TenantStatus;
  createdAt: Date;
  /** When the suspension ends by itself. */
  suspendUntil: Date | null;
  /** When the data of a deleted tenant is dropped. */
  purgeAfter: Date | null;
}

const select = {
  ...{ id: true, slug: true, name: true, status: true, createdAt: true },
  ...{ suspendUntil: true, purgeAfter: true },
} as const;

/** Lists tenants by slug. A slug never changes, so pages neither overlap nor miss a tenant. */
export async function listTenants(
  database: RegistryDatabase,
  page: { after: string | undefined; first: number },
): Promise<TenantRecord[]> {
  const ids = await listTenantsBySlug(database, readTenantSelection({}), page);
  return inOrder(await database.prisma.tenant.findMany({ select, where: { id: { in: ids } } }), ids);
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

/** Id of the tenant with this id or slug in any status; throws TENANT_NOT_FOUND. */
export async function requireTenantId(
  { readRows }: Pick<RegistryDatabase, 'readRows'>,
  reference: string,
): Promise<string> {
  const [[column, value] = []] = Object.entries(tenantWhere(reference) ?? {});
  const [tenant] = value
    ? await readRows<{ id: string }>({ text: `SELECT id FROM tenants WHERE ${column} = $1`, values: [value] })
    : [];
  if (!tenant) throw tenantNotFound(reference);
  return tenant.id;
}
