import type { Pool } from 'pg';
import { queryPrepared } from '../database/statements/prepared-query.js';
import { within } from '../within.js';
import { type Clock, waitingClock } from './clock.js';

/**
 * What a mutation waits for before it answers: only its commit, all gateways, or all gateways and clients with a lease.
 */
export type WaitFor = 'COMMITTED' | 'GATEWAYS' | 'EVERYWHERE';

/** A replica that has not reported a revision yet. */
export interface Laggard {
  id: string;
  /** The time of its last report as text. It only serves for comparison. */
  lastReport: string;
  /** Its own staleness bound: how long it trusts the result of a poll. */
  stalenessMs: number;
}

/**
 * The rows of the replicas, as the wait needs them. A parameter like FeedSource, so that the protocol can run against a
 * model.
 */
export interface ReplicaRows {
  /**
   * Rejects when the epoch differs from that of the commit: the rows of lagging replicas may have been lost with their
   * history.
   */
  findLaggards(
    committed: { epoch: string; revision: bigint },
    waitFor: 'GATEWAYS' | 'EVERYWHERE',
  ): Promise<Laggard[]>;
  /**
   * Removes a replica, unless it has reported since then, or another history has begun, which may have lost reports.
   */
  remove(laggard: Laggard, epoch: string): Promise<void>;
}

export interface AcknowledgeOptions {
  rows: ReplicaRows;
  clock: Clock;
  sleep: (ms: number) => Promise<void>;
  /** The staleness bound, see Follower. */
  stalenessMs: number;
}

/** Why a change was acknowledged: nobody had to know it, all have reported it, or the staleness bound has passed. */
export type Acknowledgement = 'committed' | 'reported' | 'waited';

const firstPauseMs = 2;
const longestPauseMs = 25;

/** A read of the replicas that takes longer is not waited for by those that need a later one, in milliseconds. */
const patienceMs = 50;

/** How much longer than the staleness bound the wait may take, so that silent replicas can be removed. */
const graceMs = 100;

/**
 * Resolves when no replica can answer from before the change any more: every replica with a row has reported the
 * revision, or the staleness bound has passed since the commit, so that no older lease is left. The database cannot
 * judge whether a lease has expired, because only the replica's own clock knows. A replica that was watched to be
 * silent for its staleness bound is removed, so that later mutations do not wait for it. One that was first seen later
 * may have taken a lease meanwhile; the next mutation that waits observes it.
 */
export async function awaitAcknowledgement(
  options: AcknowledgeOptions,
  committed: { epoch: string; revision: bigint; waitFor: WaitFor },
): Promise<Acknowledgement> {
  const { rows, clock, sleep, stalenessMs } = options;
  if (committed.waitFor === 'COMMITTED') return 'committed';
  const committedBy = clock();
  const watched = new Map<string, { lastReport: string; since: number }>();
  let watchedSince = committedBy + graceMs;
  let longestMs = stalenessMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    // The commit is final even if this query fails. Without its result only the time counts.
    const laggards = await rows.findLaggards(committed, committed.waitFor).catch(() => undefined);
    if (laggards?.length === 0) return 'reported';
    // The replica's last report was before this moment, so its lease ends at most one staleness bound later.
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
      return 'waited';
    }
    await sleep(Math.min(pauseMs, remainingMs));
  }
}

/** A row of a replica beside the present epoch; without an id when there is no replica. */
interface ReplicaRow extends Laggard {
  epoch: string;
  reportedEpoch: string | null;
  revision: string;
  /** null: no client has a lease from it. */
  clientsRevision: string | null;
}

const readReplicas = {
  text: `SELECT log.epoch, replica.id, replica.reported_at::text AS "lastReport", replica.staleness_ms AS "stalenessMs",
           replica.epoch AS "reportedEpoch", revision, clients_revision AS "clientsRevision"
         FROM (SELECT registry_epoch() AS epoch) AS log LEFT JOIN replicas AS replica ON true`,
  values: [],
};

export function openReplicaRows(pool: Pool, { timeoutMs = 30_000 } = {}): ReplicaRows {
  const read = shareNext(async (): Promise<ReplicaRow[]> => {
    const { rows } = await queryPrepared(pool, timeoutMs, readReplicas);
    return rows;
  }, patienceMs);
  return {
    async findLaggards({ epoch, revision }, waitFor) {
      // The snapshot is later than the commit, so it has every replica that may have read a head from before it.
      const rows = await read();
      if (rows[0]?.epoch !== epoch) throw new Error('the registry has begun another history');
      return rows
        .filter(
          (row) =>
            row.id !== null &&
            (row.reportedEpoch !== epoch ||
              BigInt(row.revision) < revision ||
              (waitFor === 'EVERYWHERE' &&
                row.clientsRevision !== null &&
                BigInt(row.clientsRevision) < revision)),
        )
        .map(({ id, lastReport, stalenessMs }) => ({ id, lastReport, stalenessMs }));
    },
    async remove({ id, lastReport }, epoch) {
      await pool.query(
        'DELETE FROM replicas WHERE id = $1 AND reported_at::text = $2 AND registry_epoch() = $3',
        [id, lastReport, epoch],
      );
    },
  };
}

/**
 * Makes calls share a read. A call never gets the result of a read that began before it: it shares the next one with all others
 * that come meanwhile.
 */
function shareNext<T>(read: () => Promise<T>, patienceMs: number): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const begin = () => {
    const begun = read().finally(() => {
      if (running === begun) running = undefined;
    });
    running = begun;
    return begun;
  };
  return () => {
    if (!running) return begin();
    next ??= within(patienceMs, running, () => undefined)
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return begin();
      });
    return next;
  };
}

/** The options of the wait for processes that change the registry without following it. */
export function acknowledgement(pool: Pool, stalenessMs: number): AcknowledgeOptions {
  return {
    rows: openReplicaRows(pool, { timeoutMs: stalenessMs }),
    clock: waitingClock,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    stalenessMs,
  };
}
