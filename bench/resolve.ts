/**
 * `npx tsx bench/resolve.ts [--rounds 9] [--tenants 1000] [--sizes 1000,100000,1000000]`: compares cached `resolve` calls in a
 * service's process with one SQL query per lookup and with requests to the gateway, in turns; measures memory per tenant.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { createTenantRegistry } from '../src/client/index.js';
import {
  ask,
  type BreakableEnvironment,
  openBreakableEnvironment,
} from '../test/outage/support/breakable-gateways.js';
import { medianOf } from './compare/summary.js';
import { openStandInGateway } from './resolve/stand-in-gateway.js';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    tenants: { type: 'string', default: '1000' },
    sizes: { type: 'string', default: '1000,100000,1000000' },
  },
});
/** Duration of one way in a round. */
const roundMs = 500;
/** Required ratio of lookups by resolve to lookups by SQL. */
const goal = 100;
/** Maximum heap per cached tenant. */
const goalBytes = 600;
/** The query of a service without the client. */
const routeSql = `SELECT finance_schema FROM tenant_registry WHERE tenant_id = $1 AND 'finance' = ANY(modules_subscribed)`;
const say = (line: string) => void process.stdout.write(`${line}\n`);

const ratio = await compareWays();
const bytes = await measureMemory();
process.exitCode = ratio >= goal && bytes <= goalBytes ? 0 : 1;

/** Returns the ratio of lookups by resolve to lookups by SQL, the lower one of the two concurrencies. */
async function compareWays(): Promise<number> {
  await using environment = await openBreakableEnvironment();
  const gateway = await environment.gateway();
  const ids = await insertTenants(environment, Number(given.tenants));
  const registry = createTenantRegistry({ url: gateway.url, apiKey: environment.key, module: 'finance' });
  const pool = new pg.Pool({ connectionString: environment.postgres.url('registry'), max: 20 });
  const anyId = () => ids[Math.floor(Math.random() * ids.length)] as string;
  await registry.resolveMany(ids);

  const ways: Record<string, Way> = {
    resolve: { lookUp: () => registry.resolve(anyId()), atOnce: 100 },
    SQL: { lookUp: () => pool.query({ name: 'route', text: routeSql, values: [anyId()] }), atOnce: 1 },
    gateway: { lookUp: () => ask(gateway, anyId()), atOnce: 1 },
  };
  say(`${ids.length} tenants, ${given.rounds} rounds in turns, medians of lookups per second`);
  const ratios: number[] = [];
  for (const concurrency of [1, 20]) {
    const rates: Record<string, number[]> = {};
    for (let round = -1; round < Number(given.rounds); round++)
      for (const [name, way] of Object.entries(ways)) {
        const rate = await run(way, concurrency);
        // The first round warms up.
        if (round >= 0) rates[name] = [...(rates[name] ?? []), rate];
      }
    const {
      resolve = 0,
      SQL = 0,
      gateway: http = 0,
    } = Object.fromEntries(Object.entries(rates).map(([name, of]) => [name, medianOf(of)]));
    ratios.push(resolve / SQL);
    say(
      `${String(concurrency).padStart(3)} at a time: resolve ${resolve.toFixed(0)} (${(1e6 / resolve).toFixed(2)} µs), ` +
        `SQL ${SQL.toFixed(0)} (×${(resolve / SQL).toFixed(0)}), gateway ${http.toFixed(0)} (×${(resolve / http).toFixed(0)})`,
    );
  }
  await Promise.all([registry.close(), pool.end()]);
  return Math.min(...ratios);
}

interface Way {
  lookUp: () => Promise<unknown>;
  /** Number of lookups between two readings of the clock. */
  atOnce: number;
}

async function run({ lookUp, atOnce }: Way, concurrency: number): Promise<number> {
  const startedAt = performance.now();
  let count = 0;
  const lane = async () => {
    while (performance.now() - startedAt < roundMs) {
      for (let at = 0; at < atOnce; at++) await lookUp();
      count += atOnce;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return (count * 1_000) / (performance.now() - startedAt);
}

/** Inserted directly: resolving a tenant needs no storage. */
async function insertTenants(environment: BreakableEnvironment, count: number): Promise<string[]> {
  await environment.psql(
    `WITH made AS (INSERT INTO tenants (slug, name) SELECT 'tenant-' || at, 'Tenant' FROM generate_series(1, $1::int) AS at RETURNING id)
     INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM made`,
    [count],
  );
  await environment.psql('ANALYZE');
  return (await environment.psql('SELECT id FROM tenants')).map(({ id }) => String(id));
}

/**
 * Returns the highest number of bytes per tenant. Each size runs in a process of its own, and a stand-in gateway
 * answers, so no database needs a million tenants.
 */
async function measureMemory(): Promise<number> {
  const each: number[] = [];
  await using gateway = await openStandInGateway();
  for (const size of given.sizes.split(',').map(Number)) {
    const child = fork(new URL('resolve/holder.ts', import.meta.url), [gateway.url, String(size)], {
      execArgv: ['--import', 'tsx', '--expose-gc', '--max-old-space-size=4096'],
    });
    const [held] = (await once(child, 'message')) as [{ heap: number; rss: number }];
    await once(child, 'exit');
    each.push(held.heap / size);
    say(
      `${String(size).padStart(9)} tenants: ${(held.heap / size).toFixed(0)} bytes each of the heap, ` +
        `${(held.heap / 1e6).toFixed(1)} MB; ${(held.rss / 1e6).toFixed(0)} MB more resident`,
    );
  }
  return Math.max(...each);
}
