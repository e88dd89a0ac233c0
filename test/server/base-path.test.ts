import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenantRegistry } from '../../src/client/index.js';
import { readConfig } from '../../src/config.js';
import { withoutBasePath } from '../../src/server/requests/known-paths.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { openNginx, skipsNginx } from '../setup/nginx.js';
import { aTenant } from '../setup/stories.js';

describe('BASE_PATH', () => {
  test.each([
    ['/registry', '/registry'],
    ['registry', '/registry'],
    ['/registry/', '/registry'],
    ['/a/b-c_d/1.2', '/a/b-c_d/1.2'],
    ['/', ''],
    ['', ''],
    [' ', ''],
  ])('%j means %j', (given, basePath) => {
    expect(readConfig({ BASE_PATH: given }).basePath).toBe(basePath);
  });

  test.each([
    '//registry',
    '/a//b',
    '/a/../b',
    '/.',
    '/a b',
    '/a?b',
    '/a#b',
    '/a%20b',
    'https://host/a',
    '/ä',
    '/a;b',
    '/"',
  ])('%j is refused', (given) => {
    expect(() => readConfig({ BASE_PATH: given })).toThrow(/^BASE_PATH is .*: expected a path of letters/);
  });

  test.each([
    ['', '/graphql', '/graphql'],
    ['', '/registry/graphql', '/registry/graphql'],
    ['/registry', '/registry/graphql', '/graphql'],
    ['/registry', '/graphql', '/graphql'],
    ['/registry', '/registry', '/'],
    ['/registry', '/registry/', '/'],
    ['/registry', '/registry/api/tenants/acme', '/api/tenants/acme'],
    ['/registry', '/registry/nothing', '/registry/nothing'],
    ['/registry', '/registryx/graphql', '/registryx/graphql'],
    ['/registry', '/registry/registry/graphql', '/registry/registry/graphql'],
    ['/api', '/api/graphql', '/graphql'],
    ['/api', '/api/api/tenants', '/api/tenants'],
    ['/api', '/api/tenants', '/api/tenants'],
    ['/graphql', '/graphql', '/graphql'],
    ['/admin', '/admin', '/admin'],
    ['/admin', '/admin/admin', '/admin'],
    ['/admin', '/admin/graphql', '/graphql'],
    ['/graphql', '/graphql/graphql', '/graphql'],
  ])('%j: the path %s is %s', (basePath, path, meant) => {
    expect(withoutBasePath(path, basePath)).toBe(meant);
  });
});

/** The gateway behind proxies that hand the prefix on and that remove it, and without a proxy. */
const places = [
  'directly',
  'behind a proxy that keeps the prefix',
  'behind a proxy that removes the prefix',
] as const;

describe('a gateway with a path prefix', () => {
  let gateway: TestGateway;
  let proxy: Awaited<ReturnType<typeof openNginx>> | undefined;
  const urls: Partial<Record<(typeof places)[number], string>> = {};
  beforeAll(async () => {
    gateway = await openGateway({ config: { basePath: '/registry' } });
    await aTenant({ name: 'Acme', slug: 'acme' }).subscribedTo('finance').at(gateway);
    urls.directly = gateway.url;
    if (skipsNginx) return;
    const host = 'proxy_set_header Host $http_host;';
    proxy = await openNginx(`
      location /registry/ { proxy_pass ${gateway.url}; ${host} }
      location /removed/registry/ { proxy_pass ${gateway.url}/; ${host} }`);
    urls['behind a proxy that keeps the prefix'] = proxy.url;
    urls['behind a proxy that removes the prefix'] = `${proxy.url}/removed`;
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await gateway?.close();
  });

  describe.each(places)('%s', (place) => {
    const isMissing = place !== 'directly' && skipsNginx;
    const at = (path: string) => `${urls[place]}/registry${path}`;
    const read = async (path: string, init?: RequestInit) => {
      const response = await fetch(at(path), { redirect: 'manual', ...init });
      return { status: response.status, headers: response.headers, text: await response.text() };
    };

    test.skipIf(isMissing)('leads from its root to GraphQL, and says where that is', async () => {
      const root = await read('/');
      expect([root.status, root.headers.get('location')]).toEqual([302, '/registry/graphql']);
      const page = await read('/', { headers: { accept: 'text/html' } });
      expect([page.status, page.headers.get('location')]).toEqual([302, '/registry/admin']);
      const nothing = await read('/nothing');
      expect([nothing.status, nothing.text]).toEqual([
        404,
        expect.stringContaining('; GraphQL is at /registry/graphql'),
      ]);
    });

    test.skipIf(isMissing)('answers GraphQL by POST and GET, health and readiness', async () => {
      const query = '{ tenantSchema(id: "acme", module: "finance") { schemaName } }';
      const answer = '{"data":{"tenantSchema":{"schemaName":"finance_acme"}}}';
      const headers = { 'content-type': 'application/json' };
      const posted = await read('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) });
      expect(posted.text).toBe(answer);
      expect((await read(`/graphql?query=${encodeURIComponent(query)}`)).text).toBe(answer);
      for (const path of ['/health', '/ready', '/metrics']) expect((await read(path)).status).toBe(200);
    });

    test.skipIf(isMissing)('answers a subscription by GET, whose parameters only Yoga reads', async () => {
      const query = 'subscription { routesChanged { kind } }';
      const gone = new AbortController();
      const response = await fetch(at(`/graphql?query=${encodeURIComponent(query)}`), {
        headers: { accept: 'text/event-stream' },
        signal: gone.signal,
      });
      const text = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      // nginx would keep the first bytes until its buffer is full.
      expect((await text?.read())?.value).toBe(':\n\n');
      gone.abort();
      await text?.closed.catch(() => undefined);
    });

    test.skipIf(isMissing)('has the prefix in all addresses of REST', async () => {
      const first = await read('/api/v1/admin/tenants', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: place, slug: place.replaceAll(' ', '-'), modules: ['finance'] }),
      });
      expect(first.headers.get('location')).toMatch(/^\/registry\/api\/v1\/admin\/tenants\/[\w-]+$/);
      const listed = await read('/api/tenants?limit=1');
      expect(listed.headers.get('link')).toBe('</registry/api/tenants?limit=1&after=acme>; rel="next"');
      const document = JSON.parse((await read('/api/openapi.json')).text);
      expect(document.servers).toEqual([{ url: '/registry' }]);
      expect((await read('/api/nothing')).text).toContain(
        'There is nothing at /registry/api/nothing; tenants are at /registry/api/tenants, and /registry/api/openapi.json describes',
      );
      const wrong = await read('/api/tenants', { method: 'DELETE' });
      expect(wrong.text).toContain(
        '/registry/api/tenants does not accept DELETE; it accepts GET, HEAD, POST',
      );
    });

    test.skipIf(isMissing).each(['', '/', '/graphql', '/graphql/'])(
      'serves the client, whose URL ends with the prefix and %j',
      async (end) => {
        const registry = createTenantRegistry({ url: at(end), module: 'finance' });
        try {
          expect(await registry.resolve('acme')).toMatchObject({ schemaName: 'finance_acme' });
        } finally {
          await registry.close();
        }
      },
    );
  });

  test('names every path in its metrics without the prefix', async () => {
    await fetch(`${gateway.url}/registry/api/tenants/acme`);
    const text = await (await fetch(`${gateway.url}/registry/metrics`)).text();
    expect(text).toContain('path="/api/tenants/{slug}"');
    expect(text).not.toContain('/registry');
  });
});
