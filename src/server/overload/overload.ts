import { RegistryError, retryAfterHeader } from '../../errors.js';
import { extensionsOf } from '../../graphql/errors.js';
import type { Metrics } from '../../metrics/metrics.js';
import { refuse } from '../../rest/answer.js';
import { isRestPath } from '../../rest/paths.js';
import { sendPrepared } from '../answers/send.js';
import type { Done, Exchange } from '../requests/exchange.js';
import { isPageRequest, isShortRequest } from '../requests/request.js';
import type { LoadShedding } from './load-shedding.js';

/** Probes, and the renewal of leases: without it clients would send requests for what they hold. */
const alwaysAnswered = new Set(['/health', '/ready', '/startup', '/metrics', '/lease']);

/**
 * Whether the request is refused before its caller is known and any of its body is read, while requests are refused at all. A short
 * GraphQL request may be one that memory answers; what it asks for is looked at later.
 */
export function isShed(exchange: Exchange, shedding: LoadShedding): boolean {
  const { path, request } = exchange;
  if (alwaysAnswered.has(path)) return false;
  if (path === '/graphql' && isShortRequest(request) && !isPageRequest(request))
    return !shedding.admitsRoute();
  exchange.isAdmitted = shedding.admitsOther();
  return !exchange.isAdmitted;
}

const refusal = new RegistryError(
  'REGISTRY_UNAVAILABLE',
  'This gateway has more requests than it can serve: ask another one, or again in a second',
);
const headers = [
  ...['content-type', 'application/json; charset=utf-8', 'cache-control', 'no-store'],
  ...['x-content-type-options', 'nosniff', ...Object.entries(retryAfterHeader(refusal.retryAfterMs)).flat()],
];
const restRefusal = refuse(503, refusal.message).body;
const graphqlRefusal = (requestId: string) => ({
  errors: [{ message: refusal.message, extensions: extensionsOf(refusal, requestId) }],
});

/** Refuses a request with as little work as possible: there may be many, and each takes its time from those that are served. */
export function answerShed(exchange: Exchange, done: Done, metrics: Pick<Metrics, 'shed'>): void {
  exchange.isShed = true;
  metrics.shed();
  const { path, requestId, response } = exchange;
  const body = Buffer.from(JSON.stringify(isRestPath(path) ? restRefusal : graphqlRefusal(requestId)));
  const list = [...headers, 'content-length', String(body.length), 'x-request-id', requestId];
  sendPrepared(response, { status: refusal.status, headers: list, body });
  done(exchange);
}
