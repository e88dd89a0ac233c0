import type { SubscriptionStatus } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';

/** A tenant's module with the location of its data. */
export interface SubscriptionRecord {
  module: string;
  status: SubscriptionStatus;
  databaseName: string;
  schemaName: string;
}

/** The subscriptions of a tenant that are not cancelled, by module. */
export async function listSubscriptionRecords(
  { prisma }: RegistryDatabase,
  tenantId: string,
): Promise<SubscriptionRecord[]> {
  const subscriptions = await prisma.moduleSubscription.findMany({
    where: { tenantId, status: { not: 'CANCELLED' } },
    select: { moduleName: true, status: true, databaseName: true, schemaName: true },
    orderBy: { moduleName: 'asc' },
  });
  return subscriptions.map(({ moduleName, ...subscription }) => ({ module: moduleName, ...subscription }));
}
