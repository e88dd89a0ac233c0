import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Log } from '../log.js';

/** One Redis, a Sentinel's master or a Cluster: what a tier needs of them is the same. */
export type RedisConnection = Redis | Cluster;

/** After this long without an answer a connection is given up, in milliseconds; the next one may find another master. */
const patienceMs = 1_000;

/** Nothing waits for Redis: no queue while it is away, no second try, nothing sent again after a reconnect. */
const impatient = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // Subscribers subscribe on each `ready` themselves: when ioredis does it and fails, the unhandled error ends the process.
  autoResubscribe: false,
  connectTimeout: patienceMs,
  commandTimeout: patienceMs,
  sentinelCommandTimeout: patienceMs,
  // Also for a peer that is gone without a word, as one is behind a firewall that forgot the connection.
  socketTimeout: patienceMs,
  keepAlive: 10_000,
  retryStrategy: (attempt: number) => Math.min(100 * attempt, 1_000),
  // A master that was made a replica: the same name may lead to the new one by now.
  reconnectOnError: (error: Error) => error.message.includes('READONLY'),
} satisfies RedisOptions;

/**
 * Opens what REDIS_URL names: `redis://`, `rediss://`, `redis-sentinel://host:26379,host:26379/master-name/0`, or nodes of a
 * Cluster separated by commas. Returns at once; a Redis that is not there is found out by who uses it.
 */
export function openRedis(url: string, log: Log): RedisConnection {
  const connection = open(url);
  // Without a listener an error ends the process. Its text alone: an error of ioredis holds the command that failed,
  // which can be the one with the password. The tier's breaker says what matters.
  connection.on('error', (error: NodeJS.ErrnoException) =>
    log.debug({ reason: error.message || error.code }, 'redis connection'),
  );
  return connection;
}

function open(url: string): RedisConnection {
  if (url.startsWith('redis-sentinel://')) return openSentinel(url);
  const nodes = url.split(',').map((node) => new URL(node));
  const [first] = nodes as [URL];
  const isTls = first.protocol === 'rediss:';
  const options = { ...impatient, ...credentialsIn(first), ...(isTls && { tls: {} }) };
  if (nodes.length > 1) return openCluster(nodes, options);
  return new Redis({ ...options, ...addressOf(first, 6379), db: Number(first.pathname.slice(1)) });
}

function openCluster(nodes: URL[], options: typeof impatient & { tls?: object }): Cluster {
  // A Cluster has its own offline queue and retry strategy, set beside.
  const { enableOfflineQueue, retryStrategy, ...redisOptions } = options;
  const cluster = new Cluster(
    nodes.map((node) => addressOf(node, 6379)),
    {
      enableOfflineQueue,
      clusterRetryStrategy: retryStrategy,
      // A node that is just being connected is asked again in time for a look-up to be answered.
      retryDelayOnFailover: 10,
      redisOptions,
      // A certificate names hosts, so don't turn them into addresses.
      ...(options.tls && { dnsLookup: (host, callback) => callback(null, host) }),
    },
  );
  // Or each node would be connected by the first command for it, which would take too long. Not earlier: to find out
  // whether it is ready, the Cluster needs a node that is not connecting.
  const connectNodes = () => {
    if (cluster.status !== 'ready') return;
    for (const node of cluster.nodes()) if (node.status === 'wait') node.connect().catch(() => undefined);
  };
  cluster.on('ready', connectNodes);
  cluster.on('+node', (node: Redis) => {
    setImmediate(connectNodes);
    // Nor does anybody handle this one's failure; the command that it precedes fails as well.
    const asking = node.asking.bind(node);
    node.asking = () => asking().catch(() => 'OK');
  });
  return cluster;
}

function openSentinel(url: string): Redis {
  const [, userInfo = '', hosts = '', name = 'mymaster', database = '0'] =
    /^redis-sentinel:\/\/(?:(.*)@)?([^@/]+)(?:\/([^/]+))?(?:\/(\d+))?$/.exec(url) ?? [];
  return new Redis({
    ...impatient,
    ...credentialsIn(new URL(`redis://${userInfo}@sentinel`)),
    sentinels: hosts.split(',').map((host) => addressOf(new URL(`redis://${host}`), 26379)),
    name,
    db: Number(database),
  });
}

function addressOf({ hostname, port }: URL, defaultPort: number) {
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || defaultPort) };
}

function credentialsIn({ username, password }: URL) {
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  };
}
