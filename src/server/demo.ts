import { setTimeout as delay } from 'node:timers/promises';
import type { App } from '../app.js';
import { gateway } from '../auth/caller.js';
import { provisionTenant } from '../provisioning/commands/provision-tenant.js';
import { requireOperation } from '../provisioning/operations/operation.js';
import { hasOtherTenants } from '../registry/lists/tenant-summary.js';
import { findTenantRecord } from '../registry/tenants/tenant-record.js';

/** Tenants that the first query of the README finds. */
const demoTenants = [
  {
    name: 'Harbour Foods (demo)',
    slug: 'demo-harbour',
    adminEmail: 'admin@harbour.example',
    modules: ['operations', 'finance'],
  },
  {
    name: 'Savanna Travel (demo)',
    slug: 'demo-savanna',
    adminEmail: 'admin@savanna.example',
    modules: ['operations', 'inventory'],
  },
];

/**
 * Adds the demo tenants to an embedded database that has no other tenants: on its first start, or on a later one after the
 * first was killed.
 */
export async function addDemo(app: App): Promise<void> {
  const slugs = demoTenants.map(({ slug }) => slug);
  if (!app.embedded || (await hasOtherTenants(app.database, slugs))) return;
  for (const tenant of demoTenants) {
    const status = await findSettledStatus(app, tenant.slug);
    if (status && status !== 'FAILED') continue;
    const { operationId } = await provisionTenant(app.commandsFor(gateway), tenant);
    const { status: result, error } = await requireOperation(app.database.prisma, operationId);
    if (result === 'SUCCEEDED') app.log.info({ tenant: tenant.slug }, 'added a demo tenant');
    else
      app.log.warn({ tenant: tenant.slug, error }, 'could not add a demo tenant; the next start tries again');
  }
}

const pollMs = 250;

/** The status of a demo tenant, after the operation of a start that was killed has been taken over and has ended. */
async function findSettledStatus(app: App, slug: string): Promise<string | undefined> {
  const waitMs = app.config.takeOverAfterMs + 15_000;
  const until = Date.now() + waitMs;
  for (let isLogged = false; ; isLogged = true) {
    const found = await findTenantRecord(app.database, slug);
    if (found?.status !== 'PROVISIONING' || !app.config.runsWorker || Date.now() > until)
      return found?.status;
    if (!isLogged)
      app.log.info(
        { tenant: slug, atMostMs: waitMs },
        'an earlier start was interrupted while it added this demo tenant: waiting for its operation',
      );
    await delay(pollMs);
  }
}
