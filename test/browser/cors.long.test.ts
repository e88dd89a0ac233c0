import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, skipsBrowser } from '../setup/browser.js';
import { aKey, aStartedDataDir, type ServingProcess, serve } from '../setup/process.js';

/** A server of its own with an empty page. */
async function openSite(): Promise<{ origin: string; server: Server }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Admin</title>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** A page of another origin, and one of an origin that is not listed, in a browser. */
describe.skipIf(skipsBrowser)('a page of another origin', () => {
  let sites: { origin: string; server: Server }[] = [];
  let gateway: ServingProcess;
  let browser: Browser;
  let key: string;
  let page: Page;
  let foreign: Page;
  beforeAll(async () => {
    sites = [await openSite(), await openSite()];
    const [listed, other] = sites.map(({ origin }) => origin);
    const env = { DATA_DIR: await aStartedDataDir(), AUTH_MODE: 'required' };
    gateway = await serve({ ...env, CORS_ORIGINS: `${listed}` });
    key = await aKey(env, 'registry:read,registry:write,resolve:*');
    browser = await openBrowser();
    page = await openPage(`${listed}`);
    foreign = await openPage(`${other}`);
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.end('SIGTERM');
    for (const { server } of sites) server.close();
  });

  async function openPage(origin: string): Promise<Page> {
    const opened = await (await browser.newContext()).newPage();
    await opened.goto(`${origin}/`);
    return opened;
  }

  interface Request {
    path: string;
    method?: string;
    headers?: Record<string, string>;
    body?: string;
  }

  /** Fetches in the page; the name of the error where the browser refuses. */
  const fetchIn = (where: Page, { path, ...init }: Request) =>
    where.evaluate(
      async ([url, options]) => {
        try {
          const response = await fetch(url, options);
          const names = ['x-request-id', 'etag', 'retry-after'];
          const headers = names.filter((name) => response.headers.get(name) !== null);
          return { status: response.status, headers, body: await response.json() };
        } catch (error) {
          return { refused: (error as Error).name };
        }
      },
      [`${gateway.url}${path}`, init] as const,
    );
  const bearer = () => ({ authorization: `Bearer ${key}` });
  const query = (): Request => ({
    path: '/graphql',
    method: 'POST',
    headers: { ...bearer(), 'content-type': 'application/json', 'x-tenant-id': 'demo-harbour' },
    body: JSON.stringify({ query: '{ tenant(id: "demo-harbour") { slug } }' }),
  });

  test('that is listed asks GraphQL and REST, with preflights, and reads the headers', async () => {
    expect(await fetchIn(page, query())).toMatchObject({
      status: 200,
      headers: ['x-request-id'],
      body: { data: { tenant: { slug: 'demo-harbour' } } },
    });
    const path = '/api/v1/tenants/demo-harbour/branding';
    expect(await fetchIn(page, { path, headers: bearer() })).toMatchObject({
      status: 200,
      headers: ['x-request-id', 'etag'],
    });
    const headers = { ...bearer(), 'content-type': 'application/json', 'if-match': '*' };
    const body = JSON.stringify({ accent_color: '#112233' });
    expect(await fetchIn(page, { path, method: 'PUT', headers, body })).toMatchObject({
      body: { accent_color: '#112233' },
    });
  });

  test('that is listed reads refusals', async () => {
    const { headers: _, ...anonymous } = query();
    const refused = await fetchIn(page, { ...anonymous, headers: { 'content-type': 'application/json' } });
    expect(refused).toMatchObject({
      status: 401,
      body: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
  });

  test('that is listed reads a stream of events', async () => {
    const opening = await page.evaluate(
      async ([url, headers, body]) => {
        const response = await fetch(url, { method: 'POST', headers, body });
        const reader = response.body?.getReader();
        const first = await reader?.read();
        await reader?.cancel();
        return { type: response.headers.get('content-type'), length: first?.value?.length ?? 0 };
      },
      [
        `${gateway.url}/graphql`,
        { ...bearer(), 'content-type': 'application/json', accept: 'text/event-stream' },
        JSON.stringify({ query: 'subscription { routesChanged { revision } }' }),
      ] as const,
    );
    expect(opening.type).toContain('text/event-stream');
    expect(opening.length).toBeGreaterThan(0);
  });

  test('that is not listed reads nothing', async () => {
    expect(await foreign.evaluate(() => location.origin)).not.toBe(
      await page.evaluate(() => location.origin),
    );
    expect(await fetchIn(foreign, query())).toEqual({ refused: 'TypeError' });
    expect(await fetchIn(foreign, { path: '/api/openapi.json' })).toEqual({ refused: 'TypeError' });
  });
});
