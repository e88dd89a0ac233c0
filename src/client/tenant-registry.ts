import { EventEmitter } from 'node:events';
import { Admission, type AdmissionOptions, type CurrentTenant, type TenantRequest } from './admission.js';
import { DatabasePools } from './database-pools.js';
import { type Entrance, enterTenant } from './entrance.js';
import { TenantRegistryError } from './error.js';
import { createFastifyPlugin, type FastifyPlugin, type FastifyRequest } from './fastify.js';
import type { TenantChange } from './knowledge.js';
import { createMiddleware, type Middleware } from './middleware.js';
import { readOptions, type TenantRegistryOptions } from './options.js';
import type { ClientOf, TenantClient, TenantPool } from './pool.js';
import { readReference } from './reference.js';
import { openResolver, type Resolver } from './resolver.js';
import type { TenantRoute } from './route.js';
import {
  type ReadSecret,
  readSecrets,
  requireSecret,
  type StandardSecret,
  standardSecrets,
} from './secret.js';
import type { TenantConfig } from './tenant-config.js';
import { runInside, type TransactionOptions } from './transaction.js';

export interface TenantRegistryEvents {
  /** What is known is proven by a gateway, for the first time or again. */
  ready: [];
  /** No gateway proves it any more: only the fence makes what was known safe to use. */
  stale: [];
  /** Something changed; without a tenant, anything may have. May come twice. */
  change: [change: TenantChange];
  /** What went wrong in the background, once per outage. Nobody has to listen. */
  error: [error: unknown];
}

/** Where each tenant's data of one module is: always current, mostly from memory. */
export interface TenantRegistry {
  /** A tenant's route, by id or slug. Throws TenantRegistryError with the registry's code. */
  resolve(tenantId: string): Promise<TenantRoute>;
  /** Many at once, in order, each with its own route or refusal. */
  resolveMany(tenantIds: readonly string[]): Promise<(TenantRoute | TenantRegistryError)[]>;
  /**
   * A tenant's configuration, as current as its route and refused for the same reasons; the key needs the scope registry:read too. A reference
   * to a secret in `infrastructure` and `email` is replaced by the value of that variable; where it is not set, reading that one
   * property throws and names it.
   */
  config(tenantId: string): Promise<TenantConfig>;
  /**
   * A key that every service may need: the tenant's own variable, such as ACME_SENDGRID_API_KEY, else the shared one, SENDGRID_API_KEY.
   * OPENAI_API_KEY and SUPABASE_SERVICE_KEY are shared only. Throws when it is not set.
   */
  secret(tenantId: string, name: StandardSecret): Promise<string>;
  /**
   * Runs the work in one transaction in which the tenant's tables are found and no others; `tx` is what the pool's driver
   * calls a client. It is committed when the work is done and rolled back when it throws. For a tenant with a database of
   * its own the pool is that of the option `databasePool`. While the registry cannot be asked it goes on for `serveStaleMs`
   * with tenants last seen active: the service database itself lets nobody in who may not.
   */
  withTenant<Pool extends TenantPool, T>(
    pool: Pool,
    tenantId: string,
    work: (tx: ClientOf<Pool>) => Promise<T> | T,
    options?: TransactionOptions,
  ): Promise<T>;
  /**
   * The same for any other driver: the attempt begins a transaction, runs `entrance.sql` with `entrance.values` as its first
   * statement, calls `entered`, does its work and commits; or throws. What the fence refuses before `entered` is asked of
   * the registry anew and attempted once more.
   */
  enter<T>(tenantId: string, attempt: (entrance: Entrance, entered: () => void) => Promise<T>): Promise<T>;
  /**
   * For node:http, Connect and Express: lets a request pass that names one tenant by X-Tenant-ID, which resolves and is that
   * of the token's claim where there is one; answers any other with `{"error": {"code", "message"}}`.
   */
  middleware<Request extends TenantRequest = TenantRequest>(
    options?: AdmissionOptions<Request>,
  ): Middleware<Request>;
  /** The same as a Fastify plugin: `app.register(registry.fastify())`. */
  fastify<Request extends FastifyRequest = FastifyRequest>(
    options?: AdmissionOptions<Request>,
  ): FastifyPlugin;
  /** Whose request is being answered, in everything that runs below the middleware. */
  current(): CurrentTenant | undefined;
  /** Ends its connections and timers. What is asked afterwards is refused. */
  close(): Promise<void>;
  on<Name extends keyof TenantRegistryEvents>(
    event: Name,
    listener: (...args: TenantRegistryEvents[Name]) => void,
  ): this;
  once<Name extends keyof TenantRegistryEvents>(
    event: Name,
    listener: (...args: TenantRegistryEvents[Name]) => void,
  ): this;
  off<Name extends keyof TenantRegistryEvents>(
    event: Name,
    listener: (...args: TenantRegistryEvents[Name]) => void,
  ): this;
}

/** Opens a client of the registry for one module. It begins to follow the registry at once. */
export function createTenantRegistry(options: TenantRegistryOptions): TenantRegistry {
  return new RegistryClient(options);
}

class RegistryClient extends EventEmitter<TenantRegistryEvents> implements TenantRegistry {
  readonly #resolver: Resolver;
  readonly #databasePools: DatabasePools;
  readonly #admission: Admission;
  readonly #readSecret: ReadSecret;

  constructor(options: TenantRegistryOptions) {
    super();
    const read = readOptions(options);
    this.#readSecret = read.readSecret;
    this.#databasePools = new DatabasePools(read.databasePool, read.maxDatabasePools);
    this.#resolver = openResolver(read, {
      ready: () => void this.emit('ready'),
      stale: () => void this.emit('stale'),
      change: (change) => void this.emit('change', change),
      error: (error) => {
        // Without a listener Node.js would end the process.
        if (this.listenerCount('error') > 0) this.emit('error', error);
      },
    });
    this.#admission = new Admission(this.#resolver);
  }

  // Not async: what is known costs one promise.
  resolve(tenantId: string): Promise<TenantRoute> {
    const known = this.#resolver.find(tenantId);
    return known ? Promise.resolve(known) : this.#resolve(tenantId);
  }

  async #resolve(tenantId: string): Promise<TenantRoute> {
    return this.#resolver.resolve(readReference(tenantId));
  }

  resolveMany(tenantIds: readonly string[]): Promise<(TenantRoute | TenantRegistryError)[]> {
    const resolve = async (tenantId: string) => {
      try {
        return await this.resolve(tenantId);
      } catch (error) {
        if (error instanceof TenantRegistryError) return error;
        throw error;
      }
    };
    return Promise.all(tenantIds.map(resolve));
  }

  async config(tenantId: string): Promise<TenantConfig> {
    const { route, config } = await this.#resolver.resolveConfig(readReference(tenantId));
    return readSecrets(config, route.tenantSlug, this.#readSecret);
  }

  async secret(tenantId: string, name: StandardSecret): Promise<string> {
    if (!standardSecrets.includes(name))
      throw new TenantRegistryError('VALIDATION_ERROR', `${name} is none of ${standardSecrets.join(', ')}`);
    const { tenantSlug } = await this.resolve(tenantId);
    return requireSecret(tenantSlug, name, this.#readSecret);
  }

  withTenant<Pool extends TenantPool, T>(
    pool: Pool,
    tenantId: string,
    work: (tx: ClientOf<Pool>) => Promise<T> | T,
    options: TransactionOptions = {},
  ): Promise<T> {
    return this.enter(tenantId, (entrance, entered) => {
      const run = (of: TenantPool) =>
        // What the pool lends is what its type says.
        runInside(of, { entrance, entered }, work as (tx: TenantClient) => Promise<T> | T, options);
      const { isolation, databaseName } = entrance.route;
      return isolation === 'DATABASE' ? this.#databasePools.use(databaseName, run) : run(pool);
    });
  }

  async enter<T>(
    tenantId: string,
    attempt: (entrance: Entrance, entered: () => void) => Promise<T>,
  ): Promise<T> {
    return enterTenant(this.#resolver, readReference(tenantId), attempt);
  }

  middleware<Request extends TenantRequest>(options: AdmissionOptions<Request> = {}): Middleware<Request> {
    return createMiddleware(this.#admission, options);
  }

  fastify<Request extends FastifyRequest>(options: AdmissionOptions<Request> = {}): FastifyPlugin {
    return createFastifyPlugin(this.#admission, options);
  }

  current(): CurrentTenant | undefined {
    return this.#admission.current;
  }

  async close(): Promise<void> {
    await Promise.all([this.#resolver.close(), this.#databasePools.close()]);
  }
}
