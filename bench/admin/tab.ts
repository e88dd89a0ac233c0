/** A tab with the admin page, logged in and measured. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { installMeter, untilSettled } from './meter.js';

export interface Tab {
  page: Page;
  cdp: CDPSession;
  /** Leads to a screen without loading the page again; for lists of tenants, until the rows are shown. */
  goTo(path: string): Promise<void>;
}

/** `origin`: of a gateway without BASE_PATH. No request is intercepted, because that would cost time. */
export async function openTab(browser: Browser, origin: string, key: string): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, locale: 'en-GB' });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await installMeter(page);
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable');
  await page.goto(`${origin}/admin/tenants`);
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByRole('dialog', { name: /^Log in/ }).waitFor({ state: 'detached' });
  return {
    page,
    cdp,
    async goTo(path) {
      // A list of options that is still open would take the next click.
      await page.keyboard.press('Escape');
      await page.evaluate((to) => {
        history.pushState({}, '', to);
        dispatchEvent(new PopStateEvent('popstate', { state: {} }));
      }, `/admin${path}`);
      if (!/^\/tenants(\?|$)/.test(path)) return;
      // The router changes the screen in a transition.
      await delay(150);
      await untilSettled(page);
    },
  };
}
