import type { WaitFor } from '../../../src/feed/acknowledge.js';

/** A point in a history of the registry. */
export interface Point {
  epoch: string;
  revision: bigint;
}

/**
 * The events in the order of a clock that no participant can read. Commits and epochs are the truth; the other events
 * are statements and actions of clients and gateways.
 */
export type HistoryEvent = Begun | Committed | Acknowledged | Moved | Filled | Answered;

export interface History {
  /** The staleness bound, in milliseconds. */
  stalenessMs: number;
  events: readonly HistoryEvent[];
}

/** A history of the registry begins, or is replaced by one that shares its revisions up to and including `kept`. */
export interface Begun {
  kind: 'begun';
  at: number;
  epoch: string;
  kept: bigint;
}

/** A transaction: the new state of each reference that it changes. The first one has the state of all references. */
export interface Committed extends Point {
  kind: 'committed';
  at: number;
  values: Readonly<Record<string, string>>;
}

/** A mutation was answered: the replicas and clients for which it waited must not answer from before it. */
export interface Acknowledged extends Point {
  kind: 'acknowledged';
  at: number;
  waitFor: WaitFor;
}

/** A gateway has read the change log up to this point. */
export interface Moved extends Point {
  kind: 'moved';
  at: number;
  gateway: string;
}

/** A gateway stored an entry in a tier. */
export interface Filled extends Claim {
  kind: 'filled';
  at: number;
  gateway: string;
  tier: string;
  /** How far the gateway had read the change log. */
  known: Point | undefined;
  /** The entry that was replaced. */
  over: { epoch: string; asOf: bigint } | undefined;
}

/** The statement that a reference had this state at a revision. */
interface Claim {
  reference: string;
  epoch: string;
  asOf: bigint;
  value: string;
}

/** A client got an answer at the time `at`. */
export interface Answered extends Claim {
  kind: 'answered';
  at: number;
  /** The time of the request. */
  start: number;
  client: string;
  /** undefined when the answer came from the client's own cache. */
  gateway: string | undefined;
  tier: string;
  isStrong: boolean;
  /** The minRevision of the request, and whether it came from a mutation of the client or from an earlier answer. */
  token: (Point & { isOwnWrite: boolean }) | undefined;
}

/** The state of a reference as text. */
export function formatValue(
  tenant: { id: string; status: string; schema: string } | undefined,
  moduleVersion: number,
): string {
  return tenant ? `${tenant.id} ${tenant.status} ${tenant.schema} ${moduleVersion}` : absent;
}

export const absent = 'absent';

export function readValue(value: string): { tenant: string; status: string; schema: string } | undefined {
  const [tenant, status, schema] = value.split(' ');
  return tenant && status && schema ? { tenant, status, schema } : undefined;
}
