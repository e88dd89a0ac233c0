import type { Operation } from '../database/generated/prisma/client.js';
import { RegistryError } from '../errors.js';
import type { CommandContext } from '../registry/command.js';
import { requireActive } from '../registry/tenants/tenant.js';
import { requireTenantRecord, type TenantRecord } from '../registry/tenants/tenant-record.js';
import { provisionTenant } from './commands/provision-tenant.js';
import { awaitEnd } from './operations/run/await-end.js';

/**
 * provisionTenant for callers that do not follow an operation: resolves when the tenant is active and every gateway has
 * acknowledged it, with the token of the first admin's invitation. Throws TENANT_NOT_READY when provisioning failed.
 */
export async function provisionTenantToEnd(
  context: CommandContext,
  input: { idempotencyKey?: string | undefined; [field: string]: unknown },
  signal: AbortSignal,
): Promise<{ tenant: TenantRecord; token: string | null }> {
  const started = await provisionTenant(context, input);
  await awaitEnd(context, started.operationId, { signal });
  const where = { id: started.operationId };
  const operation = await context.database.prisma.operation.findUniqueOrThrow({ where });
  const tenant = await requireTenantRecord(context.database, started.tenantId);
  if (operation.status !== 'SUCCEEDED') throw notProvisioned(tenant, operation, input.idempotencyKey);
  requireActive(tenant);
  return { tenant, token: started.token };
}

function notProvisioned(tenant: TenantRecord, { id, error }: Operation, key: string | undefined) {
  const again =
    key === undefined ? 'send the same request again' : 'send it again with a new idempotency key';
  return new RegistryError(
    'TENANT_NOT_READY',
    `Tenant ${tenant.slug} could not be provisioned (operation ${id}): ${error}. Correct that, then ${again}: it uses ` +
      'the same names',
  );
}
