import { type Checks, checkOptions, isBoolean, isNumberFrom, isOneOf, kindOf } from '../option-check.js';
import type { Entrance } from './entrance.js';
import type { Abort, TenantClient, TenantPool } from './pool.js';
import { type BeginOptions, Visit } from './visit.js';

export interface TransactionOptions extends BeginOptions {
  /** Aborts the transaction, for example when the client of the request has disconnected. */
  signal?: Abort | undefined;
}

export const transactionChecks: Checks<TransactionOptions> = {
  isolation: isOneOf(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']),
  readOnly: isBoolean,
  // The range of PostgreSQL's setting; 0 does not change it.
  statementTimeoutMs: isNumberFrom(0, 2 ** 31 - 1),
  signal: (value) =>
    typeof (value as Partial<Abort> | null)?.addEventListener === 'function'
      ? undefined
      : `expected an AbortSignal, got ${kindOf(value)}`,
};

/** Throws VALIDATION_ERROR. A misspelt `readOnly` would let the work write. */
export function checkTransactionOptions(options: unknown): void {
  checkOptions('withTenant', options, transactionChecks);
}

/** Runs the work in one transaction in a tenant's schema. Commits when it resolves, rolls back when it throws. */
export async function runInside<Client extends TenantClient, T>(
  pool: TenantPool,
  { entrance, entered }: { entrance: Entrance; entered: () => void },
  work: (tx: Client) => Promise<T> | T,
  options: TransactionOptions,
): Promise<T> {
  const abortion = awaitAbort(options.signal);
  const client = (await connect(pool, abortion)) as Client;
  const visit = new Visit(client);
  const loan = lend(client);
  try {
    await Promise.race([visit.begin(entrance, options), abortion.happened]);
    entered();
    const result = await Promise.race([work(loan.tx), abortion.happened]);
    // An abort after this point cannot undo the commit.
    abortion.ignore();
    loan.end();
    await visit.commit();
    return result;
  } catch (error) {
    abortion.ignore();
    loan.end();
    if (abortion.hasHappened) visit.giveUp();
    else await visit.rollBack();
    throw error;
  }
}

async function connect(pool: TenantPool, abortion: Abortion): Promise<TenantClient> {
  if (abortion.hasHappened) return abortion.happened;
  const connected = pool.connect();
  try {
    return await Promise.race([connected, abortion.happened]);
  } catch (error) {
    abortion.ignore();
    if (abortion.hasHappened)
      connected.then(
        (client) => client.release(),
        () => undefined,
      );
    throw error;
  }
}

export interface Abortion {
  hasHappened: boolean;
  /** Rejects with the signal's reason. */
  happened: Promise<never>;
  ignore: () => void;
}

export function awaitAbort(signal: Abort | undefined): Abortion {
  let abort: () => void = () => undefined;
  const abortion: Abortion = {
    hasHappened: false,
    happened: new Promise<never>((_, reject) => {
      abort = () => {
        abortion.hasHappened = true;
        reject(signal?.reason);
      };
    }),
    ignore: () => signal?.removeEventListener('abort', abort),
  };
  // The promise may have no listener at that moment.
  abortion.happened.catch(() => undefined);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  return abortion;
}

/**
 * Limits the client to the duration of the transaction. Work that continues afterwards, such as the rest of a failed
 * Promise.all, would run in the next tenant's transaction.
 */
function lend<Client extends TenantClient>(client: Client): { tx: Client; end: () => void } {
  let isOver = false;
  const methods = new Map<unknown, unknown>();
  const tx = new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      let method = methods.get(value);
      if (!method) {
        method = (...args: unknown[]) => {
          if (property === 'release' || property === 'end')
            throw new Error(
              `withTenant lends the connection and takes it back: leave out ${String(property)}()`,
            );
          if (isOver && property === 'query')
            throw new Error('This transaction is over: await every query inside withTenant');
          return Reflect.apply(value, target, args);
        };
        methods.set(value, method);
      }
      return method;
    },
  });
  return {
    tx,
    end: () => {
      isOver = true;
    },
  };
}
