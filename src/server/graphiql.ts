import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { exampleTabs, keyHeaders, withKeyNote } from './graphiql-examples.js';

/** The page as it goes over the wire. */
export interface Page {
  status: 200 | 304;
  headers: Record<string, string>;
  body?: Buffer;
}

interface Encodings {
  etag: string;
  policy: string;
  plain: Buffer;
  br: Promise<Buffer>;
  gzip: Promise<Buffer>;
}

/** Pages of gateways that require a key, and of those that do not. */
const encoded = new Map<boolean, Promise<Encodings>>();

/**
 * GraphiQL with all its scripts inside, so that it works without internet. It is 9 MB: rendered and compressed once,
 * on its first request, and kept by browsers until it changes.
 */
export async function graphiqlPage(request: {
  acceptEncoding: string | undefined;
  ifNoneMatch: string | undefined;
  /** Whether the gateway asks for an API key: the page then has a header for it. */
  requiresKey: boolean;
}): Promise<Page> {
  const { requiresKey } = request;
  const made = encoded.get(requiresKey) ?? encode(requiresKey);
  encoded.set(requiresKey, made);
  const encodings = await made;
  const caching = { 'cache-control': 'no-cache', etag: encodings.etag, vary: 'accept, accept-encoding' };
  // A proxy that compresses anew marks the tag as weak: W/"…".
  if (request.ifNoneMatch?.includes(encodings.etag)) return { status: 304, headers: caching };
  const encoding = (['br', 'gzip'] as const).find((name) => request.acceptEncoding?.includes(name));
  const headers = {
    ...caching,
    'content-type': 'text/html; charset=utf-8',
    ...(encoding && { 'content-encoding': encoding }),
    'content-security-policy': encodings.policy,
  };
  return { status: 200, headers, body: encoding ? await encodings[encoding] : encodings.plain };
}

async function encode(requiresKey: boolean): Promise<Encodings> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  // Without an endpoint it asks the path that it was loaded from, whichever prefix that has.
  const html = renderGraphiQL({
    title: 'Tenant registry',
    defaultTabs: requiresKey ? exampleTabs.map(withKeyNote) : exampleTabs,
    ...(requiresKey && { defaultHeaders: keyHeaders }),
  });
  const plain = Buffer.from(html);
  return {
    policy: policyFor(html),
    etag: `"${createHash('sha256').update(plain).digest('base64url')}"`,
    plain,
    // Quality 5 is as fast as gzip and smaller.
    br: promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
    gzip: promisify(gzip)(plain),
  };
}

/**
 * The page runs only the scripts that are in it, known by their hashes, and talks only to this server. The editor makes its
 * workers of texts in the page, and writes styles.
 */
function policyFor(html: string): string {
  const hashes = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(
    ([, script = '']) =>
      `'sha256-${createHash('sha256').update(script.replaceAll('\r\n', '\n')).digest('base64')}'`,
  );
  return (
    `default-src 'self'; script-src ${hashes.join(' ')}; worker-src blob:; style-src 'self' 'unsafe-inline'; ` +
    "img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'"
  );
}
