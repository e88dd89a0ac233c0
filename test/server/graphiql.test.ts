import { createHash } from 'node:crypto';
import { get, type IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exampleTabs } from '../../src/server/pages/graphiql-examples.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aStartedDataDir, type ServingProcess, serve } from '../setup/process.js';

/** As it comes over the wire. */
function fetchPage(headers: Record<string, string>) {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }>((resolve, reject) => {
    get(`${gateway.url}/graphql`, { headers: { accept: 'text/html', ...headers } }, async (response) => {
      const body = Buffer.concat(await response.toArray());
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
    }).on('error', reject);
  });
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
});
afterAll(() => gateway?.close());

describe('the page of GraphiQL', () => {
  test('comes compressed, in the form the browser prefers, and is the same page in each', async () => {
    const plain = await fetchPage({});
    expect(plain).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(plain.headers['content-encoding']).toBeUndefined();
    const br = await fetchPage({ 'accept-encoding': 'gzip, deflate, br' });
    expect(br.headers).toMatchObject({ 'content-encoding': 'br', vary: 'accept, accept-encoding' });
    const gzip = await fetchPage({ 'accept-encoding': 'gzip, deflate' });
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(brotliDecompressSync(br.body).equals(plain.body)).toBe(true);
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
    for (const { body } of [br, gzip]) expect(body.length).toBeLessThan(plain.body.length / 3);
  });

  test('is not sent again to a browser that has it', async () => {
    const { headers } = await fetchPage({ 'accept-encoding': 'br' });
    const etag = String(headers.etag);
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    expect(headers['cache-control']).toBe('no-cache');
    for (const tag of [etag, `W/${etag}`, `"older", ${etag}`]) {
      const again = await fetchPage({ 'if-none-match': tag });
      expect(again).toMatchObject({ status: 304, headers: { etag, 'cache-control': 'no-cache' } });
      expect(again.body).toHaveLength(0);
    }
    expect((await fetchPage({ 'if-none-match': '"older"' })).status).toBe(200);
  });

  test('loads nothing, and may load nothing, from another host', async () => {
    const { headers, body } = await fetchPage({});
    const policy = String(headers['content-security-policy']);
    const sources = policy.split(/; ?/).flatMap((directive) => directive.split(' ').slice(1));
    expect(policy).toContain("default-src 'self'");
    expect(
      sources.filter(
        (source) => !/^('self'|'none'|'unsafe-inline'|'sha256-[\w+/=]+'|blob:|data:)$/.test(source),
      ),
    ).toEqual([]);
    expect(
      body.toString().match(/<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?(?:https?:)?\/\/[^>]*/g),
    ).toBe(null);
  });

  test('runs the scripts that are in it, by their hashes, and no others', async () => {
    const { headers, body } = await fetchPage({});
    const policy = String(headers['content-security-policy']);
    const allowed = /script-src ([^;]*);/.exec(policy)?.[1]?.split(' ') ?? [];
    const scripts = [...body.toString().matchAll(/<script>(.*?)<\/script>/gs)];
    expect(scripts.length).toBeGreaterThan(0);
    const hashes = scripts.map(
      ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
    );
    expect(allowed).toEqual(hashes);
    expect(policy).toContain("object-src 'none'; base-uri 'none'");
  });

  test('is not served where GRAPHIQL is off', async () => {
    await using closed = await openGateway({
      sharing: gateway,
      authMode: 'required',
      config: { showsGraphiql: false },
    });
    const answer = await fetch(`${closed.url}/graphql`, { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.text()).not.toContain('GraphiQL');
  });

  test('is only for browsers: whoever asks for JSON gets an answer', async () => {
    const { headers } = await fetchPage({ accept: 'application/json' });
    expect(headers['content-type']).toMatch(/^application\/json/);
  });
});

describe('the examples in GraphiQL', () => {
  let product: ServingProcess;
  beforeAll(async () => {
    product = await serve({ DATA_DIR: await aStartedDataDir() });
  });
  afterAll(() => product?.end('SIGTERM'));

  const lagoon = { slug: 'lagoon-hotels', status: 'ACTIVE' };
  /** The result that each tab promises, in the order of the tabs. */
  const promises: Record<string, object> = {
    Resolve: { tenantSchema: { schemaName: 'finance_demo_harbour', databaseName: 'finance' } },
    ResolveMany: {
      tenantSchemas: [
        { tenantSlug: 'demo-harbour', searchPath: '"finance_demo_harbour"' },
        { tenantSlug: 'demo-savanna', searchPath: '"tenant_demo_savanna"' },
        { __typename: 'TenantSchemaRefusal', code: 'TENANT_NOT_FOUND' },
      ],
    },
    Provision: { provisionTenant: { tenant: lagoon, operation: { status: 'SUCCEEDED', error: null } } },
    Tenants: {
      tenants: {
        totalCount: 3,
        edges: [{ node: { slug: 'demo-harbour' } }, { node: lagoon }, { node: { slug: 'demo-savanna' } }],
      },
    },
    AuditLog: {
      auditLog: {
        edges: expect.arrayContaining([{ node: expect.objectContaining({ tenantSlug: 'lagoon-hotels' }) }]),
      },
    },
  };
  const named = exampleTabs.map(({ query }) => ({
    name: /^(?:query|mutation) (\w+)/m.exec(query)?.[1] ?? 'nameless',
    query,
  }));

  test('are these', () => {
    expect(named.map(({ name }) => name)).toEqual(Object.keys(promises));
  });

  test.each(named)('$name shows what it promises', async ({ name, query }) => {
    const { body } = await product.ask(query);
    expect(body.errors).toBeUndefined();
    expect(body.data).toMatchObject(promises[name] ?? {});
  });

  test('Provision says what is wrong when it is run again', async () => {
    const { body } = await product.ask(named.find(({ name }) => name === 'Provision')?.query ?? '');
    expect(body.errors).toMatchObject([{ extensions: { code: 'CONFLICT', fields: [{ field: 'slug' }] } }]);
  });
});
