import { cancelStatement } from './cancel.js';
import { type Entrance, literal } from './entrance.js';
import type { Abort, TenantClient, TenantPool } from './pool.js';

export interface TransactionOptions {
  /** Ends the transaction when the work is no longer wanted, such as of a request whose client has gone. */
  signal?: Abort | undefined;
  isolation?: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
  readOnly?: boolean;
  /** How long one statement may take, in milliseconds. */
  statementTimeoutMs?: number;
}

/** How long the end of a transaction may take before its connection is given up, in milliseconds. */
const endPatienceMs = 1_000;

/**
 * Runs the work in one transaction inside a tenant's schema. BEGIN and the way through the fence are one round trip, COMMIT
 * and what makes the connection as it was before are another. A connection in doubt is destroyed.
 */
export async function runInside<Client extends TenantClient, T>(
  pool: TenantPool,
  { entrance, entered }: { entrance: Entrance; entered: () => void },
  work: (tx: Client) => Promise<T> | T,
  options: TransactionOptions,
): Promise<T> {
  const abortion = awaitAbort(options.signal);
  const client = (await connect(pool, abortion)) as Client;
  const loan = lend(client);
  let isLost = false;
  let pathBefore = '';
  const lose = () => {
    isLost = true;
  };
  // Nobody else listens while it is lent, and then Node.js would end the process.
  client.on('error', lose);
  const release = (isInDoubt: boolean) => {
    client.removeListener('error', lose);
    client.release(isInDoubt || isLost);
  };
  try {
    const begun = await Promise.race([client.query(beginSql(entrance, options)), abortion.happened]);
    pathBefore = readPath(begun);
    entered();
    const result = await Promise.race([work(loan.tx), abortion.happened]);
    // What is committed is committed, whoever has gone meanwhile.
    abortion.ignore();
    loan.end();
    requireCommitted(await client.query(endSql('COMMIT', pathBefore)));
    release(false);
    return result;
  } catch (error) {
    abortion.ignore();
    loan.end();
    if (isLost) release(true);
    else if (abortion.hasHappened || !(await isRolledBack(client, pathBefore))) {
      // The caller need not wait for that.
      void cancelStatement(client).finally(() => release(true));
    } else release(false);
    throw error;
  }
}

/** A connection that comes when nobody wants it any more goes back. */
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

interface Abortion {
  hasHappened: boolean;
  /** Rejects with the signal's reason. */
  happened: Promise<never>;
  ignore: () => void;
}

function awaitAbort(signal: Abort | undefined): Abortion {
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
  // Nobody may be waiting for it at that moment.
  abortion.happened.catch(() => undefined);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  return abortion;
}

function beginSql({ text }: Entrance, options: TransactionOptions): string {
  const { isolation, readOnly, statementTimeoutMs } = options;
  const modes = [isolation && `ISOLATION LEVEL ${isolation}`, readOnly && 'READ ONLY'].filter(Boolean);
  return [
    `BEGIN ${modes.join(', ')}`,
    ...(statementTimeoutMs ? [`SET LOCAL statement_timeout = ${Math.ceil(statementTimeoutMs)}`] : []),
    `SELECT pg_catalog.current_setting('search_path') AS path`,
    text,
  ].join('; ');
}

/** The path of the session, which the work may have set, and its temporary tables, which the next tenant is not to find. */
function endSql(end: 'COMMIT' | 'ROLLBACK', path: string): string {
  return `${end}; DISCARD TEMP; SELECT pg_catalog.set_config('search_path', ${literal(path)}, false)`;
}

interface StatementResult {
  command?: string;
  rows?: { path?: string }[];
}

function readPath(begun: unknown): string {
  for (const { rows } of begun as StatementResult[]) if (rows?.[0]?.path !== undefined) return rows[0].path;
  throw new Error('the driver does not return the results of several statements: this is no pool of pg');
}

/** COMMIT of a transaction in which a statement failed is answered, too: by ROLLBACK. */
function requireCommitted(ended: unknown): void {
  if ((ended as StatementResult[])[0]?.command === 'COMMIT') return;
  throw new Error(
    'The transaction was rolled back: one of its statements had failed, and nobody threw its error',
  );
}

async function isRolledBack(client: TenantClient, path: string): Promise<boolean> {
  let deadline: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    deadline = setTimeout(() => resolve(false), endPatienceMs);
  });
  const rolledBack = client.query(endSql('ROLLBACK', path)).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([rolledBack, late]);
  } finally {
    clearTimeout(deadline);
  }
}

/**
 * The client for as long as the transaction lasts. Work that goes on by itself after its end, as what is left of a
 * Promise.all that failed, would run in the next tenant's transaction.
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
