/** What is broken between services and gateways. Nobody else goes through these doors. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TcpProxy } from '../../setup/tcp-proxy.js';
import { pick, type Town } from './chaos-clients.js';
import { briefOrLong, type Fault, shuffle } from './chaos-faults.js';

export interface Doors {
  town: Town;
  /** In front of each gateway; by its name. */
  doors: ReadonlyMap<string, TcpProxy>;
  stalenessMs: number;
}

/** Returns the gateways to which the way was of no use. */
type Break = (world: Doors) => Promise<readonly string[]>;

const events = /text\/event-stream/;

const breaks: Record<string, Break> = {
  async 'events cut'({ doors }) {
    for (const door of doors.values()) door.reset(events);
    return [];
  },
  async 'events late'({ doors }) {
    for (const door of doors.values()) door.delayAnswers(1_500, events);
    await delay(2_500);
    for (const door of doors.values()) await door.heal();
    return [];
  },
  async 'services answered late, then cut off'({ doors, stalenessMs }) {
    // Late by less than a renewal waits.
    for (const door of doors.values()) door.delayAnswers(stalenessMs / 5);
    await delay(stalenessMs);
    await Promise.all([...doors.values()].map((door) => door.cut()));
    await delay(1.5 * stalenessMs);
    await Promise.all([...doors.values()].map((door) => door.heal()));
    return [...doors.keys()];
  },
  async 'services’ connections reset'({ doors }) {
    for (const door of doors.values()) door.reset();
    return [];
  },
  async 'one door refuses'(world) {
    const [name, door] = pick(world.town, [...world.doors]);
    await door.cut();
    await delay(briefOrLong(world));
    await door.heal();
    return [name];
  },
  async 'one door hangs'(world) {
    const [name, door] = pick(world.town, [...world.doors]);
    door.blackhole();
    await delay(briefOrLong(world));
    await door.heal();
    return [name];
  },
};

/** Breaks the ways of services, one after the other, beside whatever else is broken. */
export async function runDoorFaults(world: Doors, onFault: (fault: Fault) => void): Promise<void> {
  for (let due: string[] = []; !world.town.isOver(); await delay(world.town.random() * 500)) {
    if (due.length === 0) due = shuffle(world.town, Object.keys(breaks));
    const name = due.pop() as string;
    const all = [...world.doors.keys()].map((door) => `door ${door}`);
    const fault: Fault = { name, from: Date.now(), to: Number.POSITIVE_INFINITY, blocks: all };
    onFault(fault);
    const blocked = await (breaks[name] as Break)(world);
    Object.assign(fault, { to: Date.now(), blocks: blocked.map((door) => `door ${door}`) });
  }
}
