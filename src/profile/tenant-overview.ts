import type { RegistryDatabase } from '../database/registry-database.js';
import { tenantNotFound } from '../registry/resolution/route.js';
import { tenantWhere } from '../registry/tenant.js';
import { ownMetrics } from '../registry/tenant-fields.js';

/** A tenant in any status with its profile, members and subscriptions; throws TENANT_NOT_FOUND. */
export async function requireTenantOverview({ prisma }: RegistryDatabase, reference: string) {
  const where = tenantWhere(reference);
  const found =
    where &&
    (await prisma.tenant.findUnique({
      where,
      omit: { statusBeforeDeletion: true },
      include: {
        settings: { omit: { tenantId: true } },
        branding: { omit: { tenantId: true } },
        members: {
          select: { email: true, fullName: true, role: true, status: true },
          orderBy: { email: 'asc' },
        },
        subscriptions: { omit: { tenantId: true }, orderBy: { moduleName: 'asc' } },
      },
    }));
  if (!found) throw tenantNotFound(reference);
  const { purgeAfter, subscriptions, ownLimits, ...tenant } = found;
  return {
    ...tenant,
    ownLimits: ownMetrics(ownLimits),
    restorableUntil: purgeAfter,
    subscriptions: subscriptions.map(({ moduleName, ...subscription }) => ({
      module: moduleName,
      ...subscription,
    })),
  };
}
