import { Cluster, type Command, Redis, type RedisOptions } from 'ioredis';
import type { Log } from '../log.js';
import { tracing } from '../tracing/tracing.js';
import { adviseOnNetwork, reasonOf } from '../urls/network-failure.js';
import { describeServer } from '../urls/postgres-url.js';
import { type RedisTarget, readRedisUrl } from '../urls/redis-url.js';
import { renewedTlsOptions } from '../urls/tls-rules.js';
import { within } from '../within.js';

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
 * nodes of a Cluster separated by commas. Returns at once; the first use finds out whether Redis answers. `warns`: whether the
 * log says it, once for each time that Redis cannot be used.
 */
export function openRedis(url: string, log: Log, { warns = true } = {}): RedisConnection {
  const connection = open(url);
  if (tracing) traceCommands(connection);
  let isKnown = !warns;
  connection.on('ready', () => {
    isKnown = !warns;
  });
  // Without a listener an 'error' event ends the process. Only its text is logged: an ioredis error holds the
  // failed command, which can contain the password.
  connection.on('error', async (error: Error) => {
    if (isKnown) return log.debug(describeRedisFailure(error, url));
    isKnown = true;
    const reason = connection instanceof Cluster ? await findReason(url) : error;
    log.warn(describeRedisFailure(reason ?? error, url));
  });
  return connection;
}

/** Spans with the names of commands, and neither keys nor values. */
function traceCommands(connection: RedisConnection): void {
  const send = connection.sendCommand.bind(connection);
  connection.sendCommand = (command: Command, ...further: never[]) =>
    tracing
      ? tracing.within(
          `Redis ${command.name}`,
          { 'db.system.name': 'redis', 'db.operation.name': command.name },
          () => send(command, ...further),
        )
      : send(command, ...further);
}

/** A Cluster keeps the reasons of its nodes to itself, so one of them is asked again. */
async function findReason(url: string): Promise<Error | undefined> {
  const target = readRedisUrl(url);
  const node = new Redis({
    ...optionsFor(target),
    ...target.nodes[0],
    lazyConnect: true,
    retryStrategy: () => null,
  });
  let reason: Error | undefined;
  const note = (error: Error) => {
    reason ??= error;
  };
  node.on('error', note);
  await node.connect().catch(note);
  node.disconnect();
  return reason;
}

/** One line about why Redis cannot be used; undefined when it answers. */
export async function findRedisProblem(url: string): Promise<string | undefined> {
  const connection = open(url);
  let reason: Error | undefined;
  const isReady = await within(
    3 * patienceMs,
    new Promise<boolean>((resolve) => {
      connection.once('ready', () => resolve(true));
      connection.on('error', (error: Error) => {
        reason ??= error;
        resolve(false);
      });
    }),
    () => false,
  );
  const failure = isReady
    ? await connection.ping().then(
        () => undefined,
        (error: Error) => error,
      )
    : ((connection instanceof Cluster ? await findReason(url) : reason) ?? new Error('no answer'));
  connection.disconnect();
  return failure && describeRedisFailure(failure, url);
}

/** Refusals of Redis and failures that ioredis reports in its own words, with the way out. */
const advices: readonly [RegExp, string][] = [
  [
    /WRONGPASS|NOAUTH|ERR AUTH|invalid password/,
    'correct the user and the password in REDIS_URL (in a password write @ as %40, % as %25 and so on)',
  ],
  [/NOPERM/, 'give the user of REDIS_URL all commands and the keys and channels tenant-registry:*'],
  [/./, 'start the server, or correct the host and the port in REDIS_URL'],
];

/** One line: what failed, and the way out. */
function describeRedisFailure(error: Error, url: string): string {
  const place = readRedisUrl(url).nodes.map(describeServer).join(', ');
  const reason = reasonOf(error).replace(/\.$/, '');
  const advice = adviseOnNetwork(error, 'REDIS_URL') ?? advices.find(([words]) => words.test(reason))?.[1];
  return `Cannot use Redis at ${place}: ${reason}: ${advice}, or unset REDIS_URL. Until then each gateway caches for itself`;
}

function open(url: string): RedisConnection {
  const target = readRedisUrl(url);
  const { kind, nodes, name, database, family } = target;
  const [first] = nodes;
  const options = optionsFor(target);
  if (kind === 'cluster') return openCluster(nodes, options);
  if (kind === 'single') return new Redis({ ...options, ...first, db: database });
  const sentinels = nodes.map((node) => ({ ...node, ...(family !== undefined && { family }) }));
  return new Redis({ ...options, sentinels, ...(name !== undefined && { name }), db: database });
}

function optionsFor({ username, password, family, tls }: RedisTarget) {
  return {
    ...impatient,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(family !== undefined && { family }),
    ...(tls && { tls: renewedTlsOptions(tls) }),
  };
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
