import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RequestOutcome } from '../../graphql/context.js';
import { rateHeaders } from '../../rates/rate-limited.js';
import type { RestAnswer } from '../../rest/answer.js';
import type { Exchange } from '../requests/exchange.js';

const jsonHeaders = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

/** Headers of every answer, and those of the limit that the request counted for. */
export function setCommonHeaders({ response, requestId, outcome }: Exchange): void {
  response.setHeader('x-request-id', requestId);
  response.setHeader('x-content-type-options', 'nosniff');
  for (const [name, value] of Object.entries(rateHeadersOf(outcome))) response.setHeader(name, value);
}

export function rateHeadersOf({ rate }: RequestOutcome): Record<string, string> {
  return rate ? rateHeaders(rate.state, rate.isRefused) : {};
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendWhole(response, { status, headers: jsonHeaders, text: JSON.stringify(body) });
}

/** An answer that fails half way is cut off, so that no client takes it for complete. */
export async function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: RestAnswer,
): Promise<void> {
  const all = { ...headers, ...jsonHeaders };
  if (!(body instanceof Readable))
    return sendWhole(response, { status, headers: all, text: JSON.stringify(body) });
  response.writeHead(status, all);
  if (response.req.method === 'HEAD') {
    body.destroy();
    return void response.end();
  }
  await pipeline(body, response);
}

export function sendText(
  response: ServerResponse,
  { contentType, body }: { contentType: string; body: string },
): void {
  sendWhole(response, {
    status: 200,
    headers: { 'content-type': contentType, 'cache-control': 'no-store' },
    text: body,
  });
}

/** Sends a page or one of its files, which was compressed before. */
export function sendPage(
  response: ServerResponse,
  { status, headers, body }: { status: number; headers: Record<string, string>; body?: Buffer },
): void {
  const length = body && { 'content-length': String(body.length) };
  response.writeHead(status, { ...headers, ...length }).end(body);
}

export function sendRedirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}

interface WholeAnswer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

/** Sends an answer that was prepared, with its length among the names and values of its headers. */
export function sendPrepared(
  response: ServerResponse,
  { status, headers, body }: { status: number; headers: string[]; body: Buffer },
): void {
  if (!isLongBodyOpen(response.req)) return void response.writeHead(status, headers).end(body);
  const pairs = headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1] ?? '']] : []));
  sendWhole(response, { status, headers: Object.fromEntries(pairs), text: body.toString() });
}

/** The rest of a body up to this size is read and dropped, and the connection stays open. */
const smallBody = 65_536;
/** How long, and for how many bytes, a client may go on sending a body that is not read any more. */
const lingerMs = 1_000;
const lingerBytes = 8_000_000;

/**
 * Sends an answer at once, also while the client still sends its body. Closing the connection then would reset it, and the
 * client would lose the answer: the rest of the body is dropped for a short time first (RFC 9112, 9.6).
 */
function sendWhole(response: ServerResponse, { status, headers, text }: WholeAnswer): void {
  const { req: request } = response;
  const all = { ...headers, 'content-length': String(Buffer.byteLength(text)) };
  if (!isLongBodyOpen(request)) return void response.writeHead(status, all).end(text);
  response.writeHead(status, { ...all, connection: 'close' });
  // This client waits for "100 Continue" before it sends its body.
  if (request.headers.expect !== undefined && request.readableFlowing === null)
    return void response.end(text);
  response.write(text);
  dropRest(request, () => response.end());
}

function isLongBodyOpen({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false;
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return true;
  return Number(headers['content-length'] ?? 0) > smallBody;
}

function dropRest(request: IncomingMessage, done: () => void): void {
  let dropped = 0;
  const timer = setTimeout(finish, lingerMs);
  function finish() {
    clearTimeout(timer);
    done();
  }
  request.on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > lingerBytes) finish();
  });
  request.once('end', finish);
  request.once('close', finish);
}
