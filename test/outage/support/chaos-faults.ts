/** The faults during a run, and the failures of clients that they explain. */
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayProcess } from '../../setup/gateway-process.js';
import type { RedisServer } from '../../setup/redis.js';
import type { TcpProxy } from '../../setup/tcp-proxy.js';
import { type ChaosRun, type Failure, pick } from './chaos-clients.js';

export interface Fault {
  name: string;
  from: number;
  to: number;
  /** The requests that may fail meanwhile; none when it is missing. */
  gateway?: string | undefined;
  excuses?: RegExp | undefined;
  /** The component that services could not use meanwhile; by default the gateway. */
  blocks?: readonly string[];
  /** When a killed gateway runs again, for services, which do not skip it on their own. */
  backAt?: number;
}

/** The components that can be broken. */
export interface Breakable {
  chaosRun: ChaosRun;
  /** One Redis server, or the nodes of a Cluster. */
  redis: readonly RedisServer[];
  /** The proxy between all gateways and Redis; clients of a Cluster bypass it. */
  redisNetwork: TcpProxy | undefined;
  /** The proxies between each gateway and PostgreSQL. */
  networks: ReadonlyMap<string, TcpProxy>;
  start: (gateway: string) => Promise<GatewayProcess>;
  stalenessMs: number;
}

/** How long after PostgreSQL’s return everything must work again. */
const recoveryMs = 2_000;

const unavailable = /REGISTRY_UNAVAILABLE/;
const unavailableOrReset = /REGISTRY_UNAVAILABLE|^network: (UND_ERR_SOCKET|ECONNRESET)/;
const unreachable = /^network: (UND_ERR_SOCKET|ECONNREFUSED|ECONNRESET|EPIPE|other side closed)/;

type Break = (targets: Breakable) => Promise<Omit<Fault, 'name' | 'from' | 'to'> & { recoveryMs?: number }>;

const breaks: Record<string, Break> = {
  async 'Redis flushed'(targets) {
    const redis = pick(targets.chaosRun, targets.redis);
    await redis.flush();
    return {};
  },
  async 'Redis frozen'(targets) {
    const redis = pick(targets.chaosRun, targets.redis);
    redis.freeze();
    await delay(800);
    redis.thaw();
    return {};
  },
  async 'Redis killed'(targets) {
    const redis = pick(targets.chaosRun, targets.redis);
    await redis.kill();
    await delay(500);
    await redis.start();
    return {};
  },
  async 'Redis rolled back to an old dump'(targets) {
    const redis = pick(targets.chaosRun, targets.redis);
    await redis.command('SAVE');
    await delay(1_000);
    await redis.kill();
    await redis.start();
    return {};
  },
  async 'Redis given old entries, some under foreign keys'(targets) {
    const redis = pick(targets.chaosRun, targets.redis);
    const keys = ((await redis.command('KEYS', 'tenant-registry:*')) as string[]).slice(0, 50);
    const entries = await Promise.all(keys.map((key) => redis.command('GET', key)));
    await delay(700);
    for (const [at, key] of keys.entries())
      if (entries[at]) await redis.command('SET', (at % 5 === 0 && keys[at + 1]) || key, `${entries[at]}`);
    return {};
  },
  async 'Redis slow'({ redisNetwork }) {
    redisNetwork?.delay(2_000);
    await delay(800);
    await redisNetwork?.heal();
    return {};
  },
  async 'Redis connections reset'({ redisNetwork }) {
    redisNetwork?.reset();
    return {};
  },
  async 'PostgreSQL connections reset'(targets) {
    const [gateway, network] = pick(targets.chaosRun, [...targets.networks]);
    network.reset();
    return { gateway, excuses: unavailable, recoveryMs };
  },
  async 'PostgreSQL slow'(targets) {
    const [, network] = pick(targets.chaosRun, [...targets.networks]);
    network.delay(100);
    await delay(700);
    await network.heal();
    return {};
  },
  async 'PostgreSQL cut off'(targets) {
    const [gateway, network] = pick(targets.chaosRun, [...targets.networks]);
    await network.cut();
    await delay(briefOrLong(targets));
    await network.heal();
    return { gateway, excuses: unavailable, recoveryMs };
  },
  async 'PostgreSQL hangs'(targets) {
    const [gateway, network] = pick(targets.chaosRun, [...targets.networks]);
    network.blackhole();
    await delay(briefOrLong(targets));
    await network.heal();
    return { gateway, excuses: unavailable, recoveryMs: targets.stalenessMs + recoveryMs };
  },
  async 'gateway stands still'(targets) {
    const [name, gateway] = pick(targets.chaosRun, [...targets.chaosRun.gateways]);
    gateway.freeze();
    await delay(briefOrLong(targets));
    gateway.thaw();
    // Its queries to PostgreSQL failed meanwhile, connections were idle for too long, and its lease has ended.
    return { gateway: name, excuses: unavailableOrReset, recoveryMs: targets.stalenessMs + recoveryMs };
  },
};

/** Clearly shorter than the staleness bound, or clearly longer. */
export function briefOrLong({ chaosRun, stalenessMs }: Pick<Breakable, 'chaosRun' | 'stalenessMs'>): number {
  return chaosRun.random() < 0.5 ? 500 : 2 * stalenessMs;
}

const killing = 'gateway killed and a fresh one started';

/** Breaks one component after another until the end of the run. */
export async function runFaults(targets: Breakable, onFault: (fault: Fault) => void): Promise<void> {
  const needNetwork = ['Redis slow', 'Redis connections reset'];
  const names = Object.keys(breaks).filter((name) => targets.redisNetwork || !needNetwork.includes(name));
  let round = 0;
  let due: string[] = [];
  while (!targets.chaosRun.isOver()) {
    // Every kind of fault in each round, in another order.
    if (due.length === 0) due = shuffle(targets.chaosRun, [killing, ...names]);
    const name = due.pop() as string;
    const fault: Fault = { name, from: Date.now(), to: Number.POSITIVE_INFINITY };
    onFault(fault);
    if (name === killing) {
      // The other gateway continues alone under further faults, because a start takes seconds.
      const restarted = killAndStart(targets, fault);
      if (round++ % 2 === 0) await restarted;
      else restarted.catch(() => undefined);
      targets.chaosRun.gateways.size < 2 && (await restarted);
      continue;
    }
    const { recoveryMs = 0, ...excuse } = await (breaks[name] as Break)(targets);
    Object.assign(fault, excuse, { to: Date.now() + recoveryMs });
    await delay(100 + targets.chaosRun.random() * 300);
  }
}

async function killAndStart({ chaosRun, start }: Breakable, fault: Fault): Promise<void> {
  const [name, gateway] = pick(chaosRun, [...chaosRun.gateways]);
  Object.assign(fault, { gateway: name, excuses: unreachable, backAt: Number.POSITIVE_INFINITY });
  await gateway.kill();
  // At first the clients have to notice it.
  await delay(100);
  chaosRun.gateways.delete(name);
  fault.to = Date.now() + 500;
  chaosRun.gateways.set(name, await start(name));
  fault.backAt = Date.now();
}

export function shuffle<T>({ random }: Pick<ChaosRun, 'random'>, list: T[]): T[] {
  return list
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

/** How long a request during a fault may take to fail, and its client may then skip that gateway, in milliseconds. */
const longestPauseMs = 2_000 + 2_000;

export function isExcused(failure: Failure, faults: readonly Fault[]): boolean {
  const { gateway, what, startedAt, endedAt, ways } = failure;
  if (ways) return ways.every((passes) => faults.some((fault) => isBlocked(passes, fault, failure)));
  return faults.some(
    (fault) =>
      fault.gateway === gateway &&
      fault.excuses?.test(what) &&
      fault.from <= endedAt &&
      startedAt <= fault.to,
  );
}

function isBlocked(
  passes: readonly string[],
  { from, to, gateway, blocks = gateway === undefined ? [] : [gateway], backAt = to }: Fault,
  { startedAt, endedAt }: Failure,
): boolean {
  return (
    blocks.some((name) => passes.includes(name)) && from <= endedAt && startedAt <= backAt + longestPauseMs
  );
}
