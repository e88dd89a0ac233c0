import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import type { Config } from '../../config.js';
import { packageFolder } from '../../package-folder.js';
import { HttpError } from '../requests/request.js';
import {
  answerFile,
  type CompressedFile,
  etagOf,
  type FileAnswer,
  type FileRequest,
} from './compressed-file.js';

type AdminConfig = Pick<Config, 'authMode' | 'basePath' | 'identityProvider' | 'adminLogin'>;

interface PageRequest extends FileRequest {
  /** Without BASE_PATH: "/admin", "/admin/assets/index-x.js". */
  path: string;
}

const contentTypes: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

const folder = join(packageFolder, 'dist/admin');
const assetsPath = '/admin/assets/';

/**
 * The admin page. All its files are read once and answered from memory, by name, so no path of a request reaches the file system.
 * Every address below /admin that is no asset is the page itself, which shows the screen of that address.
 */
export class AdminPage {
  readonly #config: AdminConfig;
  #files: Promise<{ page: CompressedFile; assets: ReadonlyMap<string, CompressedFile> }> | undefined;

  constructor(config: AdminConfig) {
    this.#config = config;
  }

  async answer({ path, ...request }: PageRequest): Promise<FileAnswer> {
    // After a failure the files are read anew: a build may have been under way.
    this.#files ??= this.#read().catch((error) => {
      this.#files = undefined;
      throw error;
    });
    const { page, assets } = await this.#files;
    const file = path.startsWith(assetsPath) ? assets.get(path.slice(assetsPath.length)) : page;
    if (!file)
      throw new HttpError(404, 'The admin page has no such file: load the page again', {
        'cache-control': 'no-store',
      });
    return await answerFile(file, request);
  }

  async #read() {
    if (!existsSync(join(folder, 'index.html')))
      throw new HttpError(404, 'The admin page is not built: run "npm run build"');
    const html = withFacts(await readFile(join(folder, 'index.html'), 'utf8'), this.#config);
    const names = (await readdir(join(folder, 'assets'))).filter((name) => extname(name) in contentTypes);
    const assets = await Promise.all(
      names.map(async (name) => [name, await readAsset(join(folder, 'assets', name))] as const),
    );
    return { page: await pageFile(Buffer.from(html), this.#config), assets: new Map(assets) };
  }
}

async function pageFile(plain: Buffer, config: AdminConfig): Promise<CompressedFile> {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
    etag: etagOf(plain),
    'content-security-policy': policyFor(config),
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'x-frame-options': 'DENY',
  };
  return { headers, plain, br: await promisify(brotliCompress)(plain), gzip: await promisify(gzip)(plain) };
}

/** The build has compressed it. Its name has a hash of its content, so it never changes. */
async function readAsset(file: string): Promise<CompressedFile> {
  const [plain, br, gzipped] = await Promise.all(['', '.br', '.gz'].map((ending) => readFile(file + ending)));
  if (!plain || !br || !gzipped) throw new Error(`${file} is incomplete`);
  const headers = {
    'content-type': contentTypes[extname(file)] ?? '',
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    etag: etagOf(plain),
    'cross-origin-resource-policy': 'same-origin',
  };
  return { headers, plain, br, gzip: gzipped };
}

/** Puts in what the page must know before anybody has logged in: its address, and how to log in. */
function withFacts(html: string, { authMode, basePath, identityProvider, adminLogin }: AdminConfig): string {
  const facts = {
    requiresLogin: authMode === 'required',
    ...(identityProvider &&
      adminLogin && {
        oidc: { issuer: identityProvider.issuer, audience: identityProvider.audience, ...adminLogin },
      }),
  };
  const base = '<base href="/admin/" />';
  const meta = '<meta name="tenant-registry" content="{}" />';
  if (!html.includes(base) || !html.includes(meta)) throw new Error('dist/admin/index.html lacks its marks');
  return html
    .replace(base, () => `<base href="${escapeHtml(basePath)}/admin/" />`)
    .replace(meta, () => `<meta name="tenant-registry" content="${escapeHtml(JSON.stringify(facts))}" />`);
}

/**
 * The page runs only the scripts that are built with it, and talks only to this server; with a login by the identity provider, to the
 * origin of that one too. The component library writes styles into the page.
 */
function policyFor({ identityProvider, adminLogin }: AdminConfig): string {
  const provider = identityProvider && adminLogin ? ` ${new URL(identityProvider.issuer).origin}` : '';
  return (
    `default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; ` +
    `connect-src 'self'${provider}; base-uri 'self'; form-action 'none'; frame-ancestors 'none'; object-src 'none'`
  );
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
