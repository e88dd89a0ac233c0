/** A browser that can reach the gateway only; it records its requests to other hosts. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const program = '/usr/bin/chromium';
const missing = `${program} is missing (apt-get install chromium)`;

/** Tests without a browser are skipped, but fail in CI. */
export const skipsBrowser = !existsSync(program) && !process.env.CI;
if (skipsBrowser) process.stderr.write(`\n>>> BROWSER TESTS ARE SKIPPED: ${missing} <<<\n\n`);

/** How long a page may take for a step, in milliseconds. Only what hangs takes as long, also on a busy machine. */
const patienceMs = 120_000;

export async function openBrowser(): Promise<Browser> {
  if (!existsSync(program)) throw new Error(missing);
  const browser = await chromium.launch({
    executablePath: program,
    args: [
      '--no-sandbox',
      '--no-first-run',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
  const open = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await open(options);
    context.setDefaultTimeout(patienceMs);
    return context;
  };
  return browser;
}

export interface Visit {
  page: Page;
  /** Blocked requests to other hosts. */
  foreignRequests: string[];
  /** Exceptions and errors in the console, which include violations of the content security policy. */
  problems: string[];
}

/** Opens a page of the gateway at `origin` in a new browser profile. */
export async function visit(browser: Browser, origin: string, path: string): Promise<Visit> {
  // Without transitions a test never meets a dialog that is half open.
  const context = await browser.newContext({
    viewport: { width: 1400, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const foreignRequests: string[] = [];
  const problems: string[] = [];
  await context.route(
    (url) => url.origin !== origin,
    async (route) => {
      foreignRequests.push(route.request().url());
      await route.abort();
    },
  );
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== new URL(origin).host) foreignRequests.push(socket.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${origin}${path}`);
  return { page, foreignRequests, problems };
}
