import type { RegistryDatabase } from '../../database/registry-database.js';
import { defaultHistory } from './history.js';
import type { OperationWithSteps } from './operation.js';

/** Operations for doors to show; who runs them is decided in operation.ts. */
type Rows = Pick<RegistryDatabase, 'prisma'>;

const withSteps = { steps: { orderBy: { position: 'asc' } } } as const;

export function findOperation({ prisma }: Rows, id: string): Promise<OperationWithSteps | null> {
  return prisma.operation.findUnique({ where: { id }, include: withSteps });
}

/** Operations of a tenant with their latest attempts, newest first, without successful updates of guards, which follow every change. */
export function listOperations({ prisma }: Rows, tenantId: string, first: number) {
  return prisma.operation.findMany({
    where: { tenantId, NOT: { kind: 'BIND_STORAGE', status: 'SUCCEEDED' } },
    include: { ...withSteps, attempts: { orderBy: { number: 'desc' }, take: defaultHistory } },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: first,
  });
}

/** Ids of adoptions that have not ended. */
export async function listUnfinishedAdoptions({ prisma }: Rows): Promise<string[]> {
  const unfinished = await prisma.operation.findMany({
    where: { kind: 'ADOPT_STORAGE', status: { in: ['QUEUED', 'RUNNING', 'COMPENSATING'] } },
    select: { id: true },
  });
  return unfinished.map(({ id }) => id);
}
