import type { TenantStatus } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { activeExternalIds, isTenantReference } from '../external-id.js';
import { readTenantSelection } from '../lists/tenant-filter.js';
import { inOrder, listTenantsBySlug } from '../lists/tenant-pages.js';
import { tenantNotFound } from '../resolution/route.js';
import { isUuid } from '../slug.js';
import { findByReference } from './tenant.js';

/** The identity and the status of a tenant. */
export interface TenantRecord {
  id: string;
  slug: string;
  name: string;
  status: TenantStatus;
  externalIds: string[];
  createdAt: Date;
  /** When the suspension ends by itself. */
  suspendUntil: Date | null;
  /** When the data of a deleted tenant is dropped. */
  purgeAfter: Date | null;
}

const select = {
  ...{ id: true, slug: true, name: true, status: true, createdAt: true },
  ...{ suspendUntil: true, purgeAfter: true, externalIds: activeExternalIds },
} as const;

/** Lists tenants by slug. A slug never changes, so pages neither overlap nor miss a tenant. */
export async function listTenants(
  database: RegistryDatabase,
  page: { after: string | undefined; first: number },
): Promise<TenantRecord[]> {
  const ids = await listTenantsBySlug(database, readTenantSelection({}), page);
  const rows = await database.prisma.tenant.findMany({ select, where: { id: { in: ids } } });
  return inOrder(rows, ids).map(readRecord);
}

/** Returns the tenant with this id, slug or external id in any status, PURGED included. */
export async function findTenantRecord(
  { prisma }: Pick<RegistryDatabase, 'prisma'>,
  reference: string,
): Promise<TenantRecord | null> {
  const row = await findByReference(prisma, reference, (where) =>
    prisma.tenant.findUnique({ select, where }),
  );
  return row && readRecord(row);
}

type Row = Omit<TenantRecord, 'externalIds'> & { externalIds: { externalId: string }[] };

function readRecord({ externalIds, ...record }: Row): TenantRecord {
  return { ...record, externalIds: externalIds.map(({ externalId }) => externalId) };
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

/** Id of the tenant with this id, slug or external id in any status; throws TENANT_NOT_FOUND. */
export async function requireTenantId(
  { readRows }: Pick<RegistryDatabase, 'readRows'>,
  reference: string,
): Promise<string> {
  const [tenant] = isTenantReference(reference)
    ? await readRows<{ id: string }>({
        text: isUuid(reference) ? 'SELECT id FROM tenants WHERE id = $1' : idByNameSql,
        values: [isUuid(reference) ? reference.toLowerCase() : reference],
      })
    : [];
  if (!tenant) throw tenantNotFound(reference);
  return tenant.id;
}

const idByNameSql = `
  SELECT id FROM tenants WHERE slug = $1
  UNION ALL SELECT tenant_id FROM tenant_external_ids WHERE external_id = $1 AND status = 'active'
  LIMIT 1`;
