/**
 * `npx tsx bench/admin.ts [--tenants 1000000]`: the admin page in headless Chromium at a registry with so many tenants. Searching, ordering,
 * filtering and paging beside the same documents sent by fetch from the same page; the memory of the tab over 200 pages; the frames
 * per second while a rollout over 2,000 tenants is watched live. Ends with 1 when a goal is missed.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from '../test/setup/browser.js';
import { type FrameFigure, watchRollout } from './admin/frames.js';
import { type ListFigure, measureLists, measurePaging } from './admin/lists.js';
import { type MemoryFigure, measureMemory } from './admin/memory.js';
import { openTab } from './admin/tab.js';
import { describeMachine } from './compare/machine.js';
import { createKey, insertTenants, openEmbeddedRegistry } from './registry/embedded-registry.js';
import { startGateway } from './registry/gateway.js';
import { openUndo, type Undo } from './registry/undo.js';
import { addFiles, createModulesDir } from './rollout/module-files.js';
import { loadTenants } from './scale/load.js';

const { values: given } = parseArgs({
  options: {
    tenants: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '15' },
    migrated: { type: 'string', default: '2000' },
    only: { type: 'string', default: 'lists,memory,rollout' },
  },
});
const tenants = Number(given.tenants);
const rounds = Number(given.rounds);
const parts = given.only.split(',');
const goals = { ratio: 1.5, growth: 1.1, framesPerSecond: 30 };
const memoryStops = [20, 200];
const module = 'watched';
const results = join(import.meta.dirname, 'results');
const say = (line: string) => void process.stdout.write(`${line}\n`);

interface Figures {
  lists: ListFigure[];
  memory: MemoryFigure[];
  frames: FrameFigure | undefined;
}

const undo = openUndo();
try {
  process.exitCode = (await measureAdmin(undo)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
} finally {
  await undo.run();
}

async function measureAdmin(undo: Undo): Promise<boolean> {
  const registry = await openEmbeddedRegistry(undo, { autovacuum: 'off', shared_buffers: '512MB' });
  const { pool } = registry;
  // The first ones with all triggers, as bench/scale.ts does it.
  await insertTenants(pool, 1, Math.min(10, tenants));
  if (tenants > 10) await loadTenants(pool, 11, tenants);
  await pool.query('VACUUM ANALYZE');
  await pool.query('SELECT registry_measure_quotas()');
  say(`${tenants.toLocaleString('en')} tenants are loaded`);

  const modulesDir = await createModulesDir([module]);
  undo.add(() => modulesDir[Symbol.asyncDispose]());
  await cp(join(import.meta.dirname, '../modules'), modulesDir.path, { recursive: true });
  const env = {
    ...(await registry.gatewayEnv()),
    ...{ MODULES_DIR: modulesDir.path, WATCHED_DB_URL: await registry.url(module), DRIFT_SCAN_HOURS: '0' },
  };
  const key = await createKey(
    registry,
    'resolve:*,registry:read,registry:write,provision,audit:read,keys:manage',
  );
  const gateway = await startGateway(undo, env, key);
  const browser = await openBrowser();
  undo.add(() => browser.close());
  const tab = await openTab(browser, new URL(gateway.url).origin, key);

  const figures: Figures = { lists: [], memory: [], frames: undefined };
  if (parts.includes('lists')) {
    await tab.goTo('/tenants');
    figures.lists = [
      ...(await measureLists(tab, { tenants, rounds })),
      await measurePaging(tab, { rounds: rounds * 2, at: '/tenants', name: 'next page, by slug' }),
      await measurePaging(tab, {
        ...{ rounds: rounds * 2, at: '/tenants?sort=-NAME&status=ACTIVE' },
        name: 'next page, active ones by name, descending',
      }),
    ];
    reportLists(figures.lists);
  }
  if (parts.includes('memory')) {
    figures.memory = await measureMemory(tab, memoryStops);
    reportMemory(figures.memory);
  }
  if (parts.includes('rollout')) {
    figures.frames = await watchRollout(undo, {
      ...{ tab, gateway, module, tenants: Number(given.migrated), key },
      ...{ registryUrl: await registry.url('registry'), env, modulesDir: modulesDir.path },
      addFiles: () => addFiles(modulesDir.path, module),
    });
    reportFrames(figures.frames);
  }

  await mkdir(results, { recursive: true });
  const file = join(results, 'admin.json');
  const machine = await describeMachine(pool);
  const found = { date: new Date().toISOString(), machine, tenants, rounds, goals, ...figures };
  await writeFile(file, `${JSON.stringify(found, null, 2)}\n`);
  say(`Written to ${file}`);
  const missed = findMissedGoals(figures);
  for (const goal of missed) say(`Missed: ${goal}`);
  return missed.length === 0;
}

function ratioOf({ pageMs, apiMs }: ListFigure): number {
  return pageMs / apiMs;
}

function reportLists(lists: readonly ListFigure[]): void {
  say(
    '\nMedians. "api": the document sent by fetch from the page, until its answer is parsed. "page": from the moment at',
  );
  say(
    'which the request is due until the rows are painted: of a click at once, of a search 150 ms after the last key.',
  );
  say(`"with pause": from the key press or click. Goal: page at most ${goals.ratio} × api.\n`);
  for (const one of lists)
    say(
      `${one.name.padEnd(46)} api ${ms(one.apiMs)}  page ${ms(one.pageMs)}  × ${ratioOf(one).toFixed(2)}` +
        `  with pause ${ms(one.fromInputMs)}  (sent after ${ms(one.untilSentMs)}, ${one.rounds} rounds)`,
    );
}

function reportMemory(memory: readonly MemoryFigure[]): void {
  say(
    `\nMemory of the tab after garbage collection. Goal: at most ${goals.growth} × from the first stop to the last.\n`,
  );
  for (const { pages, heapMb, domNodes, listeners } of memory)
    say(
      `after ${String(pages).padStart(3)} pages: heap ${heapMb.toFixed(1)} MB, ${domNodes} nodes, ${listeners} listeners`,
    );
}

function reportFrames({ seconds, mean, fewest, longestMs, busy }: FrameFigure): void {
  say(
    `\nA rollout over ${given.migrated} tenants, watched for ${seconds.toFixed(0)} s: ${mean.toFixed(1)} frames/s,`,
  );
  say(
    `${fewest} in the second with the fewest (goal: ${goals.framesPerSecond}), longest frame ${ms(longestMs)},`,
  );
  say(`main thread of the page busy ${(busy * 100).toFixed(0)} % of the time`);
}

function ms(value: number): string {
  return `${value.toFixed(1).padStart(6)} ms`;
}

function findMissedGoals({ lists, memory, frames }: Figures): string[] {
  const [first, last] = [memory[0], memory.at(-1)];
  return [
    ...lists
      .filter((one) => ratioOf(one) > goals.ratio)
      .map((one) => `${one.name}: ${ratioOf(one).toFixed(2)} × the time of the API`),
    ...(['heapMb', 'domNodes', 'listeners'] as const)
      .filter((name) => first && last && last[name] > first[name] * goals.growth)
      .map((name) => `${name} grew from ${first?.[name].toFixed(1)} to ${last?.[name].toFixed(1)}`),
    ...(frames && frames.fewest <= goals.framesPerSecond ? [`a second with ${frames.fewest} frames`] : []),
  ];
}
