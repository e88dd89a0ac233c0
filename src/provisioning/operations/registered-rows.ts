import type { RegistryDatabase } from '../../database/registry-database.js';

/** Reads all tenants, subscriptions and reserved names, and the kind of the latest operation on each failed subscription. */
export async function loadRegisteredRows({ prisma }: RegistryDatabase) {
  const [tenants, subscriptions, names, lastOperations] = await Promise.all([
    prisma.tenant.findMany({ select: { id: true, slug: true, name: true, status: true } }),
    prisma.moduleSubscription.findMany({
      select: {
        tenantId: true,
        moduleName: true,
        isolation: true,
        schemaName: true,
        databaseName: true,
        status: true,
        provisionedAt: true,
      },
    }),
    prisma.storageName.findMany({ select: { kind: true, name: true, tenantId: true } }),
    prisma.$queryRaw<{ tenantId: string; moduleName: string; kind: string }[]>`
      SELECT DISTINCT ON (subscription.tenant_id, subscription.module)
             subscription.tenant_id::text AS "tenantId", subscription.module AS "moduleName", operation.kind::text AS kind
      FROM module_subscriptions AS subscription
      JOIN operations AS operation ON operation.tenant_id = subscription.tenant_id
      JOIN operation_attempts AS attempt ON attempt.operation_id = operation.id AND attempt.number = operation.attempt
      JOIN operation_steps AS step ON step.operation_id = operation.id AND step.module = subscription.module
      WHERE subscription.status = 'failed'
      ORDER BY subscription.tenant_id, subscription.module, attempt.created_at DESC`,
  ]);
  return { tenants, subscriptions, names, lastOperations };
}
