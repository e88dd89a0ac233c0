import { cancelStatement } from './cancel.js';
import { type Entrance, literal } from './entrance.js';
import type { TenantClient } from './pool.js';

export interface BeginOptions {
  isolation?: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE' | undefined;
  readOnly?: boolean | undefined;
  /** statement_timeout in milliseconds. */
  statementTimeoutMs?: number | undefined;
}

/** How long the end of a transaction may take before its connection is destroyed, in milliseconds. */
const endPatienceMs = 1_000;

/** SQLSTATE in_failed_sql_transaction. */
const failedTransaction = '25P02';

/**
 * One transaction in a tenant's schema, on a connection lent by a pool. BEGIN and the fence take one round trip;
 * COMMIT and the reset of the connection take another. A connection in doubt is destroyed.
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
    // Nothing else listens while the connection is lent, and an 'error' event without a listener ends the
    // process.
    client.on('error', this.#lose);
  }

  /** Whether the connection was returned or is about to be. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async begin(entrance: Entrance, options: BeginOptions): Promise<void> {
    this.#pathBefore = readPath(await this.#client.query(beginSql(entrance, options)));
  }

  /** Throws when nothing was committed; the caller must then roll back. */
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

  /** Never throws: if ROLLBACK fails, the connection is destroyed, which ends the transaction. */
  async rollBack(): Promise<void> {
    if (this.#isOver) return;
    if (this.#isLost) this.#giveBack(true);
    else if (await this.#isRolledBack()) this.#giveBack(false);
    else this.giveUp();
  }

  /** Ends everything at once, without waiting for the server. */
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
 * Resets the session's search_path, which the work may have set, and drops temporary tables and cursors WITH HOLD.
 * COMMIT comes last, so that a cancellation leaves all of it or nothing: behind PgBouncer the connection may belong
 * to another client a moment later. Constraints come first, because their checks may use temporary tables.
 */
function commitSql(path = ''): string {
  return `SET CONSTRAINTS ALL IMMEDIATE; CLOSE ALL; DISCARD TEMP; ${restorePath(path)}; COMMIT`;
}

/** ROLLBACK undoes all of this, unless the work ended the transaction itself. */
function rollbackSql(path: string | undefined): string {
  // A refused entry has set nothing.
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
  throw new Error('the driver does not return the results of several statements: this is not a pool of pg');
}
