import type { WaitFor } from '../../../src/feed/acknowledge.js';

/** A point in a history of the registry. */
export interface Point {
  epoch: string;
  revision: bigint;
}

/**
 * What happened, in the order of a clock that nobody in the history can read. Commits and epochs are the truth; the rest
 * is what clients and gateways said and did.
 */
export type HistoryEvent = Begun | Committed | Acknowledged | Moved | Filled | Answered;

export interface History {
  /** D, in milliseconds. */
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

/** A transaction: what each reference that it touches is from then on. The first one of all says what everything is. */
export interface Committed extends Point {
  kind: 'committed';
  at: number;
  values: Readonly<Record<string, string>>;
}

/** A mutation was answered: whoever it waited for answers nothing from before it any more. */
export interface Acknowledged extends Point {
  kind: 'acknowledged';
  at: number;
  waitFor: WaitFor;
}

/** A gateway has read the change log up to there. */
export interface Moved extends Point {
  kind: 'moved';
  at: number;
  gateway: string;
}

/** A gateway put something into a tier. */
export interface Filled extends Claim {
  kind: 'filled';
  at: number;
  gateway: string;
  tier: string;
  /** How far the gateway had read the change log. */
  known: Point | undefined;
  /** What was there. */
  over: { epoch: string; asOf: bigint } | undefined;
}

/** That a reference was this at a revision. */
interface Claim {
  reference: string;
  epoch: string;
  asOf: bigint;
  value: string;
}

/** A client got an answer; `at` is when. */
export interface Answered extends Claim {
  kind: 'answered';
  at: number;
  /** When it asked. */
  start: number;
  client: string;
  /** undefined: from what the client itself held. */
  gateway: string | undefined;
  tier: string;
  isStrong: boolean;
  /** The minRevision it sent, and whether it was the revision of its own mutation or of an answer it had got. */
  token: (Point & { isOwnWrite: boolean }) | undefined;
}

/** What a reference is, as text. */
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
