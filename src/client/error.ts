/** HTTP status of each code. A test compares this table with the gateway's. */
export const statusByCode = {
  TENANT_NOT_FOUND: 404,
  TENANT_SUSPENDED: 403,
  TENANT_DELETED: 410,
  TENANT_NOT_READY: 503,
  MODULE_NOT_FOUND: 404,
  MODULE_NOT_SUBSCRIBED: 403,
  SCHEMA_MIGRATING: 503,
  SCHEMA_BEHIND: 503,
  REVISION_NOT_REACHED: 503,
  REGISTRY_UNAVAILABLE: 503,
  ROUTE_STALE: 409,
  TENANT_MISMATCH: 403,
  CONFLICT: 409,
  VERSION_CONFLICT: 412,
  OPERATION_IN_PROGRESS: 423,
  IDEMPOTENCY_KEY_REUSED: 422,
  NOT_FOUND: 404,
  VALIDATION_ERROR: 400,
  SECRET_IN_CONFIG: 400,
  QUOTA_EXCEEDED: 403,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  RATE_LIMITED: 429,
  DOCUMENT_NOT_REGISTERED: 403,
  PERSISTED_QUERY_NOT_SUPPORTED: 400,
  QUERY_TOO_COMPLEX: 400,
} as const;

export type TenantRegistryErrorCode = keyof typeof statusByCode;

/** Codes for which a retry may succeed, with the number of seconds to wait. */
const retryAfterByCode: Partial<Record<TenantRegistryErrorCode, number>> = {
  REGISTRY_UNAVAILABLE: 1,
  REVISION_NOT_REACHED: 1,
  OPERATION_IN_PROGRESS: 1,
  TENANT_NOT_READY: 1,
  SCHEMA_MIGRATING: 1,
  RATE_LIMITED: 1,
};

/** An expected failure: a refusal by the registry, by the fence of a service database, or by this client. */
export class TenantRegistryError extends Error {
  override readonly name = 'TenantRegistryError';
  readonly code: TenantRegistryErrorCode;
  /** HTTP status of the code. A plain property, because Koa assigns it. */
  readonly status: number;
  /** Seconds to wait before a retry; undefined when a retry cannot succeed. */
  readonly retryAfter: number | undefined;
  /** true when the refusal was read before an outage and the registry cannot confirm it now. */
  readonly isStale: boolean;

  constructor(
    code: TenantRegistryErrorCode,
    message: string,
    options: { retryAfter?: number | undefined; isStale?: boolean | undefined; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.status = statusByCode[code];
    this.retryAfter = options.retryAfter ?? retryAfterByCode[code];
    this.isStale = options.isStale ?? false;
  }
}

/** The request does not name its tenant with exactly one header. The only VALIDATION_ERROR that is the end user's. */
export class HeaderRefusal extends TenantRegistryError {
  constructor() {
    super('VALIDATION_ERROR', 'X-Tenant-ID: send this header exactly once, with one id, slug or external id');
  }
}

export function isCode(code: unknown): code is TenantRegistryErrorCode {
  return typeof code === 'string' && Object.hasOwn(statusByCode, code);
}
