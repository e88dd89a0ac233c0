/** Caches a given number of tenants and reports the memory used. */
import { createTenantRegistry, TenantRegistryError } from '../../src/client/index.js';

const [url = '', given] = process.argv.slice(2);
const size = Number(given);
const atOnce = 2_000;

/** Ids that differ in few characters and need no list to be kept. */
const idOf = (at: number) => `0198f2a4-7c3e-7d21-9f00-${at.toString(16).padStart(12, '0')}`;

function measure(): { heap: number; rss: number } {
  for (let times = 0; times < 3; times++) globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

const registry = createTenantRegistry({ url, module: 'finance', maxTenants: size + atOnce, hints: false });
/** The first batch takes what is needed once, such as compiled code. */
async function resolveFrom(start: number, end: number): Promise<void> {
  for (let from = start; from < end; from += atOnce) {
    const ids = Array.from({ length: Math.min(atOnce, end - from) }, (_, at) => idOf(from + at));
    for (const route of await registry.resolveMany(ids))
      if (route instanceof TenantRegistryError) throw route;
  }
}
await resolveFrom(0, atOnce);
const before = measure();
await resolveFrom(atOnce, atOnce + size);
const after = measure();
process.send?.({ heap: after.heap - before.heap, rss: after.rss - before.rss });
await registry.close();
process.disconnect();
