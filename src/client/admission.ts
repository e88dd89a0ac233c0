import { AsyncLocalStorage } from 'node:async_hooks';
import { TenantRegistryError } from './error.js';
import { readReference } from './reference.js';
import type { Resolver } from './resolver.js';
import type { TenantRoute } from './route.js';

/** The part of a request of node:http that is looked at. */
export interface TenantRequest {
  /** Names and values in turns, as they came. */
  readonly rawHeaders: readonly string[];
}

/** Whose request it is. */
export interface CurrentTenant {
  readonly tenantId: string;
  readonly tenantSlug: string;
  readonly route: TenantRoute;
}

export interface AdmissionOptions<Request> {
  /**
   * The tenant, id or slug, that the verified token of a request names; undefined: it names none. The header must mean the
   * same one.
   */
  claim?: (request: Request) => string | undefined | Promise<string | undefined>;
}

const header = 'x-tenant-id';

/** Finds out whose a request is, and keeps that for what runs below. */
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

  /** Throws TenantRegistryError. While the registry cannot be asked, who was active last is let in: data lies behind the fence. */
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

  /** The one may be an id and the other a slug. Of another tenant than the token's nothing is told, not even that it exists. */
  async #resolveBoth(reference: string, claimed: string): Promise<TenantRoute> {
    const [asked, own] = await Promise.allSettled([
      this.#resolver.resolveOrStale(reference),
      this.#resolveClaim(claimed),
    ]);
    if (own.status === 'rejected') throw own.reason;
    if (asked.status === 'rejected' && isOutage(asked.reason)) throw asked.reason;
    if (asked.status === 'fulfilled' && asked.value.tenantId === own.value.tenantId) return asked.value;
    throw new TenantRegistryError('TENANT_MISMATCH', 'X-Tenant-ID names another tenant than the token');
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
    throw new TenantRegistryError('VALIDATION_ERROR', 'X-Tenant-ID: must be given, and as one value');
  return readReference(value);
}

function isOutage(error: unknown): boolean {
  return error instanceof TenantRegistryError && error.code === 'REGISTRY_UNAVAILABLE';
}

/** What a refused request is answered. */
export interface RefusedAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** undefined for what is no refusal, but a mistake. */
export function toAnswer(error: unknown): RefusedAnswer | undefined {
  if (!(error instanceof TenantRegistryError)) return undefined;
  // That the service itself may not ask the registry is no matter of whoever sent the request.
  const { code, message, status, retryAfter } = isOwnFault(error)
    ? new TenantRegistryError('REGISTRY_UNAVAILABLE', 'The tenant registry cannot be asked', { cause: error })
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
