import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Caller } from '../../auth/caller.js';
import { FairGate, type GateRefusal } from '../../database/connections/fair-gate.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';

/** Runs queries that read rows from the database: a bounded number, shared fairly by their callers, each with a deadline. */
export interface Reads {
  run(caller: Caller, work: () => ExecutionResult | Promise<ExecutionResult>): Promise<ExecutionResult>;
}

/** Queries at a time, and those of one caller among them. Each uses a few connections, so they never take the whole pool. */
const places = { places: 6, placesPerKey: 3, waitingPerKey: 100 };

export function openReads(
  database: Pick<RegistryDatabase, 'openScope'>,
  { timeoutMs, onCancel }: { timeoutMs: number; onCancel: () => void },
): Reads {
  const gate = new FairGate(places);

  return {
    async run(caller, work) {
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), timeoutMs);
      try {
        const entered = await gate.enter(caller.actor, deadline.signal);
        if (typeof entered === 'string') return answer(busy(entered, timeoutMs));
        const scope = database.openScope();
        // In an async function, so that an exception is a rejection, too.
        const done = scope.run(async () => work());
        void done.then(entered, entered);
        const late = new Promise<ExecutionResult>((resolve) => {
          deadline.signal.addEventListener('abort', () => {
            onCancel();
            void scope.end();
            resolve(answer(tooSlow(timeoutMs)));
          });
        });
        return await Promise.race([done, late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function answer(error: RegistryError): ExecutionResult {
  return { errors: [new GraphQLError(error.message, { originalError: error })] };
}

function busy(refusal: GateRefusal, timeoutMs: number): RegistryError {
  return refusal === 'key is busy'
    ? new RegistryError(
        'RATE_LIMITED',
        'Too many queries of this caller run at this gateway: wait for their answers, then repeat the query',
      )
    : new RegistryError(
        'REGISTRY_UNAVAILABLE',
        `The query waited ${timeoutMs} ms for other queries: repeat it, or ask another gateway`,
      );
}

function tooSlow(timeoutMs: number): RegistryError {
  return new RegistryError(
    'REGISTRY_UNAVAILABLE',
    `The query took longer than ${timeoutMs} ms (QUERY_TIMEOUT_MS) and was cancelled: ask for less, or repeat it later`,
  );
}
