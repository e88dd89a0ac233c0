/** What runs inside the page: the moment of the last key or click, the last request for tenants, and the moment at which rows are painted. */
import type { Page } from 'playwright-core';

/** Rows that a page of the list shows, as the slugs in their links. */
export interface Expected {
  /** Undefined: whatever the next answer has. */
  slugs: string[] | undefined;
}

export interface PageTime {
  /** From the key press or click until the rows are painted. */
  fromInputMs: number;
  /** From the key press or click until the request is sent. */
  untilSentMs: number;
  slugs: string[];
}

interface Meter {
  inputAt: number;
  sentAt: number;
  init: RequestInit | undefined;
  shown(): string[] | undefined;
  untilShown(expected: string[] | undefined): Promise<number>;
}

const mark = 'query Tenants(';
const limitMs = 60_000;

/** Installs the meter in a page that is not open yet. */
export async function installMeter(page: Page): Promise<void> {
  // esbuild gives functions their names back by this one.
  await page.addInitScript('globalThis.__name = (one) => one');
  await page.addInitScript(
    ({ mark, limitMs }) => {
      const meter: Meter = {
        inputAt: 0,
        sentAt: 0,
        init: undefined,
        /** The rows of the newest answer; undefined while those of an earlier one are shown. */
        shown() {
          const table = document.querySelector('section[aria-label="Tenants"] table');
          if (!table || table.hasAttribute('data-stale')) return undefined;
          return [...table.querySelectorAll('tbody a')].map((one) => one.getAttribute('href') ?? '');
        },
        untilShown(expected) {
          const wanted = expected?.join();
          const beganAt = performance.now();
          return new Promise((resolve, reject) => {
            setTimeout(() => reject(new Error(`no rows after ${limitMs} ms`)), limitMs);
            const isThere = () => {
              // Rows are of an earlier answer until the request is sent, and marked as such until the new ones are there.
              if (meter.sentAt < beganAt) return false;
              const rows = meter.shown()?.join();
              return rows !== undefined && (wanted === undefined || rows === wanted);
            };
            const observer = new MutationObserver(() => {
              if (!isThere()) return;
              observer.disconnect();
              // The first task after a frame is drawn.
              requestAnimationFrame(() => {
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => resolve(performance.now());
                port2.postMessage(undefined);
              });
            });
            observer.observe(document.body, { subtree: true, childList: true, attributes: true });
          });
        },
      };
      for (const type of ['keydown', 'click', 'change'])
        addEventListener(type, ({ timeStamp }) => (meter.inputAt = timeStamp), true);
      const send = globalThis.fetch;
      globalThis.fetch = (input, init) => {
        if (typeof init?.body === 'string' && init.body.includes(mark)) {
          meter.sentAt = performance.now();
          meter.init = init;
        }
        return send(input, init);
      };
      Object.assign(globalThis, { meter, sendDirectly: send });
    },
    { mark, limitMs },
  );
}

/** Does something with the page, and tells when the rows that follow from it are painted. */
export async function timePage(
  page: Page,
  act: () => Promise<unknown>,
  { slugs }: Expected,
): Promise<PageTime> {
  const shown = page.evaluate(async (wanted) => {
    const { meter } = globalThis as unknown as { meter: Meter };
    const at = await meter.untilShown(wanted?.map((slug) => `/admin/tenants/${slug}`));
    return {
      fromInputMs: at - meter.inputAt,
      untilSentMs: meter.sentAt - meter.inputAt,
      slugs: (meter.shown() ?? []).map((href) => href.slice(href.lastIndexOf('/') + 1)),
    };
  }, slugs);
  const [time] = await Promise.all([shown, act()]);
  return time;
}

export interface DirectTime {
  ms: number;
  slugs: string[];
  endCursor: string | null;
}

/** Variables of the last request for tenants that the page has sent. */
export async function lastVariables(page: Page): Promise<Record<string, unknown>> {
  return await page.evaluate(() => {
    const { meter } = globalThis as unknown as { meter: Meter };
    return JSON.parse(String(meter.init?.body)).variables;
  });
}

/** Sends the document of the page with these variables from the same page by fetch alone. */
export async function timeDirectly(page: Page, variables: Record<string, unknown>): Promise<DirectTime> {
  return await page.evaluate(async (given) => {
    const { meter, sendDirectly } = globalThis as unknown as { meter: Meter; sendDirectly: typeof fetch };
    const { query } = JSON.parse(String(meter.init?.body));
    const body = JSON.stringify({ query, variables: given });
    const startedAt = performance.now();
    const response = await sendDirectly('/graphql', { ...meter.init, body, signal: null });
    const { data } = await response.json();
    const ms = performance.now() - startedAt;
    return {
      ms,
      slugs: data.tenants.edges.map(({ node }: { node: { slug: string } }) => node.slug),
      endCursor: data.tenants.pageInfo.endCursor,
    };
  }, variables);
}

/** Waits until the list shows the rows of its newest answer. */
export async function untilSettled(page: Page): Promise<void> {
  await page.waitForFunction(() => (globalThis as unknown as { meter: Meter }).meter.shown() !== undefined);
}
