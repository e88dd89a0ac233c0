import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser } from '../setup/browser.js';
import { findViolations, goTo, openAdmin, type TestAdmin, takePictures } from './support/admin-page.js';

describe.skipIf(skipsBrowser)('the screens of tenants', () => {
  let admin: TestAdmin;
  beforeAll(async () => {
    admin = await openAdmin({ config: { runsWorker: true } });
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  async function on(path: string, work: (page: Page, problems: string[]) => Promise<void>): Promise<void> {
    const { page, foreignRequests, problems } = await admin.enter(path);
    try {
      await work(page, problems);
      expect(foreignRequests).toEqual([]);
    } finally {
      await page.context().close();
    }
  }

  const statusOf = async (slug: string) =>
    (await admin.gateway.psql<{ status: string }>('SELECT status FROM tenants WHERE slug = $1', [slug]))[0]
      ?.status;

  test('suspends the tenants that were ticked, with a preview, progress and the reason of each failure', async () => {
    for (const n of [1, 2, 3]) await admin.aTenant(`Bulk ${n}`, `bulk-${n}`);
    await on('/tenants?q=bulk', async (page) => {
      for (const n of [1, 2]) await page.getByLabel(`Select Bulk ${n}`).check();
      await page.getByText('2 selected').waitFor();
      await page.getByRole('button', { name: 'Suspend…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill('A test');
      await dialog.getByText('2 tenants are selected. 2 would be changed').waitFor();
      // Suspended by somebody else in the meantime, so it is refused.
      await admin.gateway.psql(`UPDATE tenants SET status = 'deleted' WHERE slug = 'bulk-2'`);
      await dialog.getByRole('button', { name: /^Suspend/ }).click();
      await dialog.getByText('1 of 2 tenants changed, 1 failed').waitFor();
      await dialog.getByRole('link', { name: 'Bulk 2' }).waitFor();
      await takePictures(page, 'bulk-failure');
      expect(await findViolations(page)).toEqual([]);
    });
    expect([await statusOf('bulk-1'), await statusOf('bulk-3')]).toEqual(['suspended', 'active']);
  });

  test('changes the plan of all tenants that the filter selects, on every page', async () => {
    for (const n of [1, 2, 3]) await admin.aTenant(`Many ${n}`, `many-${n}`);
    await on('/tenants?q=many', async (page) => {
      await page.getByLabel('Select all on this page').check();
      await page.getByRole('button', { name: /^Select all that match/ }).click();
      await page.getByRole('button', { name: 'Change plan…' }).click();
      await page.getByLabel('Plan', { exact: true }).last().selectOption('ENTERPRISE');
      await page.getByRole('button', { name: 'Change 3' }).click();
      await page.getByText('3 of 3 tenants changed, 0 failed').waitFor();
    });
    const plans = await admin.gateway.psql(
      `SELECT DISTINCT plan::text FROM tenants WHERE slug LIKE 'many-%'`,
    );
    expect(plans).toEqual([{ plan: 'enterprise' }]);
  });

  test('exports what is filtered, and leaves no formula for a spreadsheet', async () => {
    await admin.aTenant('=cmd|1, "quoted"', 'csv-1');
    await admin.aTenant('Other', 'other-csv');
    await on('/tenants?q=csv-1', async (page) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Export CSV' }).click(),
      ]);
      const lines = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
      expect(lines).toHaveLength(2);
      expect(lines[1]).toContain(`csv-1,"'=cmd|1, ""quoted""",`);
    });
  });

  test('keeps a view under a name, and the columns in the URL', async () => {
    await on('/tenants', async (page) => {
      await page.getByRole('button', { name: 'Columns' }).click();
      await page.getByLabel('Email').check();
      await page.keyboard.press('Escape');
      await page.getByRole('columnheader', { name: 'Email' }).waitFor();
      await page.getByRole('button', { name: 'Views' }).click();
      await page.getByLabel('Save this view as').fill('With email');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await goTo(page, '/tenants');
      await page.getByRole('columnheader', { name: 'Email' }).waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Views (1)' }).click();
      await page.getByRole('link', { name: 'With email' }).click();
      await page.getByRole('columnheader', { name: 'Email' }).waitFor();
    });
  });

  test('merges a profile that two people edit, and asks about a field that both changed', async () => {
    const id = await admin.aTenant('Merged', 'merged');
    await on('/tenants/merged?tab=profile', async (page) => {
      await page.getByLabel('Short name').fill('Mine');
      await page.getByLabel('Internal note').fill('A note of mine');
      await admin.gateway.psql(`UPDATE tenants SET short_name = 'Theirs', currency = 'EUR' WHERE id = $1`, [
        id,
      ]);
      const card = page.getByRole('alert').filter({ hasText: 'was changed while you were typing' });
      await card.getByText('Somebody changed it to: Theirs').waitFor();
      expect(await page.getByLabel('Currency').inputValue()).toBe('EUR');
      expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
      await card.getByRole('button', { name: 'Keep mine' }).click();
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved', { exact: true }).waitFor();
    });
    expect(
      await admin.gateway.psql('SELECT short_name, currency, internal_note FROM tenants WHERE id = $1', [id]),
    ).toEqual([{ short_name: 'Mine', currency: 'EUR', internal_note: 'A note of mine' }]);
  });

  test('edits a configuration with problems as one types, a difference before saving, and a merge', async () => {
    const id = await admin.aTenant('Configured', 'configured');
    await on('/tenants/configured?tab=config', async (page) => {
      const editor = page.locator('.cm-content');
      const type = async (text: string) => {
        await editor.click();
        await page.keyboard.press('ControlOrMeta+A');
        await page.keyboard.insertText(text);
      };
      await type('{"email": {"primary": "a@example.com"}, "unknown": 1}');
      await page.getByText('1 problem; see the marks in the text.').waitFor();
      await page.locator('.cm-lintRange-error').first().waitFor();
      await type('{"email": {"primary": "a@example.com"}}');
      await admin.gateway.psql(
        `UPDATE tenants SET tenant_config = '{"branding": {"company_name": "Theirs"}}' WHERE id = $1`,
        [id],
      );
      await page.getByText('Somebody changed the configuration while you were typing').waitFor();
      await page.getByRole('button', { name: 'Merge both' }).click();
      await page.getByRole('button', { name: 'Review and save' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('a@example.com').waitFor();
      await takePictures(page, 'config-diff');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Configuration saved').waitFor();
    });
    const [row] = await admin.gateway.psql('SELECT tenant_config FROM tenants WHERE id = $1', [id]);
    expect(row).toEqual({
      tenant_config: { email: { primary: 'a@example.com' }, branding: { company_name: 'Theirs' } },
    });
  });

  test('completes the fields of a configuration', async () => {
    await admin.aTenant('Completed', 'completed');
    await on('/tenants/completed?tab=config', async (page) => {
      await page.locator('.cm-content').click();
      await page.keyboard.press('ControlOrMeta+A');
      await page.keyboard.type('{"email": {"pri', { delay: 40 });
      await page.locator('.cm-tooltip-autocomplete').getByText('"primary"').waitFor();
    });
  });

  test('shows the branding at once, loads no logo and makes no link of it', async () => {
    const id = await admin.aTenant('Branded', 'branded');
    await admin.gateway.psql(`INSERT INTO tenant_branding (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING`, [
      id,
    ]);
    await on('/tenants/branded?tab=branding', async (page, problems) => {
      await page.getByLabel('Primary color').fill('#ff0000');
      const bar = page.locator('.preview-bar');
      await expect
        .poll(() => bar.evaluate((one) => getComputedStyle(one).backgroundColor))
        .toBe('rgb(255, 0, 0)');
      await page.getByLabel('URL of the logo').fill('javascript:alert(1)');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('VALIDATION_ERROR').waitFor();
      await page.getByLabel('URL of the logo').fill('https://logo.example/a.png');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved', { exact: true }).waitFor();
      expect(await page.locator('a[href*="logo.example"], img').count()).toBe(0);
      expect(problems).toEqual([]);
    });
  });

  test('invites, renews, revokes and removes a member, and shows each token once', async () => {
    await admin.aTenant('Team', 'team');
    await on('/tenants/team?tab=members', async (page) => {
      await page.getByRole('button', { name: 'Invite a member' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Email').fill('ada@example.com');
      await dialog.getByRole('button', { name: 'Invite', exact: true }).click();
      const token = await dialog.locator('code').innerText();
      await dialog.getByRole('button', { name: 'Done' }).click();
      const row = page.getByRole('row').filter({ hasText: 'ada@example.com' });
      await row.getByRole('button', { name: 'Renew' }).click();
      await expect.poll(() => dialog.locator('code').innerText()).not.toBe(token);
      await dialog.getByRole('button', { name: 'Done' }).click();
      await takePictures(page, 'members');
      await row.getByRole('button', { name: 'Revoke' }).click();
      await row.getByRole('button', { name: 'Revoke' }).waitFor({ state: 'detached' });
      await row.getByLabel('Role of ada@example.com').selectOption('ADMIN');
      await page.getByText('The role is changed').waitFor();
      await row.getByRole('button', { name: 'Remove' }).click();
      await dialog.getByRole('button', { name: 'Remove' }).click();
      await row.getByText('removed').waitFor();
    });
  });

  test('a page of one tab sends its cursor to the list of no other tab', async () => {
    const id = await admin.aTenant('Paged', 'paged');
    await admin.gateway.psql(
      `INSERT INTO members (tenant_id, email) SELECT $1, 'person-' || n || '@example.com' FROM generate_series(1, 60) AS n`,
      [id],
    );
    await on('/tenants/paged?tab=history', async (page) => {
      const answers: Promise<string>[] = [];
      page.on('response', (response) => {
        if (response.request().postData()?.includes('$before')) answers.push(response.text().catch(String));
      });
      // A tab that was opened stays mounted, so its list is read again when the address changes.
      const buttonOf = (tab: string, name: string) =>
        page.getByRole('tabpanel', { name: tab }).getByRole('button', { name, exact: true });
      await buttonOf('History', 'Next').click();
      await buttonOf('History', 'First').and(page.locator(':enabled')).waitFor();
      await page.getByRole('tab', { name: 'Members' }).click();
      await buttonOf('Members', 'Next').click();
      await expect.poll(() => page.locator('tbody tr:visible').count()).toBe(10);
      await page.getByRole('tab', { name: 'History' }).click();
      await buttonOf('History', 'Next').waitFor();
      expect(answers.length).toBeGreaterThan(2);
      expect((await Promise.all(answers)).filter((text) => text.includes('"errors"'))).toEqual([]);
    });
  });

  test('subscribes to a module live, explains what would end, suspends and unsubscribes', async () => {
    await admin.aTenant('Modular', 'modular');
    await on('/tenants/modular?tab=modules', async (page) => {
      await page.getByRole('button', { name: 'Subscribe to a module' }).click();
      await page.getByRole('dialog').getByLabel('Module').selectOption('finance');
      await page.getByRole('dialog').getByRole('button', { name: 'Subscribe' }).click();
      await page.getByText('succeeded').first().waitFor();
      await takePictures(page, 'modules');
      expect(await findViolations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Suspend', exact: true }).click();
      await page.getByText('finance: resolves to finance_modular in').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Suspend finance' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
      await page.getByRole('button', { name: 'Resume finance' }).waitFor();
      await page.getByRole('button', { name: 'Unsubscribe' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Type modular to confirm').fill('modular');
      await dialog.getByRole('button', { name: 'Unsubscribe' }).click();
      await page.getByText('cancelled').or(page.getByText('deprovisioning')).first().waitFor();
    });
  });

  test('changes limits and external ids, deletes, and schedules a purge', async () => {
    await admin.aTenant('Ending', 'ending');
    await on('/tenants/ending?tab=limits', async (page) => {
      await page.getByLabel('Users at most').fill('77');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('0 of 77').waitFor();
      await takePictures(page, 'limits');
      await page.getByRole('tab', { name: 'External ids' }).click();
      await page.getByLabel('Another external id').fill('old-77');
      await page.getByRole('button', { name: 'Add' }).click();
      await page.getByRole('button', { name: 'Remove old-77' }).waitFor();
      await page.getByRole('button', { name: 'Delete' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Type ending to confirm').fill('ending');
      await dialog.getByRole('button', { name: 'Delete' }).click();
      await page.getByRole('button', { name: 'Purge' }).click();
      await dialog.getByLabel('Type ending to confirm').fill('ending');
      await takePictures(page, 'purge');
      await dialog.getByRole('button', { name: 'Purge' }).click();
      await page.getByText('The purge of Ending is scheduled').waitFor();
    });
    const [operation] = await admin.gateway.psql(
      `SELECT status::text FROM operations WHERE kind = 'purge_tenant' AND tenant_id = (SELECT id FROM tenants WHERE slug = 'ending')`,
    );
    expect(operation).toEqual({ status: 'queued' });
  });

  test.each(['light', 'dark'] as const)(
    'axe finds nothing on any part of a tenant in %s',
    async (colorScheme) => {
      await admin.ask(
        `mutation ($input: ProvisionTenantInput!) { provisionTenant(input: $input) { tenant { id } } }`,
        {
          input: {
            name: 'Whole',
            slug: `whole-${colorScheme}`,
            adminEmail: 'a@example.com',
            modules: ['operations'],
          },
        },
      );
      await on(`/tenants/whole-${colorScheme}`, async (page) => {
        await page.emulateMedia({ colorScheme });
        const violations: string[] = [];
        await page.getByRole('tab').first().waitFor();
        const tabs = await page.getByRole('tab').allInnerTexts();
        expect(tabs.length).toBeGreaterThan(8);
        for (const name of tabs) {
          await page.getByRole('tab', { name, exact: true }).click();
          await page
            .getByText(/Loading/)
            .first()
            .waitFor({ state: 'detached' });
          if (name === 'Configuration') await page.locator('.cm-content').waitFor();
          violations.push(...(await findViolations(page)).map((text) => `${name}: ${text}`));
          if (colorScheme === 'light') await takePictures(page, `tenant-${name.replaceAll(' ', '-')}`);
        }
        expect(violations).toEqual([]);
      });
    },
  );

  test('the overview leads from every number to a list of that length', async () => {
    const id = await admin.aTenant('Counted', 'counted');
    await admin.gateway.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [id]);
    // More than a page of the API, and keys that do not count.
    await admin.gateway.psql(
      `INSERT INTO api_keys (name, secret_hash, scopes, expires_at, revoked_at)
         SELECT kind || n, sha256((kind || n)::bytea), '{registry:read}', now() + days * interval '1 day', CASE kind WHEN 'revoked' THEN now() END
         FROM (VALUES ('soon', 25, 13), ('later', 5, 20), ('revoked', 5, 3)) AS kinds (kind, times, days), generate_series(1, times) AS n`,
    );
    await on('/', async (page) => {
      const main = page.getByRole('main');
      await page.getByRole('img', { name: /registered and/ }).waitFor();
      await main.getByRole('link', { name: '25 keys that expire within 14 days' }).waitFor();
      await main.getByRole('link', { name: / findings of drift/ }).waitFor();
      await takePictures(page, 'overview');
      expect(await findViolations(page)).toEqual([]);
      const links = await main.getByRole('link').evaluateAll((all) =>
        all.map((link) => ({
          path: (link.getAttribute('href') ?? '').replace('/registry/admin', ''),
          // Numbers without a name and a place of their own, such as those of quotas, lead to lists of other lengths.
          number: link.querySelector('strong')?.textContent ?? link.getAttribute('aria-label')?.split(' ')[0],
        })),
      );
      expect(links.length).toBeGreaterThan(25);
      const failed = await admin.gateway.psql<{ id: string }>(
        'SELECT id FROM operations WHERE error IS NOT NULL',
      );
      expect(links.map(({ path }) => path)).toContain(`/operations/${failed[0]?.id}`);
      for (const { path, number } of links) {
        await goTo(page, path);
        const [, screen = ''] = /^\/([a-z]+)/.exec(path) ?? [];
        const isList = !/^\/[a-z]+\//.test(path);
        const title = isList ? screen.charAt(0).toUpperCase() + screen.slice(1) : /./;
        await page.getByRole('heading', { level: 1, name: title }).waitFor();
        await main.getByText('Loading…').waitFor({ state: 'detached' });
        if (number !== undefined)
          await expect
            .poll(() => main.locator('tbody tr').count(), { message: path })
            .toBe(Math.min(Number(number.replaceAll(',', '')), 50));
        // The screen of an operation that ended badly says why, once its stream has told it.
        const alerts = main.getByRole('alert');
        if (failed.some(({ id }) => path === `/operations/${id}`))
          await alerts.filter({ hasText: 'ended with an error' }).waitFor();
        else expect(await alerts.allInnerTexts(), path).toEqual([]);
      }
    });
  });
});

describe.skipIf(skipsBrowser)('an empty registry', () => {
  test('leads to its first tenant', async () => {
    await using admin = await openAdmin();
    const { page } = await admin.enter('/');
    await page.getByRole('link', { name: 'Onboard the first tenant' }).waitFor();
    await takePictures(page, 'first-tenant');
    expect(await findViolations(page)).toEqual([]);
  });
});
