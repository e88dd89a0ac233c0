/** Holds a given number of routes as a gateway does, and reports the memory used and the time of a read from memory. */
import type { Pool } from 'pg';
import { developer } from '../../src/auth/caller.js';
import { type Caches, openCaches } from '../../src/registry/resolution/caches.js';
import { createReader, type ReaderOptions } from '../../src/registry/resolution/reader.js';
import { routesPool } from './routes-pool.js';

export interface HeldRoutes {
  /** Growth of the heap by one route. */
  bytesEach: number;
  residentBytes: number;
  /** Median CPU time of one resolution from memory, in nanoseconds. */
  warmNs: number;
}

const size = Number(process.argv[2]);
const atOnce = 500;
const follower = {
  position: { epoch: routesPool.epoch, revision: BigInt(routesPool.revision), hash: '' },
  leaseRemainingMs: 5_000,
  isCurrent: () => true,
  poll: async () => undefined,
} as unknown as ReaderOptions['follower'];

/** Ids that differ in few characters and need no list to be kept; each is a new text, as that of a request is. */
const idOf = (at: number) =>
  Buffer.from(`0198f2a4-7c3e-7d21-9f00-${at.toString(16).padStart(12, '0')}`).toString();

function resolveNow(caches: Caches, at: number): void {
  const reader = createReader({ caches, follower, caller: developer });
  const resolved = reader.resolve({
    reference: idOf(at),
    module: 'finance',
    consistency: 'CACHED',
    minRevision: undefined,
  });
  if (resolved instanceof Promise || !('searchPath' in resolved))
    throw new Error(`route ${at} is not in memory`);
}

async function loadFrom(caches: Caches, start: number, end: number): Promise<void> {
  for (let from = start; from < end; from += atOnce) {
    const demands = Array.from({ length: Math.min(atOnce, end - from) }, (_, at) => ({
      key: { reference: idOf(from + at), module: 'finance' },
    }));
    await caches.routes.getMany(demands);
  }
}

function measure(): { heap: number; resident: number } {
  for (let times = 0; times < 3; times++) globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, resident: rss };
}

/** By CPU time, which hardly depends on what else the machine does. */
function warmNs(caches: Caches): number {
  const times: number[] = [];
  const reads = 20_000;
  for (let round = 0; round < 15; round++) {
    const before = process.cpuUsage();
    for (let read = 0; read < reads; read++) resolveNow(caches, Math.floor(Math.random() * size));
    const { user, system } = process.cpuUsage(before);
    times.push(((user + system) * 1_000) / reads);
  }
  return times.toSorted((one, other) => one - other)[7] as number;
}

const caches = openCaches({
  pool: routesPool as unknown as Pool,
  redis: undefined,
  validity: follower,
  clock: () => performance.now(),
  stalenessMs: 5_000,
});
// The first ones take what is needed once, such as compiled code.
await loadFrom(caches, 0, atOnce);
for (let at = 0; at < atOnce; at++) resolveNow(caches, at);
const before = measure();
await loadFrom(caches, atOnce, size);
// What a read leaves with a route counts, too.
for (let at = atOnce; at < size; at++) resolveNow(caches, at);
const after = measure();
const held: HeldRoutes = {
  bytesEach: (after.heap - before.heap) / (size - atOnce),
  residentBytes: after.resident - before.resident,
  warmNs: warmNs(caches),
};
process.send?.(held);
process.disconnect();
