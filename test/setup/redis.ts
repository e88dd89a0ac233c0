/** A Redis for one test, alone, as a Cluster or behind a Sentinel, which can be stopped, started, frozen, killed and flushed. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findFreePort } from './free-port.js';
import { type GuardedProcess, spawnGuarded } from './guarded-process.js';
import { until } from './until.js';

export interface RedisServer extends AsyncDisposable {
  /** redis:// URL, password included. */
  url: string;
  port: number;
  /** Data folder. The next start loads a dump that `command('SAVE')` has written here. */
  folder: string;
  /** Starts on the same port after `stop` or `kill`; `args` apply to this start only. */
  start(...args: string[]): Promise<void>;
  /** SIGTERM: closes the connections of clients and refuses new ones. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: connections are accepted but never answered. */
  freeze(): void;
  thaw(): void;
  flush(): Promise<void>;
  /** Runs a command over a new connection. */
  command(name: string, ...args: (string | number)[]): Promise<unknown>;
  close(): Promise<void>;
}

export interface RedisServerOptions {
  password?: string;
  /** Arguments of redis-server, such as `--maxmemory 1mb`. */
  args?: string[];
  /** Certificate; with it the server accepts TLS only. */
  tls?: { certFile: string; keyFile: string; caFile?: string };
  /** Lines of a sentinel.conf; with them the server is a Sentinel. */
  sentinel?: string[];
  /** Address for clients; default 127.0.0.1. */
  host?: string | undefined;
}

export const isRedisInstalled = spawnSync('redis-server', ['--version']).status === 0;

export async function openRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { password, tls, sentinel, host = '127.0.0.1' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-redis-'));
  const port = await findFreePort();
  const auth = password === undefined ? [] : ['--requirepass', password, '--masterauth', password];
  const args = sentinel
    ? [join(folder, 'sentinel.conf'), '--sentinel', ...auth.slice(0, 2)]
    : ['--save', '', '--appendonly', 'no', ...auth, ...(options.args ?? [])];
  if (host !== '127.0.0.1') args.push('--protected-mode', 'no');
  if (sentinel) await writeFile(join(folder, 'sentinel.conf'), `${sentinel.join('\n')}\n`);
  let running: GuardedProcess | undefined;

  async function start(...more: string[]) {
    const listening = tls
      ? ['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no', ...certificate(tls)]
      : ['--port', `${port}`];
    const all = [...args, ...listening, '--dir', folder, '--bind', host, ...more];
    running = await spawnGuarded(['redis-server', ...all], { folder });
    await isUp(connection, running.ended);
  }

  async function end(name: NodeJS.Signals) {
    const ending = running;
    running = undefined;
    await ending?.end(name);
  }

  async function close() {
    await end('SIGKILL').catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }

  const connection: Address = {
    ...{ host, port },
    ...(password !== undefined && { password }),
    ...(tls && { tls: { rejectUnauthorized: false } }),
  };
  await start().catch(async (error) => {
    await close();
    throw error;
  });
  const command = (name: string, ...given: (string | number)[]) =>
    withConnection(connection, (redis) => redis.call(name, ...given));
  return {
    url: `redis${tls ? 's' : ''}://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}${host}:${port}`,
    port,
    folder,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => running?.signal('SIGSTOP'),
    thaw: () => running?.signal('SIGCONT'),
    flush: async () => void (await command('FLUSHALL')),
    command,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A Cluster; each action applies to all nodes. */
export interface RedisCluster
  extends AsyncDisposable,
    Pick<RedisServer, 'start' | 'stop' | 'kill' | 'freeze' | 'thaw' | 'flush' | 'close'> {
  /** Value for REDIS_URL: all nodes, separated by commas. */
  url: string;
  nodes: readonly [RedisServer, RedisServer, RedisServer];
}

const slots = 16_384;

/** Starts three masters that share the slots. */
export async function openRedisCluster(options: RedisServerOptions = {}): Promise<RedisCluster> {
  const openNode = async () => {
    const busPort = await findFreePort();
    const bus = ['--cluster-port', `${busPort}`, '--cluster-node-timeout', '2000'];
    const args = [...(options.args ?? []), '--cluster-enabled', 'yes', ...bus];
    return { ...(await openRedisServer({ ...options, args })), busPort };
  };
  const nodes = await Promise.all([openNode(), openNode(), openNode()]);
  const onAll = async (work: (node: RedisServer) => unknown) => void (await Promise.all(nodes.map(work)));
  const whenWhole = () => onAll((node) => until(async () => isWhole(await node.command('CLUSTER', 'INFO'))));
  const close = () => onAll((node) => node.close());
  const [first, ...others] = nodes;
  const share = Math.ceil(slots / nodes.length);
  try {
    for (const [at, node] of nodes.entries()) {
      const last = Math.min((at + 1) * share, slots) - 1;
      await node.command('CLUSTER', 'ADDSLOTSRANGE', at * share, last);
      // Different config epochs make the nodes agree without a gossip round.
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
    }
    for (const { port, busPort } of others)
      await first.command('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
    await whenWhole();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: nodes.map(({ url }) => url).join(),
    nodes,
    async start(...args) {
      await onAll((node) => node.start(...args));
      await whenWhole();
    },
    stop: () => onAll((node) => node.stop()),
    kill: () => onAll((node) => node.kill()),
    freeze: () => void onAll((node) => node.freeze()),
    thaw: () => void onAll((node) => node.thaw()),
    flush: () => onAll((node) => node.flush()),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function isWhole(info: unknown): boolean {
  return /cluster_state:ok/.test(`${info}`) && /cluster_known_nodes:3/.test(`${info}`);
}

/** Starts a Sentinel that watches a master; its `url` is a value for REDIS_URL. */
export async function openSentinel(
  master: RedisServer,
  options: { masterPassword?: string; database?: number; host?: string } = {},
): Promise<RedisServer> {
  const { masterPassword, database, host = '127.0.0.1' } = options;
  const sentinel = await openRedisServer({
    host,
    sentinel: [
      `sentinel monitor primary ${host} ${master.port} 1`,
      'sentinel down-after-milliseconds primary 500',
      'sentinel failover-timeout primary 3000',
      ...(masterPassword === undefined ? [] : [`sentinel auth-pass primary ${masterPassword}`]),
    ],
  });
  const userInfo = masterPassword === undefined ? '' : `:${encodeURIComponent(masterPassword)}@`;
  const path = database === undefined ? 'primary' : `primary/${database}`;
  return { ...sentinel, url: `redis-sentinel://${userInfo}${host}:${sentinel.port}/${path}` };
}

function certificate({
  certFile,
  keyFile,
  caFile = certFile,
}: NonNullable<RedisServerOptions['tls']>): string[] {
  return ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', caFile];
}

interface Address {
  host: string;
  port: number;
  password?: string;
  tls?: { rejectUnauthorized: boolean };
}

/** Waits until the server accepts connections; it may still be loading a dump. */
async function isUp(connection: Address, ended: Promise<unknown>): Promise<void> {
  let said: unknown;
  ended.then((text) => {
    said = text;
  });
  await until(async () => {
    if (said !== undefined) throw new Error(`redis-server ended at once: ${said}`);
    return await withConnection(connection, (redis) => redis.ping()).then(
      () => true,
      (error) => /LOADING/.test(error.message),
    );
  });
}

async function withConnection<T>(address: Address, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({
    ...address,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
