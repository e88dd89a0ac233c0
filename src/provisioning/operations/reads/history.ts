import DataLoader from 'dataloader';
import type { RegistryDatabase } from '../../../database/registry-database.js';
import { type ListEntry, type ListPosition, timeSql } from '../../../registry/lists/list-cursor.js';
import type { ListPage } from '../../../registry/lists/list-page-sql.js';
import { listPages } from '../../../registry/lists/page-batch.js';
import { isUuid } from '../../../registry/slug.js';
import { type AttemptJson, type AttemptOfOperation, attemptJson, readAttemptJson } from '../attempt.js';

/** A page of the attempts on one subscription, by time. */
interface HistoryKey {
  tenantId: string;
  moduleName: string;
  page: ListPage;
}

type ListedAttempt = AttemptOfOperation & { id: string };

export type HistoryLoader = DataLoader<HistoryKey, ListEntry<ListedAttempt>[], string>;

/** How many attempts a list shows per operation, and how many unless the caller asks for another number. */
export const maxHistory = 100;
export const defaultHistory = 20;

/** Loads pages of attempts on the storage of subscriptions with one statement for any number of keys. */
export function createHistoryLoader(database: Pick<RegistryDatabase, 'readRows'>): HistoryLoader {
  return new DataLoader((keys) => listPages(database, keys, attemptsOfSubscriptions), {
    cacheKeyFn: (key) => JSON.stringify(key),
  });
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
  json: attemptJson('page.of_operation_id', 'page.of_number'),
  read: (json: AttemptJson): ListedAttempt => {
    const attempt = readAttemptJson(json);
    return { ...attempt, id: attemptId(attempt) };
  },
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

/** Loads the newest attempts of operations, oldest first, with one statement for any number of keys. */
export function createAttemptsLoader({ readRows }: Pick<RegistryDatabase, 'readRows'>): AttemptsLoader {
  return new DataLoader(
    async (keys) => {
      const rows = await readRows<{ key: number; attempt: AttemptJson }>({
        text: newestSql,
        values: [keys.map(({ operationId }) => operationId), keys.map(({ last }) => last)],
      });
      const attempts = keys.map((): AttemptOfOperation[] => []);
      for (const { key, attempt } of rows) attempts[key - 1]?.push(readAttemptJson(attempt));
      return attempts;
    },
    { cacheKeyFn: ({ operationId, last }) => `${operationId}/${last}` },
  );
}

const newestSql = `
  SELECT wanted.key::int AS key, ${attemptJson('wanted.operation', 'newest.number')} AS attempt
  FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS wanted (operation, last, key)
  CROSS JOIN LATERAL (
    SELECT number FROM operation_attempts WHERE operation_id = wanted.operation ORDER BY number DESC LIMIT wanted.last
  ) AS newest
  ORDER BY wanted.key, newest.number`;
