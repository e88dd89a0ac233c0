import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isUuid } from '../../registry/slug.js';

/** A request that is refused before any door answers it, in the terms of HTTP. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** Random once per process; counting on is cheaper than new random bits for each request. */
const idPrefix = randomUUID().slice(0, 24);
let idsGiven = 0;

/** The id a proxy gave the request, when it is harmless to log, or a new one. */
export function readRequestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  if (typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given)) return given;
  idsGiven++;
  return idPrefix + idsGiven.toString(16).padStart(12, '0');
}

/** The name under which a client reports to /lease: a UUID of its own choice. */
export function readClient(request: IncomingMessage): string | undefined {
  const given = request.headers['x-registry-client'];
  return typeof given === 'string' && isUuid(given) ? given.toLowerCase() : undefined;
}

/**
 * Lets GET and HEAD through, and POST with JSON. Forms, multipart and plain text are refused: a foreign web page can send them in a
 * visitor's name without asking.
 */
export function requireGraphqlRequest(exchange: { method: string; request: IncomingMessage }): void {
  const { method, request } = exchange;
  requireKnownTransport(request);
  if (method === 'GET') return;
  if (method !== 'POST') {
    // PUT reserves a stream in that mode; DELETE ends a subscription.
    const hint = method === 'PUT' || method === 'DELETE' ? `. ${noSingleConnection}` : '';
    throw new HttpError(405, `GraphQL takes POST and GET${hint}`, { allow: 'GET, HEAD, POST' });
  }
  if (
    request.headers['content-type'] !== 'application/json' &&
    readContentType(request) !== 'application/json'
  )
    throw new HttpError(415, 'Send the GraphQL request as application/json', {
      'accept-post': 'application/json',
    });
}

const noSingleConnection =
  'The single connection mode of GraphQL over Server-Sent Events is not supported: use distinct connections (in graphql-sse ' +
  'singleConnection: false)';

/** Refuses the transports of GraphQL that would otherwise look like a request without a document. */
function requireKnownTransport({ method, headers, url = '' }: IncomingMessage): void {
  if (headers.upgrade?.toLowerCase() === 'websocket')
    throw new HttpError(
      400,
      'GraphQL over WebSocket (graphql-ws) is not supported: subscribe over Server-Sent Events, with "Accept: text/event-stream"',
      { connection: 'close' },
    );
  const opensReserved =
    method === 'GET' && /[?&]token=/.test(url) && !/[?&](query|documentId|extensions)=/.test(url);
  if (opensReserved || headers['x-graphql-event-stream-token'] !== undefined)
    throw new HttpError(400, noSingleConnection);
}

/** Whether a browser asks for a page. */
export function isPageRequest({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && headers.accept?.includes('text/html') === true;
}

/** In bytes. Longer requests are not among those that memory answers. */
const shortBody = 10_000;

/** Whether the request has no body or a short one; false when its length is not known. */
export function isShortRequest({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' || method === 'HEAD' || Number(headers['content-length'] ?? shortBody + 1) <= shortBody
  );
}

/** Refuses compressed bodies: a small one can become large, and none of the gateway's clients sends any. */
export function requirePlainBody(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding.trim().toLowerCase() === 'identity') return;
  throw new HttpError(415, 'Send the body without Content-Encoding: compressed bodies are not accepted', {
    'accept-encoding': 'identity',
  });
}

/** The media type of the body, without its parameters. */
export function readContentType(request: IncomingMessage): string | undefined {
  return request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}
