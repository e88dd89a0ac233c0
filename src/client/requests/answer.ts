import { STATUS_CODES } from 'node:http';
import { HeaderRefusal, TenantRegistryError, type TenantRegistryErrorCode } from '../error.js';

/** A response to the end user of a service. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON: `{"error": {"code", "message"}}`. */
  readonly body: string;
}

/**
 * The texts for end users. They are fixed, so that no answer contains what a message for developers may: an address, a schema, the
 * reason of a suspension.
 */
const texts: Partial<Record<TenantRegistryErrorCode, string>> = {
  TENANT_NOT_FOUND: 'There is no such tenant',
  TENANT_SUSPENDED: 'The tenant is suspended',
  TENANT_DELETED: 'The tenant is deleted',
  TENANT_NOT_READY: 'The tenant is not ready yet; try again later',
  MODULE_NOT_SUBSCRIBED: 'The tenant has no subscription to this service',
  SCHEMA_MIGRATING: 'The data of the tenant is being migrated; try again later',
  SCHEMA_BEHIND: 'The data of the tenant is not migrated yet; try again later',
  ROUTE_STALE: 'The data of the tenant has moved; try again',
  TENANT_MISMATCH: 'X-Tenant-ID names a different tenant than the token',
};

/** Codes of an outage, or of a mistake in the service's own configuration, which end users must not see. */
const outages: readonly TenantRegistryErrorCode[] = [
  'REGISTRY_UNAVAILABLE',
  'REVISION_NOT_REACHED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'MODULE_NOT_FOUND',
];

/** The response to a refused request; undefined when the error is not a refusal but a defect. */
export function answerToRefusal(error: unknown): Answer | undefined {
  if (!(error instanceof TenantRegistryError)) return undefined;
  const { code, status, retryAfter } = error;
  const text = error instanceof HeaderRefusal ? error.message : texts[code];
  if (text !== undefined) return toAnswer(status, code, text, retryAfter);
  if (outages.includes(code))
    return toAnswer(
      503,
      'REGISTRY_UNAVAILABLE',
      'The service is temporarily unavailable; try again later',
      retryAfter ?? 1,
    );
  return undefined;
}

/** The response to a request whose handler threw. An error of status 4xx keeps it, as `http-errors` and body parsers set it. */
export function answerToError(error: unknown): Answer {
  const refusal = answerToRefusal(error);
  if (refusal) return refusal;
  const status = statusOf(error);
  const text = STATUS_CODES[status] ?? 'Error';
  const { expose, message } = (error ?? {}) as { expose?: unknown; message?: unknown };
  if (status < 500)
    return toAnswer(
      status,
      text.toUpperCase().replace(/\W+/g, '_'),
      expose === true ? String(message) : text,
    );
  return toAnswer(status, 'INTERNAL_SERVER_ERROR', 'An unexpected error occurred');
}

/** 500 for every error that is not clearly the end user's. */
function statusOf(error: unknown): number {
  if (error instanceof TenantRegistryError) return 500;
  const { status, statusCode } = (error ?? {}) as { status?: unknown; statusCode?: unknown };
  const number = Number(statusCode ?? status);
  return Number.isInteger(number) && number >= 400 && number < 500 ? number : 500;
}

function toAnswer(status: number, code: string, message: string, retryAfter?: number): Answer {
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
