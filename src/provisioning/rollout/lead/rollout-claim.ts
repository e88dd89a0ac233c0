import type { Rollout, RolloutStatus } from '../../../database/generated/prisma/client.js';
import type { Transaction } from '../../../database/registry-database.js';
import { type RowForm, readRow } from '../../../database/statements/row.js';
import type { CommandContext } from '../../../registry/command.js';
import { leader } from '../rollout.js';
import type { RolloutFile } from '../rollout-files.js';

/** A rollout that this process leads. Another process takes it over when the heartbeat stops. */
export type HeldRollout = Rollout;

/** Another process has taken over the rollout; this one must write nothing more. */
export class LostRolloutError extends Error {
  override readonly name = 'LostRolloutError';

  constructor(rolloutId: string) {
    super(`rollout ${rolloutId} was taken over by another process`);
  }
}

/** SQL: a rollout that has work and whose leader, if it had one, has sent no heartbeat for $1 milliseconds. */
const isDue = `(status = 'running' OR EXISTS (
    SELECT FROM rollout_tenants WHERE rollout_id = rollouts.id AND rollout_tenants.status = 'running'))
  AND coalesce(heartbeat_at, '-infinity') < clock_timestamp() - $1::int * interval '1 millisecond'`;

/** A rollout that a process may lead now, with the folder and the database of its module; null when the module was removed. */
export interface DueRollout {
  id: string;
  status: RolloutStatus;
  moduleName: string;
  migrationsFolder: string | null;
  databaseRef: string | null;
  files: RolloutFile[];
}

/** Rollouts that have no leader, oldest first. */
export async function listDueRollouts(
  { database }: CommandContext,
  takeOverAfterMs: number,
): Promise<DueRollout[]> {
  const { rows } = await database.query(
    `SELECT rollouts.id, upper(status::text) AS status, rollouts.module AS "moduleName", migrations_folder AS "migrationsFolder",
            database_ref AS "databaseRef", files
     FROM rollouts LEFT JOIN modules ON modules.name = rollouts.module
     WHERE (status IN ('running', 'paused') OR heartbeat_at IS NOT NULL) AND ${isDue}
     ORDER BY rollouts.created_at`,
    [takeOverAfterMs],
  );
  return rows;
}

/**
 * Takes the lead of a rollout; undefined when another process has it. Raises the fencing token, so that the leader before can write
 * nothing more, and takes back the tenants that it was migrating: the versions in their storage tell what ran.
 */
export async function claimRollout(
  context: CommandContext,
  id: string,
  takeOverAfterMs: number,
): Promise<HeldRollout | undefined> {
  return context.database.transaction(async (tx) => {
    const [claimed] = await tx.send({
      text: `UPDATE rollouts SET fencing_token = fencing_token + 1, worker = $3, heartbeat_at = clock_timestamp()
        WHERE id = $2 AND ${isDue}`,
      values: [takeOverAfterMs, id, leader],
    });
    if (claimed?.rowCount !== 1) return undefined;
    const rollout = await tx.rollout.findUniqueOrThrow({ where: { id } });
    await tx.send({
      text: `UPDATE rollout_tenants SET status = $2::rollout_tenant_status, file = NULL, error = $3,
          finished_at = CASE WHEN $3::text IS NOT NULL THEN now() END
        WHERE rollout_id = $1 AND status = 'running'`,
      values: rollout.status === 'CANCELLED' ? [id, 'skipped', interruptedByCancel] : [id, 'queued', null],
    });
    return rollout;
  });
}

const interruptedByCancel =
  'The rollout was cancelled and the process that migrated the tenant has ended, so some of its files may have run: doctor compares the version';

/** Sends heartbeats until disposed. */
export function keepLead(
  { database, log }: CommandContext,
  rollout: HeldRollout,
  everyMs: number,
): Disposable {
  const timer = setInterval(() => {
    database
      .query(`UPDATE rollouts SET heartbeat_at = clock_timestamp() WHERE ${isHeld}`, held(rollout))
      // One lost heartbeat does no harm. If all are lost, another process takes over.
      .catch((error) => log.warn({ err: error, rolloutId: rollout.id }, 'heartbeat failed'));
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Gives the lead up, for another process to take it at once. */
export async function releaseRollout({ database }: CommandContext, rollout: HeldRollout): Promise<void> {
  await database.query(
    `UPDATE rollouts SET worker = NULL, heartbeat_at = NULL, fencing_token = fencing_token + 1 WHERE ${isHeld}`,
    held(rollout),
  );
}

/** Locks the rollout and returns its present state. Throws LostRolloutError when this process does not lead it any more. */
export async function lockHeldRollout(tx: Transaction, rollout: HeldRollout): Promise<Rollout> {
  const [found] = await tx.send({
    text: `SELECT * FROM rollouts WHERE ${isHeld} FOR NO KEY UPDATE`,
    values: held(rollout),
    isFrequent: true,
  });
  const row = found?.rows[0];
  if (!row) throw new LostRolloutError(rollout.id);
  const fields = readRow(rolloutRow, row);
  // All columns of the table are fields of the model, which a test compares.
  return { ...fields, fencingToken: BigInt(String(fields.fencingToken)) } as Rollout;
}

const rolloutRow: RowForm = { enums: new Set(['status']), columns: { moduleName: 'module' } };

/**
 * Frees the rollouts that processes lead. For a gateway that is the only one on its registry: all leaders have ended. The heartbeat becomes
 * one of long ago, because it tells that a cancelled rollout may have tenants to take back.
 */
export async function forgetLeaders({ database }: CommandContext): Promise<void> {
  await database.query(
    `UPDATE rollouts SET worker = NULL, heartbeat_at = 'epoch' WHERE worker IS NOT NULL`,
    [],
  );
}

/**
 * Takes back the tenants of a rollout that is paused or cancelled and whose leader has ended. No file runs, so a process with any files
 * can do it.
 */
export async function takeBackTenants(
  context: CommandContext,
  id: string,
  takeOverAfterMs: number,
): Promise<void> {
  const claimed = await claimRollout(context, id, takeOverAfterMs);
  if (claimed) await releaseRollout(context, claimed);
}

/** SQL: whether this process leads the rollout, with the parameters of held(). */
const isHeld = 'id = $1 AND fencing_token = $2';

function held({ id, fencingToken }: HeldRollout): [string, string] {
  return [id, String(fencingToken)];
}
