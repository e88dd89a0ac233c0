import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser } from '../setup/browser.js';
import { findViolations, openAdmin, type TestAdmin, takePictures } from './support/admin-page.js';

const hostile = '<img src=x onerror=alert(1)> javascript:alert(1) 🦁';

describe.skipIf(skipsBrowser)('the screens of modules', () => {
  let admin: TestAdmin;
  beforeAll(async () => {
    admin = await openAdmin();
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  const moduleRow = async (name: string) =>
    (
      await admin.gateway.psql(
        'SELECT description, schema_prefix, retired_at IS NOT NULL AS retired FROM modules WHERE name = $1',
        [name],
      )
    )[0];

  test('a module is added, edited, retired, brought back and removed', async () => {
    const { page, problems } = await admin.enter('/modules');
    await page.getByRole('button', { name: 'Add a module' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Not a name');
    await dialog.getByRole('button', { name: 'Add' }).click();
    await dialog.getByText('VALIDATION_ERROR').waitFor();
    await dialog.getByLabel('Name').fill('crm');
    await dialog.getByLabel('Purpose').fill(hostile);
    await dialog.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('heading', { name: 'crm', level: 1 }).waitFor();
    await page.getByText('set CRM_DB_URL for this gateway').waitFor();
    await page.getByText(hostile).waitFor();
    expect(await page.locator('img, a[href^="javascript:"]').count()).toBe(0);

    await page.getByRole('button', { name: 'Edit' }).click();
    await dialog.getByLabel('Prefix of schemas').fill('customers_');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('customers_').waitFor();
    expect(await moduleRow('crm')).toEqual({
      ...{ description: hostile, schema_prefix: 'customers_', retired: false },
    });

    await page.getByRole('button', { name: 'Retire' }).click();
    await dialog.getByRole('button', { name: 'Retire' }).click();
    await page.getByText('retired', { exact: true }).waitFor();
    expect(await moduleRow('crm')).toMatchObject({ retired: true });
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Bring back' }).click();
    await dialog.getByRole('button', { name: 'Bring back' }).click();
    await page.getByText('retired', { exact: true }).waitFor({ state: 'detached' });
    expect(await moduleRow('crm')).toMatchObject({ retired: false });
    await dialog.waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Remove' }).click();
    const remove = dialog.getByRole('button', { name: 'Remove' });
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByLabel('Type crm to confirm').fill('crm');
    await remove.click();
    await page.getByRole('heading', { name: 'Modules', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'crm' }).waitFor({ state: 'detached' });
    expect(await moduleRow('crm')).toBeUndefined();
    // The refusals that were provoked are the only errors.
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('an edit based on another version is refused, keeps what was typed and is put on top of the change', async () => {
    const { page } = await admin.enter('/modules/finance');
    await page.getByRole('button', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Purpose').fill('Mine');
    await admin.gateway.psql(`UPDATE modules SET description = 'Theirs' WHERE name = 'finance'`);
    await page.getByText('Theirs', { exact: true }).first().waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('VERSION_CONFLICT').waitFor();
    expect(await dialog.getByLabel('Purpose').inputValue()).toBe('Mine');
    await dialog.getByRole('cell', { name: 'Theirs' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Put my changes on top' }).click();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.locator('#content').getByText('Mine', { exact: true }).waitFor();
    expect(await moduleRow('finance')).toMatchObject({ description: 'Mine' });
    await page.context().close();
  });

  test('shows which migrations the tenants have', async () => {
    const tenantId = await admin.aTenant('Migrated', 'migrated');
    await admin.ask(
      'mutation ($id: ID!) { subscribeTenantToModule(input: { tenantId: $id, module: "finance" }) { revision } }',
      { id: tenantId },
    );
    const { page } = await admin.enter('/modules');
    await page.getByRole('region', { name: 'Modules' }).waitFor();
    await takePictures(page, 'modules');
    await page.getByRole('link', { name: 'finance' }).click();
    await page.getByRole('heading', { name: 'Migrations' }).waitFor();
    await page
      .getByRole('cell', { name: /^finance\/\d+/ })
      .first()
      .waitFor();
    await takePictures(page, 'module');
    await page.getByRole('link', { name: 'Plan a rollout' }).click();
    await page.getByRole('heading', { name: 'Plan a rollout', level: 1 }).waitFor();
    await page.getByText('No tenant is behind').waitFor();
    expect(await page.getByRole('button', { name: 'Start the rollout' }).isDisabled()).toBe(true);
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', async (colorScheme) => {
    const { page } = await admin.enter('/modules');
    await page.emulateMedia({ colorScheme });
    await page.getByRole('region', { name: 'Modules' }).waitFor();
    const violations = await findViolations(page);
    await page.getByRole('link', { name: 'inventory' }).click();
    await page.getByRole('heading', { name: 'Migrations' }).waitFor();
    await page.getByText('Comparing the files').waitFor({ state: 'detached' });
    violations.push(...(await findViolations(page)));
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('dialog').waitFor();
    await page.waitForTimeout(300);
    violations.push(...(await findViolations(page)));
    expect(violations).toEqual([]);
    await page.context().close();
  });
});
