import type { RegistryDatabase } from '../database/registry-database.js';
import { activeExternalIds } from '../registry/external-id.js';
import { tenantNotFound } from '../registry/resolution/route.js';
import { findByReference } from '../registry/tenants/tenant.js';
import { ownMetrics } from '../registry/tenants/tenant-fields.js';

/** A tenant in any status with its profile, members and subscriptions; throws TENANT_NOT_FOUND. */
export async function requireTenantOverview({ prisma }: RegistryDatabase, reference: string) {
  const found = await findByReference(prisma, reference, (where) =>
    prisma.tenant.findUnique({
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
        externalIds: activeExternalIds,
      },
    }),
  );
  if (!found) throw tenantNotFound(reference);
  const { purgeAfter, subscriptions, ownLimits, externalIds, ...tenant } = found;
  return {
    ...tenant,
    externalIds: externalIds.map(({ externalId }) => externalId),
    ownLimits: ownMetrics(ownLimits),
    restorableUntil: purgeAfter,
    subscriptions: subscriptions.map(({ moduleName, ...subscription }) => ({
      module: moduleName,
      ...subscription,
    })),
  };
}
