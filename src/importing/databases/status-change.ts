import { digestOf } from '../../profile/taken/taken-values.js';
import { deleteTenant } from '../../provisioning/commands/delete-tenant.js';
import { rememberTakenStatus } from '../../provisioning/commands/remember-taken-status.js';
import { restoreTenant } from '../../provisioning/commands/restore-tenant.js';
import { resumeTenant } from '../../provisioning/commands/resume-tenant.js';
import { suspendTenant } from '../../provisioning/commands/suspend-tenant.js';
import { updateTakenTenant } from '../../provisioning/commands/update-taken-tenant.js';
import type { CommandContext } from '../../registry/command.js';
import type { ProfilePlan } from '../platform/profile-plan.js';
import type { LegacyStatus } from '../platform/status-plan.js';

/**
 * Gives a tenant the status that it has on its older platform, and remembers that. A run that ends between the two is repeated with
 * the same idempotency key, so that it does not undo what somebody did meanwhile. Returns the revisions.
 */
export async function changeStatus(
  context: CommandContext,
  tenantId: string,
  plan: ProfilePlan,
  wanted: LegacyStatus,
): Promise<string[]> {
  const { deletedAt, suspendedReason, stored, statusChanges } = plan;
  const status = stored?.status;
  const revisions: string[] = [];
  const run = async (
    command: typeof deleteTenant | typeof suspendTenant | typeof restoreTenant,
    name: string,
    more: { reason?: string } = {},
  ) => {
    const key = `import/${tenantId}/${statusChanges}/${name}/${digestOf(more.reason) ?? ''}`;
    const { revision } = await command(context, {
      ...{ tenantId, ...more, wait: 'COMMITTED' },
      ...(stored && { idempotencyKey: key }),
    });
    revisions.push(revision);
  };
  if (wanted === 'DELETED') {
    if (status !== 'DELETED') await run(deleteTenant, 'delete');
    const profile = { tenant: {}, settings: {}, branding: {}, externalIds: [], members: [] };
    if (deletedAt) {
      const dated = { tenantId, deletedAt, profile, attempts: [], wait: 'COMMITTED' };
      revisions.push((await updateTakenTenant(context, dated)).revision);
    }
  } else {
    if (status === 'DELETED') await run(restoreTenant, 'restore');
    else if (status === 'SUSPENDED' && wanted === 'ACTIVE') await run(resumeTenant, 'resume');
    // The name of a database may look like a key, which a reason must not hold.
    const reason = suspendedReason ?? 'suspended on the older platform';
    if (wanted === 'SUSPENDED') await run(suspendTenant, 'suspend', { reason });
  }
  if (stored) revisions.push((await rememberTakenStatus(context, { tenantId, status: wanted })).revision);
  return revisions;
}
