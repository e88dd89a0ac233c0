/**
 * Takes the pictures of docs/admin.md: starts the product on a data folder of its own, adds what a registry in use has, and opens each
 * screen in Chromium. `npm run pictures`; with a folder as argument it takes each screen light and dark, wide and narrow, into that folder.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { build } from './build.js';

const program = process.env.CHROMIUM ?? '/usr/bin/chromium';
const [folder = join(import.meta.dirname, '../docs/pictures'), ...further] = process.argv.slice(2);
const takesAll = process.argv.length > 2;
if (further.length > 0) throw new Error('usage: npm run pictures [-- <folder>]');

const wide = { width: 1280, height: 800 };
const narrow = { width: 390, height: 844 };

if (!build()) process.exit(1);
await mkdir(folder, { recursive: true });
const workDir = await mkdtemp(join(tmpdir(), 'tenant-registry-pictures-'));
const modulesDir = join(workDir, 'modules');
await cp(join(import.meta.dirname, '../modules'), modulesDir, { recursive: true });
// A file that is added later, for a rollout.
const [lateFile, heldBack] = [
  join(modulesDir, 'finance/0002_invoice_numbering.sql'),
  join(workDir, 'late.sql'),
];
await rename(lateFile, heldBack);
const gateway = spawn(process.execPath, [join(import.meta.dirname, 'tenant-registry.js'), 'serve'], {
  env: {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    PORT: '0',
    DATA_DIR: join(workDir, 'data'),
    MODULES_DIR: modulesDir,
  },
  stdio: ['ignore', 'ignore', 'pipe'],
});
try {
  const { url, adminPage } = await untilServing();
  const places = await addContent(url);
  await takePictures(adminPage, places);
} finally {
  if (gateway.exitCode === null) {
    gateway.kill('SIGTERM');
    await once(gateway, 'exit');
  }
  await rm(workDir, { recursive: true, force: true });
}

/** @returns {Promise<{ url: string, adminPage: string }>} */
async function untilServing() {
  let said = '';
  for await (const line of createInterface({ input: gateway.stderr })) {
    if (line.includes('"msg":"serving"')) {
      gateway.stderr.resume();
      return JSON.parse(line);
    }
    said += `${line}\n`;
  }
  throw new Error(`The gateway did not start:\n${said}`);
}

/**
 * Tenants in several states, a rollout and a key that expires soon.
 * @param {string} url
 * @returns {Promise<Record<string, string>>} pictures by name, with the path of the screen
 */
async function addContent(url) {
  /** @param {string} query @param {object} [variables] */
  const ask = async (query, variables) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = /** @type {any} */ (await response.json());
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  const names = [
    'Acacia Lodge',
    'Baobab Books',
    'Cape Cycles',
    'Dune Drives',
    'Éclair Bakery',
    'Fynbos Florist',
  ];
  const further = [
    'Giraffe Games',
    'Harvest Market',
    'Indaba Events',
    'Jacaranda Joinery',
    'شركة النخيل',
    'Karoo Kitchens',
  ];
  for (const [at, name] of [...names, ...further].entries())
    await ask(
      `mutation ($name: String!, $slug: String!, $modules: [ModuleName!]!, $plan: Plan) {
         provisionTenant(input: { name: $name, slug: $slug, adminEmail: "admin@example.com", modules: $modules, plan: $plan }) { revision } }`,
      {
        name,
        slug:
          at === 10
            ? 'palms'
            : name
                .normalize('NFD')
                .replace(/[^A-Za-z ]/g, '')
                .toLowerCase()
                .replaceAll(' ', '-'),
        modules: at % 3 === 0 ? ['operations', 'finance'] : [at % 2 === 0 ? 'finance' : 'inventory'],
        plan: ['LITE', 'PRO', 'ENTERPRISE'][at % 3],
      },
    );
  await ask(
    `mutation {
       a: suspendTenant(input: { tenantId: "dune-drives", reason: "Invoice 2041 is unpaid" }) { revision }
       b: deleteTenant(input: { tenantId: "giraffe-games" }) { revision }
       c: updateTenant(input: { tenantId: "cape-cycles", name: "Cape Cycles & Kayaks" }) { revision }
       d: inviteTenantMember(input: { tenantId: "acacia-lodge", email: "nomsa@example.com", role: MEMBER }) { revision }
       e: recordUsage(input: { tenantId: "baobab-books", metric: MONTHLY_QUOTES, amount: 92 }) { revision } }`,
  );
  for (const [name, days] of /** @type {const} */ ([
    ['nightly export', 12],
    ['finance service', 200],
  ]))
    await ask(
      `mutation ($name: String!, $expiresAt: DateTime) {
         createApiKey(input: { name: $name, scopes: ["registry:read", "resolve:finance"], expiresAt: $expiresAt }) { apiKey { id } } }`,
      { name, expiresAt: new Date(Date.now() + days * 86_400_000).toISOString() },
    );
  await rename(heldBack, lateFile);
  const { startRollout } = await ask(
    `mutation { startRollout(input: { module: "finance" }) { rollout { id } } }`,
  );
  const { operations } = await ask('{ operations(first: 1) { edges { node { id } } } }');
  return {
    overview: '',
    tenants: '/tenants',
    tenant: '/tenants/acacia-lodge',
    'tenant-modules': '/tenants/acacia-lodge?tab=modules',
    'tenant-configuration': '/tenants/acacia-lodge?tab=config',
    'tenant-history': '/tenants/cape-cycles?tab=history',
    onboarding: '/tenants/new',
    operations: '/operations',
    operation: `/operations/${operations.edges[0].node.id}`,
    rollouts: '/rollouts',
    rollout: `/rollouts/${startRollout.rollout.id}`,
    'rollout-plan': '/rollouts/new?module=finance',
    drift: '/drift',
    modules: '/modules',
    module: '/modules/finance',
    audit: '/audit',
    keys: '/keys',
    explain: '/explain?tenant=acacia-lodge&module=finance',
    gateways: '/gateways',
    about: '/about',
  };
}

/** @param {string} adminPage @param {Record<string, string>} places */
async function takePictures(adminPage, places) {
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
  try {
    const forms = takesAll
      ? ['light', 'dark'].flatMap((scheme) => [wide, narrow].map((size) => ({ scheme, size })))
      : [{ scheme: 'light', size: wide }];
    for (const { scheme, size } of forms) {
      const context = await browser.newContext({
        viewport: size,
        colorScheme: /** @type {'light' | 'dark'} */ (scheme),
        reducedMotion: 'reduce',
        timezoneId: 'Africa/Johannesburg',
        locale: 'en-GB',
      });
      const page = await context.newPage();
      for (const [name, path] of Object.entries(places)) {
        await page.goto(`${adminPage}${path}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        // The overview has a chart, and some screens ask once more for their parts.
        await page.waitForLoadState('load');
        await page.waitForTimeout(800);
        const suffix = takesAll ? `-${scheme}-${size === wide ? 'wide' : 'narrow'}` : '';
        await page.screenshot({ path: join(folder, `admin-${name}${suffix}.png`) });
      }
      await context.close();
    }
  } finally {
    await browser.close();
  }
}
