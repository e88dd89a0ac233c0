import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { readInput } from '../../registry/input.js';
import { lockRollout, requireStatus } from '../rollout/rollout.js';
import { rolloutInput } from '../rollout/rollout-input.js';

/**
 * Lets a paused rollout go on. Tenants that have failed stay as they are, and the error budget counts from here. Throws NOT_FOUND,
 * CONFLICT.
 */
export async function resumeRollout(context: CommandContext, input: unknown) {
  authorize(context.caller, 'resumeRollout');
  const wanted = readInput(rolloutInput, input);
  return runCommand(context, 'resumeRollout', wanted, async (tx) => {
    const rollout = await lockRollout(tx, wanted.id, wanted.expectedVersion);
    requireStatus(rollout, ['PAUSED'], 'only a paused one can be resumed');
    const acceptedFailures = await tx.rolloutTenant.count({
      where: { rolloutId: rollout.id, status: 'FAILED' },
    });
    await tx.rollout.update({
      where: { id: rollout.id },
      data: { status: 'RUNNING', pauseReason: null, acceptedFailures },
    });
    return { rolloutId: rollout.id };
  });
}
