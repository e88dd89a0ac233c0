import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation } from '../database/generated/prisma/client.js';
import { RegistryError } from '../errors.js';
import { type CommandContext, runCommand } from '../registry/command.js';
import { requireActive } from '../registry/tenant.js';
import { requireTenantRecord, type TenantRecord } from '../registry/tenant-record.js';
import { provisionTenant } from './commands/provision-tenant.js';
import { hasEnded } from './operation.js';

/** How often an operation is looked at that somebody else runs, in milliseconds. */
const lookMs = 200;

/**
 * provisionTenant for callers who want the tenant or an error and no operation in between: resolves when the tenant is
 * active and every gateway knows it. Throws TENANT_NOT_READY when the provisioning failed.
 */
export async function provisionTenantToEnd(
  context: CommandContext,
  input: { idempotencyKey?: string | undefined; [field: string]: unknown },
  signal: AbortSignal,
): Promise<TenantRecord> {
  const begun = await provisionTenant(context, input);
  const operation = await awaitEnd(context, begun.operationId, signal);
  const tenant = await requireTenantRecord(context.database, begun.tenantId);
  if (operation.status !== 'SUCCEEDED') throw notProvisioned(tenant, operation, input.idempotencyKey);
  requireActive(tenant);
  // Somebody else may have ended it just now, or an earlier request with this key: then nobody has waited yet.
  await runCommand(context, 'provisionTenant', {}, async () => ({}));
  return tenant;
}

/** Whoever runs it: when they died, it is taken over here. */
async function awaitEnd(
  context: CommandContext,
  operationId: string,
  signal: AbortSignal,
): Promise<Operation> {
  for (;;) {
    const where = { id: operationId };
    const operation = await context.database.prisma.operation.findUniqueOrThrow({ where });
    if (hasEnded(operation)) return operation;
    await sleep(lookMs, undefined, { signal });
    await context.runOperation(operationId);
  }
}

function notProvisioned(tenant: TenantRecord, { id, error }: Operation, key: string | undefined) {
  const again =
    key === undefined ? 'send the same request again' : 'send it again with a new idempotency key';
  return new RegistryError(
    'TENANT_NOT_READY',
    `Tenant ${tenant.slug} could not be provisioned (operation ${id}): ${error}. Mend that, then ${again}: it starts ` +
      'anew under the same names',
  );
}
