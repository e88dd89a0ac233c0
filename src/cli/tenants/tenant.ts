import type { Command } from 'commander';
import { addExternalIds } from './external-ids.js';
import { addTenantBulk } from './tenant-bulk.js';
import { addLifecycle } from './tenant-lifecycle.js';
import { addTenantList } from './tenant-list.js';
import { addTenantShow } from './tenant-show.js';

export function addTenant(program: Command): void {
  const tenant = program
    .command('tenant')
    .description('Show, list, suspend, delete and restore tenants, and change many at once.')
    .addHelpText('after', examples);
  addTenantList(tenant);
  addTenantShow(tenant);
  addLifecycle(tenant);
  addExternalIds(tenant);
  addTenantBulk(tenant);
}

const examples = `
<tenant> is a slug, an id or an external id. Examples:

  tenant-registry tenant list --status suspended --module finance
  tenant-registry tenant show acme-corp
  tenant-registry tenant suspend acme-corp --reason "Unpaid since March"
  tenant-registry tenant suspend-many --plan lite --search trial --reason "Trial ended" --preview
  tenant-registry tenant list --json | jq -r '.[].slug'

"tenant-registry provision" creates a tenant.`;
