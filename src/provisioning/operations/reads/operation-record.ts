import { z } from 'zod';
import type { OperationAttempt } from '../../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../../database/registry-database.js';
import { readInput, uuid } from '../../../registry/input.js';
import { requireTenantId } from '../../../registry/tenants/tenant-record.js';
import { noSuchOperation, type OperationWithSteps } from '../operation.js';
import { defaultHistory } from './history.js';
import { listOperationPositions, readOperationSelection } from './operation-pages.js';

/** Operations for doors to show; who runs them is decided in operation.ts. */
type Rows = Pick<RegistryDatabase, 'prisma'>;

const withSteps = { steps: { orderBy: { position: 'asc' } } } as const;

export function findOperation({ prisma }: Rows, id: string): Promise<OperationWithSteps | null> {
  return prisma.operation.findUnique({ where: { id }, include: withSteps });
}

/** An operation with its steps, and the slug of its tenant. */
export type OperationRecord = OperationWithSteps & { tenantSlug: string | null };

/** An operation with its latest attempts as well, the newest first. */
export type OperationSheet = OperationRecord & { attempts: OperationAttempt[] };

const withAttempts = { attempts: { orderBy: { number: 'desc' }, take: defaultHistory } } as const;

const record = { ...withSteps, tenant: { select: { slug: true } } } as const;

/** Throws VALIDATION_ERROR for what is no id, NOT_FOUND. */
export async function requireOperationRecord({ prisma }: Rows, reference: string): Promise<OperationSheet> {
  const { id } = readInput(z.object({ id: uuid }), { id: reference });
  const found = await prisma.operation.findUnique({ where: { id }, include: { ...record, ...withAttempts } });
  if (!found) throw noSuchOperation(id);
  return toRecord(found);
}

/** The newest operations that match the conditions, which are those of the filter in GraphQL. */
export async function listOperationRecords(
  database: RegistryDatabase,
  wanted: { tenant: string | undefined; conditions: object; first: number },
): Promise<{ operations: OperationRecord[]; hasMore: boolean }> {
  const { tenant, conditions, first } = wanted;
  const tenantId = tenant === undefined ? undefined : await requireTenantId(database, tenant);
  const selection = readOperationSelection(conditions, tenantId);
  const page = {
    limit: first + 1,
    isDescending: true,
    isFromEnd: false,
    after: undefined,
    before: undefined,
  };
  const positions = await listOperationPositions(database, selection, page);
  const ids = positions.slice(0, first).map(({ id }) => id);
  const found = await database.prisma.operation.findMany({ where: { id: { in: ids } }, include: record });
  const byId = new Map(found.map((operation) => [operation.id, toRecord(operation)]));
  return { operations: ids.flatMap((id) => byId.get(id) ?? []), hasMore: positions.length > first };
}

function toRecord<Row extends { tenant: { slug: string } | null }>({ tenant, ...operation }: Row) {
  return { ...operation, tenantSlug: tenant?.slug ?? null };
}

/** Operations of a tenant with their latest attempts, newest first, without successful updates of guards, which follow every change. */
export function listOperations({ prisma }: Rows, tenantId: string, first: number) {
  return prisma.operation.findMany({
    where: { tenantId, NOT: { kind: 'BIND_STORAGE', status: 'SUCCEEDED' } },
    include: { ...withSteps, ...withAttempts },
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
