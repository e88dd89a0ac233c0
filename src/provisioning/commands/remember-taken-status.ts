import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { rememberStatus } from '../../profile/taken/remember-taken.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { readInput, uuid } from '../../registry/input.js';
import { requireTenant } from '../../registry/tenants/tenant.js';

const RememberTakenStatusInput = z.object({
  tenantId: uuid,
  status: z.enum(['ACTIVE', 'SUSPENDED', 'DELETED']),
});

/** Remembers that an import has given a tenant the status that it has on its older platform. */
export async function rememberTakenStatus(context: CommandContext, input: unknown) {
  authorize(context.caller, 'registerTenant');
  const { tenantId, status } = readInput(RememberTakenStatusInput, input);
  return runCommand(context, 'rememberTakenStatus', { wait: 'COMMITTED' }, async (tx) => {
    await requireTenant(tx, tenantId);
    await rememberStatus(tx, tenantId, status);
    return { tenantId };
  });
}
