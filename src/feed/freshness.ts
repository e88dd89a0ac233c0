import { openRedis, type RedisConnection } from '../cache/redis-connection.js';
import { closeInTime } from '../database/connections/close-in-time.js';
import { connectionCounts } from '../database/connections/connection-counts.js';
import { openPool, readPoolUse } from '../database/connections/pool.js';
import { Turnstile } from '../database/connections/turnstile.js';
import type { Log } from '../log.js';
import type { PoolUse } from '../metrics/pool-gauges.js';
import { acknowledgement, awaitAcknowledgement, type WaitFor } from './acknowledge.js';
import { type ChangeStream, openChangeStream } from './change-stream.js';
import { ClientLeases } from './client-leases.js';
import { type Clock, waitingClock } from './clock.js';
import { type Following, startFollowing } from './follow.js';
import { Follower } from './follower.js';
import { openListener } from './listener.js';
import { createPace } from './pace.js';
import { describeStep, openProtocolTrace } from './protocol-trace.js';
import { openRedisHints } from './redis-hints.js';
import { openFeedSource, readChanges } from './registry-feed.js';
import { Standbys } from './standbys.js';

export interface FreshnessOptions {
  clock: Clock;
  databaseUrl: string;
  /** URL of the same database without a pooler. */
  directUrl: string;
  redisUrl: string | undefined;
  stalenessMs: number;
  /** Number of synchronous standbys without which there is no lease; 0: none are asked for. */
  requiredStandbys: number;
  /** Folder for a log of the protocol's steps; undefined: none is written. */
  traceFolder: string | undefined;
  /** Called when everything known before is no longer valid. */
  onResync: () => void;
  /** Called after each wait of a change for the gateways. */
  onAcknowledged?: (seconds: number) => void;
  log: Log;
}

/** The running parts of the change protocol in a gateway, connected to real servers. */
export interface Freshness {
  follower: Follower;
  /** Undefined where none are required. */
  standbys: Standbys | undefined;
  changes: ChangeStream;
  leases: ClientLeases;
  redis: RedisConnection | undefined;
  acknowledge(committed: { epoch: string; revision: bigint; waitFor: WaitFor }): Promise<void>;
  /** How the connections to the registry are used. */
  readUse(): PoolUse[];
  start(): Promise<void>;
  close(): Promise<void>;
}

/** While changes come without end, polls follow each other at this interval, in milliseconds: each one answers all mutations before it. */
const pollPauseMs = 10;
/** So many polls follow each other at once after a quiet time: a single change is seen and reported without a pause. */
const pollBurst = 4;

export function openFreshness(options: FreshnessOptions): Freshness {
  const { databaseUrl, directUrl, redisUrl, stalenessMs, clock, log } = options;
  const openFeedPool = (max: number) =>
    openPool(databaseUrl, {
      max,
      applicationName: 'tenant-registry feed',
      statementTimeoutMs: stalenessMs,
      queryTimeoutMs: stalenessMs,
      log,
    });
  // Polls have a connection of their own: a poll must neither wait behind other queries nor for a server that hangs
  // longer than the staleness bound.
  const pollPool = openFeedPool(connectionCounts.polls);
  const pool = openFeedPool(connectionCounts.changes);
  // Many returning subscribers must leave a connection for mutations that wait for acknowledgement.
  const turns = new Turnstile(2);
  const leases = new ClientLeases(waitingClock);
  const changes = openChangeStream({
    position: () => follower.position,
    read: (epoch, after, upTo) => turns.take(() => readChanges(pool, { epoch, after, upTo })),
  });
  const { requiredStandbys } = options;
  const standbys =
    requiredStandbys > 0 ? new Standbys({ required: requiredStandbys, stalenessMs }) : undefined;
  const source = openFeedSource(pollPool, { stalenessMs, readsStandbys: standbys !== undefined });
  const { replicaId } = source;
  const trace =
    options.traceFolder && openProtocolTrace(options.traceFolder, { replicaId, stalenessMs, log });
  const follower: Follower = new Follower({
    source,
    standbys,
    onStep: trace
      ? (step) =>
          trace(
            describeStep(step, (reference) => follower.floorOf(reference)),
            step.at,
          )
      : undefined,
    clock,
    waitingClock,
    stalenessMs,
    clientsRevision: () => leases.lowestConfirmed,
    onMoved: (moved) => changes.moved(moved),
    pause: createPace({ burst: pollBurst, everyMs: pollPauseMs }),
    onResync() {
      leases.startOver();
      options.onResync();
    },
  });
  const redis = redisUrl === undefined ? undefined : openRedis(redisUrl, log);
  const subscriber = redisUrl === undefined ? undefined : openRedis(redisUrl, log, { warns: false });
  let following: Following | undefined;
  const hint = () => following?.hint();
  const hints = redis && subscriber && openRedisHints(redis, subscriber, hint);
  const acknowledging = acknowledgement(pool, stalenessMs);
  const listener = openListener(directUrl, { onHint: hint, log });

  return {
    follower,
    standbys,
    changes,
    leases,
    redis,
    async acknowledge(committed) {
      hint();
      hints?.send();
      const since = performance.now();
      const how = await awaitAcknowledgement(acknowledging, committed);
      const { epoch, revision } = committed;
      const waitedMs = performance.now() - since;
      if (trace) trace({ step: 'acknowledged', epoch, revision: Number(revision), how, waitedMs });
      if (committed.waitFor !== 'COMMITTED') options.onAcknowledged?.(waitedMs / 1_000);
    },
    readUse: () => [
      { database: 'registry', pool: 'polls', ...readPoolUse(pollPool) },
      { database: 'registry', pool: 'changes', ...readPoolUse(pool) },
    ],
    async start() {
      following = await startFollowing(follower, log, standbys);
    },
    async close() {
      changes.close();
      await closeInTime(following?.stop());
      await closeInTime(listener.close());
      redis?.disconnect();
      subscriber?.disconnect();
      await closeInTime(Promise.all([pollPool.end(), pool.end()]));
    },
  };
}
