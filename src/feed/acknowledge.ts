import type { Pool } from 'pg';
import type { Clock } from './follower.js';

/** Whom a mutation waits for before it is answered. */
export type WaitFor = 'COMMITTED' | 'GATEWAYS' | 'EVERYWHERE';

/** A replica that has not reported a revision yet. */
interface Laggard {
  id: string;
  /** Changes with each of its reports; opaque. */
  lastReport: string;
  /** Its own D: for how long it trusts what a poll found. */
  stalenessMs: number;
}

/** The replicas' rows, as the wait needs them. A parameter, like FeedSource. */
export interface ReplicaRows {
  findLaggards(
    committed: { epoch: string; revision: bigint },
    waitFor: 'GATEWAYS' | 'EVERYWHERE',
  ): Promise<Laggard[]>;
  /** Takes a replica out, unless it has reported since. */
  remove(laggard: Laggard): Promise<void>;
}

export interface AcknowledgeOptions {
  rows: ReplicaRows;
  clock: Clock;
  sleep: (ms: number) => Promise<void>;
  /** D, see Follower. */
  stalenessMs: number;
}

const firstPauseMs = 2;
const longestPauseMs = 25;

/**
 * Resolves when nobody can answer from before the change any more: everybody with a row has reported it, or D has
 * passed since the commit, so that no lease from before it is left. "Its lease looks expired" would not do: only its
 * own clock knows. A replica that was silent all that time is taken out, so that nobody waits for it again.
 */
export async function awaitAcknowledgement(
  options: AcknowledgeOptions,
  committed: { epoch: string; revision: bigint; waitFor: WaitFor },
): Promise<void> {
  const { rows, clock, sleep, stalenessMs } = options;
  if (committed.waitFor === 'COMMITTED') return;
  const committedBy = clock();
  let first: Laggard[] | undefined;
  let longestMs = stalenessMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    // The commit stands whatever becomes of this question; without an answer only the time counts.
    const laggards = await rows.findLaggards(committed, committed.waitFor).catch(() => undefined);
    if (laggards?.length === 0) return;
    first ??= laggards;
    longestMs = Math.max(longestMs, ...(laggards ?? []).map((laggard) => laggard.stalenessMs));
    const remainingMs = committedBy + longestMs - clock();
    if (remainingMs <= 0) {
      const silent = (laggards ?? []).filter((now) => first?.some((then) => isSameReport(then, now)));
      await Promise.allSettled(silent.map((laggard) => rows.remove(laggard)));
      return;
    }
    await sleep(Math.min(pauseMs, remainingMs));
  }
}

function isSameReport(then: Laggard, now: Laggard): boolean {
  return then.id === now.id && then.lastReport === now.lastReport;
}

export function openReplicaRows(pool: Pool): ReplicaRows {
  return {
    async findLaggards({ epoch, revision }, waitFor) {
      const { rows } = await pool.query<Laggard>(
        `SELECT id, reported_at::text AS "lastReport", staleness_ms AS "stalenessMs" FROM replicas
         WHERE epoch IS DISTINCT FROM $1 OR revision < $2 OR ($3 AND clients_revision < $2)`,
        [epoch, revision, waitFor === 'EVERYWHERE'],
      );
      return rows;
    },
    async remove({ id, lastReport }) {
      await pool.query('DELETE FROM replicas WHERE id = $1 AND reported_at::text = $2', [id, lastReport]);
    },
  };
}
