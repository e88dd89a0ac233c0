import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Doctor, openDoctor } from '../provisioning/support/doctor.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { openBrowser, skipsBrowser, visit } from '../setup/browser.js';
import { uniqueName } from '../setup/database.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { findViolations, takePictures } from './support/admin-page.js';

const hostile = '<img src=x onerror=alert(1)> 🦁';

describe.skipIf(skipsBrowser)('the screen of drift', () => {
  let testbed: GatewayWithModules;
  let doctor: Doctor;
  let browser: Browser;
  const crm = uniqueName('c');
  beforeAll(async () => {
    testbed = await openGatewayWithModules({ name: crm, migrations: contacts, schemaPrefix: 'crm_' });
    doctor = await openDoctor(testbed);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await doctor?.close();
    await testbed?.close();
  });

  /** A tenant whose schema was changed by hand. */
  async function aTenantWith(sql: string): Promise<StoryTenant> {
    const tenant = await aTenant().subscribedTo(crm).at(testbed.gateway);
    await testbed.psql(crm, `SET search_path = crm_${tenant.slug}; ${sql}`);
    await doctor.diagnose({ tenant: tenant.id, structure: true });
    return tenant;
  }

  const open = (path: string) => visit(browser, testbed.gateway.url, `/admin${path}`);

  const statusesOf = async ({ id }: StoryTenant) =>
    (
      await testbed.gateway.psql<{ status: string }>(
        'SELECT status::text FROM drift_findings WHERE tenant_id = $1 ORDER BY 1',
        [id],
      )
    ).map(({ status }) => status);

  test('a missing index is shown with the difference and made again', async () => {
    const tenant = await aTenantWith('DROP INDEX contact_by_name');
    const { page, problems } = await open(`/drift?tenant=${tenant.slug}`);
    await page.getByRole('button', { name: /contact_by_name/ }).click();
    await page.getByText('The object does not exist.').waitFor();
    await page
      .locator('figure')
      .getByText(/CREATE INDEX/)
      .waitFor();
    await takePictures(page, 'drift');
    await page.getByRole('button', { name: 'Repair the database' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Repair the database' }).click();
    await page.getByText('The database is repaired').waitFor();
    await page.getByText('No finding matches').waitFor();
    expect(await statusesOf(tenant)).toEqual(['repaired']);
    expect(
      await testbed.psql(
        crm,
        `SELECT 1 FROM pg_indexes WHERE schemaname = 'crm_${tenant.slug}' AND indexname = 'contact_by_name'`,
      ),
    ).toHaveLength(1);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('a table that nobody made by a file is dropped only after its name was typed', async () => {
    const name = `"extra ${hostile}"`;
    const tenant = await aTenantWith(`CREATE TABLE ${name} (id int)`);
    const { page } = await open(`/drift?tenant=${tenant.slug}&code=STRUCTURE_EXTRA`);
    await page
      .getByRole('button', { name: /^error table|table extra/i })
      .first()
      .click();
    await page.getByRole('button', { name: 'Repair the database' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('It cannot be brought back').waitFor();
    const repair = dialog.getByRole('button', { name: 'Repair the database' });
    expect(await repair.isDisabled()).toBe(true);
    const [finding] = await testbed.gateway.psql<{ name: string }>(
      `SELECT object_name AS name FROM drift_findings WHERE tenant_id = $1 AND code = 'STRUCTURE_EXTRA'`,
      [tenant.id],
    );
    await dialog.getByRole('textbox').fill(finding?.name ?? '');
    await expect.poll(() => repair.isEnabled()).toBe(true);
    expect(await findViolations(page)).toEqual([]);
    await repair.click();
    await page.getByText('The database is repaired').waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(
      await testbed.psql(
        crm,
        `SELECT 1 FROM pg_tables WHERE schemaname = 'crm_${tenant.slug}' AND tablename LIKE 'extra%'`,
      ),
    ).toEqual([]);
    await page.context().close();
  });

  test('findings are accepted and ignored, and found again by their status', async () => {
    const tenant = await aTenantWith('DROP INDEX contact_by_name; ALTER TABLE note ADD COLUMN extra int');
    const { page } = await open('/drift');
    const listOf = (filter: string) => `${testbed.gateway.url}/admin/drift?tenant=${tenant.slug}${filter}`;
    for (const [object, verb, said] of [
      [/contact_by_name/, 'Keep the database', 'The difference is accepted'],
      [/note\.extra/, 'Ignore', 'The difference is ignored'],
    ] as const) {
      await page.goto(listOf(''));
      await page.getByRole('button', { name: object }).click();
      await page.getByRole('button', { name: verb, exact: true }).first().click();
      await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
      await page.getByText(said).waitFor();
      await page.getByRole('button', { name: object }).waitFor({ state: 'detached' });
    }
    expect(await statusesOf(tenant)).toEqual(['accepted', 'ignored']);
    await page.goto(listOf('&status=IGNORED'));
    await page.getByRole('button', { name: /note\.extra/ }).waitFor();
    expect(await page.getByRole('button', { name: /contact_by_name/ }).count()).toBe(0);
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', async (colorScheme) => {
    const tenant = await aTenantWith('DROP INDEX contact_by_name');
    const { page } = await open(`/drift?tenant=${tenant.slug}`);
    await page.emulateMedia({ colorScheme });
    await page.getByRole('button', { name: /contact_by_name/ }).click();
    await page
      .locator('figure')
      .getByText(/CREATE INDEX/)
      .waitFor();
    await page.waitForTimeout(300);
    expect(await findViolations(page)).toEqual([]);
    await page.context().close();
  });
});
