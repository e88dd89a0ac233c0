import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser } from '../setup/browser.js';
import { findViolations, goTo, openAdmin, type TestAdmin } from './support/admin-page.js';
import { fillWithHostileValues, hostile, hostileIds, markup, script } from './support/hostile-registry.js';

const colorRules = ['color-contrast', 'link-in-text-block'];

interface Place {
  path: string;
  /** The title of the screen. */
  heading: string;
  /** Its title where the caller may not read it. */
  refused?: string;
  /** Texts of others that it shows. */
  shows?: readonly string[];
  /** Something that is there when everything has been read. */
  ready?: (page: Page) => ReturnType<Page['getByText']>;
}

/** Every route of the page, with a place that shows it full. `*` is an address that no screen has. */
const places: Record<string, readonly Place[]> = {
  '/': [
    {
      path: '/',
      heading: 'Overview',
      shows: [hostile],
      ready: (page) => page.getByRole('img', { name: /registered and/ }),
    },
  ],
  '/tenants': [
    {
      path: '/tenants?columns=name,slug,status,plan,modules,created,updated,email,id,users,suspended',
      heading: 'Tenants',
      shows: [hostile],
    },
  ],
  '/tenants/new': [{ path: '/tenants/new', heading: 'New tenant' }],
  '/tenants/:id': [
    { path: '/tenants/hostile', heading: hostile, refused: 'hostile', shows: [hostile, markup] },
    { path: '/tenants/barred', heading: hostile, refused: 'barred', shows: [hostile] },
    { path: '/tenants/hostile?tab=modules', heading: hostile, refused: 'hostile' },
    {
      path: '/tenants/hostile?tab=config',
      heading: hostile,
      refused: 'hostile',
      shows: [script],
      ready: (page) => page.locator('.cm-content'),
    },
    { path: '/tenants/hostile?tab=profile', heading: hostile, refused: 'hostile' },
    { path: '/tenants/hostile?tab=settings', heading: hostile, refused: 'hostile' },
    { path: '/tenants/hostile?tab=branding', heading: hostile, refused: 'hostile' },
    { path: '/tenants/hostile?tab=members', heading: hostile, refused: 'hostile', shows: [hostile] },
    { path: '/tenants/hostile?tab=limits', heading: hostile, refused: 'hostile' },
    { path: '/tenants/hostile?tab=ids', heading: hostile, refused: 'hostile', shows: ['tn_hostile'] },
    { path: '/tenants/hostile?tab=operations', heading: hostile, refused: 'hostile' },
    { path: '/tenants/hostile?tab=history', heading: hostile, refused: 'hostile' },
  ],
  '/rollouts': [{ path: '/rollouts', heading: 'Rollouts', shows: [hostile] }],
  '/rollouts/new': [{ path: '/rollouts/new?module=finance', heading: 'Plan a rollout' }],
  '/rollouts/:id': [
    {
      path: `/rollouts/${hostileIds.rollout}`,
      heading: 'Rollout of finance',
      refused: 'Rollout',
      shows: [hostile],
    },
  ],
  '/operations': [{ path: '/operations', heading: 'Operations', shows: [hostile] }],
  '/operations/:id': [
    {
      path: `/operations/${hostileIds.operation}`,
      heading: 'Subscribe tenant',
      refused: 'Operation',
      shows: [hostile, script],
    },
    {
      path: `/operations/${hostileIds.bulk}`,
      heading: 'Suspend tenants',
      refused: 'Operation',
      shows: [hostile],
    },
  ],
  '/modules': [{ path: '/modules', heading: 'Modules', shows: [hostile] }],
  '/modules/:name': [{ path: '/modules/finance', heading: 'finance', shows: [hostile] }],
  '/drift': [{ path: '/drift', heading: 'Drift', shows: [hostile] }],
  '/audit': [{ path: '/audit?tenant=hostile', heading: 'Audit' }],
  '/keys': [{ path: '/keys?columns=name,status,scopes,creator,id', heading: 'Keys', shows: [hostile] }],
  '/explain': [
    { path: '/explain', heading: 'Explain' },
    { path: '/explain?tenant=barred&module=finance', heading: 'Explain' },
  ],
  '/gateways': [{ path: '/gateways', heading: 'Gateways', shows: [hostile] }],
  '/about': [{ path: '/about', heading: 'About' }],
  '*': [{ path: `/nowhere/${encodeURIComponent(markup)}`, heading: 'No such screen' }],
};

const root = join(import.meta.dirname, '../..');
const readPaths = (file: string, pattern: RegExp) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map(([, path = '']) => path);

test('every route of the page has a row in the table above, and every part of a tenant', () => {
  const routes = readPaths('src/admin/routes.tsx', /\bpath: '([^']+)'/g);
  expect(routes.length).toBeGreaterThan(15);
  expect(Object.keys(places).sort()).toEqual(routes.sort());
  const tabs = readPaths('src/admin/tenants/detail/tenant.tsx', /\{ id: '(\w+)', label:/g);
  const shown = places['/tenants/:id']?.map(({ path }) => /tab=(\w+)/.exec(path)?.[1] ?? 'facts');
  expect(new Set(shown)).toEqual(new Set(tabs));
});

describe.skipIf(skipsBrowser)('every screen', () => {
  let admin: TestAdmin;
  beforeAll(async () => {
    admin = await openAdmin();
    await fillWithHostileValues(admin.gateway);
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  async function show(page: Page, { path, heading, ready }: Place): Promise<void> {
    await goTo(page, path);
    await page.getByRole('heading', { name: heading, level: 1, exact: true }).waitFor();
    await page
      .getByText(/^(Loading|Comparing|Waiting for news)/)
      .first()
      .waitFor({ state: 'detached' });
    await ready?.(page).first().waitFor();
  }

  test.each([
    ['light', undefined],
    // The other rules do not depend on colors.
    ['dark', colorRules],
  ] as const)(
    'shows hostile values as text, and axe finds nothing on it in %s',
    async (colorScheme, rules) => {
      const { page, problems, foreignRequests } = await admin.enter('/about');
      await page.emulateMedia({ colorScheme });
      const alerts: string[] = [];
      page.on('dialog', async (dialog) => {
        alerts.push(dialog.message());
        await dialog.dismiss();
      });
      const found: string[] = [];
      for (const place of Object.values(places).flat()) {
        const { path, shows = [] } = place;
        await show(page, place);
        for (const text of shows) await expect.poll(() => readText(page), { message: path }).toContain(text);
        const wrong = [...(await findForeignElements(page)), ...(await findViolations(page, rules))];
        found.push(...wrong.map((one) => `${path}: ${one}`));
      }
      expect(found).toEqual([]);
      expect({ alerts, problems, foreignRequests }).toEqual({
        alerts: [],
        problems: [],
        foreignRequests: [],
      });
      await page.context().close();
    },
  );

  test('fits a narrow window: only tables and texts inside it scroll sideways', async () => {
    const { page } = await admin.enter('/about');
    await page.setViewportSize({ width: 390, height: 844 });
    const wide: string[] = [];
    for (const place of Object.values(places).flat()) {
      await show(page, place);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > 390) wide.push(`${place.path}: ${width} px`);
    }
    expect(wide).toEqual([]);
    await page.context().close();
  });

  test.each([
    ['registry:read', ['registry:read']],
    ['resolve:finance', ['resolve:finance']],
    ['no screen needs', ['usage:record']],
  ] as const)('with a key for what %s alone, is no error, and names the scope', async (_, scopes) => {
    const { page, problems } = await admin.enter('/about', scopes);
    const wrong: string[] = [];
    for (const place of Object.values(places).flat()) {
      await goTo(page, place.path);
      await page
        .getByRole('heading', { name: place.heading, level: 1, exact: true })
        .or(page.getByRole('heading', { name: place.refused ?? place.heading, level: 1, exact: true }))
        .first()
        .waitFor();
      await page
        .getByText(/^(Loading|Comparing|Waiting for news)/)
        .first()
        .waitFor({ state: 'detached' });
      const errors = await page.locator('#content [role=alert]:has(.error-code)').allInnerTexts();
      wrong.push(...errors.map((text) => `${place.path}: ${text}`));
      wrong.push(...(await findOpenChanges(page)).map((name) => `${place.path}: offers ${name}`));
      const text = await readText(page);
      if (text.includes('Not allowed') && !/scope|member of this tenant/.test(text))
        wrong.push(`${place.path}: names no scope`);
    }
    expect(wrong).toEqual([]);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test.each([
    ['/tenants/nobody', 'No such tenant'],
    ['/tenants/%00?tab=rubbish', 'No such tenant'],
    ['/operations/nothing', 'No such operation'],
    [`/operations/${hostileIds.tenant}`, 'No such operation'],
    ['/rollouts/nothing', 'No such rollout'],
    [`/rollouts/${hostileIds.tenant}`, 'No such rollout'],
    ['/modules/Nothing!', 'No such module'],
    ['/modules/nothing', 'No such module'],
    ['/nowhere', 'There is nothing at this address'],
  ])('%s says "%s"', async (path, text) => {
    const { page } = await admin.enter(path);
    await page.getByText(text).waitFor();
    expect(await page.locator('#content [role=alert]').count()).toBe(0);
    await page.context().close();
  });

  const rubbish =
    'q=%00&status=WRONG&plan=x&module=Not%20one&from=yesterday&until=&sort=-NOTHING&size=7&columns=none,%3Cb%3E&tab=x&since=x&kind=,&wave=x&step=review';
  test.each(
    [
      '/tenants',
      '/operations',
      '/rollouts',
      '/drift',
      '/keys',
      '/audit',
      '/tenants/hostile',
      '/tenants/new',
    ].map((path) => [path] as const),
  )('%s shows its list or says what is wrong when the address is rubbish', async (path) => {
    const { page, problems } = await admin.enter(`${path}?${rubbish}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page
      .getByText(/^(Loading|Comparing)/)
      .first()
      .waitFor({ state: 'detached' });
    // The frame of the page is there, and no screen has thrown.
    await page.getByRole('link', { name: 'Overview' }).waitFor();
    expect(await page.getByText('PAGE_ERROR').count()).toBe(0);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

/** The texts and values of the screen. */
async function readText(page: Page): Promise<string> {
  return await page.evaluate(() => {
    const content = document.querySelector('#content') as HTMLElement;
    const values = [...content.querySelectorAll<HTMLInputElement>('input, textarea')].map(
      ({ value }) => value,
    );
    return [content.innerText, ...values].join('\n');
  });
}

/** Elements that only a value could have made, and links that are scripts. */
async function findForeignElements(page: Page): Promise<string[]> {
  return await page
    .locator('#content img, #content script, #content iframe, a[href*="script:" i], [onerror], [onclick]')
    .evaluateAll((all) => all.map((one) => one.outerHTML.slice(0, 200)));
}

/** Buttons that change something and are not disabled. */
async function findOpenChanges(page: Page): Promise<string[]> {
  const names =
    /^(Save|Suspend|Resume|Delete|Purge|Restore|Remove(?! the filter)|Revoke|Renew|Rotate|Retry|Cancel|Pause|Skip|Add|New|Invite|Subscribe|Start|Retire|Repair|Keep|Ignore|Edit|Register|Create|Review and save)\b/;
  const buttons = await page.locator('#content').getByRole('button', { name: names }).all();
  const open: string[] = [];
  for (const button of buttons) if (await button.isEnabled()) open.push(await button.innerText());
  return open;
}
