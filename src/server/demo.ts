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
    const found = await app.database.prisma.tenant.findUnique({ where: { slug: tenant.slug } });
    if (found && found.status !== 'FAILED') continue;
    const { operationId } = await provisionTenant(app.commandsFor(gateway), tenant);
    const { status, error } = await app.database.prisma.operation.findUniqueOrThrow({
      where: { id: operationId },
    });
    if (status === 'SUCCEEDED') app.log.info({ tenant: tenant.slug }, 'added a demo tenant');
    else
      app.log.warn({ tenant: tenant.slug, error }, 'could not add a demo tenant; the next start tries again');
  }
}
