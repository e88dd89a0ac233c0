import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, skipsBrowser, visit } from '../setup/browser.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { type GatewayProcess, insertKey, startGateway } from '../setup/gateway-process.js';
import { allScopes, goTo } from './support/admin-page.js';

/** A gateway that shares the databases; it is killed, and started again at the same port. */
describe.skipIf(skipsBrowser)('a server that is killed and started again under an open page', () => {
  let databases: TestGateway;
  let server: GatewayProcess;
  let browser: Browser;
  let key: string;
  const serve = (env?: Record<string, string>) =>
    startGateway({
      ...{ databaseUrl: databases.registry.url, serviceUrl: databases.serviceUrl, key },
      env: { AUTH_MODE: 'required', WORKER: 'none', ...env },
    });
  const ask = async (query: string) => {
    const { data, errors } = await server.ask(query);
    if (errors[0]) throw new Error(errors[0].message);
    return data;
  };

  beforeAll(async () => {
    databases = await openGateway();
    key = await insertKey(databases.registry.url, ...allScopes);
    server = await serve();
    browser = await openBrowser();
    await ask('mutation { registerTenant(input: { name: "Survivor", slug: "survivor" }) { revision } }');
  });
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    await databases?.close();
  });

  const aTenant = (slug: string, name = slug) =>
    ask(`mutation { registerTenant(input: { name: "${name}", slug: "${slug}" }) { revision } }`);

  async function openPage(path: string): Promise<Page> {
    const { page } = await visit(browser, server.url, `/admin${path}`);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.evaluate(() => Object.assign(globalThis, { isFirstLoad: true }));
    return page;
  }

  /** kill -9 with pages open, and a new process at the same port when all of them have noticed. */
  async function killAndRestart(pages: readonly Page[]): Promise<void> {
    await server.kill();
    for (const page of pages) await page.getByText('The gateway does not answer').first().waitFor();
    server = await serve({ PORT: new URL(server.url).port });
    for (const page of pages) {
      await page.getByText('The gateway does not answer').first().waitFor({ state: 'detached' });
      expect(await page.evaluate(() => 'isFirstLoad' in globalThis)).toBe(true);
    }
  }

  test('lists and live streams go on by themselves, and a half-typed form is whole and can be saved', async () => {
    const [row] = await databases.psql<{ id: string }>(
      `INSERT INTO operations (kind, tenant_id, actor, status) SELECT 'subscribe_tenant', id, 'somebody', 'queued' FROM tenants WHERE slug = 'survivor' RETURNING id`,
    );
    const list = await openPage('/tenants');
    const operation = await openPage(`/operations/${row?.id}`);
    const form = await openPage('/tenants/survivor?tab=profile');
    const wizard = await openPage('/tenants/new');
    const suspend = await openPage('/tenants/survivor');
    await list.getByRole('link', { name: 'Survivor' }).waitFor();
    await operation.locator('.status', { hasText: 'queued' }).first().waitFor();
    await form.getByLabel('Short name').fill('Half ty');
    await form.getByLabel('Internal note').fill('שלום 🦁\nsecond line');
    await wizard.getByRole('textbox', { name: 'Name', exact: true }).fill('Typed before');
    await wizard.getByText('Available.').waitFor();
    await wizard.getByRole('button', { name: 'Profile' }).click();
    await wizard.getByLabel('Internal note').fill('half a no');
    await suspend.getByRole('button', { name: 'Suspend' }).click();
    await suspend.getByLabel('Reason').fill('half a rea');

    await killAndRestart([list, operation, form, wizard, suspend]);

    await ask(
      'mutation { registerTenant(input: { name: "After the restart", slug: "after-restart" }) { revision } }',
    );
    await list.getByRole('link', { name: 'After the restart' }).waitFor();
    await ask(`mutation { cancelOperation(input: { id: "${row?.id}" }) { revision } }`);
    await operation.locator('.status', { hasText: 'cancelled' }).nth(1).waitFor();

    await form.bringToFront();
    expect(await form.getByLabel('Short name').inputValue()).toBe('Half ty');
    await form.getByLabel('Short name').press('End');
    await form.getByLabel('Short name').pressSequentially('ped');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('Saved', { exact: true }).waitFor();
    expect(
      await databases.psql(`SELECT short_name, internal_note FROM tenants WHERE slug = 'survivor'`),
    ).toEqual([{ short_name: 'Half typed', internal_note: 'שלום 🦁 second line' }]);

    await wizard.bringToFront();
    expect(await wizard.getByLabel('Internal note').inputValue()).toBe('half a no');
    await wizard.getByRole('button', { name: 'Review' }).click();
    await wizard.getByRole('button', { name: 'Register the tenant' }).click();
    await wizard.getByRole('heading', { name: 'Typed before is registered' }).waitFor();

    await suspend.bringToFront();
    const dialog = suspend.getByRole('dialog');
    expect(await dialog.getByLabel('Reason').inputValue()).toBe('half a rea');
    await dialog.getByLabel('Type survivor to confirm').fill('survivor');
    await dialog.getByRole('button', { name: 'Suspend' }).click();
    await suspend.locator('.status', { hasText: 'suspended' }).first().waitFor();
    for (const page of [list, operation, form, wizard, suspend]) await page.context().close();
  });

  test('a form that is saved while the server is down says so, keeps everything, and is saved afterwards', async () => {
    await aTenant('void');
    const page = await openPage('/tenants/void?tab=profile');
    await page.getByLabel('Short name').fill('Sent into the void');
    await server.kill();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('CONNECTION_LOST').waitFor();
    expect(await page.getByLabel('Short name').inputValue()).toBe('Sent into the void');
    // A screen that was never opened is loaded when the server is back.
    await goTo(page, '/audit', '/admin');
    server = await serve({ PORT: new URL(server.url).port });
    await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor();
    expect(await page.evaluate(() => 'isFirstLoad' in globalThis)).toBe(true);
    await page.context().close();
  });

  test('an expired login keeps what was typed in every open dialog and form, and it is saved after the next login', async () => {
    await aTenant('expired');
    const page = await openPage('/tenants/expired?tab=profile');
    await page.getByLabel('Short name').fill('Typed by the old login');
    await databases.psql('UPDATE api_keys SET revoked_at = now()');
    await page.getByText('Your login has ended').waitFor();
    key = await insertKey(databases.registry.url, ...allScopes);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByText('Your login has ended').waitFor({ state: 'detached' });
    expect(await page.getByLabel('Short name').inputValue()).toBe('Typed by the old login');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved', { exact: true }).waitFor();
    expect(await databases.psql(`SELECT short_name FROM tenants WHERE slug = 'expired'`)).toEqual([
      { short_name: 'Typed by the old login' },
    ]);
    await page.context().close();
  });
});
