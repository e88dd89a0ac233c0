import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser } from '../setup/browser.js';
import { allScopes, findViolations, openAdmin, type TestAdmin, takePictures } from './support/admin-page.js';

describe.skipIf(skipsBrowser)('the wizard for a new tenant', () => {
  let admin: TestAdmin;
  beforeAll(async () => {
    admin = await openAdmin();
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  async function statusOf(slug: string): Promise<string | undefined> {
    const { tenant } = await admin.ask('query ($id: ID!) { tenant(id: $id) { status } }', { id: slug });
    return tenant?.status;
  }

  test('the keyboard alone creates a tenant with modules, and sees the operation to its end', async () => {
    const { page, problems } = await admin.enter('/tenants/new');
    const { keyboard } = page;
    const isFocused = (label: string) =>
      expect
        .poll(() =>
          page
            .getByLabel(label)
            .first()
            .evaluate((one) => one === document.activeElement),
        )
        .toBe(true);
    await isFocused('Name');
    await keyboard.type('Café Müller & Co');
    await page.getByText('Available.').waitFor();
    expect(await page.getByLabel('Slug').inputValue()).toBe('cafe-muller-co');
    await takePictures(page, 'onboarding-name');
    await keyboard.press('Enter');
    await isFocused('dbtools');
    await keyboard.press('Tab');
    await keyboard.press('Space');
    await takePictures(page, 'onboarding-modules');
    await keyboard.press('Enter');
    await isFocused('lite');
    await keyboard.press('ArrowDown');
    await takePictures(page, 'onboarding-plan');
    await keyboard.press('Enter');
    await isFocused('Short name');
    await takePictures(page, 'onboarding-profile');
    await keyboard.press('Enter');
    await isFocused('Email of the first admin');
    await keyboard.type('ada@example.com');
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Review' }).waitFor();
    await takePictures(page, 'onboarding-review');
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Café Müller & Co is registered' }).waitFor();
    await page.getByText('The invitation of the first admin').waitFor();
    await page.getByText('succeeded', { exact: true }).first().waitFor();
    await takePictures(page, 'onboarding-outcome');
    const { tenant } = await admin.ask(
      'query { tenant(id: "cafe-muller-co") { status plan modulesSubscribed members(first: 1) { edges { node { email } } } } }',
    );
    expect(tenant).toEqual({
      status: 'ACTIVE',
      plan: expect.not.stringMatching('LITE'),
      modulesSubscribed: ['finance'],
      members: { edges: [{ node: { email: 'ada@example.com' } }] },
    });
    expect(problems.filter((one) => !one.includes('401'))).toEqual([]);
    await page.context().close();
  });

  test('a slug that is taken names its owner, and another one can be chosen', async () => {
    await admin.aTenant('Owner <b>', 'owner-b');
    const { page } = await admin.enter('/tenants/new');
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Owner b');
    await page.getByText('Taken by “Owner <b>”').waitFor();
    const next = page.getByRole('button', { name: 'Next' });
    expect(await next.isDisabled()).toBe(true);
    for (const refused of ['Owner B', 'x--y', '1a']) {
      await page.getByLabel('Slug').fill(refused);
      await page.getByText(/lower-case letters/).waitFor();
    }
    await page.getByLabel('Slug').fill('owner_c');
    await page.getByText('Available.').waitFor();
    expect(await next.isDisabled()).toBe(false);
    await page.context().close();
  });

  test('keeps what was typed on another screen, over an ended login and a lost connection, and sends it once', async () => {
    const { page } = await admin.enter('/tenants/new');
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Kept');
    await page.getByText('Available.').waitFor();
    await page.getByRole('link', { name: 'Tenants' }).click();
    await page.getByRole('heading', { name: 'Tenants' }).waitFor();
    await page.goBack();
    await expect
      .poll(() => page.getByRole('textbox', { name: 'Name', exact: true }).inputValue())
      .toBe('Kept');

    await admin.gateway.psql(
      `UPDATE api_keys SET revoked_at = now() WHERE id = (SELECT id FROM api_keys ORDER BY created_at DESC LIMIT 1)`,
    );
    await page.getByText('Your login has ended').waitFor();
    await admin.logIn(page, await admin.gateway.createKey(...allScopes));
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('button', { name: 'Review' }).click();

    // The gateway does the work, and its answer is lost.
    const sent: string[] = [];
    await page.route('**/graphql', async (route) => {
      const { query } = route.request().postDataJSON();
      if (!query.includes('registerTenant')) return route.continue();
      sent.push(route.request().postData() ?? '');
      if (sent.length === 1) await route.fetch();
      return sent.length < 3 ? route.abort() : route.continue();
    });
    await page.getByRole('button', { name: 'Register the tenant' }).click();
    await page.getByText('CONNECTION_LOST').waitFor();
    await page.getByText('Kept', { exact: true }).first().waitFor();
    await page.getByRole('heading', { name: 'Kept is registered' }).waitFor();
    expect(new Set(sent).size).toBe(1);
    expect(await statusOf('kept')).toBe('ACTIVE');
    await page.context().close();
  });

  test('a refused field is shown on its step, and the rest stays', async () => {
    const { page } = await admin.enter('/tenants/new');
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Refused');
    await page.getByText('Available.').waitFor();
    await page.getByRole('button', { name: 'Profile' }).click();
    await page.getByLabel('Website').fill('javascript:alert(1)');
    await page.getByLabel('Internal note').fill('<img src=x onerror=alert(1)> שלום 🦁');
    await page.getByRole('button', { name: 'Review' }).click();
    expect(await page.locator('img, a[href^="javascript:"]').count()).toBe(0);
    await page.getByRole('button', { name: 'Register the tenant' }).click();
    await page.getByText('VALIDATION_ERROR').waitFor();
    await takePictures(page, 'onboarding-refused');
    await page.getByRole('button', { name: 'Correct it in “Profile”' }).click();
    const website = page.getByLabel('Website');
    expect(await website.getAttribute('aria-invalid')).toBe('true');
    await website.fill('https://example.com');
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Register the tenant' }).click();
    await page.getByRole('heading', { name: 'Refused is registered' }).waitFor();
    await page.context().close();
  });

  test('without scope provision no module is offered, and without registry:write nothing is sent', async () => {
    const { page } = await admin.enter('/tenants/new', ['registry:read']);
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Nobody');
    await page.getByText('Available.').waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Modules need scope provision').waitFor();
    expect(await page.getByLabel('finance').isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Review' }).click();
    const button = page.getByRole('button', { name: 'Register the tenant' });
    await button.hover();
    await page.getByText('Needs scope registry:write').waitFor();
    await button.press('Enter');
    expect(await statusOf('nobody')).toBeUndefined();
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing on its steps in %s', async (colorScheme) => {
    const { page } = await admin.enter('/tenants/new');
    await page.emulateMedia({ colorScheme });
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(`Seen ${colorScheme}`);
    await page.getByText('Available.').waitFor();
    const violations: string[] = [];
    for (const step of ['Name', 'Modules', 'Plan', 'Profile', 'First admin', 'Review']) {
      await page.getByRole('navigation', { name: 'Steps' }).getByRole('button', { name: step }).click();
      await page.getByRole('heading', { name: step, level: 2 }).waitFor();
      violations.push(...(await findViolations(page)));
    }
    await page.getByRole('button', { name: 'Register the tenant' }).click();
    await page.getByRole('heading', { name: `Seen ${colorScheme} is registered` }).waitFor();
    violations.push(...(await findViolations(page)));
    expect(violations).toEqual([]);
    await page.context().close();
  });
});
