import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lead, openRolloutTestbed, phones, type RolloutTestbed } from '../provisioning/support/rollouts.js';
import { openBrowser, skipsBrowser, visit } from '../setup/browser.js';
import { findViolations, takePictures } from './support/admin-page.js';

describe.skipIf(skipsBrowser)('the screens of rollouts', () => {
  let testbed: RolloutTestbed;
  let browser: Browser;
  beforeAll(async () => {
    testbed = await openRolloutTestbed(3, 4);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await testbed?.close();
  });

  const open = (path: string) => visit(browser, testbed.gateway.url, `/admin${path}`);

  /** Presses a button of the page, and the one in the dialog that follows. */
  async function confirm(page: Page, button: string, verb: string): Promise<void> {
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }

  test('a rollout is planned, started, paused by a failure, corrected by a skip and resumed to its end', async () => {
    const module = await testbed.takeModule();
    const [broken] = testbed.tenants;
    await testbed.psql(
      module.name,
      `INSERT INTO ${module.schemaOf(broken)}.contact (id, name) VALUES (1, 'Ada')`,
    );
    await module.write('0003_phones.sql', `${phones} CREATE INDEX contact_phone ON contact (phone);`);
    await module.write(
      '0004_check.sql',
      `DO $$ BEGIN IF EXISTS (SELECT FROM contact) THEN RAISE EXCEPTION '<img src=x onerror=alert(1)> in the way'; END IF; END $$;`,
    );
    const { page, problems } = await open('/rollouts');
    await page.getByRole('heading', { name: 'Rollouts', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Plan a rollout' }).click();
    await page.getByRole('heading', { name: 'Plan a rollout', level: 1 }).waitFor();
    await page.getByLabel('Module').selectOption(module.name);
    await page.getByRole('button', { name: /0003_phones/ }).click();
    await page.getByText('CREATE INDEX contact_phone ON contact (phone)').waitFor();
    await page.getByText('INDEX_BLOCKS_WRITES').waitFor();
    await page.getByText('locks SHARE').first().waitFor();
    await page.getByLabel('Canary', { exact: true }).selectOption('named');
    await page.getByLabel('Tenants of the canary').fill(broken?.slug ?? '');
    await page.getByLabel('Pause after the canary').uncheck();
    await page.getByLabel('Waves').fill('many');
    await page.getByText('Waves must be a whole number').waitFor();
    expect(await page.getByRole('button', { name: 'Start the rollout' }).isDisabled()).toBe(true);
    await page.getByLabel('Waves').fill('2');
    expect(await findViolations(page)).toEqual([]);
    await takePictures(page, 'rollout-plan');
    await confirm(page, 'Start the rollout', 'Start');
    await page.getByRole('heading', { name: `Rollout of ${module.name}`, level: 1 }).waitFor();
    await page.getByRole('list', { name: 'Waves' }).getByText('Canary, now').waitFor();
    expect(await page.getByRole('list', { name: 'Lanes' }).getByRole('listitem').count()).toBe(4);

    await lead(testbed);
    await page.getByText('The rollout is paused').waitFor();
    await page.getByText('<img src=x onerror=alert(1)> in the way').first().waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await findViolations(page)).toEqual([]);
    await takePictures(page, 'rollout-paused');

    await confirm(page, 'Retry failed', 'Retry the rollout');
    await page.getByText('The rollout is paused').waitFor({ state: 'detached' });
    await lead(testbed);
    await page.getByText('The rollout is paused').waitFor();
    await page.getByRole('button', { name: `Skip ${broken?.slug}` }).click();
    await page.getByLabel('Reason').fill('moves next week');
    await page.getByRole('dialog').getByRole('button', { name: 'Skip', exact: true }).click();
    await page.getByText('1 skipped').first().waitFor();
    await confirm(page, 'Resume', 'Resume the rollout');
    await lead(testbed);
    await page
      .locator('.status', { hasText: /^succeeded$/ })
      .first()
      .waitFor();
    await page.getByText('3 of 4 migrated, 1 skipped').waitFor();
    await page.getByRole('link', { name: 'Rollouts' }).click();
    await page.getByRole('link', { name: `${module.name} to 0004_check.sql` }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await takePictures(page, 'rollouts');
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('a running rollout is paused with a reason, and cancelled', async () => {
    const module = await testbed.takeModule();
    await module.write('0003_phones.sql', phones);
    const id = await module.start();
    const { page } = await open(`/rollouts/${id}`);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByLabel('Reason').fill('lunch');
    await page.getByRole('dialog').getByRole('button', { name: 'Pause the rollout' }).click();
    await page.getByText('lunch').waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await confirm(page, 'Cancel', 'Cancel the rollout');
    await page.getByText('cancelled', { exact: true }).waitFor();
    expect(
      await testbed.gateway.psql('SELECT status::text, pause_reason FROM rollouts WHERE id = $1', [id]),
    ).toEqual([{ status: 'cancelled', pause_reason: null }]);
    await page.context().close();
  });

  test('2,000 tenants are watched with few rows in the page, and the current one in sight', async () => {
    const id = '00000000-0000-4000-8000-000000000001';
    const { gateway } = testbed;
    await gateway.psql(`
      INSERT INTO tenants (id, slug, name, status)
        SELECT ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'many-' || n, 'Tenant ' || n, 'active'
        FROM generate_series(1, 2000) AS n`);
    await gateway.psql(
      `INSERT INTO rollouts (id, module, target_version, files, waves, parallelism, current_wave, lock_timeout_ms, statement_timeout_ms, created_by)
        VALUES ($1, 'm2', 'm2/0003_phones.sql', '[]', 20, 8, 1, 2000, 600000, 'somebody')`,
      [id],
    );
    await gateway.psql(
      `INSERT INTO rollout_tenants (rollout_id, tenant_id, wave, generation, from_version)
        SELECT $1, id, 1 + (right(id::text, 12)::int - 1) / 100, 1, 'm2/0002_notes.sql' FROM tenants WHERE slug LIKE 'many-%'`,
      [id],
    );
    const { page, problems } = await open(`/rollouts/${id}`);
    await page.getByText('0 of 2,000 migrated').waitFor();
    for (let done = 0; done <= 1_000; done += 20) {
      await gateway.psql(
        `UPDATE rollout_tenants SET status = (CASE WHEN right(tenant_id::text, 12)::int <= $2 THEN 'succeeded' ELSE 'running' END)::rollout_tenant_status,
             started_at = now(), attempts = 1, file = CASE WHEN right(tenant_id::text, 12)::int > $2 THEN 'm2/0003_phones.sql' END,
             finished_at = CASE WHEN right(tenant_id::text, 12)::int <= $2 THEN now() END, duration_ms = 40
           WHERE rollout_id = $1 AND right(tenant_id::text, 12)::int BETWEEN $2 - 20 AND $2 + 8`,
        [id, done],
      );
      await gateway.psql('UPDATE rollouts SET current_wave = $2 WHERE id = $1', [
        id,
        1 + Math.floor(done / 100),
      ]);
    }
    await page.getByText('1,000 of 2,000 migrated, 8 running').waitFor();
    await page.getByRole('list', { name: 'Lanes' }).getByText('many-1001', { exact: true }).waitFor();
    const rows = page.getByRole('region', { name: 'Tenants of the rollout' });
    const current = rows.getByRole('link', { name: 'many-1001', exact: true });
    await current.waitFor();
    const isIn = async (inner: typeof current, outer: typeof current) => {
      const [one, other] = [await inner.boundingBox(), await outer.boundingBox()];
      return one && other && one.y >= other.y && one.y <= other.y + other.height && one.x >= other.x;
    };
    await expect.poll(() => isIn(current, rows)).toBe(true);
    expect(await isIn(page.getByText('Wave 11, now'), page.getByRole('list', { name: 'Waves' }))).toBe(true);
    expect(await rows.getByRole('row').count()).toBeLessThan(50);
    expect(await findViolations(page)).toEqual([]);
    await takePictures(page, 'rollout-running');

    // By hand it leads to the end, and nothing scrolls it back.
    await rows.hover();
    await page.mouse.wheel(0, 100_000);
    await rows.getByRole('link', { name: 'many-2000' }).waitFor();
    await page.getByLabel('Status').selectOption('RUNNING');
    await expect.poll(() => rows.getByRole('row').count()).toBe(9);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('axe finds nothing in %s', async (colorScheme) => {
    const { page } = await open('/rollouts');
    await page.emulateMedia({ colorScheme });
    await page.getByRole('table').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page
      .getByRole('link', { name: / to \d+/ })
      .first()
      .click();
    await page.getByRole('heading', { name: 'Waves' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.context().close();
  });
});
