import { isRestPath } from '../../rest/paths.js';
import type { Exchange } from './exchange.js';

/** Cross-origin resource sharing: browsers let pages of other sites read an answer only when its headers say so. */

const allowedMethods = 'GET, HEAD, POST, PUT, DELETE';

/** Headers of requests by scripts, besides those that browsers let pass anyway. */
const allowedHeaders = [
  ...['Authorization', 'Content-Type', 'X-Tenant-ID', 'X-Request-Id', 'X-Registry-Client'],
  ...['Idempotency-Key', 'If-Match', 'If-None-Match', 'Last-Event-ID', 'Cache-Control'],
  // Headers that GraphQL clients and tracing libraries add by themselves.
  ...[
    'GraphQL-Preflight',
    'Apollo-Require-Preflight',
    'X-Requested-With',
    'traceparent',
    'tracestate',
    'baggage',
  ],
].join(', ');

/** Headers of answers that scripts may read. */
const exposedHeaders = [
  ...['ETag', 'Link', 'Location', 'Allow', 'WWW-Authenticate', 'X-Request-Id'],
  ...['Retry-After', 'RateLimit', 'RateLimit-Policy'],
].join(', ');

/** How long a browser may remember the answer to a preflight, in seconds. Chromium remembers none for longer. */
const preflightSeconds = 7_200;

/**
 * Adds the headers that let a page of a listed origin read the answer, whatever it will be. Returns whether the answer is
 * complete: a preflight is asked without credentials, before the request itself. Called only for requests with an Origin.
 */
export function answerCors({ path, request, response }: Exchange, origins: ReadonlySet<string>): boolean {
  const { origin = '' } = request.headers;
  if (origins.size === 0 || (path !== '/graphql' && !isRestPath(path))) return false;
  // Caches must not give one page the answer to another.
  response.setHeader('vary', 'Origin');
  if (!origins.has(origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', exposedHeaders);
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
    return false;
  response.setHeader('access-control-allow-methods', allowedMethods);
  response.setHeader('access-control-allow-headers', allowedHeaders);
  response.setHeader('access-control-max-age', String(preflightSeconds));
  response.writeHead(204).end();
  return true;
}
