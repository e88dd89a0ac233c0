import type { Log } from '../log.js';
import { safeLinesOf } from '../log.js';
import { isRestPath } from '../rest/paths.js';
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
  'REVISION_NOT_REACHED',
  // The first request of a client with Automatic Persisted Queries, which then sends the text.
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** Asked every few seconds by the platform, which reports a failure itself. */
const polledPaths = new Set(['/health', '/ready', '/metrics']);

/** Writes the line of a request that has ended, where it gets one. */
export function openRequestLog(
  log: Log,
  wanted: LogRequests,
): (exchange: Exchange, durationMs: number) => void {
  const safeLines = safeLinesOf(log);

  return (exchange, durationMs) => {
    const { path, request, response, outcome } = exchange;
    // There may be thousands per second; the begin and the end of the overload are logged.
    if (exchange.isShed && wanted !== 'all') return;
    const isChange = outcome.mutations.length > 0 || (isRestPath(path) && exchange.method !== 'GET');
    if (!isChange && wanted !== 'all' && (wanted === 'none' || !isNotable(exchange, durationMs))) return;
    const isDoor = path === '/graphql' || isRestPath(path);
    const line = {
      requestId: exchange.requestId,
      method: request.method,
      path: withoutSecrets(path),
      status: response.statusCode,
      durationMs: Math.round(durationMs * 10) / 10,
      ...(outcome.mutations.length > 0 && { mutations: outcome.mutations }),
      ...(outcome.codes.length > 0 && { codes: [...new Set(outcome.codes)] }),
    };
    const target = isKnownPath(path) ? safeLines : log;
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

/** The path may contain a key that was put into the URL by mistake. */
function withoutSecrets(path: string): string {
  return path.includes('trk_') ? path.replace(/trk_[\w-]+/g, 'trk_…') : path;
}
