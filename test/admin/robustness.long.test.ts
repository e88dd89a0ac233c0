import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipsBrowser } from '../setup/browser.js';
import { goTo, openAdmin, type TestAdmin, takePictures } from './support/admin-page.js';

const folder = join(import.meta.dirname, '../../src/admin');

test('every mutation is sent by the one function that sends no double click twice', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.tsx?$/.test(file),
  );
  const senders = files.filter((file) => readFileSync(join(folder, file), 'utf8').includes('useMutation'));
  expect(senders).toEqual([join('api', 'queries.ts')]);
});

interface Change {
  name: string;
  path: string;
  heading: string;
  prepare?: (page: Page) => Promise<void>;
  button: (page: Page) => Locator;
  mutation: string;
}

const button = (name: string) => (page: Page) => page.getByRole('button', { name, exact: true }).last();
const inDialog = (name: string) => (page: Page) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true });

describe.skipIf(skipsBrowser)('the page', () => {
  let admin: TestAdmin;
  beforeAll(async () => {
    admin = await openAdmin();
    for (let n = 10; n < 70; n++) await admin.aTenant(`Row ${n}`, `row-${n}`);
    await admin.aTenant('Twice', 'twice');
  });
  afterAll(() => admin?.[Symbol.asyncDispose]());

  // In this order: some need what an earlier one has left.
  const changes: Change[] = [
    {
      ...{
        name: 'saving a profile',
        path: '/tenants/twice?tab=profile',
        heading: 'Twice',
        mutation: 'updateTenant',
      },
      prepare: (page) => page.getByLabel('Short name').fill('Once'),
      button: button('Save'),
    },
    {
      ...{
        name: 'an external id',
        path: '/tenants/twice?tab=ids',
        heading: 'Twice',
        mutation: 'addTenantExternalId',
      },
      prepare: (page) => page.getByLabel('Another external id').fill('tn_once'),
      button: button('Add'),
    },
    {
      ...{
        name: 'an invitation',
        path: '/tenants/twice?tab=members',
        heading: 'Twice',
        mutation: 'inviteTenantMember',
      },
      async prepare(page) {
        await button('Invite a member')(page).click();
        await page.getByRole('dialog').getByLabel('Email').fill('once@example.com');
      },
      button: inDialog('Invite'),
    },
    {
      ...{
        name: 'a renewed invitation',
        path: '/tenants/twice?tab=members',
        heading: 'Twice',
        mutation: 'inviteTenantMember',
      },
      button: button('Renew'),
    },
    {
      ...{ name: 'a suspension', path: '/tenants/twice', heading: 'Twice', mutation: 'suspendTenant' },
      async prepare(page) {
        await button('Suspend')(page).click();
        await page.getByLabel('Reason').fill('once');
        await page.getByLabel('Type twice to confirm').fill('twice');
      },
      button: inDialog('Suspend'),
    },
    {
      ...{
        name: 'the undo of a suspension',
        path: '/tenants/row-10',
        heading: 'Row 10',
        mutation: 'resumeTenant',
      },
      async prepare(page) {
        await button('Suspend')(page).click();
        await page.getByLabel('Reason').fill('once');
        await page.getByLabel('Type row-10 to confirm').fill('row-10');
        await inDialog('Suspend')(page).click();
      },
      // The notice about the other tenant can still be there.
      button: button('Undo: Row 10 is suspended'),
    },
    {
      ...{ name: 'resuming', path: '/tenants/twice', heading: 'Twice', mutation: 'resumeTenant' },
      button: button('Resume'),
    },
    {
      ...{ name: 'a new tenant', path: '/tenants/new', heading: 'New tenant', mutation: 'registerTenant' },
      async prepare(page) {
        await page.getByRole('textbox', { name: 'Name', exact: true }).fill('New once');
        await page.getByText('Available.').waitFor();
        await button('Review')(page).click();
      },
      button: button('Register the tenant'),
    },
    {
      ...{ name: 'a new key', path: '/keys', heading: 'Keys', mutation: 'createApiKey' },
      async prepare(page) {
        await button('New key')(page).click();
        await page.getByRole('dialog').getByLabel('Name').fill('once');
        await page.getByLabel('registry:read').check();
      },
      button: inDialog('Create the key'),
    },
    {
      ...{ name: 'a new module', path: '/modules', heading: 'Modules', mutation: 'registerModule' },
      async prepare(page) {
        await button('Add a module')(page).click();
        await page.getByRole('dialog').getByLabel('Name').fill('once');
      },
      button: inDialog('Add'),
    },
    {
      ...{
        name: 'a change of many tenants',
        path: '/tenants?q=row-1',
        heading: 'Tenants',
        mutation: 'suspendTenants',
      },
      async prepare(page) {
        await page.getByLabel('Select Row 11').check();
        await button('Suspend…')(page).click();
        await page.getByLabel('Reason').fill('once');
        await page.getByText('1 would be changed').waitFor();
      },
      button: (page) => page.getByRole('dialog').getByRole('button', { name: /^Suspend/ }),
    },
  ];

  test('sends once what is clicked twice', async () => {
    const { page } = await admin.enter('/about');
    const sent: string[] = [];
    page.on('request', (request) => {
      const name = /^\s*mutation \w+[^{]*\{\s*(\w+)/.exec(request.postDataJSON?.()?.query ?? '')?.[1];
      if (name) sent.push(name);
    });
    for (const { name, path, heading, prepare, button: find, mutation } of changes) {
      await goTo(page, path);
      await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
      await prepare?.(page);
      const target = find(page);
      await target.waitFor();
      await expect.poll(() => target.isEnabled(), { message: name }).toBe(true);
      sent.length = 0;
      // Both clicks come in one task, before anything can be drawn.
      const [answer] = await Promise.all([
        page
          .waitForResponse((one) => (one.request().postData() ?? '').includes(`${mutation}(`))
          .catch((error) => Promise.reject(new Error(`no answer to ${name}`, { cause: error }))),
        target.evaluate((one: HTMLElement) => {
          one.click();
          one.click();
        }),
      ]);
      expect((await answer.json()).errors, name).toBeUndefined();
      await page.evaluate(() => new Promise(requestAnimationFrame));
      expect(sent, name).toEqual([mutation]);
      const shownOnce = page
        .getByRole('dialog')
        .getByRole('button', { name: /^(Done|I have stored it|Close)$/ });
      if (await shownOnce.count()) await shownOnce.first().click();
    }
    await page.context().close();
  });

  const placeOf = (one: Locator) => one.boundingBox();

  test('moves no button while a slow page of a list is on its way, and shows that it is', async () => {
    const { page } = await admin.enter('/tenants');
    const table = page.getByRole('region', { name: 'Tenants' }).getByRole('table');
    const next = page.getByRole('button', { name: 'Next' });
    await next.waitFor();
    const gate = await holdRequests(page, 'query Tenants(');
    const before = await placeOf(table);
    await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click();
    await expect.poll(() => table.getAttribute('aria-busy')).toBe('true');
    expect(await placeOf(table)).toEqual(before);
    await takePictures(page, 'tenants-slow');
    const held = await placeOf(next);
    gate.open();
    await expect.poll(() => table.getAttribute('aria-busy')).not.toBe('true');
    expect(await placeOf(next)).toEqual(held);
    await page.context().close();
  });

  test('moves no row when the first one is ticked', async () => {
    const { page } = await admin.enter('/tenants');
    const second = page.getByLabel('Select Row 11');
    await second.waitFor();
    const before = await placeOf(second);
    await page.getByLabel('Select Row 10').check();
    await page.getByText('1 selected').waitFor();
    expect(await placeOf(second)).toEqual(before);
    await takePictures(page, 'tenants-ticked');
    await page.context().close();
  });

  test('a dialog that is opened again shows neither the refusal nor the wait of the last try', async () => {
    const id = await admin.aTenant('Retried', 'retried');
    const protect = (isProtected: boolean) =>
      admin.gateway.psql('UPDATE tenants SET is_protected = $2 WHERE id = $1', [id, isProtected]);
    await protect(true);
    const { page } = await admin.enter('/tenants/retried');
    const dialog = page.getByRole('dialog');
    const confirm = inDialog('Delete')(page);
    const attempt = async () => {
      await page.getByRole('main').getByRole('button', { name: 'Delete', exact: true }).click();
      expect(await dialog.getByRole('alert').count()).toBe(0);
      await dialog.getByLabel('Type retried to confirm').fill('retried');
      expect(await confirm.isEnabled()).toBe(true);
      await confirm.click();
    };
    const close = async () => {
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    };
    await attempt();
    await dialog.getByRole('alert').waitFor();
    await close();
    await protect(false);
    const gate = await holdRequests(page, 'deleteTenant');
    await attempt();
    await expect.poll(() => confirm.isEnabled()).toBe(false);
    await close();
    await attempt();
    gate.open();
    await page.getByText('Retried is deleted; it can be restored').waitFor();
    await page.context().close();
  });

  test('moves nothing when the connection is lost, and goes on by itself when it is back', async () => {
    const { page } = await admin.enter('/tenants?q=row');
    const first = page.getByLabel('Select Row 10');
    await first.waitFor();
    const before = await placeOf(first);
    await page.context().setOffline(true);
    await page.getByText('The gateway does not answer').waitFor();
    expect(await placeOf(first)).toEqual(before);
    await takePictures(page, 'offline');
    await page.context().setOffline(false);
    await admin.gateway.psql(`UPDATE tenants SET name = 'Row renamed' WHERE slug = 'row-20'`);
    await page.getByText('The gateway does not answer').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Row renamed' }).waitFor();
    expect(await placeOf(first)).toEqual(before);
    await page.context().close();
  });

  test('says that a new version is there when the editor cannot be loaded, and keeps what was typed', async () => {
    const { page } = await admin.enter('/tenants/twice?tab=profile');
    await page.getByLabel('Internal note').fill('half a note');
    await removeAsset(page, /json-editor/);
    await page.getByRole('tab', { name: 'Configuration' }).click();
    await page.getByText('A new version of this page is there').waitFor();
    await page.getByRole('button', { name: 'Load the page again' }).waitFor();
    await takePictures(page, 'new-version');
    await page.getByRole('tab', { name: 'Profile' }).click();
    const note = page.getByLabel('Internal note');
    // Until then the tab that is left shows its own button.
    await note.waitFor();
    expect(await note.inputValue()).toBe('half a note');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved', { exact: true }).waitFor();
    await page.context().close();
  });

  test('says so on a screen that cannot be loaded, and leads on to the others', async () => {
    const { page } = await admin.enter('/tenants/new');
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Half typed');
    await removeAsset(page, /audit/);
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByText('A new version of this page is there').waitFor();
    await page.goBack();
    expect(await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue()).toBe('Half typed');
    await page.context().close();
  });

  const revokeNewestKey = () =>
    admin.gateway.psql(
      'UPDATE api_keys SET revoked_at = now() WHERE id = (SELECT id FROM api_keys ORDER BY created_at DESC LIMIT 1)',
    );

  test('opens no stream with a key that was revoked: the login would be refused for too many attempts', async () => {
    const { page } = await admin.enter('/tenants');
    await page.getByLabel('Select Row 10').waitFor();
    await page.clock.install();
    let isRefused = false;
    let opened = 0;
    page.on('request', (request) => {
      if (isRefused && request.headers().accept?.includes('text/event-stream')) opened++;
    });
    await revokeNewestKey();
    await page.getByRole('dialog', { name: 'Log in again' }).waitFor();
    isRefused = true;
    for (let pause = 0; pause < 5; pause++) {
      await page.clock.runFor(6_000);
      // Whatever that has sent is answered before this is.
      await page.evaluate(() => fetch('/health').then((answer) => answer.text()));
    }
    expect(opened).toBe(0);
    await admin.logIn(page);
    await expect.poll(() => opened).toBeGreaterThan(0);
    await page.context().close();
  });

  test('shows another person, who logs in after the first one, nothing that the first one has read', async () => {
    const { page } = await admin.enter('/keys');
    await page.getByRole('button', { name: 'Rotate' }).first().waitFor();
    await revokeNewestKey();
    await page.getByRole('dialog', { name: 'Log in again' }).waitFor();
    await admin.logIn(page, await admin.gateway.createKey('registry:read'));
    await page.getByText('This needs a key with scope keys:manage').waitFor();
    expect(await page.getByRole('button', { name: 'Rotate' }).count()).toBe(0);
    await page.context().close();
  });

  test.each(['{}', 'abc', '[1, null, {"name": 2}]', 'null'])('reads no saved views from %s', async (text) => {
    const { page } = await admin.enter('/tenants');
    await page.evaluate((stored) => localStorage.setItem('tenant-registry-views', stored), text);
    await page.reload();
    await admin.logIn(page);
    await page.getByRole('button', { name: 'Views', exact: true }).waitFor();
    await page.context().close();
  });
});

/** Answers 404 for an asset, as a gateway of another version does. */
async function removeAsset(page: Page, name: RegExp): Promise<void> {
  await page.route(
    (url) => url.pathname.includes('/assets/') && name.test(url.pathname),
    (route) => route.fulfill({ status: 404, body: '' }),
  );
}

/** Holds requests with this text until the gate is opened. */
async function holdRequests(page: Page, text: string): Promise<{ open: () => void }> {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes(text)) await opened;
    await route.continue();
  });
  return { open };
}
