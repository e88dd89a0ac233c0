import type { Log } from '../../log.js';
import { logOf, safeLinesOf } from '../../log.js';
import { isSlug, isUuid } from '../../registry/slug.js';
import { isRestPath } from '../../rest/paths.js';
import type { Exchange } from './exchange.js';
import { isKnownPath } from './known-paths.js';

/** Which requests get a line of the log; those that change something always do. */
export type LogRequests = 'all' | 'failed' | 'none';

/** Requests that take longer are logged. */
const slowMs = 1_000;

/** Refusals that say how a tenant stands. They are answers like others, and under load there are many of them. */
const routineCodes = new Set([
  'TENANT_NOT_FOUND',
  'TENANT_SUSPENDED',
  'TENANT_DELETED',
  'TENANT_NOT_READY',
  'MODULE_NOT_FOUND',
  'MODULE_NOT_SUBSCRIBED',
  'SCHEMA_MIGRATING',
  'SCHEMA_BEHIND',
  'REVISION_NOT_REACHED',
  // The first request of a client with Automatic Persisted Queries, which then sends the text.
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** Asked every few seconds by the platform, which reports a failure itself. */
const polledPaths = new Set(['/health', '/ready', '/startup', '/metrics']);

/** Writes the line of a request that has ended, where it gets one. */
export function openRequestLog(
  all: Log,
  wanted: LogRequests,
): (exchange: Exchange, durationMs: number) => void {
  const log = logOf(all, 'requests');
  const safeLines = safeLinesOf(log);

  return (exchange, durationMs) => {
    const { path, request, response, outcome } = exchange;
    // There may be thousands per second; the begin and the end of the overload are logged.
    if (exchange.isShed && wanted !== 'all') return;
    const isChange = outcome.mutations.length > 0 || (isRestPath(path) && exchange.method !== 'GET');
    if (!isChange && wanted !== 'all' && (wanted === 'none' || !isNotable(exchange, durationMs))) return;
    const isDoor = path === '/graphql' || isRestPath(path);
    const { traceId } = exchange;
    const tenant = tenantOf(exchange);
    const line = {
      requestId: exchange.requestId,
      ...(traceId !== undefined && { traceId }),
      method: request.method,
      path: withoutSecrets(path),
      status: response.statusCode,
      durationMs: Math.round(durationMs * 10) / 10,
      ...(outcome.operationName !== undefined && { operation: outcome.operationName }),
      ...(outcome.actor !== undefined && { actor: outcome.actor }),
      ...(tenant !== undefined && { tenant }),
      ...(outcome.mutations.length > 0 && { mutations: outcome.mutations }),
      ...(outcome.codes.length > 0 && { codes: [...new Set(outcome.codes)] }),
    };
    // The subject of a token is text of an identity provider.
    const isSafe = isKnownPath(path) && outcome.actor?.startsWith('subject:') !== true;
    const target = isSafe ? safeLines : log;
    target[isDoor || (wanted !== 'all' && !polledPaths.has(path)) ? 'info' : 'debug'](line, 'request');
  };
}

function isNotable({ path, response, outcome }: Exchange, durationMs: number): boolean {
  // A stream is open for as long as its client likes.
  const isStream = response.getHeader('x-accel-buffering') !== undefined;
  if (durationMs > slowMs && !isStream) return true;
  if (outcome.codes.some((code) => !routineCodes.has(code))) return true;
  const { statusCode } = response;
  if (outcome.codes.length > 0 || statusCode < 400) return false;
  // GraphQL tells routine refusals by their codes, REST by its status.
  return !isRestPath(path) || statusCode >= 500 || statusCode === 401 || statusCode === 403;
}

/** Fields of Query whose `id` is that of a tenant. */
const fieldsOfTenants: ReadonlySet<string> = new Set(['tenant', 'tenantSchema', 'explainResolution']);

/** The tenant that a request names by id or slug in a variable or its path; undefined where it stands in the document itself. */
function tenantOf({ path, outcome }: Exchange): string | undefined {
  const { variables = {}, fields = [] } = outcome;
  const input = (variables.input ?? {}) as Record<string, unknown>;
  const named = [variables.tenantId, input.tenantId, input.slug];
  if (fields.length > 0 && fields.every((field) => fieldsOfTenants.has(field))) named.push(variables.id);
  if (isRestPath(path)) named.push(/\/tenants\/([^/]+)/.exec(path)?.[1]);
  // Other text, such as a key in the wrong place, does not get into the log.
  return named.find((one): one is string => typeof one === 'string' && (isUuid(one) || isSlug(one)));
}

/** The path may contain a key that was put into the URL by mistake. */
function withoutSecrets(path: string): string {
  return path.includes('trk_') ? path.replace(/trk_[\w-]+/g, 'trk_…') : path;
}
