/** The faults of a run. Each breaks something, waits, and mends it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Direction } from './network.js';
import { type Name, names, type World } from './world.js';

/** What services may notice of a fault: nothing, a pause as of a failover, or an outage. */
export type Allowed = 'nothing' | 'pause' | 'outage';

export interface Fault {
  allowed: Allowed;
  /** Returns false where the machine does not let us. */
  isPossible?: (world: World) => boolean;
  run(context: FaultContext): Promise<void>;
}

interface FaultContext {
  world: World;
  stalenessMs: number;
  random: () => number;
  /** Takes how long a promotion took, in milliseconds: from the loss of the primary until its address led to the new one. */
  onPromoted(ms: number): void;
}

const pick = <T>({ random }: FaultContext, from: readonly T[]) =>
  from[Math.floor(random() * from.length)] as T;

/** Clearly shorter than the staleness bound, or clearly longer. */
const holdMs = (context: FaultContext) => (context.random() < 0.5 ? 500 : 2 * context.stalenessMs);

const partition =
  (direction: Direction) =>
  async (context: FaultContext): Promise<void> => {
    const place = context.world.place(pick(context, names));
    place.partition?.(direction);
    await delay(holdMs(context));
    place.heal();
  };

const hasNamespaces = ({ network }: World) => network.hasNamespaces;

/** Promotes a standby, and leads everybody but one gateway to it. */
async function failOver({ world: { registry }, onPromoted }: FaultContext, isLeft?: Name) {
  const begunAt = performance.now();
  if (isLeft === undefined) await registry.primary.stop('immediate');
  const old = await registry.promote();
  registry.lead(isLeft === undefined ? [] : [isLeft]);
  onPromoted(performance.now() - begunAt);
  return old;
}

/** A new standby, made online, replaces the old primary. */
async function replaceLost(world: World, old: { close(): Promise<void> }): Promise<void> {
  await old.close();
  await world.registry.addStandby();
}

export const faults: Readonly<Record<string, Fault>> = {
  'gateway killed and started': {
    allowed: 'nothing',
    async run(context) {
      const name = pick(context, names);
      await context.world.gateway(name).kill();
      await delay(500);
      await context.world.start(name);
    },
  },
  'gateway stopped and started': {
    allowed: 'nothing',
    async run(context) {
      const name = pick(context, names);
      await context.world.gateway(name).stop();
      await context.world.start(name);
    },
  },
  'gateway frozen': {
    allowed: 'nothing',
    async run(context) {
      const gateway = context.world.gateway(pick(context, names));
      gateway.freeze();
      await delay(holdMs(context));
      gateway.thaw();
    },
  },
  'gateway cut off from the registry': {
    allowed: 'nothing',
    async run(context) {
      const network = context.world.registry.network(pick(context, names));
      network.blackhole();
      await delay(holdMs(context));
      await network.heal();
    },
  },
  'gateway cut off from everything': {
    allowed: 'nothing',
    isPossible: hasNamespaces,
    run: partition('both'),
  },
  'gateway hears nothing': { allowed: 'nothing', isPossible: hasNamespaces, run: partition('in') },
  'nobody hears a gateway': { allowed: 'nothing', isPossible: hasNamespaces, run: partition('out') },
  'clock of a gateway an hour ahead, then back': {
    allowed: 'nothing',
    async run(context) {
      const name = pick(context, names);
      const hourMs = 3_600_000 * (context.random() < 0.5 ? 1 : -1);
      await context.world.moveClock(name, hourMs);
      await delay(context.stalenessMs);
      await context.world.moveClock(name, 0);
      await delay(context.stalenessMs);
    },
  },
  'worker killed and started': {
    allowed: 'nothing',
    async run({ world }) {
      await world.worker().kill();
      await delay(500);
      await world.startWorker();
    },
  },
  'nginx killed and started': {
    allowed: 'nothing',
    async run({ world }) {
      await world.nginx.kill();
      await delay(1_000);
      await world.nginx.start();
    },
  },
  'Redis master killed': {
    allowed: 'nothing',
    async run({ world }) {
      const master = await world.redis.findMaster();
      await master.kill();
      // Sentinel promotes the replica meanwhile.
      await delay(3_000);
      await master.start();
      await world.redis.untilWhole();
    },
  },
  'Redis frozen': {
    allowed: 'nothing',
    async run({ world }) {
      const master = await world.redis.findMaster();
      master.freeze();
      await delay(2_000);
      master.thaw();
      await world.redis.untilWhole();
    },
  },
  'standby of PostgreSQL killed': {
    allowed: 'nothing',
    async run(context) {
      const standby = pick(context, context.world.registry.standbys);
      await standby.stop('immediate');
      await delay(holdMs(context));
      await standby.start();
      await context.world.registry.untilStandbysFollow();
    },
  },
  'primary of PostgreSQL killed, standby promoted': {
    allowed: 'pause',
    async run(context) {
      await replaceLost(context.world, await failOver(context));
    },
  },
  'primary of PostgreSQL cut off with one gateway, standby promoted': {
    allowed: 'pause',
    async run(context) {
      const { world, stalenessMs } = context;
      const lost: Name = pick(context, names);
      const old = await failOver(context, lost);
      await delay(3 * stalenessMs);
      world.registry.lead();
      await replaceLost(world, old);
    },
  },
  'disk of the registry full': {
    allowed: 'outage',
    isPossible: ({ registry }) => registry.disk !== undefined,
    async run({ world, stalenessMs }) {
      const { primary, disk } = world.registry;
      await disk?.fill();
      // What the server has set aside is used up first.
      const fillUp = `SELECT pg_switch_wal() FROM pg_create_restore_point('full')`;
      let isFull = false;
      for (let turn = 0; turn < 60 && !isFull; turn++)
        isFull = await primary.query(fillUp).then(
          () => false,
          () => true,
        );
      if (!isFull) throw new Error('the disk of the registry is full, and PostgreSQL still writes');
      await delay(2 * stalenessMs);
      await disk?.empty();
      await primary.restart();
      await world.registry.untilStandbysFollow();
    },
  },
};
