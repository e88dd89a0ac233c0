import type { Rules } from './rules.js';

/** The limits of the searched model. Time, crashes, stops and lost messages are unlimited. */
export interface Size {
  /** The highest revision. */
  commits: number;
  /** Number of histories: the first one and those that replace it. */
  epochs: number;
  /** The staleness bound, in ticks. */
  staleness: number;
  /** How many revisions a poll reads at most; a gateway further behind starts anew. */
  page: number;
  /**
   * Whether the report and the answer of a poll happen at two moments. One moment suffices except for faults between
   * the two.
   */
  answersLate: boolean;
  /**
   * Whether the state of memory is kept apart from Redis, which may have any entry; needed for rules of memory only.
   */
  hasMemory: boolean;
}

export interface Model extends Size {
  rules: Rules;
}

/**
 * One moment of the model, a number below 16 per field. All times are distances, none above D + 1, so that there are
 * finitely many states however long the model lasts.
 *
 * A point is an epoch and a revision in one number, see truth.ts; 0 is none. An entry of a cache is the point it was read
 * at: what the tenant's route was then, the history tells. Three things are no part of a state because they may be
 * anything at any time: Redis may hold every point that was ever the newest (so it is flushed, rolled back and late at
 * will), a load of each of them may be under way anywhere, and a client may have each of them as its token.
 */
export type State = Uint8Array;

export const epoch = 0;
export const head = 1;
/** The newest acknowledged point. */
export const acked = 2;
/** The mutation that waits for acknowledgement, and the remaining ticks of its staleness bound. */
export const waiting = 3;
export const waitingLeft = 4;
/** The row of a gateway that crashed or stopped; see `row`. */
export const orphan = 5;
const keptFrom = 6;
const versionFrom = 8;
const maxPoints = 14;
const replicaFrom = versionFrom + maxPoints;

/** The last revision that an epoch, but for the first, shares with the one before it. */
export function kept(ofEpoch: number): number {
  return keptFrom + ofEpoch - 1;
}

/** For each point: whether its commit changed the tenant, and since when it is stale; see truth.ts. */
export function version(point: number): number {
  return versionFrom + point - 1;
}

// The fields of a replica, as offsets:

/** 0 for no row, 1 for a row behind everything, otherwise 1 + the reported point. */
export const row = 0;
/** Whether it has reported since the waiting mutation began to watch it. */
export const hasReported = 1;
/** Ticks since its last report; only used when the rule that makes it unnecessary is left out. */
export const reportAge = 2;
/** Whether the gateway believes that it has a row. */
export const isRegistered = 3;
export const position = 4;
/** The larger of the tenant's floor and the base. */
export const floor = 5;
export const lease = 6;
/** 1 + the epoch that it follows or followed last. */
export const knownEpoch = 7;
export const settling = 8;
export const poll = 9;
export const pollPoint = 10;
export const pollAge = 11;
export const memory = 12;
export const replicaFields = 13;

export const first = replicaFrom;
export const second = replicaFrom + replicaFields;
export const replicas = [first, second] as const;
export const fields = second + replicaFields;

/** The progress of a running poll. Its snapshot is taken at its beginning, its report is visible at its end. */
export const phase = { none: 0, read: 1, reported: 2 } as const;

export function createState({ commits, epochs }: Model): State {
  if ((commits + 1) * epochs > maxPoints) throw new Error('there are too many points: choose smaller limits');
  return new Uint8Array(fields);
}
