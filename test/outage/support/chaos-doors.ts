/** Faults between services and gateways. Only the services use these proxies. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TcpProxy } from '../../setup/tcp-proxy.js';
import { type ChaosRun, pick } from './chaos-clients.js';
import { briefOrLong, type Fault, shuffle } from './chaos-faults.js';

export interface Doors {
  chaosRun: ChaosRun;
  /** The proxies in front of the gateways, by name. */
  doors: ReadonlyMap<string, TcpProxy>;
  stalenessMs: number;
}

/** Returns the gateways whose connection could not be used. */
type Break = (proxies: Doors) => Promise<readonly string[]>;

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
    // A delay shorter than the timeout of a renewal.
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
  async 'one door refuses'(proxies) {
    const [name, door] = pick(proxies.chaosRun, [...proxies.doors]);
    await door.cut();
    await delay(briefOrLong(proxies));
    await door.heal();
    return [name];
  },
  async 'one door hangs'(proxies) {
    const [name, door] = pick(proxies.chaosRun, [...proxies.doors]);
    door.blackhole();
    await delay(briefOrLong(proxies));
    await door.heal();
    return [name];
  },
};

/** Breaks the connections of services one after another, in addition to the other faults. */
export async function runDoorFaults(proxies: Doors, onFault: (fault: Fault) => void): Promise<void> {
  for (let due: string[] = []; !proxies.chaosRun.isOver(); await delay(proxies.chaosRun.random() * 500)) {
    if (due.length === 0) due = shuffle(proxies.chaosRun, Object.keys(breaks));
    const name = due.pop() as string;
    const all = [...proxies.doors.keys()].map((door) => `door ${door}`);
    const fault: Fault = { name, from: Date.now(), to: Number.POSITIVE_INFINITY, blocks: all };
    onFault(fault);
    const blocked = await (breaks[name] as Break)(proxies);
    Object.assign(fault, { to: Date.now(), blocks: blocked.map((door) => `door ${door}`) });
  }
}
