import { TenantRegistryError } from '../error.js';
import type { OwnedPool } from './pool.js';

interface OpenPool<Pool> {
  pool: Pool;
  users: number;
}

/** A bounded number of pools for tenants with a database of their own. The least recently used pool is closed. */
export class DatabasePools<Pool extends OwnedPool = OwnedPool> {
  readonly #open: ((databaseName: string) => Pool) | undefined;
  readonly #maxPools: number;
  /** In the order of their last use. */
  readonly #pools = new Map<string, OpenPool<Pool>>();
  readonly #closing = new Set<Promise<unknown>>();
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(open: ((databaseName: string) => Pool) | undefined, maxPools: number) {
    this.#open = open;
    this.#maxPools = maxPools;
  }

  /**
   * Runs the work with the pool of a database. Waits while the maximum number of pools is in use for other
   * databases.
   */
  async use<T>(databaseName: string, work: (pool: Pool) => Promise<T>): Promise<T> {
    const used = await this.#take(databaseName);
    try {
      return await work(used.pool);
    } finally {
      used.users--;
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    for (const databaseName of this.#pools.keys()) this.#end(databaseName);
    await Promise.all(this.#closing);
  }

  async #take(databaseName: string): Promise<OpenPool<Pool>> {
    for (;;) {
      if (this.#isClosed)
        throw new TenantRegistryError('REGISTRY_UNAVAILABLE', 'This registry client is closed');
      const known = this.#pools.get(databaseName);
      if (known || this.#makeRoom()) {
        const taken = known ?? this.#openPool(databaseName);
        this.#pools.delete(databaseName);
        this.#pools.set(databaseName, taken);
        taken.users++;
        return taken;
      }
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  #makeRoom(): boolean {
    if (this.#pools.size < this.#maxPools) return true;
    for (const [databaseName, { users }] of this.#pools) {
      if (users > 0) continue;
      this.#end(databaseName);
      return true;
    }
    return false;
  }

  #openPool(databaseName: string): OpenPool<Pool> {
    if (!this.#open)
      throw new TenantRegistryError(
        'VALIDATION_ERROR',
        `Database ${databaseName} is the tenant's own: give createTenantRegistry the option databasePool`,
      );
    const pool = this.#open(databaseName);
    // A lost idle connection needs no handling: the pool opens another one.
    pool.on?.('error', () => undefined);
    return { pool, users: 0 };
  }

  #end(databaseName: string): void {
    const ending = this.#pools.get(databaseName)?.pool.end();
    this.#pools.delete(databaseName);
    if (!ending) return;
    const ended = ending.catch(() => undefined).finally(() => this.#closing.delete(ended));
    this.#closing.add(ended);
  }
}
