import { AsyncLocalStorage } from 'node:async_hooks';
import { TenantRegistryError } from './error.js';
import { readReference } from './reference.js';
import type { Resolver } from './resolver.js';
import type { TenantRoute } from './route.js';

/** The part of a node:http request that is read. */
export interface TenantRequest {
  /** Names and values alternate, in the order in which they arrived. */
  readonly rawHeaders: readonly string[];
}

/** The tenant of the current request. */
export interface CurrentTenant {
  readonly tenantId: string;
  readonly tenantSlug: string;
  readonly route: TenantRoute;
}

export interface AdmissionOptions<Request> {
  /**
   * Returns the tenant (id or slug) that the request's verified token names, or undefined when it names none. The
   * header must name the same tenant.
   */
  claim?: (request: Request) => string | undefined | Promise<string | undefined>;
}

const header = 'x-tenant-id';

/** Determines the tenant of a request and keeps it for the code that runs below the middleware. */
export class Admission {
  readonly #resolver: Resolver;
  readonly #current = new AsyncLocalStorage<CurrentTenant>();

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  get current(): CurrentTenant | undefined {
    return this.#current.getStore();
  }

  run<T>(tenant: CurrentTenant, work: () => T): T {
    return this.#current.run(tenant, work);
  }

  /**
   * Throws TenantRegistryError. While the registry cannot be reached, a tenant last seen active is admitted: the
   * fence still protects its data.
   */
  async admit(request: TenantRequest, claim: string | undefined): Promise<CurrentTenant> {
    const reference = readHeader(request);
    const claimed = claim?.toLowerCase();
    const route =
      claimed === undefined || claimed === reference
        ? await this.#resolver.resolveOrStale(reference)
        : await this.#resolveBoth(reference, claimed);
    const { tenantId, tenantSlug } = route;
    return { tenantId, tenantSlug, route };
  }

  /**
   * One of the two may be an id and the other a slug. The answer does not tell whether another tenant than the
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

function readHeader({ rawHeaders }: TenantRequest): string {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === header) values.push(rawHeaders[at + 1]?.trim() ?? '');
  const [value] = values;
  if (values.length !== 1 || !value || value.includes(','))
    throw new TenantRegistryError(
      'VALIDATION_ERROR',
      'X-Tenant-ID: send this header exactly once, with one id or slug',
    );
  return readReference(value);
}

function isOutage(error: unknown): boolean {
  return error instanceof TenantRegistryError && error.code === 'REGISTRY_UNAVAILABLE';
}

/** The response to a refused request. */
export interface RefusedAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** undefined when the error is not a refusal but a defect. */
export function toAnswer(error: unknown): RefusedAnswer | undefined {
  if (!(error instanceof TenantRegistryError)) return undefined;
  // The end user must not learn that the service's own key was refused.
  const { code, message, status, retryAfter } = isOwnFault(error)
    ? new TenantRegistryError('REGISTRY_UNAVAILABLE', 'The tenant registry cannot be reached', {
        cause: error,
      })
    : error;
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    },
    body: JSON.stringify({ error: { code, message } }),
  };
}

function isOwnFault({ code }: TenantRegistryError): boolean {
  return code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' || code === 'RATE_LIMITED';
}
