import { setTimeout as delay } from 'node:timers/promises';
import type { App } from '../app.js';
import { gateway } from '../auth/caller.js';
import { provisionTenant } from '../provisioning/commands/provision-tenant.js';

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

/** On the embedded database's first start, or after one that was killed half way: never among real tenants. */
export async function addDemo(app: App): Promise<void> {
  if (!app.embedded) return;
  const slugs = demoTenants.map(({ slug }) => slug);
  const others = await app.database.prisma.tenant.count({ where: { slug: { notIn: slugs } } });
  if (others > 0) return;
  for (const tenant of demoTenants) {
    const status = await findSettled(app, tenant.slug);
    if (status && status !== 'FAILED') continue;
    const { operationId } = await provisionTenant(app.commandsFor(gateway), tenant);
    const operation = await app.database.prisma.operation.findUniqueOrThrow({
      where: { id: operationId },
    });
    if (operation.status === 'SUCCEEDED') app.log.info({ tenant: tenant.slug }, 'added a demo tenant');
    else
      app.log.warn(
        { tenant: tenant.slug, error: operation.error },
        'could not add a demo tenant; the next start tries again',
      );
  }
}

const pollMs = 250;

/** The status of a demo tenant, once the operation of a start that was killed has been taken over and has ended. */
async function findSettled(app: App, slug: string): Promise<string | undefined> {
  const waitMs = app.config.takeOverAfterMs + 15_000;
  const until = Date.now() + waitMs;
  for (let isTold = false; ; isTold = true) {
    const found = await app.database.prisma.tenant.findUnique({ where: { slug } });
    if (found?.status !== 'PROVISIONING' || !app.config.runsWorker || Date.now() > until)
      return found?.status;
    if (!isTold)
      app.log.info(
        { tenant: slug, atMostMs: waitMs },
        'an earlier start was cut off while it added this demo tenant: taking that over first',
      );
    await delay(pollMs);
  }
}
