import { AsyncLocalStorage } from 'node:async_hooks';
import { HeaderRefusal, TenantRegistryError } from '../error.js';
import { type Checks, checkOptions, isFunction, kindOf } from '../option-check.js';
import { normalise, readReference } from '../resolution/reference.js';
import type { Resolver } from '../resolution/resolver.js';
import type { TenantRoute } from '../resolution/route.js';

/** The part of a node:http request that is read. */
export interface NodeRequest {
  /** Names and values alternate, in the order in which they arrived. */
  readonly rawHeaders: readonly string[];
}

/** The tenant of the current request. */
export interface CurrentTenant {
  readonly tenantId: string;
  readonly tenantSlug: string;
  readonly route: TenantRoute;
}

type Claim = string | null | undefined;

export interface AdmissionOptions<Request> {
  /**
   * Returns the tenant (id, slug or external id) that the request's verified token names, or undefined when it names none. The
   * header must name the same tenant.
   */
  claim?: ((request: Request) => Claim | Promise<Claim>) | undefined;
}

const checks: Checks<AdmissionOptions<never>> = { claim: isFunction };

/** Throws VALIDATION_ERROR. A misspelt `claim` would admit every request without a check. */
export function checkAdmissionOptions(of: string, options: unknown): void {
  checkOptions(of, options, checks);
}

const header = 'x-tenant-id';

/** Determines the tenant of a request and keeps it for the code that runs below the middleware. */
export class Admission {
  readonly #resolver: Resolver;
  readonly #current = new AsyncLocalStorage<CurrentTenant>();
  /** By request and response. */
  readonly #tenants = new WeakMap<object, CurrentTenant>();

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  /** The tenant of the request, which may be the object of any framework; without a request, that of the async context. */
  find(request?: object): CurrentTenant | undefined {
    if (request === undefined) return this.#current.getStore();
    // Frameworks keep the request of Node.js in `raw` or `req`; Hono keeps its request in `req.raw`.
    const { raw, req } = request as { raw?: unknown; req?: { raw?: unknown } };
    for (const one of [request, raw, req, req?.raw]) {
      const tenant = one instanceof Object ? this.#tenants.get(one) : undefined;
      if (tenant) return tenant;
    }
    return undefined;
  }

  /**
   * Runs the work in the async context of the tenant. `objects` are the request and the response: events of sockets have another
   * context, so their listeners get this one too.
   */
  run<T>(tenant: CurrentTenant, work: () => T, objects: readonly object[]): T {
    for (const one of objects) {
      if (!this.#tenants.has(one)) this.#bindEvents(one);
      // The last middleware decides.
      this.#tenants.set(one, tenant);
    }
    return this.#current.run(tenant, work);
  }

  #bindEvents(emitter: { emit?: unknown }): void {
    const { emit } = emitter;
    if (typeof emit !== 'function') return;
    emitter.emit = (...args: unknown[]) => {
      const send = () => Reflect.apply(emit, emitter, args) as unknown;
      const tenant = this.#tenants.get(emitter);
      return tenant ? this.#current.run(tenant, send) : send();
    };
  }

  /**
   * Throws TenantRegistryError. While the registry cannot be reached, a tenant last seen active is admitted: the
   * fence still protects its data.
   */
  async admit(values: readonly string[], claim: () => Claim | Promise<Claim>): Promise<CurrentTenant> {
    const claimed = readClaim(await claim());
    const reference = readHeader(values);
    const route =
      claimed === undefined || claimed === reference
        ? await this.#resolver.resolveOrStale(reference)
        : await this.#resolveBoth(reference, claimed);
    const { tenantId, tenantSlug } = route;
    return { tenantId, tenantSlug, route };
  }

  /**
   * The two may name one tenant differently, such as by its id and its slug. The answer does not tell whether another tenant than the
   * token's exists.
   */
  async #resolveBoth(reference: string, claimed: string): Promise<TenantRoute> {
    const [asked, own] = await Promise.allSettled([
      this.#resolver.resolveOrStale(reference),
      this.#resolveClaim(claimed),
    ]);
    if (own.status === 'rejected') throw own.reason;
    if (asked.status === 'rejected' && isOutage(asked.reason)) throw asked.reason;
    if (asked.status === 'fulfilled' && asked.value.tenantId === own.value.tenantId) return asked.value;
    throw new TenantRegistryError('TENANT_MISMATCH', 'X-Tenant-ID names a different tenant than the token');
  }

  async #resolveClaim(claimed: string): Promise<TenantRoute> {
    return this.#resolver.resolveOrStale(readReference(claimed));
  }
}

/** The values of the header in the order in which they arrived. */
export function valuesIn({ rawHeaders }: NodeRequest): string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === header) values.push(rawHeaders[at + 1] ?? '');
  return values;
}

function readHeader(values: readonly string[]): string {
  const value = values[0]?.trim();
  if (values.length !== 1 || !value || value.includes(',')) throw new HeaderRefusal();
  return readReference(value);
}

function readClaim(claim: unknown): string | undefined {
  if (claim === undefined || claim === null) return undefined;
  if (typeof claim === 'string') return normalise(claim);
  throw new Error(
    `claim: expected the id, slug or external id of a tenant, or undefined, got ${kindOf(claim)}`,
  );
}

function isOutage(error: unknown): boolean {
  return error instanceof TenantRegistryError && error.code === 'REGISTRY_UNAVAILABLE';
}
