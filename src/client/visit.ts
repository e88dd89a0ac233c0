import { cancelStatement } from './cancel.js';
import { type Entrance, literal } from './entrance.js';
import type { TenantClient } from './pool.js';

export interface BeginOptions {
  isolation?: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
  readOnly?: boolean;
  /** How long one statement may take, in milliseconds. */
  statementTimeoutMs?: number;
}

/** How long the end of a transaction may take before its connection is given up, in milliseconds. */
const endPatienceMs = 1_000;

/** SQLSTATE in_failed_sql_transaction. */
const failedTransaction = '25P02';

/**
 * One transaction inside a tenant's schema, on a connection that a pool lent. BEGIN and the way through the fence are one round
 * trip; the end and what makes the connection as it was before are another. A connection in doubt is destroyed.
 */
export class Visit {
  readonly #client: TenantClient;
  #pathBefore: string | undefined;
  #isLost = false;
  #isOver = false;
  readonly #lose = () => {
    this.#isLost = true;
  };

  constructor(client: TenantClient) {
    this.#client = client;
    // Nobody else listens while it is lent, and then Node.js would end the process.
    client.on('error', this.#lose);
  }

  /** The connection is given back, or is about to be. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async begin(entrance: Entrance, options: BeginOptions): Promise<void> {
    this.#pathBefore = readPath(await this.#client.query(beginSql(entrance, options)));
  }

  /** Throws when nothing was committed; then it has to be rolled back. */
  async commit(): Promise<void> {
    await this.#client.query(commitSql(this.#pathBefore)).catch((cause) => {
      if (cause?.code !== failedTransaction) throw cause;
      throw new Error(
        'The transaction was rolled back: one of its statements had failed, and nobody threw its error',
        { cause },
      );
    });
    this.#giveBack(false);
  }

  /** Never throws: when it fails, the end of the connection is that of the transaction. */
  async rollBack(): Promise<void> {
    if (this.#isOver) return;
    if (this.#isLost) this.#giveBack(true);
    else if (await this.#isRolledBack()) this.#giveBack(false);
    else this.giveUp();
  }

  /** Ends everything at once. Nobody has to wait until the server has noticed. */
  giveUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void cancelStatement(this.#client).finally(() => this.#giveBack(true));
  }

  async #isRolledBack(): Promise<boolean> {
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      deadline = setTimeout(() => resolve(false), endPatienceMs);
    });
    const rolledBack = this.#client.query(rollbackSql(this.#pathBefore)).then(
      () => true,
      () => false,
    );
    try {
      return await Promise.race([rolledBack, late]);
    } finally {
      clearTimeout(deadline);
    }
  }

  #giveBack(isInDoubt: boolean): void {
    this.#isOver = true;
    this.#client.removeListener('error', this.#lose);
    this.#client.release(isInDoubt || this.#isLost);
  }
}

function beginSql({ text }: Entrance, options: BeginOptions): string {
  const { isolation, readOnly, statementTimeoutMs } = options;
  const modes = [isolation && `ISOLATION LEVEL ${isolation}`, readOnly && 'READ ONLY'].filter(Boolean);
  return [
    `BEGIN ${modes.join(', ')}`,
    ...(statementTimeoutMs ? [`SET LOCAL statement_timeout = ${Math.ceil(statementTimeoutMs)}`] : []),
    text,
  ].join('; ');
}

/**
 * The path of the session, which the work may have set, and what the next tenant is not to find: temporary tables, and cursors
 * that outlive their transaction. COMMIT comes last, so that all of it happens or none, whenever somebody cancels it: behind
 * a PgBouncer the connection is somebody else's a moment later. Constraints come first: what they ask for may be temporary.
 */
function commitSql(path = ''): string {
  return `SET CONSTRAINTS ALL IMMEDIATE; CLOSE ALL; DISCARD TEMP; ${restorePath(path)}; COMMIT`;
}

/** It takes all of that back by itself, unless the work had ended the transaction. */
function rollbackSql(path: string | undefined): string {
  // Who was not let in has set nothing.
  return path === undefined ? 'ROLLBACK' : `ROLLBACK; CLOSE ALL; DISCARD TEMP; ${restorePath(path)}`;
}

function restorePath(path: string): string {
  return `SELECT pg_catalog.set_config('search_path', ${literal(path)}, false)`;
}

interface StatementResult {
  rows?: { before?: string }[];
}

function readPath(begun: unknown): string {
  for (const { rows } of begun as StatementResult[])
    if (rows?.[0]?.before !== undefined) return rows[0].before;
  throw new Error('the driver does not return the results of several statements: this is no pool of pg');
}
