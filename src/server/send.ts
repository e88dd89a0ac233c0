import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RestAnswer } from '../rest/answer.js';

const jsonHeaders = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, jsonHeaders).end(JSON.stringify(body));
}

/** An answer that fails half way is cut off, so that no client takes it for complete. */
export async function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: RestAnswer,
): Promise<void> {
  response.writeHead(status, { ...headers, ...jsonHeaders });
  if (body instanceof Readable) await pipeline(body, response);
  else response.end(JSON.stringify(body));
}

export function sendText(
  response: ServerResponse,
  { contentType, body }: { contentType: string; body: string },
): void {
  response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body);
}

export function sendRedirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}
