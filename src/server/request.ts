import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isUuid } from '../registry/slug.js';

/** How large a request's body may be, in bytes: 500 keys of tenantSchemas take 60 kB. */
const maxBodyBytes = 1_000_000;

/** A request that no door can answer; said in the HTTP way. */
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

/** The id a proxy gave the request, when it is harmless to log, or a new one. */
export function readRequestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Who a client says it is when it reports to /lease; a UUID of its own choice. */
export function readClient(request: IncomingMessage): string | undefined {
  const given = request.headers['x-registry-client'];
  return typeof given === 'string' && isUuid(given) ? given.toLowerCase() : undefined;
}

/**
 * Lets through what a GraphQL client sends: GET, and POST with JSON. Forms, multipart and plain text are what a foreign
 * web page can send in a visitor's name without asking, so they are refused.
 */
export function requireGraphqlRequest(request: IncomingMessage): void {
  if (request.method === 'GET') return;
  if (request.method !== 'POST')
    throw new HttpError(405, 'GraphQL is asked by POST or GET', { allow: 'GET, POST' });
  if (readContentType(request) !== 'application/json')
    throw new HttpError(415, 'Send the GraphQL request as application/json', {
      'accept-post': 'application/json',
    });
}

/** The media type of the body, without its parameters. */
export function readContentType(request: IncomingMessage): string | undefined {
  return request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}

/**
 * In open mode whoever reaches the port is the developer, so only requests addressed to this machine count: a foreign
 * page whose name is made to point to 127.0.0.1 (DNS rebinding) sends its own name as Host.
 */
export function requireLocalHost(request: IncomingMessage): void {
  const host = request.headers.host?.replace(/:\d+$/, '').toLowerCase() ?? '';
  if (host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)) return;
  throw new HttpError(
    421,
    `Without API keys only this machine is served, not the host "${host}": use localhost`,
  );
}

/** The body, or a refusal as soon as it is known to be too large. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += chunk.length;
      if (size > maxBodyBytes)
        throw new HttpError(413, `The request is larger than ${maxBodyBytes} bytes: ask in parts`, {
          connection: 'close',
        });
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    // ECONNRESET, which from anywhere else would mean that the registry database is not there.
    if (request.readableAborted)
      throw new HttpError(400, 'The client went away before its request was whole');
    throw error;
  }
  return Buffer.concat(chunks).toString();
}
