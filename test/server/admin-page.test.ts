import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { openIdentityProvider } from '../setup/identity-provider.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required', config: { basePath: '/registry' } });
});
afterAll(() => gateway?.close());

/** Sends the path as it stands; fetch would resolve its dots. */
async function get(path: string, { method = 'GET', headers = {} as Record<string, string> } = {}) {
  return await new Promise<{ status: number; headers: Record<string, string>; body: Buffer }>(
    (resolve, reject) => {
      const { hostname, port } = new URL(gateway.url);
      const sent = request({ hostname, port, path, method, headers }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string>,
          body: Buffer.concat(chunks),
        });
      });
      sent.on('error', reject);
      sent.end();
    },
  );
}

async function assetPath(): Promise<string> {
  const [, name] = /src="\.\/(assets\/[^"]+\.js)"/.exec((await get('/admin')).body.toString()) ?? [];
  expect(name).toBeDefined();
  return `/admin/${name}`;
}

test.each(['/admin', '/admin/', '/registry/admin', '/registry/admin/tenants/acme', '/admin/tenants?q=a'])(
  '%s is the page, with its address below BASE_PATH, and no cache keeps it without asking',
  async (path) => {
    const { status, headers, body } = await get(path);
    expect(status).toBe(200);
    expect(body.toString()).toContain('<base href="/registry/admin/" />');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
    expect(headers['x-content-type-options']).toBe('nosniff');
    const again = await get(path, { headers: { 'if-none-match': headers.etag ?? '' } });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  },
);

test('the policy of the page allows only its own scripts, no other host and no frame', async () => {
  const policy = (await get('/admin')).headers['content-security-policy'] ?? '';
  const parts = Object.fromEntries(
    policy.split(';').map((part) => {
      const [name = '', ...values] = part.trim().split(' ');
      return [name, values.join(' ')];
    }),
  );
  expect(parts).toEqual({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self' 'unsafe-inline'",
    'img-src': "'self' data:",
    'font-src': "'self'",
    'connect-src': "'self'",
    'base-uri': "'self'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
    'object-src': "'none'",
  });
  expect((await get('/admin')).body.toString()).not.toMatch(
    /<script(?![^>]*src=)|https?:\/\/(?!www\.w3\.org)/,
  );
});

test('an asset is kept for a year, and comes compressed as the client accepts it', async () => {
  const path = await assetPath();
  const plain = await get(path);
  expect(plain.status).toBe(200);
  expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
  expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect(plain.headers['content-encoding']).toBeUndefined();
  const br = await get(path, { headers: { 'accept-encoding': 'gzip, br' } });
  expect(br.headers['content-encoding']).toBe('br');
  expect(brotliDecompressSync(br.body).equals(plain.body)).toBe(true);
  const refused = await get(path, { headers: { 'accept-encoding': 'br;q=0, identity' } });
  expect(refused.headers['content-encoding']).toBeUndefined();
  const gzip = await get(path, { headers: { 'accept-encoding': 'gzip' } });
  expect(gzip.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
  expect(gzip.headers.vary).toBe('accept-encoding');
});

test('HEAD answers like GET, without a body', async () => {
  const path = await assetPath();
  const [whole, head] = [await get(path), await get(path, { method: 'HEAD' })];
  expect(head.status).toBe(200);
  expect(head.body.length).toBe(0);
  expect(head.headers['content-length']).toBe(String(whole.body.length));
});

test.each([
  '/admin/assets/none.js',
  '/admin/assets/../index.html',
  '/admin/assets/../../../package.json',
  '/admin/assets/..%2f..%2fpackage.json',
  '/admin/assets/%2e%2e/%2e%2e/package.json',
  '/admin/assets//etc/passwd',
  '/admin/assets/constructor',
  '/admin/assets/',
])('%s is no file of the page', async (path) => {
  const { status, headers, body } = await get(path);
  expect(status).toBe(404);
  expect(headers['cache-control']).toBe('no-store');
  expect(body.toString()).not.toContain('tenant-registry"');
});

test.each(['/adminx', '/admin.html', '/registry/adminx'])('%s is not the page', async (path) => {
  expect((await get(path)).status).toBe(404);
});

test('other methods are refused', async () => {
  const { status, headers } = await get('/admin', { method: 'POST' });
  expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
});

describe('with a login by the identity provider', () => {
  test('the page learns issuer and client, and may talk to that origin only', async () => {
    await using identities = await openIdentityProvider();
    const issuer = `${identities.origin}/a"b`;
    await using other = await openGateway({
      authMode: 'required',
      config: {
        identityProvider: { ...identities.provider, issuer },
        adminLogin: { clientId: 'admin-page', scope: 'openid' },
      },
    });
    const response = await fetch(`${other.url}/admin`);
    const [, facts = ''] = /<meta name="tenant-registry" content="([^"]*)"/.exec(await response.text()) ?? [];
    expect(JSON.parse(facts.replaceAll('&quot;', '"')).oidc).toEqual({
      ...{ issuer, clientId: 'admin-page', scope: 'openid', audience: identities.provider.audience },
    });
    expect(response.headers.get('content-security-policy')).toContain(
      `connect-src 'self' ${identities.origin};`,
    );
  });
});
