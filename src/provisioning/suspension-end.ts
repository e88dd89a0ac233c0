import { gateway } from '../auth/caller.js';
import { RegistryError } from '../errors.js';
import type { CommandContext } from '../registry/command.js';
import { resumeTenant } from './commands/resume-tenant.js';

/** Who resumes a tenant when its suspension ends. */
const suspensionEnded = { ...gateway, actor: 'system:suspension-ended' };

/** How many suspensions one call ends; the next call ends further ones. */
const batch = 50;

/**
 * Resumes the tenants whose suspension ends. Several workers may find the same tenant: the version decides which one resumes it.
 * Nothing is lost when one dies, because the tenant is due until it is resumed.
 */
export async function endSuspensions(context: CommandContext): Promise<void> {
  const { rows } = await context.database.pool.query<{ id: string; version: number }>(
    `SELECT id, version FROM tenants WHERE status = 'suspended' AND suspend_until <= now() ORDER BY suspend_until LIMIT ${batch}`,
  );
  const ownContext = { ...context, caller: suspensionEnded };
  for (const { id, version } of rows)
    await resumeTenant(ownContext, { tenantId: id, expectedVersion: version, wait: 'COMMITTED' }).catch(
      (error) => {
        // Another worker or an operator was faster.
        if (error instanceof RegistryError && error.code === 'VERSION_CONFLICT') return;
        context.log.warn({ err: error, tenantId: id }, 'a suspension could not be ended yet');
      },
    );
}
