import { EventEmitter } from 'node:events';
import {
  type ReadSecret,
  readSecrets,
  requireSecret,
  type StandardSecret,
  standardSecrets,
} from './config/secret.js';
import type { TenantConfig } from './config/tenant-config.js';
import { TenantRegistryError } from './error.js';
import { readOptions, type TenantRegistryOptions } from './options.js';
import {
  Admission,
  type AdmissionOptions,
  type CurrentTenant,
  checkAdmissionOptions,
} from './requests/admission.js';
import { type Answer, answerToError } from './requests/answer.js';
import {
  createErrorHandler,
  type ErrorHandler,
  type ErrorHandlerOptions,
} from './requests/express-errors.js';
import { createFastifyPlugin, type FastifyPlugin, type FastifyRequest } from './requests/fastify.js';
import { createMiddleware, type Middleware, type MiddlewareRequest } from './requests/middleware.js';
import type { TenantChange } from './resolution/knowledge.js';
import { readReference } from './resolution/reference.js';
import { openResolver, type Resolver } from './resolution/resolver.js';
import type { TenantRoute } from './resolution/route.js';
import { DatabasePools } from './transactions/database-pools.js';
import { type Entrance, enterTenant } from './transactions/entrance.js';
import type { ClientOf, TenantClient, TenantPool } from './transactions/pool.js';
import { checkTransactionOptions, runInside, type TransactionOptions } from './transactions/transaction.js';
import type { RecordUsageOptions, TenantUsage, UsageMetric } from './usage/usage.js';

export interface TenantRegistryEvents {
  /** A gateway's lease covers the cache, for the first time or again. */
  ready: [];
  /** No lease covers the cache any more; only the fence makes cached routes safe to use. */
  stale: [];
  /** A tenant changed; without a tenant, any may have changed. The same change can be reported twice. */
  change: [change: TenantChange];
  /**
   * An error in the background, once per outage. A key that is missing, rejected or lacks a scope, and an unknown module, are each
   * reported when they begin, with what to do. Where nothing listens, the error is a warning of the process (`process.emitWarning`).
   */
  error: [error: unknown];
}

/** Resolves the tenants of one module, mostly from memory and always current. */
export interface TenantRegistry {
  /** Returns a tenant's route, by id, slug or external id. Throws TenantRegistryError with the registry's code. */
  resolve(tenantId: string): Promise<TenantRoute>;
  /** Resolves many tenants in order; each item is a route or the tenant's own error. */
  resolveMany(tenantIds: readonly string[]): Promise<(TenantRoute | TenantRegistryError)[]>;
  /**
   * Returns a tenant's configuration, as current as its route and refused for the same reasons. The key also needs
   * the scope registry:read. References to secrets in `infrastructure` and `email` are replaced by the values of
   * their variables; reading one that is not allowed, or whose variable is not set, throws an error that names it.
   */
  config(tenantId: string): Promise<TenantConfig>;
  /**
   * Returns a standard key: the tenant's own variable, such as ACME_SENDGRID_API_KEY, else the shared
   * SENDGRID_API_KEY. OPENAI_API_KEY and SUPABASE_SERVICE_KEY are shared only. Throws when no variable is set.
   */
  secret(tenantId: string, name: StandardSecret): Promise<string>;
  /**
   * Counts what a tenant uses, and returns its usage. The key also needs the scope usage:record. Throws QUOTA_EXCEEDED, and counts
   * nothing, when the limit would be exceeded. Attempts that failed are repeated at the same or another gateway, and counted once.
   */
  recordUsage(
    tenantId: string,
    metric: UsageMetric,
    amount: number,
    options?: RecordUsageOptions,
  ): Promise<TenantUsage>;
  /**
   * Runs the work in one transaction in which only the tenant's tables are visible; `tx` is the client type of the
   * pool's driver. Commits when the work resolves and rolls back when it throws. A tenant with a database of its own
   * uses the pool of the option `databasePool`. While the registry cannot be reached, tenants last seen active
   * continue for `serveStaleMs`: the fence of the service database still refuses suspended ones.
   */
  withTenant<Pool extends TenantPool, T>(
    pool: Pool,
    tenantId: string,
    work: (tx: ClientOf<Pool>) => Promise<T> | T,
    options?: TransactionOptions,
  ): Promise<T>;
  /**
   * The same for any other driver: the attempt begins a transaction, runs `entrance.sql` with `entrance.values` as
   * its first statement, calls `entered`, does its work and commits, or throws. After a refusal of the fence before
   * `entered`, the route is read again and the attempt repeated once.
   */
  enter<T>(tenantId: string, attempt: (entrance: Entrance, entered: () => void) => Promise<T>): Promise<T>;
  /**
   * Middleware for node:http, Connect, Express, NestJS, Koa and Hono. It admits a request with exactly one
   * X-Tenant-ID that resolves and equals the tenant of the token's claim, if there is one; it answers any other request
   * with `{"error": {"code", "message"}}`, in words for end users.
   */
  middleware<Request extends MiddlewareRequest = MiddlewareRequest>(
    options?: AdmissionOptions<Request>,
  ): Middleware<Request>;
  /**
   * The same as a Fastify plugin: `app.register(registry.fastify())`. Its hook also replaces the body of errors that
   * Fastify would answer by itself with status 5xx.
   */
  fastify<Request extends FastifyRequest = FastifyRequest>(
    options?: AdmissionOptions<Request>,
  ): FastifyPlugin;
  /** Error handler for Express and Connect, after all routes: no end user sees a stack trace or an address. */
  errorHandler(options?: ErrorHandlerOptions): ErrorHandler;
  /** The response to an end user whose request failed with this error, for the error hook of any framework. */
  answerTo(error: unknown): Answer;
  /**
   * The tenant of the current request, in all code that runs below the middleware and in listeners of the events of its
   * request and response. Where the async context is lost, pass the request. Throws outside a request.
   */
  current(request?: object): CurrentTenant;
  /** The same; returns undefined outside a request. */
  currentOrUndefined(request?: object): CurrentTenant | undefined;
  /** Closes connections and timers. Later calls are refused. */
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

/** Creates a client of the registry for one module. It starts to follow the registry at once. */
export function createTenantRegistry(options: TenantRegistryOptions): TenantRegistry {
  return new RegistryClient(options);
}

function warn(error: unknown): void {
  const { message, code } = error instanceof TenantRegistryError ? error : { message: String(error) };
  process.emitWarning(message, { type: 'TenantRegistryWarning', ...(code !== undefined && { code }) });
}

class RegistryClient extends EventEmitter<TenantRegistryEvents> implements TenantRegistry {
  readonly #resolver: Resolver;
  readonly #databasePools: DatabasePools;
  readonly #admission: Admission;
  readonly #readSecret: ReadSecret;
  readonly #secretNames: readonly string[];

  constructor(options: TenantRegistryOptions) {
    super();
    const read = readOptions(options);
    this.#readSecret = read.readSecret;
    this.#secretNames = read.secretNames;
    this.#databasePools = new DatabasePools(read.databasePool, read.maxDatabasePools);
    this.#resolver = openResolver(read, {
      ready: () => void this.emit('ready'),
      stale: () => void this.emit('stale'),
      change: (change) => void this.emit('change', change),
      error: (error) => {
        // Without a listener an 'error' event would end the process.
        if (this.listenerCount('error') > 0) this.emit('error', error);
        else warn(error);
      },
    });
    this.#admission = new Admission(this.#resolver);
  }

  // Not async: a cached route costs one promise.
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
    return readSecrets(config, { slug: route.tenantSlug, secretNames: this.#secretNames }, this.#readSecret);
  }

  async secret(tenantId: string, name: StandardSecret): Promise<string> {
    if (!standardSecrets.includes(name))
      throw new TenantRegistryError(
        'VALIDATION_ERROR',
        `${name} is not one of ${standardSecrets.join(', ')}`,
      );
    const { tenantSlug } = await this.resolve(tenantId);
    return requireSecret(tenantSlug, name, this.#readSecret);
  }

  async recordUsage(
    tenantId: string,
    metric: UsageMetric,
    amount: number,
    options: RecordUsageOptions = {},
  ): Promise<TenantUsage> {
    return this.#resolver.recordUsage({ ...options, tenantId: readReference(tenantId), metric, amount });
  }

  async withTenant<Pool extends TenantPool, T>(
    pool: Pool,
    tenantId: string,
    work: (tx: ClientOf<Pool>) => Promise<T> | T,
    options: TransactionOptions = {},
  ): Promise<T> {
    checkTransactionOptions(options);
    return this.enter(tenantId, (entrance, entered) => {
      const run = (of: TenantPool) =>
        // The pool's type declares what it lends.
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

  middleware<Request extends MiddlewareRequest>(
    options: AdmissionOptions<Request> = {},
  ): Middleware<Request> {
    checkAdmissionOptions('middleware', options);
    return createMiddleware(this.#admission, options);
  }

  fastify<Request extends FastifyRequest>(options: AdmissionOptions<Request> = {}): FastifyPlugin {
    checkAdmissionOptions('fastify', options);
    return createFastifyPlugin(this.#admission, options);
  }

  errorHandler(options: ErrorHandlerOptions = {}): ErrorHandler {
    return createErrorHandler(options);
  }

  answerTo(error: unknown): Answer {
    return answerToError(error);
  }

  current(request?: object): CurrentTenant {
    const tenant = this.#admission.find(request);
    if (tenant) return tenant;
    throw new Error(
      request === undefined
        ? 'registry.current() has no request here: register registry.middleware() or registry.fastify() before this code, pass the request where its async context is lost, or use currentOrUndefined()'
        : 'registry.current(request) does not know this request: it did not pass registry.middleware() or registry.fastify()',
    );
  }

  currentOrUndefined(request?: object): CurrentTenant | undefined {
    return this.#admission.find(request);
  }

  async close(): Promise<void> {
    await Promise.all([this.#resolver.close(), this.#databasePools.close()]);
  }
}
