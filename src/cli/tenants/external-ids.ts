import type { Command } from 'commander';
import { addTenantExternalId } from '../../registry/commands/add-tenant-external-id.js';
import { removeTenantExternalId } from '../../registry/commands/remove-tenant-external-id.js';
import { requireTenantRecord } from '../../registry/tenants/tenant-record.js';
import { print, withApp } from '../with-app.js';

type Change = typeof addTenantExternalId;

export function addExternalIds(tenant: Command): void {
  add(tenant, 'add-external-id', 'Give a tenant an external id, which then resolves like its slug.', {
    change: addTenantExternalId,
    examples: ['add-external-id acme-corp tn_acme'],
  });
  add(tenant, 'remove-external-id', 'Remove an external id: it does not resolve any more.', {
    change: removeTenantExternalId,
    examples: ['remove-external-id acme-corp tn_acme'],
  });
}

function add(
  tenant: Command,
  verb: string,
  description: string,
  { change, examples }: { change: Change; examples: readonly string[] },
): void {
  const lines = examples.map((line) => `  tenant-registry tenant ${line}`).join('\n');
  tenant
    .command(`${verb} <tenant> <externalId>`)
    .description(description)
    .option('--json', 'print {"id","slug","externalIds","revision"}')
    .addHelpText('after', `\nThe id stays with the tenant, also when it is removed.\n\nExamples:\n\n${lines}`)
    .action((reference: string, externalId: string, options: { json?: true }) =>
      run(change, { reference, externalId }, options),
    );
}

async function run(
  change: Change,
  { reference, externalId }: { reference: string; externalId: string },
  { json }: { json?: true },
): Promise<void> {
  await withApp(async (app, caller) => {
    const input = { tenantId: reference, externalId };
    const { tenantId, revision } = await change(app.commandsFor(caller), input);
    const { id, slug, externalIds } = await requireTenantRecord(app.database, tenantId);
    if (json) return print(JSON.stringify({ id, slug, externalIds, revision }));
    print(
      `Tenant ${slug} has ${externalIds.length === 0 ? 'no external ids' : `the external ids ${externalIds.join(', ')}`}.`,
    );
  });
}
