import { AsyncLocalStorage } from 'node:async_hooks';
import { Pool, type PoolClient } from 'pg';
import { cancelStatement } from './cancel-statement.js';

const scopes = new AsyncLocalStorage<StatementScope>();

/** The scope in which the caller runs. */
export function currentScope(): StatementScope | undefined {
  return scopes.getStore();
}

/**
 * The connections of one operation that reads: a few at a time, and none after its end, which cancels the statements
 * that still run.
 */
export class StatementScope {
  readonly #url: string;
  readonly #busy = new Set<PoolClient>();
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #isOver = false;

  constructor(url: string, places: number) {
    this.#url = url;
    this.#free = places;
  }

  /** Runs the work; all its statements in the registry's pool belong to this scope. */
  run<T>(work: () => T): T {
    return scopes.run(this, work);
  }

  /** Cancels what runs. Resolves when the server has been told. */
  async end(): Promise<void> {
    this.#isOver = true;
    for (const enter of this.#waiting.splice(0)) enter();
    await Promise.all([...this.#busy].map((client) => cancelStatement(client, this.#url)));
  }

  async connect(open: () => Promise<PoolClient>): Promise<PoolClient> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      this.#requireOpen();
      const client = await open();
      const release = client.release.bind(client);
      this.#busy.add(client);
      client.release = (error) => {
        this.#busy.delete(client);
        this.#leave();
        // A cancel request on its way could meet the next statement of this connection.
        release(error ?? this.#isOver);
      };
      if (!this.#isOver) return client;
      release();
      this.#busy.delete(client);
      return this.#refuse();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }

  #requireOpen(): void {
    if (this.#isOver) this.#refuse();
  }

  #refuse(): never {
    throw new Error('Query read timeout: the operation has ended');
  }
}

type Connected = (error: Error | undefined, client: PoolClient | undefined, release: () => void) => void;

/** A pool whose connections are counted for the scope in which they are asked for. */
export class ScopedPool extends Pool {
  override connect(): Promise<PoolClient>;
  override connect(done: Connected): void;
  override connect(done?: Connected): Promise<PoolClient> | undefined {
    const scope = currentScope();
    const open = () => super.connect();
    const connected = scope ? scope.connect(open) : open();
    if (!done) return connected;
    connected.then(
      (client) => done(undefined, client, client.release),
      (error) => done(error, undefined, () => undefined),
    );
    return undefined;
  }
}
