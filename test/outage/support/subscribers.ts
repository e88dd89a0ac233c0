/** Subscribers of routesChanged who come and go, and what a gateway has left of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Freshness } from '../../../src/feed/freshness.js';
import { type EventStream, openEvents, type RouteEvent } from '../../feed/support/event-stream.js';
import type { GatewayProcess } from '../../setup/gateway-process.js';
import { addTenants, type World } from './breakable-gateways.js';

export interface Interrupted {
  changes: number;
  disconnects: number;
  seconds: number;
  /** Events that are missing, came twice or came out of order, by the first place where they differ from the log. */
  firstDifference: string | undefined;
}

/** One subscriber who is cut off at random and goes on where it was, while changes go on as well. */
export async function runInterrupted(
  world: World,
  gateway: GatewayProcess,
  wanted: { changes: number; disconnects: number },
): Promise<Interrupted> {
  const startedAt = performance.now();
  await addTenants(world, 100);
  const [head] = await world.psql(`SELECT registry_epoch() || ':' || revision AS token FROM registry_head`);
  const since = String(head?.token);
  let isOver = false;
  const changing = (async () => {
    for (let made = 0; made < wanted.changes; ) {
      // Revisions of one change, of a few, and of a hundred.
      const size = Math.min([1, 7, 100][made % 3] as number, wanted.changes - made);
      await world.psql(
        'UPDATE tenants SET name = $1 WHERE id IN (SELECT id FROM tenants ORDER BY id LIMIT $2)',
        [`name ${made}`, size],
      );
      made += size;
    }
    isOver = true;
  })();

  const heard: string[] = [];
  let disconnects = 0;
  let last: RouteEvent | undefined;
  while (heard.length < wanted.changes) {
    const stream = await openEvents(gateway.url, {
      since: last?.revision ?? since,
      sincePosition: last?.position,
      key: world.key,
    });
    const isLast = disconnects >= wanted.disconnects;
    const visit = isLast ? wanted.changes : Math.random() * ((2 * wanted.changes) / wanted.disconnects);
    for (let count = 0; count < visit && heard.length < wanted.changes; count++) {
      const event = await nextWithin(stream, isOver ? 10_000 : 60_000);
      if (!event) break;
      if (event.type === 'RESYNC') throw new Error(`told to start anew at ${event.revision}`);
      heard.push(`${event.revision}/${event.position}`);
      last = event;
    }
    stream.destroy();
    disconnects++;
  }
  await changing;
  const [epoch, number] = since.split(':');
  const log = await world.psql(
    `SELECT $1 || ':' || revision || '/' || position AS place FROM registry_change WHERE revision > $2
     ORDER BY revision, position`,
    [epoch, number],
  );
  const difference = log.findIndex(({ place }, at) => place !== heard[at]);
  return {
    changes: log.length,
    disconnects,
    seconds: (performance.now() - startedAt) / 1_000,
    firstDifference:
      difference < 0 && heard.length === log.length
        ? undefined
        : `${difference}: ${log[difference]?.place} in the log, ${heard[difference]} heard`,
  };
}

async function nextWithin(stream: EventStream, ms: number): Promise<RouteEvent | undefined> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).then(
    () => {
      throw new Error(`no event within ${ms} ms`);
    },
    () => undefined,
  );
  try {
    return await Promise.race([stream.next(), late]);
  } finally {
    timer.abort();
  }
}

/** Connects and goes away again: before the first answer, after it, or after an event. */
export async function runVisitors(world: World, url: string, visits: number): Promise<void> {
  let left = visits;
  let isOver = false;
  const changing = (async () => {
    while (!isOver) {
      await world.psql(`UPDATE modules SET description = $1 WHERE name = 'finance'`, [`${Math.random()}`]);
      await delay(20);
    }
  })();
  await Promise.all(
    Array.from({ length: 20 }, async (_, visitor) => {
      while (left-- > 0) {
        const stream = await openEvents(url, { key: world.key });
        if (visitor % 4 === 0) await stream.next();
        else if (visitor % 4 === 1) await delay(Math.random() * 10);
        stream.destroy();
      }
    }),
  );
  isOver = true;
  await changing;
}

/** What is left of visitors in this process. */
export interface Holdings {
  subscribers: number;
  sockets: number;
  timers: number;
  heapMb: number;
}

/** A second after the last one has left, and without garbage. */
export async function readHoldings({ changes }: Freshness): Promise<Holdings> {
  await delay(1_000);
  collectGarbage();
  const resources = process.getActiveResourcesInfo();
  return {
    subscribers: changes.subscribers,
    sockets: resources.filter((kind) => kind === 'TCPSocketWrap').length,
    timers: resources.filter((kind) => kind === 'Timeout').length,
    heapMb: process.memoryUsage().heapUsed / 1e6,
  };
}

/** What visitors have left; undefined when it is nothing. */
export function compareHoldings(before: Holdings, after: Holdings): string | undefined {
  const isClean =
    after.subscribers === 0 &&
    after.sockets <= before.sockets + 2 &&
    after.timers <= before.timers + 2 &&
    after.heapMb - before.heapMb < 5;
  return isClean ? undefined : `before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What the first round frees may be what holds more.
  for (let round = 0; round < 3; round++) collect();
}
