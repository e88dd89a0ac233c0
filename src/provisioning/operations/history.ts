import DataLoader from 'dataloader';
import type { PrismaClient } from '../../database/generated/prisma/client.js';
import { type AttemptOfOperation, withOperation } from './attempt.js';

/** The attempts on one subscription: its newest ones, as many as `first`. */
interface HistoryKey {
  tenantId: string;
  moduleName: string;
  first: number;
}

export type HistoryLoader = DataLoader<HistoryKey, AttemptOfOperation[], string>;

/** How many attempts a list shows per subscription or operation, and how many unless the caller asks for another number. */
export const maxHistory = 100;
export const defaultHistory = 20;

/** Loads the attempts on the storage of subscriptions, newest first, with the same number of queries for any number of keys. */
export function createHistoryLoader(prisma: PrismaClient): HistoryLoader {
  return new DataLoader(async (keys) => loadAttempts(prisma, keys.length, await listNewest(prisma, keys)), {
    cacheKeyFn: ({ tenantId, moduleName, first }) => `${tenantId}/${moduleName}/${first}`,
  });
}

/** The attempts of one operation: its newest ones, as many as `last`. */
interface AttemptsKey {
  operationId: string;
  last: number;
}

export type AttemptsLoader = DataLoader<AttemptsKey, AttemptOfOperation[], string>;

/** Loads the newest attempts of operations, oldest first, with the same number of queries for any number of keys. */
export function createAttemptsLoader(prisma: PrismaClient): AttemptsLoader {
  return new DataLoader(async (keys) => loadAttempts(prisma, keys.length, await listLast(prisma, keys)), {
    cacheKeyFn: ({ operationId, last }) => `${operationId}/${last}`,
  });
}

/** An attempt in the list of the key with that number, from 1. */
interface Listed {
  key: number;
  id: string;
  number: number;
}

async function loadAttempts(
  prisma: PrismaClient,
  lists: number,
  listed: readonly Listed[],
): Promise<AttemptOfOperation[][]> {
  const attempts = await prisma.operationAttempt.findMany({
    where: {
      operationId: { in: [...new Set(listed.map(({ id }) => id))] },
      number: { in: [...new Set(listed.map(({ number }) => number))] },
    },
    include: withOperation,
  });
  const byKey = new Map(attempts.map((attempt) => [`${attempt.operationId}/${attempt.number}`, attempt]));
  const loaded = Array.from({ length: lists }, (): AttemptOfOperation[] => []);
  for (const { key, id, number } of listed) {
    const attempt = byKey.get(`${id}/${number}`);
    if (attempt) loaded[key - 1]?.push(attempt);
  }
  return loaded;
}

/** The limit is per key and in the database: a tenant may have any number of attempts. */
function listNewest(prisma: PrismaClient, keys: readonly HistoryKey[]): Promise<Listed[]> {
  const [tenants, modules, limits] = [
    keys.map(({ tenantId }) => tenantId),
    keys.map(({ moduleName }) => moduleName),
    keys.map(({ first }) => first),
  ];
  // Updates of guards are left out: each suspension makes one, and they say nothing about provisioning.
  return prisma.$queryRaw`
    SELECT wanted.key::int AS key, newest.operation_id AS id, newest.number
    FROM unnest(${tenants}::uuid[], ${modules}::text[], ${limits}::int[]) WITH ORDINALITY AS wanted (tenant, module, first, key)
    CROSS JOIN LATERAL (
      SELECT attempt.operation_id, attempt.number, attempt.created_at FROM operation_attempts AS attempt
      WHERE attempt.tenant_id = wanted.tenant AND attempt.kind <> 'bind_storage'
        AND EXISTS (SELECT FROM operation_modules AS work WHERE work.operation_id = attempt.operation_id AND work.module = wanted.module)
      ORDER BY attempt.created_at DESC, attempt.operation_id DESC, attempt.number DESC
      LIMIT wanted.first
    ) AS newest
    ORDER BY wanted.key, newest.created_at DESC, newest.operation_id DESC, newest.number DESC`;
}

function listLast(prisma: PrismaClient, keys: readonly AttemptsKey[]): Promise<Listed[]> {
  const [operations, limits] = [keys.map(({ operationId }) => operationId), keys.map(({ last }) => last)];
  return prisma.$queryRaw`
    SELECT wanted.key::int AS key, wanted.operation AS id, newest.number
    FROM unnest(${operations}::uuid[], ${limits}::int[]) WITH ORDINALITY AS wanted (operation, last, key)
    CROSS JOIN LATERAL (
      SELECT number FROM operation_attempts WHERE operation_id = wanted.operation ORDER BY number DESC LIMIT wanted.last
    ) AS newest
    ORDER BY wanted.key, newest.number`;
}
