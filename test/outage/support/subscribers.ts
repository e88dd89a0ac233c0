/** Subscribers of routesChanged that connect and disconnect, and the resources that a gateway keeps for them. */
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Freshness } from '../../../src/feed/freshness.js';
import { type EventStream, openEvents, type RouteEvent } from '../../feed/support/event-stream.js';
import type { GatewayProcess } from '../../setup/gateway-process.js';
import { addTenants, type BreakableEnvironment } from './breakable-gateways.js';

export interface Interrupted {
  changes: number;
  disconnects: number;
  seconds: number;
  /** Missing, duplicate or misplaced events, by the first difference from the log. */
  firstDifference: string | undefined;
}

/** Runs one subscriber that is disconnected at random and resumes, while changes go on. */
export async function runInterrupted(
  environment: BreakableEnvironment,
  gateway: GatewayProcess,
  wanted: { changes: number; disconnects: number },
): Promise<Interrupted> {
  const startedAt = performance.now();
  await addTenants(environment, 100);
  const [head] = await environment.psql(
    `SELECT registry_epoch() || ':' || revision AS token FROM registry_head`,
  );
  const since = String(head?.token);
  let isOver = false;
  const changing = (async () => {
    for (let made = 0; made < wanted.changes; ) {
      // Revisions with one change, with a few, and with a hundred.
      const size = Math.min([1, 7, 100][made % 3] as number, wanted.changes - made);
      await environment.psql(
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
      key: environment.key,
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
  const log = await environment.psql(
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

/** Connects and disconnects: before the first answer, after it, or after an event. */
export async function runVisitors(
  environment: BreakableEnvironment,
  url: string,
  visits: number,
): Promise<void> {
  let left = visits;
  let isOver = false;
  const changing = (async () => {
    while (!isOver) {
      await environment.psql(`UPDATE modules SET description = $1 WHERE name = 'finance'`, [
        `${Math.random()}`,
      ]);
      await delay(20);
    }
  })();
  await Promise.all(
    Array.from({ length: 20 }, async (_, visitor) => {
      while (left-- > 0) {
        const stream = await openEvents(url, { key: environment.key });
        if (visitor % 4 === 0) await stream.next();
        else if (visitor % 4 === 1) await delay(Math.random() * 10);
        stream.destroy();
      }
    }),
  );
  isOver = true;
  await changing;
}

/** Resources of former subscribers in this process. */
export interface Holdings {
  subscribers: number;
  sockets: number;
  timers: number;
  heapMb: number;
}

/** Counts a second after the last disconnect, after garbage collection. */
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

/** Returns the leaked resources; undefined when there are none. */
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
  // The first garbage collection may free what keeps further objects alive.
  for (let round = 0; round < 3; round++) collect();
}
