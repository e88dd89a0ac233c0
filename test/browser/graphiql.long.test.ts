import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, skipsBrowser, type Visit, visit } from '../setup/browser.js';
import { openNginx, skipsNginx } from '../setup/nginx.js';
import { aFolder, aKey, aStartedDataDir, type ServingProcess, serve } from '../setup/process.js';

describe.skipIf(skipsBrowser)('GraphiQL in a browser without internet', () => {
  let gateway: ServingProcess;
  let browser: Browser;
  let graphiql: Visit;
  beforeAll(async () => {
    gateway = await serve({ DATA_DIR: await aStartedDataDir() });
    browser = await openBrowser();
    graphiql = await visit(browser, gateway.url, '/graphql');
    await graphiql.page.locator('.graphiql-execute-button').waitFor({ timeout: 120_000 });
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.end('SIGTERM');
  });

  test('shows the examples and runs the first one', async () => {
    const { page } = graphiql;
    const tabs = page.locator('[role="tab"]');
    await expect
      .poll(() => tabs.allInnerTexts())
      .toEqual(['Resolve', 'ResolveMany', 'Provision', 'Tenants', 'AuditLog']);
    await page.locator('.graphiql-execute-button').click();
    const result = page.locator('.result-window');
    await expect.poll(() => result.innerText(), { timeout: 60_000 }).toContain('"finance_demo_harbour"');
    await page.screenshot({ path: join(await aFolder(), 'graphiql.png') });
  });

  test('has the documentation of the schema and completes fields', async () => {
    const { page } = graphiql;
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    const documentation = page.locator('.graphiql-doc-explorer');
    await documentation.getByText('Query', { exact: true }).click();
    await documentation.getByText('tenantSchema', { exact: true }).click();
    await expect.poll(() => documentation.innerText()).toContain('ModuleName!');

    await page.getByRole('button', { name: /New tab/i }).click();
    await page.locator('.graphiql-query-editor .monaco-editor').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('{ tenantSc', { delay: 30 });
    const suggestions = page.locator('.suggest-widget.visible .monaco-list-row');
    await expect
      .poll(() => suggestions.allInnerTexts(), { timeout: 60_000 })
      .toEqual(expect.arrayContaining([expect.stringMatching(/^tenantSchemas/)]));
  });

  test('requests nothing from other hosts and violates no content security policy', () => {
    expect(graphiql.foreignRequests).toEqual([]);
    expect(graphiql.problems).toEqual([]);
  });
});

describe.skipIf(skipsBrowser || skipsNginx)('GraphiQL behind nginx, below a path, with required keys', () => {
  const host = 'proxy_set_header Host $http_host;';
  test.each([
    ['keeps', (url: string) => `location /registry/ { proxy_pass ${url}; ${host} }`],
    ['removes', (url: string) => `location /registry/ { proxy_pass ${url}/; ${host} }`],
  ])(
    'a proxy that %s the path: the page has a place for the key, and asks its own path',
    async (_what, location) => {
      const env = {
        DATA_DIR: await aStartedDataDir(),
        AUTH_MODE: 'required',
        GRAPHIQL: 'on',
        BASE_PATH: '/registry',
      };
      await using gateway = await serve(env);
      expect((await gateway.logged('serving')).url).toBe(`${gateway.url}/registry/graphql`);
      const key = await aKey(env, 'resolve:*,schema:read');
      await using nginx = await openNginx(location(gateway.url));
      const browser = await openBrowser();
      try {
        const { page, foreignRequests } = await visit(browser, nginx.url, '/registry/graphql');
        await page.locator('.graphiql-execute-button').waitFor({ timeout: 120_000 });
        expect(page.url()).toBe(`${nginx.url}/registry/graphql`);
        await expect
          .poll(() => page.locator('.graphiql-query-editor').innerText())
          .toMatch(/requires.an.API.key/);
        const headers = page.locator('.graphiql-editor-tool .monaco-editor').last();
        await expect.poll(() => headers.innerText()).toMatch(/"Authorization":.*<API.key>/);
        await headers.click();
        await page.keyboard.press('ControlOrMeta+A');
        await page.keyboard.press('Delete');
        await expect.poll(() => headers.innerText()).not.toContain('Bearer');
        // Typed, because the editor closes quotes and braces by itself and takes over those that are typed.
        await page.keyboard.type(JSON.stringify({ Authorization: `Bearer ${key}` }), { delay: 5 });
        await expect.poll(() => headers.innerText()).toContain(`${key.slice(-6)}"}`);
        await page.locator('.graphiql-execute-button').click();
        const result = page.locator('.result-window');
        await expect.poll(() => result.innerText(), { timeout: 60_000 }).toContain('"finance_demo_harbour"');
        expect(foreignRequests).toEqual([]);
      } finally {
        await browser.close();
        await gateway.end('SIGTERM');
      }
    },
  );
});
