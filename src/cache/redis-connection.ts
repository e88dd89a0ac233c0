import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Log } from '../log.js';
import { type RedisTarget, readRedisUrl } from '../redis-url.js';
import { tlsOptions } from '../tls-rules.js';

/** A single Redis, the master of a Sentinel, or a Cluster; tiers use them alike. */
export type RedisConnection = Redis | Cluster;

/**
 * A connection without an answer for this time is closed, in milliseconds; the next connection may find another
 * master.
 */
const patienceMs = 1_000;

/** Nothing waits for Redis: no offline queue, no retry, and nothing is sent again after a reconnect. */
const impatient = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // Subscribers subscribe on each `ready` event themselves: a failed automatic resubscription of ioredis is an
  // unhandled error that ends the process.
  autoResubscribe: false,
  connectTimeout: patienceMs,
  commandTimeout: patienceMs,
  sentinelCommandTimeout: patienceMs,
  // Also detects a peer that vanished silently, such as behind a firewall that dropped the connection.
  socketTimeout: patienceMs,
  keepAlive: 10_000,
  retryStrategy: (attempt: number) => Math.min(100 * attempt, 1_000),
  // READONLY: the master became a replica, and the same name may now lead to the new master.
  reconnectOnError: (error: Error) => error.message.includes('READONLY'),
} satisfies RedisOptions;

/**
 * Opens the Redis of REDIS_URL: `redis://`, `rediss://`, `redis-sentinel://host:26379,host:26379/master-name/0`, or
 * nodes of a Cluster separated by commas. Returns at once; the first use finds out whether Redis answers.
 */
export function openRedis(url: string, log: Log): RedisConnection {
  const connection = open(url);
  // Without a listener an 'error' event ends the process. Only its text is logged: an ioredis error holds the
  // failed command, which can contain the password.
  connection.on('error', (error: NodeJS.ErrnoException) =>
    log.debug({ reason: error.message || error.code }, 'redis connection'),
  );
  return connection;
}

function open(url: string): RedisConnection {
  const { kind, nodes, name, database, username, password, family, tls } = readRedisUrl(url);
  const [first] = nodes;
  const options = {
    ...impatient,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(family !== undefined && { family }),
    ...(tls && { tls: tlsOptions(tls) }),
  };
  if (kind === 'cluster') return openCluster(nodes, options);
  if (kind === 'single') return new Redis({ ...options, ...first, db: database });
  const sentinels = nodes.map((node) => ({ ...node, ...(family !== undefined && { family }) }));
  return new Redis({ ...options, sentinels, ...(name !== undefined && { name }), db: database });
}

function openCluster(nodes: RedisTarget['nodes'], options: typeof impatient & { tls?: object }): Cluster {
  // A Cluster has its own options for the offline queue and retries.
  const { enableOfflineQueue, retryStrategy, ...redisOptions } = options;
  const cluster = new Cluster(nodes, {
    enableOfflineQueue,
    clusterRetryStrategy: retryStrategy,
    // A node that is still connecting is tried again early enough for the look-up.
    retryDelayOnFailover: 10,
    redisOptions,
    // Certificates name hosts, so host names are not resolved to addresses.
    ...(options.tls && { dnsLookup: (host, callback) => callback(null, host) }),
  });
  // Connects to each node in advance; otherwise the first command for a node would connect, which takes too
  // long. Not earlier: the Cluster needs a connected node to determine that it is ready.
  const connectNodes = () => {
    if (cluster.status !== 'ready') return;
    for (const node of cluster.nodes()) if (node.status === 'wait') node.connect().catch(() => undefined);
  };
  cluster.on('ready', connectNodes);
  cluster.on('+node', (node: Redis) => {
    setImmediate(connectNodes);
    // This failure needs no handling: the command that follows fails too.
    const asking = node.asking.bind(node);
    node.asking = () => asking().catch(() => 'OK');
  });
  return cluster;
}
