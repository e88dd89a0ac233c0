/**
 * `npx tsx bench/scale.ts [--tenants 1000000]`: a registry with so many tenants, and the time of every page of every list, of counts,
 * of the audit log, of the poll of the change log, and of routes that are read for the first time; each beside the first page by
 * name. Ends with 1 when a goal is missed, or when `doctor audit` does not accept the change log.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startContestant } from './compare/contestants.js';
import { describeMachine } from './compare/machine.js';
import {
  createKey,
  type EmbeddedRegistry,
  insertTenants,
  openEmbeddedRegistry,
} from './registry/embedded-registry.js';
import { runCommand, startGateway } from './registry/gateway.js';
import { openUndo, type Undo } from './registry/undo.js';
import { type ColdFigure, measureColdReads } from './scale/cold-reads.js';
import { loadTenants } from './scale/load.js';
import { auditPages, countPages, listPages, operationPages, statsPages } from './scale/pages.js';
import { measurePolls, type PollFigure } from './scale/polls.js';
import { type PageFigure, timePage, timeSuspension } from './scale/timing.js';

const { values: given } = parseArgs({
  options: { tenants: { type: 'string', default: '1000000' }, sample: { type: 'string', default: '3000' } },
});
const tenants = Number(given.tenants);
/** Up to here with all triggers, 200 in a transaction; from here on by loadTenants, which writes the same rows. */
const tenantsByTriggers = 10;
const tenantsPerTransaction = 200;
const results = join(import.meta.dirname, 'results');
const say = (line: string) => void process.stdout.write(`${line}\n`);

const undo = openUndo();
try {
  process.exitCode = (await measureScale(undo)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await undo.run();
}

/** Whether all goals are reached and the change log is valid after the load. */
async function measureScale(undo: Undo): Promise<boolean> {
  // Statistics come when this script asks for them.
  const registry = await openEmbeddedRegistry(undo, { autovacuum: 'off' });
  const { pool } = registry;
  const databaseUrl = await registry.url('registry');
  const polls: PollFigure[] = [];
  const loadUpTo = openLoad(registry);
  // A log of ten entries and one of ten thousand, where there will be as many; the catalogue's are there already.
  for (const count of [3, 4_998]) {
    if (count >= tenants) continue;
    await loadUpTo(count);
    polls.push(...(await measurePolls(pool, databaseUrl)));
  }
  const key = await createKey(registry, 'resolve:*,registry:read,registry:write,audit:read,usage:record');
  const small = await measureGateway(undo, registry, key);
  await loadUpTo(tenants);
  polls.push(...(await measurePolls(pool, databaseUrl)));
  // As autovacuum would have left it.
  await pool.query('VACUUM ANALYZE');
  // As a worker would have done it.
  await pool.query('SELECT registry_measure_quotas()');
  const large = await measureGateway(undo, registry, key);

  const gateway = await startGateway(undo, await registry.gatewayEnv(), key);
  const { url: sqlUrl } = await startContestant('sql-prepared', registry, undo);
  const sample = Number(given.sample);
  const cold = await measureColdReads({ gateway, sqlUrl, pool }, { tenants, sample });
  const pages: PageFigure[] = [];
  const questions = [
    ...(await listPages(gateway, pool, tenants)),
    ...countPages(tenants),
    ...(await auditPages(gateway, pool)),
    ...(await operationPages(gateway, pool)),
    ...statsPages(),
  ];
  for (const question of questions) pages.push(await timePage(gateway, question));
  await gateway.stop();

  const firstPageMs = pages[0]?.ms;
  if (firstPageMs === undefined) throw new Error(`There is no first page by name: ${pages[0]?.problem}`);
  report({ pages, polls, cold, small, large }, firstPageMs);
  const audit = JSON.parse(await runCommand(['doctor', 'audit', '--json'], await registry.gatewayEnv()));
  say(`doctor audit: ${audit.entries} entries, ${audit.problems} problems`);

  await mkdir(results, { recursive: true });
  const file = join(results, 'scale.json');
  const machine = await describeMachine(pool);
  const date = new Date().toISOString();
  const found = { date, machine, tenants, firstPageMs, pages, polls, cold, small, large, audit };
  await writeFile(file, `${JSON.stringify(found, null, 2)}\n`);
  say(`Written to ${file}`);
  const missed = findMissedGoals({ pages, polls, cold, small, large }, firstPageMs);
  for (const goal of missed) say(`Missed: ${goal}`);
  return audit.problems === 0 && missed.length === 0;
}

function openLoad({ pool }: EmbeddedRegistry): (upTo: number) => Promise<void> {
  let loaded = 0;
  return async (upTo) => {
    const startedAt = performance.now();
    const before = loaded;
    while (loaded < Math.min(upTo, tenantsByTriggers)) {
      const end = Math.min(upTo, loaded + tenantsPerTransaction);
      await insertTenants(pool, loaded + 1, end);
      loaded = end;
      // Each entry leaves dead versions of the head row and of the counts, and every later one would read past all of them.
      await pool.query('VACUUM registry_head, tenant_counts, subscription_counts');
    }
    if (loaded < upTo) await loadTenants(pool, loaded + 1, upTo);
    loaded = Math.max(loaded, upTo);
    const seconds = (performance.now() - startedAt) / 1_000;
    say(`${loaded} tenants; ${((loaded - before) / seconds).toFixed(0)} a second`);
  };
}

interface GatewayFigure {
  startupMs: number;
  suspendMs: number;
  resumeMs: number;
}

/** The second of two starts, for the first may compile; with a tenant suspended and resumed. */
async function measureGateway(undo: Undo, registry: EmbeddedRegistry, key: string): Promise<GatewayFigure> {
  await (await startGateway(undo, await registry.gatewayEnv(), key)).stop();
  const gateway = await startGateway(undo, await registry.gatewayEnv(), key);
  const figure = { startupMs: gateway.startupMs, ...(await timeSuspension(gateway)) };
  await gateway.stop();
  return figure;
}

interface Figures {
  pages: PageFigure[];
  polls: PollFigure[];
  cold: ColdFigure[];
  small: GatewayFigure;
  large: GatewayFigure;
}

function report({ pages, polls, cold, small, large }: Figures, firstPageMs: number): void {
  const row = (name: string, ms: number | undefined, rest = '') =>
    say(
      `${name.padEnd(60)} ${ms === undefined ? '     failed' : `${ms.toFixed(2).padStart(9)} ms`} ` +
        `${ms === undefined ? '' : `× ${(ms / firstPageMs).toFixed(2)}`} ${rest}`.trimEnd(),
    );
  say(`\nThe first page by name takes ${firstPageMs.toFixed(2)} ms; × is a multiple of it.\n`);
  for (const { group, name, ms, problem } of pages) row(`${group}, ${name}`, ms, problem);
  const shortest = polls.find(({ statistics }) => statistics === 'fresh')?.ms ?? Number.NaN;
  for (const { entries, statistics, ms } of polls)
    row(
      `poll of the change log, ${entries} entries, statistics: ${statistics}`,
      ms,
      `× ${(ms / shortest).toFixed(2)} of the shortest log`,
    );
  for (const { name, ms } of cold) row(`route not in memory, ${name}, per key`, ms);
  for (const field of ['startupMs', 'suspendMs', 'resumeMs'] as const)
    row(
      `${{ startupMs: 'start of a gateway', suspendMs: 'suspendTenant, wait: GATEWAYS', resumeMs: 'resumeTenant, wait: GATEWAYS' }[field]}`,
      large[field],
      `× ${(large[field] / small[field]).toFixed(2)} of the small registry`,
    );
}

/** Pages: 5 times the first page by name, with a selective text 10 times. Polls: twice the shortest log. Start: 1.3 times. */
function findMissedGoals({ pages, polls, small, large }: Figures, firstPageMs: number): string[] {
  const shortest = polls.find(({ statistics }) => statistics === 'fresh')?.ms ?? Number.NaN;
  return [
    ...pages
      .filter(({ group, ms = Number.POSITIVE_INFINITY }) => ms > firstPageMs * (/text/.test(group) ? 10 : 5))
      .map(({ group, name }) => `${group}, ${name}`),
    ...polls
      .filter(({ ms }) => ms > shortest * 2)
      .map(({ entries, statistics }) => `poll at ${entries} entries, statistics: ${statistics}`),
    ...(large.startupMs > small.startupMs * 1.3 ? ['start of a gateway'] : []),
  ];
}
