import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  lead,
  openRolloutTestbed,
  phones,
  type RolloutTestbed,
  type TestModule,
} from '../provisioning/support/rollouts.js';
import { openBrowser, skipsBrowser, visit } from '../setup/browser.js';
import { goTo } from './support/admin-page.js';

interface Change {
  name: string;
  /** Where both browsers are. */
  path: string;
  /** Up to the last press, which `commit` does. */
  prepare: (page: Page) => Promise<void>;
  commit: (page: Page) => Promise<void>;
  /** What the other browser shows then, and did not show before. */
  seen: (page: Page) => ReturnType<Page['getByText']>;
}

const press = (name: string) => (page: Page) =>
  page.getByRole('button', { name, exact: true }).last().click();
const inDialog = (name: string) => (page: Page) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
const nameField = (page: Page) => page.getByRole('textbox', { name: 'Name', exact: true });
const status = (page: Page, text: string) => page.locator('.status', { hasText: new RegExp(`^${text}$`) });

describe.skipIf(skipsBrowser)('two browsers', () => {
  let testbed: RolloutTestbed;
  let module: TestModule;
  let browsers: Browser[];
  const pages: Page[] = [];
  let ids: Record<string, string>;

  const ask = async (query: string, variables = {}) => {
    const { data, errors } = await testbed.gateway.ask(query, variables);
    if (errors[0]) throw new Error(errors[0].message);
    return data;
  };

  beforeAll(async () => {
    testbed = await openRolloutTestbed(1, 2);
    module = await testbed.takeModule();
    await module.write('0003_phones.sql', phones);
    await ask('mutation { registerTenant(input: { name: "Watched", slug: "watched" }) { revision } }');
    const [row] = await testbed.gateway.psql<{ id: string }>(
      `INSERT INTO operations (kind, tenant_id, actor, status) SELECT 'subscribe_tenant', id, 'somebody', 'queued' FROM tenants WHERE slug = 'watched' RETURNING id`,
    );
    const rollout = await module.start();
    ids = { operation: row?.id ?? '', rollout };
    await ask('mutation { createApiKey(input: { name: "older", scopes: ["registry:read"] }) { secret } }');
    browsers = [await openBrowser(), await openBrowser()];
    for (const browser of browsers) {
      const { page } = await visit(browser, testbed.gateway.url, '/admin/about');
      await page.getByRole('heading', { name: 'About' }).waitFor();
      // A page that is loaded again loses it.
      await page.evaluate(() => Object.assign(globalThis, { isFirstLoad: true }));
      pages.push(page);
    }
  });
  afterAll(async () => {
    for (const browser of browsers ?? []) await browser.close();
    await testbed?.close();
  });

  // In this order: some change what an earlier one has left.
  const changes: Change[] = [
    {
      name: 'a tenant is registered, in the list',
      path: '/tenants',
      async prepare(page) {
        await goTo(page, '/tenants/new', '/admin');
        await nameField(page).fill('Brand new');
        await page.getByText('Available.').waitFor();
        await page.getByRole('button', { name: 'Review' }).click();
      },
      commit: press('Register the tenant'),
      seen: (page) => page.getByRole('link', { name: 'Brand new' }),
    },
    {
      name: 'a tenant is renamed, in its detail',
      path: '/tenants/watched?tab=profile',
      prepare: (page) => nameField(page).fill('Renamed'),
      commit: press('Save'),
      seen: (page) => page.getByRole('heading', { name: 'Renamed', level: 1 }),
    },
    {
      name: 'a tenant is renamed, in the list',
      path: '/tenants',
      async prepare(page) {
        await goTo(page, '/tenants/watched?tab=profile', '/admin');
        await nameField(page).fill('Renamed again');
      },
      commit: press('Save'),
      seen: (page) => page.getByRole('link', { name: 'Renamed again' }),
    },
    {
      name: 'a tenant is suspended, in its detail',
      path: '/tenants/watched',
      async prepare(page) {
        await press('Suspend')(page);
        await page.getByLabel('Reason').fill('unpaid');
        await page.getByLabel('Type watched to confirm').fill('watched');
      },
      commit: inDialog('Suspend'),
      seen: (page) => status(page, 'suspended').first(),
    },
    {
      name: 'a tenant is resumed, in the list',
      path: '/tenants?q=watched&status=ACTIVE',
      prepare: (page) => goTo(page, '/tenants/watched', '/admin'),
      commit: press('Resume'),
      seen: (page) => page.getByRole('link', { name: 'Renamed again' }),
    },
    {
      name: 'a tenant is subscribed, in its modules',
      path: '/tenants/watched?tab=modules',
      async prepare(page) {
        await press('Subscribe to a module')(page);
        await page.getByRole('dialog').getByLabel('Module').selectOption('m0');
      },
      commit: inDialog('Subscribe'),
      seen: (page) => page.getByRole('heading', { name: 'm0', level: 2 }),
    },
    {
      name: 'a subscription is suspended, in its modules',
      path: '/tenants/watched?tab=modules',
      prepare: press('Suspend m0'),
      commit: inDialog('Suspend'),
      seen: (page) => page.getByRole('button', { name: 'Resume m0' }),
    },
    {
      name: 'a subscription is resumed, in the audit log',
      path: '/audit',
      prepare: (page) => goTo(page, '/tenants/watched?tab=modules', '/admin'),
      commit: press('Resume m0'),
      seen: (page) => page.getByRole('row').filter({ hasText: /subscription.*resumed/i }),
    },
    {
      name: 'a member is invited, in the members',
      path: '/tenants/watched?tab=members',
      async prepare(page) {
        await press('Invite a member')(page);
        await page.getByRole('dialog').getByLabel('Email').fill('ada@example.com');
      },
      commit: inDialog('Invite'),
      seen: (page) => page.getByRole('row').filter({ hasText: 'ada@example.com' }),
    },
    {
      name: 'a member is removed, in the members',
      path: '/tenants/watched?tab=members',
      async prepare(page) {
        await press('Remove')(page);
      },
      commit: inDialog('Remove'),
      seen: (page) => status(page, 'removed'),
    },
    {
      name: 'an operation is cancelled, in the list',
      path: '/operations?kind=SUBSCRIBE_TENANT',
      prepare: (page) => goTo(page, `/operations/${ids.operation}`, '/admin'),
      commit: press('Cancel'),
      seen: (page) => status(page, 'cancelled').first(),
    },
    {
      name: 'an operation is retried, in its detail',
      path: '/operations/$operation',
      prepare: async () => undefined,
      commit: press('Retry'),
      seen: (page) => page.getByRole('button', { name: /^Attempt 2/ }),
    },
    {
      name: 'a key is created, in the list',
      path: '/keys',
      async prepare(page) {
        await press('New key')(page);
        await page.getByRole('dialog').getByLabel('Name').fill('billing');
        await page.getByLabel('registry:read').check();
      },
      commit: inDialog('Create the key'),
      seen: (page) => page.getByRole('row').filter({ hasText: 'billing' }),
    },
    {
      name: 'a key is revoked, in the list',
      path: '/keys',
      async prepare(page) {
        await page
          .getByRole('row')
          .filter({ hasText: 'older' })
          .getByRole('button', { name: 'Revoke' })
          .click();
        await page.getByRole('dialog').getByLabel(/^Type/).fill('older');
      },
      commit: inDialog('Revoke'),
      seen: (page) => status(page, 'revoked'),
    },
    {
      name: 'a rollout is paused, in the list',
      path: '/rollouts',
      async prepare(page) {
        await goTo(page, `/rollouts/${ids.rollout}`, '/admin');
        await press('Pause')(page);
      },
      commit: inDialog('Pause the rollout'),
      seen: (page) => status(page, 'paused'),
    },
    {
      name: 'a rollout goes on to its end, in its detail',
      path: '/rollouts/$rollout',
      prepare: press('Resume'),
      async commit(page) {
        await inDialog('Resume the rollout')(page);
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await lead(testbed);
      },
      seen: (page) => page.getByText('2 of 2 migrated').first(),
    },
    {
      name: 'a module is retired, in the catalogue',
      path: '/modules',
      async prepare(page) {
        await goTo(page, '/modules/dbtools', '/admin');
        await press('Retire')(page);
      },
      commit: inDialog('Retire'),
      seen: (page) => page.getByRole('row').filter({ hasText: 'dbtools' }).getByText('retired'),
    },
  ];
  const times: string[] = [];
  afterAll(() => void process.stdout.write(`\nShown by the other browser after:\n${times.join('\n')}\n`));

  test.each(changes)('$name', async ({ name, path, prepare, commit, seen }) => {
    const [actor, watcher] = pages as [Page, Page];
    const place = path.replace(/\$(\w+)/, (_, one: string) => ids[one] ?? '');
    for (const page of pages) {
      // Tokens and secrets, which are shown once, stay until somebody says so.
      const dialog = page.getByRole('dialog');
      const shownOnce = page.getByRole('button', { name: /^(Done|I have stored it)$/ });
      // The other browser may show a change before the answer has closed the dialog.
      await dialog.filter({ hasNot: shownOnce }).waitFor({ state: 'detached' });
      if (await dialog.count()) await shownOnce.click();
      await goTo(page, place, '/admin');
      await page.getByText('Loading…').first().waitFor({ state: 'detached' });
    }
    await prepare(actor);
    const shown = seen(watcher);
    expect(await shown.count()).toBe(0);
    const startedAt = performance.now();
    // Less than the time after which screens ask again by themselves.
    const arrival = shown.waitFor({ timeout: 9_000 }).then(() => performance.now());
    await Promise.all([arrival, commit(actor)]);
    times.push(`${String(Math.round((await arrival) - startedAt)).padStart(6)} ms  ${name}`);
    for (const page of pages) expect(await page.evaluate(() => 'isFirstLoad' in globalThis)).toBe(true);
  });
});
