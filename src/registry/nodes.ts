import type { RegistryDatabase } from '../database/registry-database.js';
import { isUuid } from './slug.js';

/** A row by its id, which no row of another table has. */
export interface NodeRecord {
  id: string;
  type: NodeType;
  /** Tenant of the row; null for rows of none. */
  tenantId: string | null;
}

/** Tables with the rows of each type and the column with their tenant. */
const tables = {
  Tenant: { table: 'tenants', tenant: 'id' },
  ModuleSubscription: { table: 'module_subscriptions', tenant: 'tenant_id' },
  Operation: { table: 'operations', tenant: 'tenant_id' },
  Rollout: { table: 'rollouts', tenant: 'NULL::uuid' },
  Member: { table: 'members', tenant: 'tenant_id' },
  ApiKey: { table: 'api_keys', tenant: 'NULL::uuid' },
} as const;

export type NodeType = keyof typeof tables;

/** Finds the rows with these ids by one statement, which looks each id up in the primary key of each table. */
export async function findNodes(
  { readRows }: Pick<RegistryDatabase, 'readRows'>,
  ids: readonly string[],
): Promise<NodeRecord[]> {
  const uuids = [...new Set(ids.filter(isUuid))];
  if (uuids.length === 0) return [];
  return readRows<NodeRecord>({ text: nodesSql, values: [uuids] });
}

type Prisma = RegistryDatabase['prisma'];

/** Reads rows of a type by their ids; their relations are not included. */
export const nodeLoaders: Record<NodeType, (prisma: Prisma, ids: string[]) => Promise<{ id: string }[]>> = {
  Tenant: (prisma, ids) => prisma.tenant.findMany({ where: { id: { in: ids } } }),
  ModuleSubscription: (prisma, ids) => prisma.moduleSubscription.findMany({ where: { id: { in: ids } } }),
  Operation: (prisma, ids) => prisma.operation.findMany({ where: { id: { in: ids } } }),
  Rollout: (prisma, ids) => prisma.rollout.findMany({ where: { id: { in: ids } } }),
  Member: (prisma, ids) => prisma.member.findMany({ where: { id: { in: ids } } }),
  ApiKey: (prisma, ids) => prisma.apiKey.findMany({ where: { id: { in: ids } } }),
};

export function loadModules(prisma: Prisma, names: readonly string[]) {
  return prisma.module.findMany({ where: { name: { in: [...names] } } });
}

const nodesSql = `
  SELECT node.* FROM unnest($1::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
    ${Object.entries(tables)
      .map(
        ([type, { table, tenant }]) =>
          `SELECT id, '${type}' AS type, ${tenant} AS "tenantId" FROM ${table} WHERE id = wanted.id`,
      )
      .join(' UNION ALL ')}) AS node`;
