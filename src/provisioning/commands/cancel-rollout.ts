import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { readInput } from '../../registry/input.js';
import { lockRollout, requireStatus } from '../rollout/rollout.js';
import { rolloutInput } from '../rollout/rollout-input.js';

/**
 * Ends a rollout that is running or paused. What was migrated stays, and tenants that are being migrated are migrated to their end; all
 * others are skipped. Throws NOT_FOUND, CONFLICT.
 */
export async function cancelRollout(context: CommandContext, input: unknown) {
  authorize(context.caller, 'cancelRollout');
  const wanted = readInput(rolloutInput, input);
  return runCommand(context, 'cancelRollout', wanted, async (tx) => {
    const rollout = await lockRollout(tx, wanted.id, wanted.expectedVersion);
    requireStatus(rollout, ['RUNNING', 'PAUSED'], 'it has ended already');
    const finishedAt = new Date();
    await tx.rollout.update({
      where: { id: rollout.id },
      data: { status: 'CANCELLED', pauseReason: null, finishedAt },
    });
    await tx.rolloutTenant.updateMany({
      where: { rolloutId: rollout.id, status: 'QUEUED' },
      data: { status: 'SKIPPED', error: 'The rollout was cancelled', finishedAt },
    });
    return { rolloutId: rollout.id };
  });
}
