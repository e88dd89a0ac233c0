import DataLoader from 'dataloader';
import type { PrismaClient } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { type ListPosition, timeSql } from '../../registry/lists/list-cursor.js';
import type { ListPage } from '../../registry/lists/list-page-sql.js';
import { listPages } from '../../registry/lists/page-batch.js';
import { isUuid } from '../../registry/slug.js';
import { type AttemptOfOperation, withOperation } from './attempt.js';

/** A page of the attempts on one subscription, by time. */
interface HistoryKey {
  tenantId: string;
  moduleName: string;
  page: ListPage;
}

interface History {
  /** In the order in which the page is read; an id is that of the operation with the number of the attempt. */
  positions: ListPosition[];
  attempts: ListedAttempt[];
}

type ListedAttempt = AttemptOfOperation & { id: string };

export type HistoryLoader = DataLoader<HistoryKey, History, string>;

/** How many attempts a list shows per operation, and how many unless the caller asks for another number. */
export const maxHistory = 100;
export const defaultHistory = 20;

/** Loads pages of attempts on the storage of subscriptions with the same number of queries for any number of keys. */
export function createHistoryLoader(database: Pick<RegistryDatabase, 'rowPool' | 'prisma'>): HistoryLoader {
  return new DataLoader(
    async (keys) => {
      const pages = await listPages(database, keys, attemptsOfSubscriptions);
      const listed = pages.flatMap((positions, at) =>
        positions.map(({ id }) => ({ key: at + 1, ...readAttemptId(id) })),
      );
      const attempts = await loadAttempts(database.prisma, keys.length, listed);
      return pages.map((positions, at) => ({
        positions,
        attempts: (attempts[at] ?? []).map((attempt) => ({ ...attempt, id: attemptId(attempt) })),
      }));
    },
    { cacheKeyFn: (key) => JSON.stringify(key) },
  );
}

// Updates of guards are left out: each suspension makes one, and they say nothing about provisioning.
const attemptsOfSubscriptions = {
  parent: {
    tenant: { type: 'uuid', of: ({ tenantId }: HistoryKey) => tenantId },
    of_module: { type: 'text', of: ({ moduleName }: HistoryKey) => moduleName },
  },
  order: {
    created_at: { type: 'timestamptz', of: ({ value }: ListPosition) => value },
    operation_id: { type: 'uuid', of: ({ id }: ListPosition) => readAttemptId(id).id },
    number: { type: 'int', of: ({ id }: ListPosition) => readAttemptId(id).number },
  },
  from: `operation_attempts WHERE tenant_id = wanted.tenant AND kind <> 'bind_storage'
    AND EXISTS (SELECT FROM operation_modules AS work
      WHERE work.operation_id = operation_attempts.operation_id AND work.module = wanted.of_module)`,
  id: `operation_id || ':' || number`,
  value: timeSql('created_at'),
};

/** Id of an attempt: the UUID of its operation and its number, as `<UUID>:<number>`. */
export function attemptId({ operationId, number }: { operationId: string; number: number }): string {
  return `${operationId}:${number}`;
}

export function isAttemptId(id: string): boolean {
  return /:[0-9]{1,9}$/.test(id) && isUuid(readAttemptId(id).id);
}

function readAttemptId(attempt: string): { id: string; number: number } {
  const colon = attempt.lastIndexOf(':');
  return { id: attempt.slice(0, colon), number: Number(attempt.slice(colon + 1)) };
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
