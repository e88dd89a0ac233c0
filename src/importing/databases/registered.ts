import type { CommandContext } from '../../registry/command.js';
import { storageNameOf } from '../../registry/isolation.js';

/** What the registry holds already, read once for all that was found. */
export interface Registered {
  tenants: RegisteredTenant[];
  subscriptions: RegisteredSubscription[];
  /** Tenant id by "SCHEMA/name" or "DATABASE/name". */
  claims: ReadonlyMap<string, string>;
}

export interface RegisteredTenant {
  id: string;
  slug: string;
  name: string;
  status: string;
}

export interface RegisteredSubscription {
  tenantId: string;
  moduleName: string;
  /** The schema, or the tenant's own database. */
  name: string;
  status: string;
  wasActive: boolean;
  /** An adoption that did not come to its end was the last to work on it. */
  adoptionFailed: boolean;
}

export async function readRegistered({ database }: CommandContext): Promise<Registered> {
  const { prisma } = database;
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
             subscription.tenant_id::text AS "tenantId", subscription.module AS "moduleName", kind::text AS kind
      FROM module_subscriptions AS subscription
      JOIN operations AS operation ON operation.tenant_id = subscription.tenant_id
      JOIN operation_steps AS step ON step.operation_id = operation.id AND step.module = subscription.module
      WHERE subscription.status = 'failed'
      ORDER BY subscription.tenant_id, subscription.module, operation.created_at DESC`,
  ]);
  const adoptions = new Set(
    lastOperations
      .filter(({ kind }) => kind === 'adopt_storage')
      .map(({ tenantId, moduleName }) => `${tenantId}/${moduleName}`),
  );
  return {
    tenants,
    subscriptions: subscriptions.map(({ isolation, schemaName, databaseName, provisionedAt, ...own }) => ({
      ...own,
      name: storageNameOf({ isolation, schemaName, databaseName }),
      wasActive: provisionedAt !== null,
      adoptionFailed: adoptions.has(`${own.tenantId}/${own.moduleName}`),
    })),
    claims: new Map(names.map(({ kind, name, tenantId }) => [`${kind}/${name}`, tenantId])),
  };
}
