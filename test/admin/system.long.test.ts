import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser } from '../setup/browser.js';
import { findViolations, goTo, openAdmin, type TestAdmin, takePictures } from './support/admin-page.js';

describe.skipIf(skipsBrowser)('the screens Explain, Gateways and About', () => {
  let admin: TestAdmin;
  beforeAll(async () => {
    admin = await openAdmin();
    await admin.ask(
      `mutation { provisionTenant(input: { name: "Resolved", slug: "resolved", adminEmail: "a@example.com", modules: ["finance"] }) { revision } }`,
    );
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  test('explains a route and where it came from, and a refusal by the check that failed', async () => {
    const { page } = await admin.enter('/explain');
    await page.getByText('Which tenant, which module?').waitFor();
    await page.getByRole('textbox', { name: 'Tenant' }).fill('resolved');
    await page.getByRole('combobox', { name: 'Module' }).fill('finance');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'It resolves' }).waitFor();
    const { tenantSchema } = await admin.ask(
      '{ tenantSchema(id: "resolved", module: "finance") { schemaName searchPath } }',
    );
    await page.getByText(tenantSchema.schemaName, { exact: true }).waitFor();
    await expect.poll(() => page.getByText('passed', { exact: true }).count()).toBe(4);
    await expect
      .poll(() => page.getByText(/the memory of the gateway|the database of the registry/).count())
      .toBe(1);
    await page.getByText(/left: it may answer from memory/).waitFor();
    await takePictures(page, 'explain');

    // Another change of the tenant shows by itself.
    await admin.ask(
      'mutation { suspendTenant(input: { tenantId: "resolved", reason: "Unpaid" }) { revision } }',
    );
    await page.getByRole('heading', { name: 'TENANT_SUSPENDED' }).waitFor();
    await page.getByText('failed', { exact: true }).waitFor();
    await page.getByText('not reached', { exact: true }).first().waitFor();
    await takePictures(page, 'explain-refused');
    await admin.ask('mutation { resumeTenant(input: { tenantId: "resolved" }) { revision } }');
    await page.getByRole('heading', { name: 'It resolves' }).waitFor();
    await page.context().close();
  });

  test.each([
    ['<img src=x onerror=alert(1)>', 'finance', 'TENANT_NOT_FOUND'],
    ['resolved', 'inventory', 'MODULE_NOT_SUBSCRIBED'],
    ['resolved', 'nothing', 'MODULE_NOT_FOUND'],
  ])('answers the link to %s and %s by %s', async (tenant, module, code) => {
    const { page } = await admin.enter(`/explain?${new URLSearchParams({ tenant, module })}`);
    await page.getByRole('heading', { name: code }).waitFor();
    expect(await page.getByRole('textbox', { name: 'Tenant' }).inputValue()).toBe(tenant);
    expect(await page.locator('img').count()).toBe(0);
    await page.context().close();
  });

  test('without a scope to resolve, the refusal names it', async () => {
    const { page } = await admin.enter('/explain?tenant=resolved&module=finance', ['registry:read']);
    await page.getByText('Not allowed').waitFor();
    await page
      .getByText(/resolve:finance/)
      .first()
      .waitFor();
    await page.context().close();
  });

  test('lists the gateways with lag and report, and a foreign host name is text', async () => {
    const { page } = await admin.enter('/gateways');
    const rows = page.getByRole('region', { name: 'Gateways' }).locator('tbody tr');
    await rows
      .filter({ hasText: /0 revisions/ })
      .filter({ hasText: 'up to date' })
      .waitFor();
    await admin.gateway.psql(
      `INSERT INTO replicas (id, hostname, staleness_ms, reported_at) VALUES (gen_random_uuid(), '<b>gone</b>', 5000, now() - interval '1 hour')`,
    );
    const gone = rows.filter({ hasText: '<b>gone</b>' });
    await gone.getByText('does not report').waitFor();
    await gone.getByText('1 hour ago').waitFor();
    await takePictures(page, 'gateways');
    await page.context().close();
  });

  test('tells the version and the configuration, and no secret', async () => {
    const { page } = await admin.enter('/about');
    await page.getByRole('region', { name: 'Limits of plans' }).waitFor();
    await page.getByText('FINANCE_DB_URL').waitFor();
    const { version } = JSON.parse(await readFile('package.json', 'utf8'));
    await page.getByText(version, { exact: true }).waitFor();
    const text = await page.innerText('body');
    for (const secret of [
      /postgres(ql)?:\/\//,
      /trk_/,
      new RegExp(new URL(admin.gateway.registry.url).pathname.slice(1)),
    ])
      expect(text).not.toMatch(secret);
    await takePictures(page, 'about');
    const reader = await admin.enter('/about', ['audit:read']);
    await reader.page.getByRole('heading', { name: 'You' }).waitFor();
    expect(await reader.page.getByRole('alert').count()).toBe(0);
    await reader.page.context().close();
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', async (colorScheme) => {
    const { page } = await admin.enter('/');
    await page.emulateMedia({ colorScheme });
    const violations: string[] = [];
    for (const [path, heading, shown] of [
      ['/explain', 'Explain', 'Which tenant, which module?'],
      ['/explain?tenant=resolved&module=finance', 'Explain', 'It resolves'],
      ['/explain?tenant=nobody&module=finance', 'Explain', 'TENANT_NOT_FOUND'],
      ['/gateways', 'Gateways', 'up to date'],
      ['/about', 'About', 'Limits of plans'],
    ] as const) {
      await goTo(page, path);
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
      await page.getByText(shown).first().waitFor();
      violations.push(...(await findViolations(page)).map((one) => `${path}: ${one}`));
    }
    expect(violations).toEqual([]);
    await page.context().close();
  });
});
