import type { Pool } from 'pg';
import type { Clock } from './follower.js';

/** Whom a mutation waits for before it is answered. */
export type WaitFor = 'COMMITTED' | 'GATEWAYS' | 'EVERYWHERE';

/** A replica that has not reported a revision yet. */
export interface Laggard {
  id: string;
  /** Changes with each of its reports; opaque. */
  lastReport: string;
  /** Its own D: for how long it trusts what a poll found. */
  stalenessMs: number;
}

/** The replicas' rows, as the wait needs them. A parameter, like FeedSource. */
export interface ReplicaRows {
  /** Rejects in another epoch than that of the commit: the row of one that lags may have been lost with its history. */
  findLaggards(
    committed: { epoch: string; revision: bigint },
    waitFor: 'GATEWAYS' | 'EVERYWHERE',
  ): Promise<Laggard[]>;
  /** Takes a replica out, unless it has reported since, or another history has begun: that may have lost reports. */
  remove(laggard: Laggard, epoch: string): Promise<void>;
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

/** How much later than D after the commit an answer may come, so that whoever was silent for D can be taken out. */
const graceMs = 100;

/**
 * Resolves when nobody can answer from before the change any more: everybody with a row has reported it, or D has
 * passed since the commit, so that no lease from before it is left. "Its lease looks expired" would not do: only its
 * own clock knows. A replica that was watched being silent for its D is taken out, so that nobody waits for it again;
 * one that was only looked at after a while may have taken a lease meanwhile, and the next one to wait watches it.
 */
export async function awaitAcknowledgement(
  options: AcknowledgeOptions,
  committed: { epoch: string; revision: bigint; waitFor: WaitFor },
): Promise<void> {
  const { rows, clock, sleep, stalenessMs } = options;
  if (committed.waitFor === 'COMMITTED') return;
  const committedBy = clock();
  const watched = new Map<string, { lastReport: string; since: number }>();
  let watchedSince = committedBy + graceMs;
  let longestMs = stalenessMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    // The commit stands whatever becomes of this question; without an answer only the time counts.
    const laggards = await rows.findLaggards(committed, committed.waitFor).catch(() => undefined);
    if (laggards?.length === 0) return;
    // Its last report was before this moment, so its lease ends at the latest D after it.
    const now = clock();
    for (const { id, lastReport, stalenessMs } of laggards ?? []) {
      longestMs = Math.max(longestMs, stalenessMs);
      watchedSince = Math.min(watchedSince, now);
      if (watched.get(id)?.lastReport !== lastReport) watched.set(id, { lastReport, since: now });
    }
    const remainingMs = watchedSince + longestMs - now;
    if (remainingMs <= 0) {
      const silent = (laggards ?? []).filter(
        ({ id, stalenessMs }) => now - (watched.get(id)?.since ?? now) >= stalenessMs,
      );
      await Promise.allSettled(silent.map((laggard) => rows.remove(laggard, committed.epoch)));
      return;
    }
    await sleep(Math.min(pauseMs, remainingMs));
  }
}

export function openReplicaRows(pool: Pool): ReplicaRows {
  return {
    async findLaggards({ epoch, revision }, waitFor) {
      const { rows } = await pool.query<(Laggard | { id: null }) & { epoch: string }>(
        `SELECT log.epoch, replica.id, replica.reported_at::text AS "lastReport",
           replica.staleness_ms AS "stalenessMs"
         FROM (SELECT registry_epoch() AS epoch) AS log
         LEFT JOIN replicas AS replica
           ON replica.epoch IS DISTINCT FROM $1 OR revision < $2 OR ($3 AND clients_revision < $2)`,
        [epoch, revision, waitFor === 'EVERYWHERE'],
      );
      if (rows[0]?.epoch !== epoch) throw new Error('the registry has begun another history');
      return rows.filter((row) => row.id !== null);
    },
    async remove({ id, lastReport }, epoch) {
      await pool.query(
        'DELETE FROM replicas WHERE id = $1 AND reported_at::text = $2 AND registry_epoch() = $3',
        [id, lastReport, epoch],
      );
    },
  };
}
