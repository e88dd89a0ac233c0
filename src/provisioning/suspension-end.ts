import { forEachAtOnce } from '../at-once.js';
import { gateway } from '../auth/caller.js';
import { RegistryError } from '../errors.js';
import type { CommandContext } from '../registry/command.js';
import { resumeTenant } from './commands/resume-tenant.js';

/** The caller that resumes a tenant when its suspension ends. */
const suspensionEnded = { ...gateway, actor: 'system:suspension-ended' };

/** How many suspensions one call ends, and how many of them at the same time. The next call ends further ones. */
const batch = 50;
const endedAtOnce = 4;

/** Among how many due ones these are drawn at random: in a fixed order, tenants that fail each time would hold up the others. */
const drawnFrom = 500;

/**
 * Resumes the tenants whose suspension ends. Several workers may find the same tenant: the version decides which one resumes it.
 * Nothing is lost when one dies, because the tenant is due until it is resumed.
 */
export async function endSuspensions(context: CommandContext): Promise<void> {
  const { rows } = await context.database.pool.query<{ id: string; version: number }>(
    `SELECT id, version FROM (
       SELECT id, version FROM tenants WHERE status = 'suspended' AND suspend_until <= now() ORDER BY suspend_until LIMIT ${drawnFrom}
     ) AS due ORDER BY random() LIMIT ${batch}`,
  );
  const ownContext = { ...context, caller: suspensionEnded };
  await forEachAtOnce(rows, endedAtOnce, async ({ id, version }) => {
    try {
      await resumeTenant(ownContext, { tenantId: id, expectedVersion: version, wait: 'COMMITTED' });
    } catch (error) {
      // Another worker or an operator was faster.
      if (error instanceof RegistryError && error.code === 'VERSION_CONFLICT') return;
      context.log.warn({ err: error, tenantId: id }, 'a suspension could not be ended yet');
    }
  });
}
