import type { ModelGateway } from './model-gateway.js';
import type { World } from './run-history.js';
import type { Chance } from './virtual-time.js';

type Fault = (world: World, chance: Chance) => void;

/** The faults of a history; the number of occurrences in this list is their frequency. */
const faults: [name: string, count: number, fault: Fault][] = [
  ['Redis flushed', 1, ({ redis }) => redis.flush()],
  ['Redis dumped', 2, ({ redis }) => redis.dump()],
  ['Redis rolled back', 2, ({ redis }) => redis.restore()],
  ['Redis hangs', 1, ({ redis }, chance) => redis.hang(chance.between(40, 3_000))],
  ['Redis loses writes', 1, ({ redis }, chance) => redis.loseWrites(chance.between(500, 6_000))],
  ['Redis mixes keys up', 1, ({ redis }, chance) => redis.mixKeys(chance.between(500, 3_000))],
  [
    'feed cut',
    3,
    (world, chance) => world.anyGateway().feedLink.cut(chance.between(200, 12_000), chance.happens(0.5)),
  ],
  [
    'database cut off',
    2,
    (world, chance) => {
      const { feedLink, readLink } = world.anyGateway();
      const ms = chance.between(200, 9_000);
      for (const link of [feedLink, readLink]) link.cut(ms, chance.happens(0.5));
    },
  ],
  ['feed slow', 3, (world, chance) => world.anyGateway().feedLink.slow(chance.between(500, 8_000))],
  ['database slow', 3, (world, chance) => world.anyGateway().readLink.slow(chance.between(500, 8_000))],
  [
    'feed cut and database slow',
    2,
    (world, chance) => deafen(world.anyGateway(), chance.between(4_000, 14_000)),
  ],
  ['one reads slowly, another follows slowly', 2, slowDownTwo],
  [
    'gateway cut off from clients',
    1,
    (world, chance) => world.anyGateway().door.cut(chance.between(200, 6_000), true),
  ],
  ['clock set', 1, (world, chance) => world.anyGateway().setClock(chance.between(100, 4_000))],
  ['clock stood still', 1, (world, chance) => world.anyGateway().stopClock(chance.between(100, 2_000))],
  ['gateway killed', 2, killGateway],
  ['gateway stopped', 1, stopGateway],
  ['failover', 2, failOver],
  ['dump restored', 1, restoreDump],
];

const lots = faults.flatMap(([name, count, fault]) => Array.from({ length: count }, () => ({ name, fault })));

export function injectFault(world: World): void {
  const { name, fault } = world.chance.pick(lots);
  world.figures.count(`fault: ${name}`);
  fault(world, world.chance);
}

/** The gateway still answers, but gets no news from the database. */
function deafen({ feedLink, readLink }: ModelGateway, ms: number): void {
  feedLink.cut(ms, true);
  readLink.slow(ms);
}

function slowDownTwo(world: World, chance: Chance): void {
  const ms = chance.between(4_000, 12_000);
  world.anyGateway().readLink.slow(ms);
  world.anyGateway().feedLink.slow(ms);
}

/** The gateway ends without removing its row, and after a while a new one starts. */
function killGateway(world: World, chance: Chance): void {
  const [gateway] = world.gateways;
  if (!gateway) return;
  gateway.isAlive = false;
  world.time.after(chance.between(1, 3_000), () => world.startGateway());
}

function stopGateway(world: World, chance: Chance): void {
  const [gateway] = world.gateways;
  if (!gateway) return;
  void gateway.stop();
  world.time.after(chance.between(1, 3_000), () => world.startGateway());
}

/**
 * A standby takes over without the last writes: changes, reports, rows of replicas. The case in which all rows are
 * newer than that, so that no replica knows the earlier history, is left out.
 */
function failOver(world: World, chance: Chance): void {
  if (!world.replicas.hasRowFrom(world.time.now - slowestStandbyMs)) return;
  const lagMs = chance.between(0, slowestStandbyMs);
  replace(world, { lostWrites: Math.floor(chance.between(0, 25)), lagMs, downMs: chance.between(0, 2_000) });
}

const slowestStandbyMs = 1_500;

/** A restore takes longer than the staleness bound. */
function restoreDump(world: World, chance: Chance): void {
  const downMs = world.stalenessMs + chance.between(0, 3_000);
  replace(world, { lostWrites: Math.floor(chance.between(5, 60)), lagMs: Number.POSITIVE_INFINITY, downMs });
}

function replace(world: World, fault: { lostWrites: number; lagMs: number; downMs: number }): void {
  const { registry, time } = world;
  if (!registry.isUp) return;
  registry.isUp = false;
  time.after(fault.downMs, () => {
    // Counted from the time of the shutdown: nothing was written since.
    registry.replace({ ...fault, lagMs: fault.lagMs + fault.downMs });
    registry.isUp = true;
  });
}
