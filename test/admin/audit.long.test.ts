import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser } from '../setup/browser.js';
import { findViolations, openAdmin, type TestAdmin, takePictures } from './support/admin-page.js';

describe.skipIf(skipsBrowser)('the screen of the audit log', () => {
  let admin: TestAdmin;
  beforeAll(async () => {
    admin = await openAdmin();
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  const rename = (slug: string, name: string) =>
    admin.ask(
      'mutation ($id: ID!, $name: String) { updateTenant(input: { tenantId: $id, name: $name }) { revision } }',
      { id: slug, name },
    );

  test('filters by tenant, noun and actor in the URL, and shows what was before', async () => {
    const hostile = '<img src=x onerror=alert(1)> שלום 🦁 javascript:alert(1)';
    await admin.aTenant('Before', 'logged');
    await admin.aTenant('Another', 'another');
    await rename('logged', hostile);
    const { page, problems } = await admin.enter('/audit');
    const rows = page.getByRole('region', { name: 'Entries of the audit log' }).locator('tbody tr');
    await page.getByLabel('Tenant', { exact: true }).fill('logged');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).searchParams.get('tenant')).toBe('logged');
    await expect.poll(() => page.getByRole('link', { name: 'another' }).count()).toBe(0);
    await page.getByRole('combobox', { name: 'Change of' }).click();
    await page.getByRole('option', { name: 'Tenant', exact: true }).click();
    await page.keyboard.press('Escape');
    await expect.poll(() => rows.count()).toBe(2);
    await takePictures(page, 'audit');
    await page
      .getByRole('button', { name: /^Show entry/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog', { name: 'Tenant updated' });
    await dialog.getByText('Before', { exact: true }).last().waitFor();
    await dialog.getByText(hostile).waitFor();
    await takePictures(page, 'audit-entry');
    expect(await page.locator('img, a[href^="javascript:"]').count()).toBe(0);
    await page.keyboard.press('Escape');

    // The link shows the same list to somebody else.
    await page
      .getByTitle(/^Only entries of/)
      .first()
      .click();
    await expect.poll(() => new URL(page.url()).searchParams.get('actor')).toMatch(/^api-key:/);
    const { pathname, search } = new URL(page.url());
    const other = await admin.enter(`${pathname.slice('/registry/admin'.length)}${search}`);
    await expect
      .poll(() =>
        other.page.getByRole('region', { name: 'Entries of the audit log' }).locator('tbody tr').count(),
      )
      .toBe(2);
    expect(problems.filter((one) => !one.includes('401'))).toEqual([]);
    await other.page.context().close();
    await page.context().close();
  });

  test('shows new entries and the new head without reloading', async () => {
    await admin.aTenant('Watched', 'watched');
    const { page } = await admin.enter('/audit?tenant=watched');
    const head = page.locator('code').filter({ hasText: /^\d+:[0-9a-f]{64}$/ });
    await head.waitFor();
    const earlier = await head.innerText();
    await rename('watched', 'Watched again');
    await page.getByText('Tenant updated').waitFor();
    await expect.poll(() => head.innerText()).not.toBe(earlier);
    const [row] = await admin.gateway.psql<{ head: string }>(
      `SELECT revision || ':' || encode(hash, 'hex') AS head FROM registry_head`,
    );
    await expect.poll(() => head.innerText()).toBe(row?.head);
    await page.context().close();
  });

  test('filters by time and module, and leads back to everything', async () => {
    await admin.ask(
      `mutation { provisionTenant(input: { name: "Modular", slug: "modular", adminEmail: "a@example.com", modules: ["finance", "inventory"] }) { revision } }`,
    );
    const { page } = await admin.enter('/audit?tenant=modular&module=finance');
    const rows = page.getByRole('region', { name: 'Entries of the audit log' }).locator('tbody tr');
    await rows.first().waitFor();
    const modules = await rows.evaluateAll((all) => [
      ...new Set(all.map((row) => row.children[3]?.textContent)),
    ]);
    expect(modules).toEqual(['finance']);
    await page.getByLabel('Module').selectOption('inventory');
    await expect.poll(() => new URL(page.url()).searchParams.get('module')).toBe('inventory');
    await expect.poll(() => rows.first().locator('td').nth(3).innerText()).toBe('inventory');
    const [counted] = await admin.gateway.psql<{ count: number }>(
      `SELECT count(*)::int AS count FROM registry_change WHERE tenant_slug = 'modular' AND module = 'inventory'`,
    );
    await page.getByText(`${counted?.count} entries on this page`).waitFor();
    await page.getByLabel('Until').fill('2020-01-01T00:00');
    await page.getByText('No entry matches').waitFor();
    await page.getByRole('button', { name: 'Remove the filter' }).click();
    await rows.first().waitFor();
    expect(new URL(page.url()).search).toBe('');
    await page.context().close();
  });

  test('an unknown tenant is named', async () => {
    const { page } = await admin.enter('/audit?tenant=nobody');
    await page.getByText('TENANT_NOT_FOUND').waitFor();
    await page.context().close();
  });

  test('nothing is in motion after a change of the color scheme, where motion is reduced', async () => {
    const { page } = await admin.enter('/audit');
    const time = page.locator('tbody time').first();
    await time.waitFor();
    const moving = await time.evaluate((element) => {
      document.documentElement.dataset.mantineColorScheme = 'dark';
      // Applies the styles, which begins their transitions.
      getComputedStyle(element).getPropertyValue('color');
      return document.getAnimations().length;
    });
    expect(moving).toBe(0);
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', async (colorScheme) => {
    await admin.aTenant(`Seen ${colorScheme}`, `seen-${colorScheme}`);
    const { page } = await admin.enter('/audit');
    await page.emulateMedia({ colorScheme });
    await page
      .getByRole('button', { name: /^Show entry/ })
      .first()
      .waitFor();
    const violations = await findViolations(page);
    await page
      .getByRole('button', { name: /^Show entry/ })
      .first()
      .click();
    await page.getByRole('dialog').getByText('Hash').waitFor();
    violations.push(...(await findViolations(page)));
    expect(violations).toEqual([]);
    await page.context().close();
  });
});
