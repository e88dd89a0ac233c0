import type { Pool } from 'pg';
import { authorize } from '../../auth/permissions.js';
import type { CommandContext } from '../command.js';
import { AuditArchive } from './audit-archive.js';
import { exportToArchive, findFirst } from './audit-export.js';
import { verifyAuditFiles } from './audit-verify.js';
import { type Checkpoint, isAuthenticCheckpoint, newestCheckpointSql, signCheckpoint } from './checkpoint.js';

/** Days of entries that always stay; the database refuses a checkpoint among them, as among the newest 2000 revisions. */
const keptDays = 7;

/** Revisions deleted in one transaction. */
const batchRevisions = 1_000n;

export interface PrunePlan {
  /** The newest entry that is deleted. */
  checkpoint: Checkpoint;
  /** False: a pruning that broke off has added the checkpoint. */
  isNew: boolean;
  /** The oldest and the newest revision that are deleted. */
  revisions: { from: string; to: string };
}

/** What pruning would delete; undefined: nothing. `key` is AUDIT_KEY. Throws when a part of it must stay, and for a forged checkpoint. */
export async function planPruning(
  context: CommandContext,
  before: Date,
  key: string,
): Promise<PrunePlan | undefined> {
  authorize(context.caller, 'readAuditLog');
  const { pool } = context.database;
  const { rows } = await pool.query<{ now: Date; oldest: string | null; keepFrom: string }>(
    `SELECT now() AS now, (SELECT min(revision)::text FROM registry_change) AS oldest,
       (revision - 2000)::text AS "keepFrom" FROM registry_head`,
  );
  const [{ now, oldest, keepFrom } = { now: new Date(), oldest: null, keepFrom: '0' }] = rows;
  const latest = new Date(now.getTime() - keptDays * 86_400_000);
  if (before > latest)
    throw new Error(
      `The newest ${keptDays} days of the audit log stay, longer than any lease, stale answer or idempotency key: --before must be ${latest.toISOString()} or earlier`,
    );
  const first = await findFirst(pool, before);
  const limit = BigInt(keepFrom);
  const wanted = first === undefined ? limit : BigInt(first) - 1n;
  // The first page of a gateway has the newest 2000 revisions.
  const to = wanted < limit ? wanted : limit;
  const [checkpoint] = (await pool.query<Checkpoint>(newestCheckpointSql)).rows;
  if (checkpoint && !isAuthenticCheckpoint(key, checkpoint))
    throw new Error(
      `The checkpoint at revision ${checkpoint.revision} is not signed with AUDIT_KEY, so nothing was deleted: tenant-registry doctor audit tells more`,
    );
  if (oldest === null) return undefined;
  // A pruning that broke off goes on to its checkpoint.
  if (checkpoint && BigInt(checkpoint.revision) >= to) {
    if (BigInt(checkpoint.revision) < BigInt(oldest)) return undefined;
    return { checkpoint, isNew: false, revisions: { from: oldest, to: checkpoint.revision } };
  }
  if (to < BigInt(oldest)) return undefined;
  const found = await pool.query<Omit<Checkpoint, 'signature'>>(
    `SELECT revision::text, position, encode(hash, 'hex') AS hash,
       to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS "changedAt"
     FROM registry_change WHERE revision = $1 ORDER BY position DESC LIMIT 1`,
    [String(to)],
  );
  const [end] = found.rows;
  if (!end) return undefined;
  const signed = { ...end, signature: signCheckpoint(key, end) };
  return { checkpoint: signed, isNew: true, revisions: { from: oldest, to: String(to) } };
}

export interface PruneOptions {
  key: string;
  /** Folder that gets all entries first, and the checkpoint. */
  archive?: string | undefined;
  onProgress?: (deleted: number) => void;
}

/**
 * Archives, adds the checkpoint, and then deletes in portions: the chain is provable from the checkpoint on at every moment.
 * Returns the number of deleted entries.
 */
export async function prune(
  context: CommandContext,
  { checkpoint, isNew, revisions }: PrunePlan,
  options: PruneOptions,
): Promise<number> {
  const { pool } = context.database;
  if (options.archive !== undefined)
    await archiveUpTo(pool, options.archive, { checkpoint, from: revisions.from, key: options.key });
  if (isNew) await addCheckpoint(context, checkpoint);
  return deleteEntries(pool, revisions, options.onProgress);
}

async function archiveUpTo(
  pool: Pool,
  folder: string,
  { checkpoint, from, key }: { checkpoint: Checkpoint; from: string; key: string },
): Promise<void> {
  await exportToArchive(pool, folder, { upTo: checkpoint.revision });
  const archive = await AuditArchive.open(folder);
  await archive.close();
  await archive.addCheckpoint(checkpoint);
  const report = await verifyAuditFiles([folder], { key, onProblem: () => undefined });
  if (report.problems > 0)
    throw new Error(
      `The archive in ${folder} has ${report.problems} problems, so nothing was deleted: tenant-registry audit verify ${folder} names them`,
    );
  if (report.after !== null && BigInt(report.after.split(':')[0] ?? '0') >= BigInt(from))
    throw new Error(
      `The archive in ${folder} begins after revision ${report.after.split(':')[0]}, but entries from revision ${from} on would be deleted, so nothing was: name an empty folder`,
    );
}

async function addCheckpoint({ caller, database }: CommandContext, checkpoint: Checkpoint): Promise<void> {
  const { revision, position, hash, changedAt, signature } = checkpoint;
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('registry.actor', $1, true)`, [caller.actor]);
    await client.query(
      `INSERT INTO registry_checkpoints (revision, position, hash, changed_at, signature)
       VALUES ($1, $2, decode($3, 'hex'), $4::timestamp AT TIME ZONE 'UTC', $5)`,
      [revision, position, hash, changedAt, signature],
    );
    await client.query('COMMIT');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function deleteEntries(
  pool: Pool,
  { from, to }: { from: string; to: string },
  onProgress?: PruneOptions['onProgress'],
): Promise<number> {
  let deleted = 0;
  // Oldest first, so that a gateway that lags finds a gap at its own position, and nothing it could skip.
  for (let at = BigInt(from); at <= BigInt(to); at += batchRevisions) {
    const upTo = at + batchRevisions - 1n < BigInt(to) ? at + batchRevisions - 1n : BigInt(to);
    const { rowCount } = await pool.query('DELETE FROM registry_change WHERE revision BETWEEN $1 AND $2', [
      String(at),
      String(upTo),
    ]);
    deleted += rowCount ?? 0;
    onProgress?.(deleted);
  }
  return deleted;
}
