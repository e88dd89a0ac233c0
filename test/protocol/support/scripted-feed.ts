import type { Change, FeedPage, FeedSource, Position, ReplicaReport } from '../../../src/feed/change.js';
import { Follower, type FollowerOptions } from '../../../src/feed/follower.js';
import { type StandbyReport, Standbys } from '../../../src/feed/standbys.js';

export const stalenessMs = 5_000;

/** A change of one tenant, alone in its revision. */
export function aChange(revision: bigint, fields: Partial<Change> = {}): Change {
  return {
    revision,
    position: 0,
    kind: 'tenant.updated',
    tenantId: 'id-acme',
    tenantSlug: 'acme',
    externalIds: [],
    module: null,
    tenantModules: [],
    previousHash: `hash ${revision - 1n}`,
    hash: `hash ${revision}`,
    ...fields,
  };
}

/** A change log that a test writes at the times it chooses; each poll waits until the test releases it. */
export class ScriptedFeed implements FeedSource {
  now = 1_000;
  epoch = 'first';
  head = 10n;
  /** The revision after which a first page begins. */
  oldest = 0n;
  changes: Change[] = [];
  hasRow = false;
  /** Called during each poll. */
  onPoll: (report: ReplicaReport) => void | Promise<void> = () => undefined;
  /** What each poll reads of the standbys; undefined: they are not asked for. */
  standbys: StandbyReport | undefined;
  readonly reports: ReplicaReport[] = [];

  add(...changes: Change[]): void {
    this.changes.push(...changes);
    this.head = changes.at(-1)?.revision ?? this.head;
  }

  follow(
    clientsRevision?: () => bigint | undefined,
    required = 0,
    onStep?: FollowerOptions['onStep'],
    onMoved?: FollowerOptions['onMoved'],
  ): Follower {
    const clock = () => this.now;
    return new Follower({
      source: this,
      clock,
      waitingClock: clock,
      stalenessMs,
      ...(required > 0 && { standbys: new Standbys({ required, stalenessMs }) }),
      ...(clientsRevision && { clientsRevision }),
      onStep,
      ...(onMoved && { onMoved }),
    });
  }

  async register(): Promise<string> {
    this.hasRow = true;
    return this.epoch;
  }

  async unregister(epoch: string): Promise<void> {
    if (epoch === this.epoch) this.hasRow = false;
  }

  async poll(report: ReplicaReport): Promise<FeedPage> {
    this.reports.push(report);
    const { position } = report;
    const since = position?.epoch === this.epoch ? position.revision : this.oldest;
    const head: Position = { epoch: this.epoch, revision: this.head, hash: `hash ${this.head}` };
    const changes = this.changes.filter(({ revision }) => revision > since);
    const page = {
      ...{ head, changes, since, isRegistered: this.hasRow },
      ...(this.standbys && { standbys: this.standbys }),
    };
    await this.onPoll(report);
    return page;
  }
}
