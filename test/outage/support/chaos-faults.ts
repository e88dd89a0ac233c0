/** What is broken while clients go on, and which failures of theirs that excuses. */
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayProcess } from '../../setup/gateway-process.js';
import type { RedisServer } from '../../setup/redis.js';
import type { TcpProxy } from '../../setup/tcp-proxy.js';
import { type Failure, pick, type Town } from './chaos-clients.js';

export interface Fault {
  name: string;
  from: number;
  to: number;
  /** Whose requests may fail meanwhile; nobody's if left out. */
  gateway?: string | undefined;
  excuses?: RegExp | undefined;
  /** What services could not pass meanwhile; left out: the gateway. */
  blocks?: readonly string[];
  /** When a gateway that was killed is there again, for services, which do not leave it out by themselves. */
  backAt?: number;
}

/** What there is to break. */
export interface Breakable {
  town: Town;
  /** One, or the nodes of a Cluster. */
  redis: readonly RedisServer[];
  /** Between all gateways and Redis; a Cluster leads its clients past it. */
  redisNetwork: TcpProxy | undefined;
  /** Between each gateway and PostgreSQL. */
  networks: ReadonlyMap<string, TcpProxy>;
  start: (gateway: string) => Promise<GatewayProcess>;
  stalenessMs: number;
}

/** How long after PostgreSQL's return everything has to be as before. */
const recoveryMs = 2_000;

const unavailable = /REGISTRY_UNAVAILABLE/;
const unavailableOrReset = /REGISTRY_UNAVAILABLE|^network: (UND_ERR_SOCKET|ECONNRESET)/;
const unreachable = /^network: (UND_ERR_SOCKET|ECONNREFUSED|ECONNRESET|EPIPE|other side closed)/;

type Break = (world: Breakable) => Promise<Omit<Fault, 'name' | 'from' | 'to'> & { recoveryMs?: number }>;

const breaks: Record<string, Break> = {
  async 'Redis flushed'(world) {
    const redis = pick(world.town, world.redis);
    await redis.flush();
    return {};
  },
  async 'Redis frozen'(world) {
    const redis = pick(world.town, world.redis);
    redis.freeze();
    await delay(800);
    redis.thaw();
    return {};
  },
  async 'Redis killed'(world) {
    const redis = pick(world.town, world.redis);
    await redis.kill();
    await delay(500);
    await redis.start();
    return {};
  },
  async 'Redis rolled back to an old dump'(world) {
    const redis = pick(world.town, world.redis);
    await redis.command('SAVE');
    await delay(1_000);
    await redis.kill();
    await redis.start();
    return {};
  },
  async 'Redis given old entries, some under foreign keys'(world) {
    const redis = pick(world.town, world.redis);
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
  async 'PostgreSQL connections reset'(world) {
    const [gateway, network] = pick(world.town, [...world.networks]);
    network.reset();
    return { gateway, excuses: unavailable, recoveryMs };
  },
  async 'PostgreSQL slow'(world) {
    const [, network] = pick(world.town, [...world.networks]);
    network.delay(100);
    await delay(700);
    await network.heal();
    return {};
  },
  async 'PostgreSQL cut off'(world) {
    const [gateway, network] = pick(world.town, [...world.networks]);
    await network.cut();
    await delay(briefOrLong(world));
    await network.heal();
    return { gateway, excuses: unavailable, recoveryMs };
  },
  async 'PostgreSQL hangs'(world) {
    const [gateway, network] = pick(world.town, [...world.networks]);
    network.blackhole();
    await delay(briefOrLong(world));
    await network.heal();
    return { gateway, excuses: unavailable, recoveryMs: world.stalenessMs + recoveryMs };
  },
  async 'gateway stands still'(world) {
    const [name, gateway] = pick(world.town, [...world.town.gateways]);
    gateway.freeze();
    await delay(briefOrLong(world));
    gateway.thaw();
    // What it had asked PostgreSQL for came to nothing meanwhile, and connections were idle for too long.
    return { gateway: name, excuses: unavailableOrReset, recoveryMs };
  },
};

/** Well within D, or well beyond it. */
export function briefOrLong({ town, stalenessMs }: Pick<Breakable, 'town' | 'stalenessMs'>): number {
  return town.random() < 0.5 ? 500 : 2 * stalenessMs;
}

const killing = 'gateway killed and a fresh one started';

/** Breaks one thing after the other until the town's time is over. */
export async function runFaults(world: Breakable, onFault: (fault: Fault) => void): Promise<void> {
  const needNetwork = ['Redis slow', 'Redis connections reset'];
  const names = Object.keys(breaks).filter((name) => world.redisNetwork || !needNetwork.includes(name));
  let round = 0;
  let due: string[] = [];
  while (!world.town.isOver()) {
    // Every kind in turn, each turn in another order.
    if (due.length === 0) due = shuffle(world.town, [killing, ...names]);
    const name = due.pop() as string;
    const fault: Fault = { name, from: Date.now(), to: Number.POSITIVE_INFINITY };
    onFault(fault);
    if (name === killing) {
      // While the other one carries on alone, and things go on breaking: a start takes seconds.
      const restarted = killAndStart(world, fault);
      if (round++ % 2 === 0) await restarted;
      else restarted.catch(() => undefined);
      world.town.gateways.size < 2 && (await restarted);
      continue;
    }
    const { recoveryMs = 0, ...excuse } = await (breaks[name] as Break)(world);
    Object.assign(fault, excuse, { to: Date.now() + recoveryMs });
    await delay(100 + world.town.random() * 300);
  }
}

async function killAndStart({ town, start }: Breakable, fault: Fault): Promise<void> {
  const [name, gateway] = pick(town, [...town.gateways]);
  Object.assign(fault, { gateway: name, excuses: unreachable, backAt: Number.POSITIVE_INFINITY });
  await gateway.kill();
  // Clients find out by themselves at first.
  await delay(100);
  town.gateways.delete(name);
  fault.to = Date.now() + 500;
  town.gateways.set(name, await start(name));
  fault.backAt = Date.now();
}

export function shuffle<T>({ random }: Pick<Town, 'random'>, list: T[]): T[] {
  return list
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

/** How long a request into a fault may take to fail, and its client then leave that gateway alone, in milliseconds. */
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
