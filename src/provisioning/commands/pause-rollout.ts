import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { optional, prose, readInput } from '../../registry/input.js';
import { lockRollout, requireStatus } from '../rollout/rollout.js';
import { rolloutInput } from '../rollout/rollout-input.js';

const PauseRolloutInput = rolloutInput.extend({ reason: optional(prose(500)) });

/** Pauses a running rollout. Tenants that are being migrated are migrated to their end. Throws NOT_FOUND, CONFLICT. */
export async function pauseRollout(context: CommandContext, input: unknown) {
  authorize(context.caller, 'pauseRollout');
  const wanted = readInput(PauseRolloutInput, input);
  return runCommand(context, 'pauseRollout', wanted, async (tx) => {
    const rollout = await lockRollout(tx, wanted.id, wanted.expectedVersion);
    requireStatus(rollout, ['RUNNING'], 'only a running one can be paused');
    const pauseReason = wanted.reason ?? `Paused by ${context.caller.actor}`;
    await tx.rollout.update({ where: { id: rollout.id }, data: { status: 'PAUSED', pauseReason } });
    return { rolloutId: rollout.id };
  });
}
