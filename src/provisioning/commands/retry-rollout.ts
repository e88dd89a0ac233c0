import { authorize } from '../../auth/permissions.js';
import type { Rollout, RolloutStatus } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { readInput } from '../../registry/input.js';
import { requireModule } from '../../registry/modules/module.js';
import { renewFiles } from '../rollout/renewed-files.js';
import { lockRollout, noSuchRollout, requireNoOtherRollout, requireStatus } from '../rollout/rollout.js';
import { filesOf, type RolloutFile } from '../rollout/rollout-files.js';
import { rolloutInput } from '../rollout/rollout-input.js';

const retried: RolloutStatus[] = ['RUNNING', 'PAUSED', 'FAILED'];

/**
 * Migrates the failed and the blocked tenants of a rollout again, also after its end. A paused rollout goes on. The error budget is whole
 * again, and a file that was corrected since runs as it is now. Throws NOT_FOUND, and CONFLICT when there is no such tenant, the rollout was
 * cancelled, another one of the module is open, or a file was corrected that may be running somewhere.
 */
export async function retryRollout(context: CommandContext, input: unknown) {
  authorize(context.caller, 'retryRollout');
  const wanted = readInput(rolloutInput, input);
  const before = await context.database.prisma.rollout.findUnique({ where: { id: wanted.id } });
  // The cause of a failure is often in the file.
  const [renewal] = await Promise.allSettled([
    before && retried.includes(before.status) ? renewFiles(context, before) : undefined,
  ]);
  return runCommand(context, 'retryRollout', wanted, async (tx) => {
    const found = await tx.rollout.findUnique({ where: { id: wanted.id } });
    if (!found) throw noSuchRollout(wanted.id);
    // The lock of startRollout: a rollout that has ended must not open beside another.
    await requireModule(tx, found.moduleName, 'UPDATE');
    // Not before the transaction: a repeated request gets its first answer.
    if (renewal.status === 'rejected') throw renewal.reason;
    const files = renewal.value;
    const rollout = await lockRollout(tx, wanted.id, wanted.expectedVersion);
    const wayOut = 'it has no tenants to retry, so start another with startRollout';
    requireStatus(rollout, retried, wayOut);
    await requireNoOtherRollout(tx, rollout.moduleName, rollout.id);
    const isRenewed = files !== undefined && hasOtherFiles(rollout, files);
    if (isRenewed) await requireNoneAtWork(tx, rollout.id);
    const [reset] = await tx.send({
      text: `WITH reset AS (
          UPDATE rollout_tenants SET status = 'queued', file = NULL, error = NULL, error_code = NULL, violations = NULL,
              finished_at = NULL, duration_ms = NULL
            WHERE rollout_id = $1 AND status IN ('failed', 'blocked') RETURNING wave)
        SELECT count(*)::int AS tenants, min(wave) AS first FROM reset`,
      values: [rollout.id],
    });
    const { tenants, first }: { tenants: number; first: number | null } = reset?.rows[0] ?? {
      tenants: 0,
      first: null,
    };
    if (first === null)
      throw new RegistryError(
        'CONFLICT',
        `Rollout ${rollout.id} has no failed or blocked tenants: there is nothing to retry`,
      );
    await tx.rollout.update({
      where: { id: rollout.id },
      data: {
        ...(files && { files: files.map((file) => ({ ...file })) }),
        // A leader holds the files as they were: another lead begins with those of now.
        ...(isRenewed && { fencingToken: { increment: 1 }, worker: null, heartbeatAt: null }),
        ...{ status: 'RUNNING', pauseReason: null, finishedAt: null, acceptedFailures: 0 },
        retries: { increment: 1 },
        // A canary that failed is looked at again before the waves go on.
        currentWave: Math.min(rollout.currentWave, first),
      },
    });
    return { rolloutId: rollout.id, tenants };
  });
}

function hasOtherFiles(rollout: Rollout, files: readonly RolloutFile[]): boolean {
  const textOf = ({ name, checksum, check, verify }: RolloutFile) =>
    [name, checksum, check, verify].join(' ');
  const before = new Set(filesOf(rollout).map(textOf));
  return files.some((file) => !before.has(textOf(file)));
}

/** Throws CONFLICT while a file that is to be replaced may still run somewhere. */
async function requireNoneAtWork(tx: Transaction, rolloutId: string): Promise<void> {
  const atWork = await tx.rolloutTenant.count({ where: { rolloutId, status: 'RUNNING' } });
  if (atWork > 0)
    throw new RegistryError(
      'CONFLICT',
      `Tenants of rollout ${rolloutId} are being migrated with the files as they were before the correction: use pauseRollout, and retry when none of them is running`,
    );
}
