import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser } from '../setup/browser.js';
import { allScopes, findViolations, openAdmin, type TestAdmin, takePictures } from './support/admin-page.js';

describe.skipIf(skipsBrowser)('the screen of the API keys', () => {
  let admin: TestAdmin;
  beforeAll(async () => {
    admin = await openAdmin();
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  const scopesOf = async (key: string | null) =>
    (await admin.gateway.ask('{ viewer { scopes } }', {}, { key: key ?? '' })).data?.viewer.scopes;
  const accepts = async (key: string | null) =>
    (await admin.gateway.ask('{ viewer { actor } }', {}, { key: key ?? '' })).codes.length === 0;

  test('a key is created, its secret shown once, rotated and revoked', async () => {
    const name = 'billing <b onclick=alert(1)> 🦁';
    const { page, problems } = await admin.enter('/keys');
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('Name').fill(name);
    const create = page.getByRole('button', { name: 'Create the key' });
    expect(await create.isDisabled()).toBe(true);
    await page.getByLabel('registry:read').check();
    await page.getByRole('combobox', { name: 'Routes of single modules' }).click();
    await page.getByRole('option', { name: 'finance' }).click();
    await page.keyboard.press('Escape');
    await takePictures(page, 'keys-new');
    await create.click();
    const dialog = page.getByRole('dialog', { name: `The secret of ${name}` });
    const first = await dialog.locator('[data-secret]').textContent();
    expect(await scopesOf(first)).toEqual(['registry:read', 'resolve:finance']);
    await takePictures(page, 'keys-secret');
    await dialog.getByRole('button', { name: 'I have stored it' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(first);

    const row = page.getByRole('row').filter({ hasText: 'billing' });
    await row.getByText('active', { exact: true }).waitFor();
    await row.getByRole('button', { name: 'Rotate' }).click();
    await page.getByLabel('How long the previous key is still accepted').selectOption('0');
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
    const second = await dialog.locator('[data-secret]').textContent();
    expect([await accepts(first), await accepts(second)]).toEqual([false, true]);
    await dialog.getByRole('button', { name: 'I have stored it' }).click();
    await row.filter({ hasText: 'expired' }).waitFor();
    await takePictures(page, 'keys');

    await row.filter({ hasText: 'active' }).getByRole('button', { name: 'Revoke' }).click();
    await page.getByLabel(/to confirm$/).fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await row.filter({ hasText: 'revoked' }).waitFor();
    expect(await accepts(second)).toBe(false);
    expect(problems.filter((one) => !one.includes('401'))).toEqual([]);
    await page.context().close();
  });

  test('offers only scopes that the caller holds, and explains all', async () => {
    const { page } = await admin.enter('/keys', ['keys:manage', 'registry:read', 'resolve:finance']);
    await page.getByRole('button', { name: 'New key' }).click();
    expect(await page.getByLabel('registry:write').isDisabled()).toBe(true);
    expect(await page.getByLabel('registry:read').isDisabled()).toBe(false);
    await page.getByText('You do not hold it. Change tenants').waitFor();
    await page.getByRole('combobox', { name: 'Routes of single modules' }).click();
    expect(await page.getByRole('listbox').getByRole('option').allInnerTexts()).toEqual(['finance']);
    await page.context().close();
  });

  test('keeps what was typed when the key is refused, and shows the reason', async () => {
    const { page } = await admin.enter('/keys');
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('Name').fill('refused');
    await page.getByLabel('registry:read').check();
    await page.getByLabel('Expires').fill('2020-01-01T00:00');
    await page.getByRole('button', { name: 'Create the key' }).click();
    await page.getByText('VALIDATION_ERROR').waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe('refused');
    await page.context().close();
  });

  test('without keys:manage the navigation names the scope', async () => {
    const { page } = await admin.enter(
      '/keys',
      allScopes.filter((scope) => scope !== 'keys:manage'),
    );
    await page.getByText('This needs a key with scope keys:manage').waitFor();
    await page.getByRole('link', { name: 'Keys Needs scope keys:manage' }).waitFor();
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', async (colorScheme) => {
    const { page } = await admin.enter('/keys');
    await page.emulateMedia({ colorScheme });
    await page.getByRole('button', { name: 'Rotate' }).first().waitFor();
    await page.getByRole('row').getByText('keys:manage').first().hover();
    await page.getByRole('tooltip').waitFor();
    const violations = await findViolations(page);
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('Name').waitFor();
    violations.push(...(await findViolations(page)));
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Revoke' }).first().click();
    await page.getByLabel(/to confirm$/).waitFor();
    violations.push(...(await findViolations(page)));
    expect(violations).toEqual([]);
    await page.context().close();
  });
});
