import { parseArgs } from 'node:util';
import { openApp } from '../src/app.js';
import { developer } from '../src/auth/caller.js';
import { readConfig } from '../src/config.js';
import { openLog } from '../src/log.js';
import { startRollout } from '../src/provisioning/commands/start-rollout.js';
import { installGuard } from '../src/provisioning/fence/guard.js';
import { RolloutDuty } from '../src/provisioning/rollout/lead/rollout-duty.js';
import { planRollout } from '../src/provisioning/rollout/plan/rollout-plan.js';
import { connect, createBulkStorages } from '../test/provisioning/support/many-storages.js';
import { openPostgresServer } from '../test/setup/postgres-server.js';
import { medianOf } from './compare/summary.js';
import { addFiles, createModulesDir } from './rollout/module-files.js';
import { runPlainLoop } from './rollout/plain-loop.js';

/**
 * `npx tsx bench/rollout.ts [--tenants 2000] [--planned 5000] [--rounds 1]`: migrates so many schemas with three files, beside a plain loop of
 * one session of psql and of four, and plans a rollout beside one query of the catalog. The schemas of all are alike and in one database.
 * Ends with 1 when a goal is missed.
 */
const { values: given } = parseArgs({
  options: {
    tenants: { type: 'string', default: '2000' },
    planned: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '1' },
  },
});
const [tenants, planned, rounds] = [Number(given.tenants), Number(given.planned), Number(given.rounds)];
const say = (line: string) => void process.stdout.write(`${line}\n`);

/** What a tool that compares schemas asks first: the tables of all schemas with the number of their columns. */
const catalogQuery = `
  SELECT nspname, relname, count(*) FROM pg_namespace JOIN pg_class ON relnamespace = pg_namespace.oid JOIN pg_attribute ON attrelid = pg_class.oid
  WHERE nspname LIKE 'planned%' AND relkind = 'r' AND attnum > 0 GROUP BY nspname, relname`;

// Every commit waits for the disk, as in production: this is where a loop with one session spends its time.
await using postgres = await openPostgresServer({
  fsync: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
});
for (const name of ['registry', 'service', 'large']) await postgres.query(`CREATE DATABASE ${name}`);
const url = postgres.url('service');
const names = Array.from({ length: rounds }, (_, n) => [`ours${n}`, `one${n}`, `four${n}`]).flat();
await using modulesDir = await createModulesDir([...names, 'planned']);
const config = readConfig({
  DATABASE_URL: postgres.url('registry'),
  ...Object.fromEntries(names.map((name) => [`${name.toUpperCase()}_DB_URL`, url])),
  PLANNED_DB_URL: postgres.url('large'),
  MODULES_DIR: modulesDir.path,
});
const app = await openApp(config, openLog('error'), { exclusive: false });
const context = app.commandsFor(developer);
try {
  for (const name of [...names, 'planned'])
    await context.database.prisma.module.create({
      data: {
        ...{
          name,
          databaseRef: `${name.toUpperCase()}_DB_URL`,
          schemaPrefix: `${name}_`,
          migrationsFolder: name,
        },
        databaseName: name === 'planned' ? 'large' : 'service',
      },
    });
  const times: Record<'ours' | 'one' | 'four', number[]> = { ours: [], one: [], four: [] };
  let grown = 0;
  for (let round = 0; round < rounds; round++) {
    // Another order in every other round: the catalogs grow meanwhile.
    const order = (['one', 'ours', 'four'] as const).toSorted(() => (round % 2 === 0 ? 0 : -1));
    for (const kind of order) {
      const name = `${kind}${round}`;
      const schemas = await createSchemas(name, url, tenants);
      await addFiles(modulesDir.path, name);
      const seconds = await time(async () => {
        if (kind === 'ours') grown = Math.max(grown, await rollOut(name));
        else await runPlainLoop(url, modulesDir.path, name, schemas, kind === 'one' ? 1 : 4);
      });
      times[kind].push(seconds);
      say(`${name}: ${tenants} schemas with three files in ${seconds.toFixed(1)} s`);
    }
  }
  await createSchemas('planned', postgres.url('large'), planned);
  await addFiles(modulesDir.path, 'planned');
  const plans = await timePlans();
  const [ours, one, four] = [best(times.ours), best(times.one), best(times.four)];
  const goals: [string, boolean][] = [
    [
      `rollout beside one session of psql: ${(one / ours).toFixed(2)} times as fast (goal: 2)`,
      one / ours >= 2,
    ],
    [
      `rollout beside four sessions of psql: ${(four / ours).toFixed(2)} times as fast (goal: 0.9)`,
      four / ours >= 0.9,
    ],
    [
      `memory of the process: ${grown.toFixed(0)} MB more at the end than after a quarter (goal: 50)`,
      grown < 50,
    ],
    [
      `plan of ${planned} tenants: ${plans.plan.toFixed(0)} ms, one query of the catalog ${plans.query.toFixed(0)} ms: ${(plans.plan / plans.query).toFixed(2)} (goal: 3)`,
      plans.plan / plans.query < 3,
    ],
  ];
  for (const [line, isReached] of goals) say(`${isReached ? 'reached' : 'MISSED '} ${line}`);
  process.exitCode = goals.every(([, isReached]) => isReached) ? 0 : 1;
} catch (error) {
  // Before the server stops, which ends open connections.
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
} finally {
  await app.close();
}

async function createSchemas(name: string, at: string, count: number): Promise<string[]> {
  const client = await connect(at);
  await installGuard(client);
  await client.end();
  const made = await createBulkStorages({
    ...{ registryUrl: postgres.url('registry'), modulesDir: modulesDir.path, modules: [{ name, url: at }] },
    ...{ tenants: count, slugs: name === 'planned' ? 'plan-' : 'bulk-' },
  });
  return made.map(({ schema }) => schema);
}

/** Returns by how many megabytes the process has grown between the first quarter and the end. */
async function rollOut(module: string): Promise<number> {
  const { rolloutId } = await startRollout(context, { module, strategy: { parallelism: 4 } });
  const duty = new RolloutDuty({ heartbeatMs: 5_000, takeOverAfterMs: 15_000 });
  await duty.run(context, new AbortController().signal);
  let early = 0;
  const watch = setInterval(async () => {
    const done = await context.database.prisma.rolloutTenant.count({
      where: { rolloutId, status: 'SUCCEEDED' },
    });
    if (early === 0 && done >= tenants / 4) early = process.memoryUsage.rss();
  }, 500);
  await duty.ended();
  clearInterval(watch);
  const { status } = await context.database.prisma.rollout.findUniqueOrThrow({ where: { id: rolloutId } });
  if (status !== 'SUCCEEDED') throw new Error(`the rollout of ${module} is ${status}`);
  return early === 0 ? 0 : (process.memoryUsage.rss() - early) / 2 ** 20;
}

async function timePlans(): Promise<{ plan: number; query: number }> {
  const maintenance = await connect(postgres.url('large'));
  await maintenance.query('VACUUM ANALYZE');
  await maintenance.end();
  // A session of its own, as the plan has: one that has worked before keeps memory, and its next query is faster by a half.
  const client = await connect(postgres.url('large'));
  const [plans, queries]: [number[], number[]] = [[], []];
  for (let n = 0; n < 7; n++) {
    const { behind } = await planRollout(context, 'planned');
    if (behind !== planned) throw new Error(`${behind} tenants are behind`);
    plans.push((await time(() => planRollout(context, 'planned'))) * 1000);
    queries.push((await time(() => client.query(catalogQuery))) * 1000);
  }
  await client.end();
  return { plan: medianOf(plans), query: medianOf(queries) };
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

function best(values: readonly number[]): number {
  return Math.min(...values);
}
