import type { IncomingMessage } from 'node:http';
import { HttpError } from './request.js';

/**
 * Refuses a request in which Host or Authorization stands twice or Host is missing. Node.js uses the first of them, and a
 * proxy may have checked the last.
 */
export function requireSingleHeaders({ rawHeaders }: IncomingMessage): void {
  let hosts = 0;
  let credentials = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
    else if (name.length === 13 && name.toLowerCase() === 'authorization') credentials++;
  }
  if (hosts !== 1) throw new HttpError(400, 'The request must have exactly one Host header', closing);
  if (credentials > 1)
    throw new HttpError(400, 'The request must have at most one Authorization header', closing);
}

const closing = { connection: 'close' };

/**
 * In open mode every caller is the developer, so only requests addressed to this machine are served: a foreign page whose
 * name is made to point to 127.0.0.1 (DNS rebinding) sends its own name as Host.
 */
export function requireLocalHost(request: IncomingMessage): void {
  const host = request.headers.host?.replace(/:\d+$/, '').toLowerCase() ?? '';
  if (host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)) return;
  throw new HttpError(
    421,
    `Without API keys only this machine is served, not the host "${host}": use localhost`,
  );
}

const none: ReadonlySet<string> = new Set();

/**
 * In open mode a browser on this machine needs no key, so a page of another site could use the API in the developer's name.
 * Browsers say where a request comes from in Origin and Sec-Fetch-Site, which pages cannot change. A link may lead here, and the
 * developer may list other origins.
 */
export function requireOwnOrigin(
  { method, headers }: IncomingMessage,
  listed: ReadonlySet<string> = none,
): void {
  const { origin, host } = headers;
  if (origin !== undefined && listed.has(origin)) return;
  const site = headers['sec-fetch-site'];
  if (origin !== undefined && origin.toLowerCase() !== `http://${host?.toLowerCase()}`)
    throw foreign(`pages of ${origin.slice(0, 200)}`);
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  const isLink =
    method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (!isLink) throw foreign('pages of other sites');
}

function foreign(source: string): HttpError {
  return new HttpError(
    403,
    `Without API keys ${source} may not use this gateway: set AUTH_MODE=required and send a key, or list their origin in CORS_ORIGINS`,
  );
}
