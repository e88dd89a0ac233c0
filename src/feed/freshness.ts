import { openRedis, type RedisConnection } from '../cache/redis-connection.js';
import { closeInTime } from '../database/close-in-time.js';
import { connectionCounts } from '../database/connection-counts.js';
import { openPool } from '../database/pool.js';
import { createTurnstile } from '../database/turnstile.js';
import type { Log } from '../log.js';
import { acknowledgement, awaitAcknowledgement, type WaitFor } from './acknowledge.js';
import { type ChangeStream, openChangeStream } from './change-stream.js';
import { ClientLeases } from './client-leases.js';
import { waitingClock } from './clock.js';
import { type Following, startFollowing } from './follow.js';
import { type Clock, Follower } from './follower.js';
import { openListener } from './listener.js';
import { createPace } from './pace.js';
import { openRedisHints } from './redis-hints.js';
import { openFeedSource, readChanges } from './registry-feed.js';

export interface FreshnessOptions {
  clock: Clock;
  databaseUrl: string;
  /** URL of the same database without a pooler. */
  directUrl: string;
  redisUrl: string | undefined;
  stalenessMs: number;
  /** Called when everything known before is no longer valid. */
  onResync: () => void;
  log: Log;
}

/** The running parts of the change protocol in a gateway, connected to real servers. */
export interface Freshness {
  follower: Follower;
  changes: ChangeStream;
  leases: ClientLeases;
  redis: RedisConnection | undefined;
  acknowledge(committed: { epoch: string; revision: bigint; waitFor: WaitFor }): Promise<void>;
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
  const takeTurns = createTurnstile(2);
  const leases = new ClientLeases(waitingClock);
  const changes = openChangeStream({
    position: () => follower.position,
    read: (epoch, after, upTo) => takeTurns(() => readChanges(pool, { epoch, after, upTo })),
  });
  const follower: Follower = new Follower({
    source: openFeedSource(pollPool, { stalenessMs }),
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
    changes,
    leases,
    redis,
    async acknowledge(committed) {
      hint();
      hints?.send();
      await awaitAcknowledgement(acknowledging, committed);
    },
    async start() {
      following = await startFollowing(follower, log);
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
