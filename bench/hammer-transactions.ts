/**
 * `npx tsx bench/hammer-transactions.ts [--count 100000] [--tenants 200] [--pool 5] [--seed n] [--way direct,pgbouncer]`:
 * transactions of many tenants over few connections with injected faults, directly and through PgBouncer in transaction mode.
 * Counts rows of other tenants, connections that keep state, and transactions that ended differently for their callers.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createTenantRegistry } from '../src/client/index.js';
import { provisionTenants } from '../test/client/support/gateway-with-tenants.js';
import { type HammerReport, hammer } from '../test/client/support/hammer-transactions.js';
import { openBreakableEnvironment } from '../test/outage/support/breakable-gateways.js';
import { isPgBouncerInstalled, openPgBouncer } from '../test/setup/pgbouncer.js';

const { values: given } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    tenants: { type: 'string', default: '200' },
    pool: { type: 'string', default: '5' },
    seed: { type: 'string', default: `${randomInt(1e9)}` },
    way: { type: 'string', default: isPgBouncerInstalled ? 'direct,pgbouncer' : 'direct' },
  },
});
const poolSize = Number(given.pool);
const say = (line: string) => void process.stdout.write(`${line}\n`);
if (!isPgBouncerInstalled) say('pgbouncer is not installed: running without it');

await using environment = await openBreakableEnvironment();
// A worker would take over operations that the mutations run themselves.
const gateway = await environment.gateway({ WORKER: 'none' });
const databaseUrl = environment.postgres.url('service');
say(`seed ${given.seed}`);
const startedAt = performance.now();
const slugs = Array.from({ length: Number(given.tenants) }, (_, at) => `tenant_${at}`);
const tenants = await provisionTenants(slugs, gateway, databaseUrl);
say(`${tenants.length} tenants provisioned in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
const registry = createTenantRegistry({ url: gateway.url, apiKey: environment.key, module: 'finance' });
environment.undo(() => registry.close());

const setup = { registry, gateway, tenants, databaseUrl, serverConnections: poolSize };
const wanted = { transactions: Number(given.count), seed: Number(given.seed) };
let isGood = true;
for (const way of given.way.split(',')) {
  say(`\n${way}, ${poolSize} connections to the server`);
  if (way === 'direct') {
    isGood = print(await hammer({ ...setup, ...wanted, url: databaseUrl, poolSize })) && isGood;
  } else {
    await using bouncer = await openPgBouncer(databaseUrl, poolSize);
    // Twice as many client connections as server connections, so that they take turns.
    isGood = print(await hammer({ ...setup, ...wanted, url: bouncer.url, poolSize: 2 * poolSize })) && isGood;
  }
}
process.exitCode = isGood ? 0 : 1;

function print(report: HammerReport): boolean {
  const { transactions, seconds } = report;
  say(`${transactions} transactions in ${seconds.toFixed(0)} s (${(transactions / seconds).toFixed(0)}/s)`);
  for (const [ending, count] of Object.entries(report.endings).sort(([, one], [, other]) => other - one))
    say(`${String(count).padStart(8)}  ${ending}`);
  say(`connections inspected ${report.looks} times, ${report.connections} server connections at the end`);
  const violations = {
    'wrong rows': report.wrongRows,
    'unsafe connections': report.unsafeConnections,
    'not as reported': report.torn,
    surprises: report.surprises,
  };
  for (const [name, found] of Object.entries(violations)) {
    say(`${name}: ${found.length}`);
    for (const what of found.slice(0, 10)) say(`   ${what}`);
  }
  return Object.values(violations).every(({ length }) => length === 0);
}
