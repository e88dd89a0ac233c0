import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser, visit } from '../setup/browser.js';
import type { TestGateway } from '../setup/gateway.js';
import {
  allScopes,
  findViolations,
  goTo,
  openAdmin,
  type TestAdmin,
  takePictures,
} from './support/admin-page.js';

describe.skipIf(skipsBrowser)('the admin page in a browser', () => {
  let admin: TestAdmin;
  let gateway: TestGateway;
  let browser: Browser;
  beforeAll(async () => {
    admin = await openAdmin();
    ({ gateway, browser } = admin);
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  test('a wrong key is refused with the reason, and a good one opens the screen of the address', async () => {
    await admin.aTenant('First', 'first');
    const { page, foreignRequests } = await visit(browser, gateway.url, '/registry/admin/tenants?q=first');
    await page.getByLabel('API key').fill('wrong');
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await expect.poll(() => page.getByRole('alert').innerText()).toMatch(/login failed/i);
    await admin.logIn(page, await gateway.createKey(...allScopes));
    await page.getByRole('link', { name: 'First' }).click();
    await page.getByRole('heading', { name: 'First' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/registry/admin/tenants/first');
    // The key is in no storage of the browser.
    expect(
      await page.evaluate(() =>
        JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
      ),
    ).not.toMatch(/trk_|wrong/);
    expect(foreignRequests).toEqual([]);
    await page.context().close();
  });

  test('suspends a tenant after its slug was typed, and undoes it', async () => {
    const id = await admin.aTenant('Harbour', 'harbour');
    const { page } = await admin.enter('/tenants/harbour');
    await page.getByRole('button', { name: 'Suspend' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('Unpaid');
    const confirm = dialog.getByRole('button', { name: 'Suspend' });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel('Type harbour to confirm').fill('harbour');
    await confirm.click();
    await page.getByText('suspended', { exact: true }).waitFor();
    const statusOf = async () =>
      (await gateway.psql<{ status: string }>('SELECT status FROM tenants WHERE id = $1', [id]))[0]?.status;
    expect(await statusOf()).toBe('suspended');
    await page.getByRole('button', { name: /^Undo: / }).click();
    await expect.poll(statusOf).toBe('active');
    await page.context().close();
  });

  test('shows a change that somebody else makes, without reloading', async () => {
    const id = await admin.aTenant('Before', 'other');
    const { page } = await admin.enter('/tenants/other');
    await page.getByRole('heading', { name: 'Before' }).waitFor();
    await gateway.psql(`UPDATE tenants SET name = 'After' WHERE id = $1`, [id]);
    await page.getByRole('heading', { name: 'After' }).waitFor();
    await page.context().close();
  });

  test('disables what the caller may not do, and names the scope', async () => {
    await admin.aTenant('Read only', 'read-only');
    const { page } = await admin.enter('/tenants/read-only', ['registry:read']);
    const button = page.getByRole('button', { name: 'Suspend' });
    await button.hover();
    await page.getByText('Needs scope registry:write').waitFor();
    await button.press('Enter');
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.context().close();
  });

  test('keeps what was typed when the login ends', async () => {
    await admin.aTenant('Ended', 'ended');
    const { page } = await admin.enter('/tenants/ended');
    await page.getByRole('button', { name: 'Suspend' }).click();
    await page.getByLabel('Reason').fill('A long reason');
    await gateway.psql(
      'UPDATE api_keys SET revoked_at = now() WHERE id = (SELECT id FROM api_keys ORDER BY created_at DESC LIMIT 1)',
    );
    await page.getByText('Your login has ended').waitFor();
    await page.getByLabel('API key').fill(await gateway.createKey(...allScopes));
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByText('Your login has ended').waitFor({ state: 'detached' });
    expect(await page.getByLabel('Reason').inputValue()).toBe('A long reason');
    await page.context().close();
  });

  test('shows hostile names as text', async () => {
    const name = '<img src=x onerror=alert(1)> \u05e9\u05dc\u05d5\u05dd 🦁 javascript:alert(1)';
    await admin.aTenant(name, 'hostile');
    const { page, problems } = await admin.enter('/tenants');
    await page.getByRole('link', { name: 'javascript:alert(1)' }).click();
    await page.getByRole('heading', { name: 'javascript:alert(1)' }).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('leads by keys: search, palette, navigation and help', async () => {
    await admin.aTenant('Palette', 'palette');
    const { page } = await admin.enter('/');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.getByRole('heading', { name: 'Tenants', exact: true }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('palet');
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('palet');
    await page.keyboard.press('Enter');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('ControlOrMeta+k');
    await page.getByPlaceholder('Find a tenant').fill('palette');
    await page.getByRole('button', { name: /^Palette/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Palette' }).waitFor();
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing on the screens in %s', async (colorScheme) => {
    await admin.aTenant(`Seen ${colorScheme}`, `seen-${colorScheme}`);
    const { page } = await admin.enter('/');
    await page.emulateMedia({ colorScheme });
    const violations: string[] = [];
    for (const [path, heading] of [
      ['/', 'Overview'],
      ['/tenants', 'Tenants'],
      [`/tenants/seen-${colorScheme}`, `Seen ${colorScheme}`],
    ] as const) {
      await goTo(page, path);
      await page.getByRole('heading', { name: heading, level: 1, exact: true }).waitFor();
      await page.getByText('Loading…').waitFor({ state: 'detached' });
      violations.push(...(await findViolations(page)).map((text) => `${path}: ${text}`));
      if (colorScheme === 'light') await takePictures(page, heading.replace(/\W+/g, '-'));
    }
    expect(violations).toEqual([]);
    await page.context().close();
  });

  test('loads at most 250 KB of compressed JavaScript at first', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    let bytes = 0;
    page.on('response', async (response) => {
      if (response.request().resourceType() === 'script')
        bytes += Number(response.headers()['content-length']);
    });
    await page.goto(`${gateway.url}/registry/admin/tenants`);
    await page.getByLabel('API key').waitFor();
    await admin.logIn(page, await gateway.createKey(...allScopes));
    await page.getByRole('heading', { name: 'Tenants', exact: true }).waitFor();
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(250_000);
    await context.close();
  });
});
