import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lead, openRolloutTestbed, phones, type RolloutTestbed } from '../provisioning/support/rollouts.js';
import { openBrowser, skipsBrowser, visit } from '../setup/browser.js';

/** Only keys: the tests below press nothing by mouse and focus nothing by script. */
class Keys {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  press = (key: string) => this.#page.keyboard.press(key);
  type = (text: string) => this.#page.keyboard.type(text);

  /** Name, role and text of the focused element, and whether a person sees that it is focused. */
  async #focused(): Promise<{ name: string; isVisible: boolean }> {
    return await this.#page.evaluate(() => {
      const one = document.activeElement as HTMLElement | null;
      if (!one || one === document.body) return { name: '', isVisible: true };
      const label =
        one instanceof HTMLInputElement || one instanceof HTMLSelectElement ? one.labels?.[0] : undefined;
      const name = one.getAttribute('aria-label') ?? label?.innerText ?? one.innerText ?? '';
      // A ring of the element itself, or of what stands for it.
      const shows = [one, one.parentElement, one.nextElementSibling].some((each) => {
        if (!each) return false;
        const { outlineStyle, outlineWidth, borderColor, boxShadow } = getComputedStyle(each);
        return (
          (outlineStyle !== 'none' && outlineWidth !== '0px') ||
          boxShadow !== 'none' ||
          borderColor.includes('59, 91, 219') ||
          borderColor.includes('66, 99, 235') ||
          borderColor.includes('76, 110, 245')
        );
      });
      const { width, height, bottom, top } = one.getBoundingClientRect();
      const isInSight = width > 0 && height > 0 && bottom > 0 && top < innerHeight;
      return {
        name: name
          .replace(/\s+/g, ' ')
          .replace(/\s*\*$/, '')
          .trim(),
        isVisible: shows && isInSight,
      };
    });
  }

  /** Presses Tab until the element with this name has the focus; every stop on the way must be visible. */
  async tabTo(name: string | RegExp, { limit = 80, key = 'Tab' } = {}): Promise<void> {
    const passed: string[] = [];
    for (let count = 0; count < limit; count++) {
      const focused = await this.#focused();
      if (typeof name === 'string' ? focused.name === name : name.test(focused.name)) {
        const isVisible = async () => (await this.#focused()).isVisible;
        await expect.poll(isVisible, { message: `the focus on "${focused.name}" is visible` }).toBe(true);
        return;
      }
      passed.push(focused.isVisible ? focused.name : `${focused.name} (invisible)`);
      await this.press(key);
    }
    throw new Error(`${key} does not lead to ${name}, but to: ${passed.join(' | ')}`);
  }

  async expectFocus(name: string | RegExp): Promise<void> {
    await expect
      .poll(async () => (await this.#focused()).name, { timeout: 60_000 })
      .toEqual(typeof name === 'string' ? name : expect.stringMatching(name));
  }
}

describe.skipIf(skipsBrowser)('the keyboard alone', () => {
  let testbed: RolloutTestbed;
  let browser: Browser;
  beforeAll(async () => {
    testbed = await openRolloutTestbed(1, 2);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await testbed?.close();
  });

  async function open(): Promise<{ page: Page; keys: Keys }> {
    const { page } = await visit(browser, testbed.gateway.url, '/admin');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    return { page, keys: new Keys(page) };
  }

  test('finds a tenant, suspends it with a reason and an end, and gets back to where it was', async () => {
    await testbed.gateway.ask(
      'mutation { registerTenant(input: { name: "Keys only", slug: "keys-only" }) { revision } }',
    );
    const { page, keys } = await open();
    await keys.press('Control+k');
    await keys.expectFocus('Find');
    await keys.type('keys-only');
    await page.getByRole('button', { name: /^Keys only/ }).waitFor();
    await keys.press('Enter');
    await page.getByRole('heading', { name: 'Keys only', level: 1 }).waitFor();
    await keys.tabTo('Suspend');
    await keys.press('Enter');
    await keys.expectFocus('Reason');
    // Escape leaves the dialog, and the focus is where it was.
    await keys.press('Escape');
    await keys.expectFocus('Suspend');
    await keys.press('Enter');
    await keys.expectFocus('Reason');
    await keys.type('unpaid');
    await keys.press('Tab');
    await keys.expectFocus('Until');
    await keys.type('12312099');
    await keys.press('Tab');
    await keys.type('1130AM');
    await keys.tabTo('Type keys-only to confirm');
    await keys.type('keys-only');
    await keys.press('Enter');
    await page.locator('.status', { hasText: 'suspended' }).first().waitFor();
    const [row] = await testbed.gateway.psql<{ reason: string; year: number }>(
      `SELECT suspended_reason AS reason, extract(year FROM suspend_until)::int AS year FROM tenants WHERE slug = 'keys-only'`,
    );
    expect(row).toEqual({ reason: 'unpaid', year: 2099 });
    // The button that opened the dialog is gone: the focus is not lost to the top of the page.
    await keys.expectFocus(/\S/);
    await keys.tabTo(/^Undo: /);
    await keys.press('Enter');
    await page
      .locator('.status', { hasText: /^active$/ })
      .first()
      .waitFor();
    await page.context().close();
  });

  test('plans a rollout, starts it, watches it, pauses and resumes it', async () => {
    const module = await testbed.takeModule();
    await module.write('0003_phones.sql', phones);
    const { page, keys } = await open();
    await keys.press('g');
    await keys.press('r');
    await page.getByRole('heading', { name: 'Rollouts', level: 1 }).waitFor();
    await keys.tabTo('Plan a rollout');
    await keys.press('Enter');
    await page.getByRole('heading', { name: 'Plan a rollout', level: 1 }).waitFor();
    await keys.tabTo('Module');
    await keys.type(module.name);
    await page.getByRole('heading', { name: 'Pending files' }).waitFor();
    await keys.tabTo(/^0003_phones|0003_phones\.sql/);
    await keys.press('Enter');
    await page.getByText('ADD COLUMN phone').waitFor();
    await keys.tabTo('Waves');
    await keys.press('Control+a');
    await keys.type('2');
    await keys.tabTo('Start the rollout');
    await keys.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keys.tabTo('Start');
    await keys.press('Enter');
    await page.getByRole('heading', { name: `Rollout of ${module.name}`, level: 1 }).waitFor();
    await page.getByText('0 of 2 migrated').first().waitFor();

    await keys.tabTo('Pause');
    await keys.press('Enter');
    await keys.expectFocus('Reason');
    await keys.type('lunch');
    await keys.press('Enter');
    await page.getByText('The rollout is paused').waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await keys.expectFocus(/\S/);
    await keys.tabTo('Resume');
    await keys.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keys.tabTo('Resume the rollout');
    await keys.press('Enter');
    await page.getByText('The rollout is paused').waitFor({ state: 'detached' });
    await lead(testbed);
    await page.getByText('2 of 2 migrated').first().waitFor();
    await page.context().close();
  });

  test('registers a tenant from the first page on, and leads to it', async () => {
    const { page, keys } = await open();
    await keys.press('Control+k');
    await keys.type('register a tenant');
    await page.getByRole('button', { name: 'Register a tenant' }).waitFor();
    await keys.press('Enter');
    await keys.expectFocus('Name');
    await keys.type('By keys');
    await page.getByText('Available.').waitFor();
    for (const heading of ['Modules', 'Plan', 'Profile', 'First admin', 'Review']) {
      await keys.press('Enter');
      await page.getByRole('heading', { name: heading, level: 2 }).waitFor();
    }
    await keys.press('Enter');
    await page.getByRole('heading', { name: 'By keys is registered' }).waitFor();
    await keys.tabTo(/^(Open|Show|To) /);
    await keys.press('Enter');
    await page.getByRole('heading', { name: 'By keys', level: 1 }).waitFor();
    await page.context().close();
  });
});
