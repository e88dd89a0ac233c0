import type { Rules } from './rules.js';

/** How large the searched world is. Time, crashes, stops and lost messages have no limit: only these do. */
export interface Size {
  /** The highest revision. */
  commits: number;
  /** The first history and each that replaces it. */
  epochs: number;
  /** D, in ticks. */
  staleness: number;
  /** How many revisions a poll reads at most; who is further behind starts anew. */
  page: number;
  /** Whether the report of a poll and its answer are two moments. One is enough but for what is wrong in between. */
  answersLate: boolean;
  /** Whether what memory holds is told apart from what Redis may hold, which is everything: for rules of memory only. */
  hasMemory: boolean;
}

export interface World extends Size {
  rules: Rules;
}

/**
 * One moment of the world, a number below 16 per field. All times are distances, none above D + 1, so that there are
 * finitely many states however long the world lasts.
 *
 * A point is an epoch and a revision in one number, see truth.ts; 0 is none. An entry of a cache is the point it was read
 * at: what the tenant's route was then, the history tells. Three things are no part of a state because they may be
 * anything at any time: Redis may hold every point that was ever the newest (so it is flushed, rolled back and late at
 * will), a load of each of them may be under way anywhere, and a client may have each of them as its token.
 */
export type State = Uint8Array;

export const epoch = 0;
export const head = 1;
/** Newest point that a mutation was acknowledged at. */
export const acked = 2;
/** The mutation that waits for its acknowledgement, and how many ticks of D are left to it. */
export const waiting = 3;
export const waitingLeft = 4;
/** The row of a gateway that crashed or left; see `row`. */
export const orphan = 5;
const keptFrom = 6;
const versionFrom = 8;
const maxPoints = 14;
const replicaFrom = versionFrom + maxPoints;

/** The last revision that an epoch, but for the first, shares with the one before it. */
export function kept(ofEpoch: number): number {
  return keptFrom + ofEpoch - 1;
}

/** Of a point: whether its commit touched the tenant, and since when it is overtaken; see truth.ts. */
export function version(point: number): number {
  return versionFrom + point - 1;
}

// Of a replica, counted from where it begins:

/** 0 none, 1 lags behind everything, else 1 + the point it has reported. */
export const row = 0;
/** Whether it has reported since the waiter began to watch. */
export const hasReported = 1;
/** Ticks since its last report; kept only where the rule that does without it is left out. */
export const reportAge = 2;
/** Whether the gateway believes that it has a row. */
export const isRegistered = 3;
export const position = 4;
/** The larger of the tenant's floor and the base. */
export const floor = 5;
export const lease = 6;
/** 1 + the epoch it follows, or followed last. */
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

/** How far a poll under way has come. Its snapshot is taken when it begins, its report is seen when it ends. */
export const phase = { none: 0, read: 1, reported: 2 } as const;

export function createState({ commits, epochs }: World): State {
  if ((commits + 1) * epochs > maxPoints) throw new Error('so many points don’t fit');
  return new Uint8Array(fields);
}
