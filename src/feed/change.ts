/** One entry of the change log, as the feed reads it: who was changed, not how. */
export interface Change {
  revision: bigint;
  position: number;
  /** "tenant.suspended" */
  kind: string;
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
  /** Hash chain, in hexadecimal. */
  previousHash: string;
  hash: string;
}

/** Where a replica stands in the log: the last revision it knows, and the hash of its last entry. */
export interface Position {
  epoch: string;
  revision: bigint;
  hash: string;
}

/** What one poll found, all in one snapshot of the primary. */
export interface FeedPage {
  head: Position;
  /** Entries after the position that was asked from, in order; whole revisions only. */
  changes: readonly Change[];
  /** `changes` begin after this revision: older ones were not asked for. */
  since: bigint;
  /** false: this replica's row is gone, so nobody waits for it and it gets no lease. */
  isRegistered: boolean;
}

/** What a replica says of itself with each poll. */
export interface ReplicaReport {
  /** Where it stands; undefined before its first page. */
  position: Position | undefined;
  /** false: acks are to wait for it whatever it knows. */
  isSettled: boolean;
  /** The lowest revision that the clients it granted leases to have confirmed; undefined without such clients. */
  clientsRevision: bigint | undefined;
}

/** The primary, as the protocol needs it. A parameter, so that the protocol can be run against a model of it. */
export interface FeedSource {
  /**
   * Makes the replica's row, in a transaction of its own and before the first poll: from then on acks wait for it. Says in
   * which epoch.
   */
  register(): Promise<string>;
  poll(report: ReplicaReport): Promise<FeedPage>;
  /** Removes the row, unless another history has begun. */
  unregister(epoch: string): Promise<void>;
}

/** How many revisions one page holds at most; whoever is further behind starts anew. */
export const maxRevisionsPerPage = 2_000n;

/** What the floor of all API keys together is kept under; no tenant can have this slug. */
export const apiKeysReference = 'api keys';

/** Changes that no cached answer about a tenant depends on. */
export function concernsTenants({ kind }: Change): boolean {
  return !/^(api_key|member|invitation)\./.test(kind);
}
