import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import {
  answerFile,
  type CompressedFile,
  etagOf,
  type FileAnswer,
  type FileRequest,
} from './compressed-file.js';
import { exampleTabs, keyHeaders, withKeyNote } from './graphiql-examples.js';

/** Pages of gateways that require a key, and of those that do not. */
const encoded = new Map<boolean, Promise<CompressedFile>>();

/**
 * GraphiQL with all its scripts inside, so that it works without internet. It is 9 MB: rendered and compressed once,
 * on its first request, and kept by browsers until it changes.
 */
export async function graphiqlPage({
  requiresKey,
  ...request
}: FileRequest & {
  /** Whether the gateway asks for an API key: the page then has a header for it. */
  requiresKey: boolean;
}): Promise<FileAnswer> {
  const made = encoded.get(requiresKey) ?? encode(requiresKey);
  encoded.set(requiresKey, made);
  return await answerFile(await made, request);
}

async function encode(requiresKey: boolean): Promise<CompressedFile> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  // Without an endpoint it asks the path that it was loaded from, whichever prefix that has.
  const html = renderGraphiQL({
    title: 'Tenant registry',
    defaultTabs: requiresKey ? exampleTabs.map(withKeyNote) : exampleTabs,
    ...(requiresKey && { defaultHeaders: keyHeaders }),
  });
  const plain = Buffer.from(html);
  return {
    headers: {
      'cache-control': 'no-cache',
      etag: etagOf(plain),
      vary: 'accept, accept-encoding',
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policyFor(html),
    },
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
