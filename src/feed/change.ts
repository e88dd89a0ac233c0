import type { StandbyReport } from './standbys.js';

/** One entry of the change log, as the feed reads it: which tenant or module changed, without the content. */
export interface Change {
  revision: bigint;
  position: number;
  /** "tenant.suspended" */
  kind: string;
  tenantId: string | null;
  tenantSlug: string | null;
  /**
   * External ids that the tenant has or had when the change was read; empty for the change of a module. They are never deleted
   * and never move, so these are at least those under which its answers can be cached.
   */
  externalIds: readonly string[];
  module: string | null;
  /** Modules to which the tenant has or had a subscription when the change was read; empty for the change of a module. */
  tenantModules: readonly string[];
  /** Hash chain, in hexadecimal. */
  previousHash: string;
  hash: string;
}

/** A replica's position in the log: the last revision it knows, and the hash of its last entry. */
export interface Position {
  epoch: string;
  revision: bigint;
  hash: string;
}

/** The result of one poll, from one snapshot of the primary. */
export interface FeedPage {
  head: Position;
  /** Entries after the reported position, in order; whole revisions only. */
  changes: readonly Change[];
  /** The revision after which `changes` begin; older ones were not requested. */
  since: bigint;
  /** False when this replica's row was removed, so that mutations do not wait for it and it gets no lease. */
  isRegistered: boolean;
  /** Only where standbys are required. */
  standbys?: StandbyReport;
}

/** The report of a replica, sent with each poll. */
export interface ReplicaReport {
  /** Its position; undefined before its first page. */
  position: Position | undefined;
  /** False while mutations must wait for it whatever its position is. */
  isSettled: boolean;
  /** The lowest revision confirmed by the clients with a lease from it; undefined without such clients. */
  clientsRevision: bigint | undefined;
  /** See StandbyReport.confirmed; undefined: none is known yet, or standbys are not required. */
  mark?: string | undefined;
}

/** The primary, as the protocol needs it. A parameter, so that the protocol can run against a model. */
export interface FeedSource {
  /**
   * Inserts the replica's row in its own transaction before the first poll: from then on mutations wait for it. Returns
   * the epoch.
   */
  register(): Promise<string>;
  poll(report: ReplicaReport): Promise<FeedPage>;
  /** Removes the row, unless another history has begun. */
  unregister(epoch: string): Promise<void>;
}

/** Maximum number of revisions in one page. A replica further behind starts anew. */
export const maxRevisionsPerPage = 2_000n;

/** The key under which the floor of all API keys is stored. No tenant can have this slug. */
export const apiKeysReference = 'api keys';

/** The key under which the floor of all memberships is stored. No tenant can have this slug either. */
export const membersReference = 'tenant members';

/**
 * How much of a change a subscriber sees: all of it, only that cached refusals are no longer valid, or nothing.
 */
export type ChangeView = (change: Change) => 'whole' | 'refusals' | 'nothing';

/** Whether cached answers about tenants depend on this change. */
export function concernsTenants({ kind }: Change): boolean {
  return !/^(api_key|member|invitation|operation|plan|rollout|finding|checkpoint)\./.test(kind);
}
