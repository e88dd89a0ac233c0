/** The admin page in a browser, logged in at a gateway of its own. */
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { openBrowser, type Visit, visit } from '../../setup/browser.js';
import { openGateway, type TestGateway, type TestGatewayOptions } from '../../setup/gateway.js';

export const allScopes = [
  ...['resolve:*', 'registry:read', 'registry:write', 'provision', 'audit:read', 'keys:manage'],
];

export interface TestAdmin extends AsyncDisposable {
  gateway: TestGateway;
  browser: Browser;
  /** Opens a screen, such as "/tenants", with a key of these scopes. */
  enter(path: string, scopes?: readonly string[]): Promise<Visit>;
  logIn(page: Page, key?: string): Promise<void>;
  /** Asks the gateway with all scopes, and throws for a refusal. */
  // biome-ignore lint/suspicious/noExplicitAny: the query next to the assertion determines the shape of the data
  ask(query: string, variables?: Record<string, unknown>): Promise<any>;
  aTenant(name: string, slug: string): Promise<string>;
}

const adminPath = '/registry/admin';

export async function openAdmin(options: TestGatewayOptions = {}): Promise<TestAdmin> {
  const gateway = await openGateway({
    authMode: 'required',
    ...options,
    config: { basePath: '/registry', ...options.config },
  });
  const browser = await openBrowser();
  const ownKey = await gateway.createKey(...allScopes);

  const ask: TestAdmin['ask'] = async (query, variables) => {
    const { data, errors } = await gateway.ask(query, variables, { key: ownKey });
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
    return data;
  };
  const logIn: TestAdmin['logIn'] = async (page, key = ownKey) => {
    await page.getByRole('dialog').getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('dialog', { name: /^Log in/ }).waitFor({ state: 'detached' });
    // It would rest on whatever the screen has there, and open its hint.
    await page.mouse.move(0, 0);
  };
  return {
    gateway,
    browser,
    ask,
    logIn,
    async enter(path, scopes = allScopes) {
      const key = await gateway.createKey(...scopes);
      const opened = await visit(browser, gateway.url, `${adminPath}${path}`);
      await logIn(opened.page, key);
      return opened;
    },
    async aTenant(name, slug) {
      const { registerTenant } = await ask(
        'mutation ($name: String!, $slug: String) { registerTenant(input: { name: $name, slug: $slug }) { tenant { id } } }',
        { name, slug },
      );
      return registerTenant.tenant.id;
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await gateway.close();
    },
  };
}

/** What axe-core finds on the page as it is, by all rules or by these. */
export async function findViolations(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    (only) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(
        only ? { runOnly: { type: 'rule', values: only } } : {},
      ),
    rules && [...rules],
  );
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  );
}

/** Leads to another screen without loading the page again. */
export async function goTo(page: Page, path: string, base = adminPath): Promise<void> {
  await page.evaluate((to) => {
    history.pushState({}, '', to);
    dispatchEvent(new PopStateEvent('popstate', { state: {} }));
  }, `${base}${path}`);
}

/**
 * Pictures of the page as it is, wide and narrow, light and dark, in the folder ADMIN_SCREENSHOTS; without that variable, none.
 */
export async function takePictures(page: Page, name: string): Promise<void> {
  const folder = process.env.ADMIN_SCREENSHOTS;
  if (!folder) return;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [size, width, height] of [
      ['wide', 1400, 900],
      ['narrow', 390, 844],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(250);
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${size}.png`) });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1400, height: 900 });
}
