import { parseArgs } from 'node:util';
import { migrateRegistry } from '../src/database/migrations/migrate.js';
import { interrupt, type Recording, record } from '../test/interruption/interrupt.js';
import { openProvisioningEnvironment } from '../test/interruption/provisioning-environment.js';
import { scenarios } from '../test/interruption/scenarios.js';
import { findBuildings } from '../test/interruption/tenant-state.js';
import { type Interruption, openVictims } from '../test/interruption/victim-processes.js';
import { openPostgresServer } from '../test/setup/postgres-server.js';

/**
 * Interrupts every operation before, during and after every statement with an effect: `npx tsx bench/kill-matrix.ts`.
 * --how kill,cut; --only part of a scenario's name; --every n-th case, starting with --from; --lasting: only statements with a
 * permanent effect, so that no two cases leave the same state; --moments before,sent,after; --points prints the statements.
 */
const { values: given } = parseArgs({
  options: {
    how: { type: 'string', default: 'kill,cut' },
    only: { type: 'string', default: '' },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    lanes: { type: 'string', default: '3' },
    moments: { type: 'string', default: 'before,sent,after' },
    lasting: { type: 'boolean', default: false },
    points: { type: 'boolean', default: false },
  },
});
const lanes = Number(given.lanes);
const ways = (['kill', 'cut'] as const).filter((way) => given.how.includes(way));
const moments = (['before', 'sent', 'after'] as const).filter((moment) => given.moments.includes(moment));

await using server = await openPostgresServer();
const found: string[] = [];
const slowest: number[] = [];
let done = 0;
const queue: { recording: Recording; interruption: Interruption }[] = [];

async function openLane(lane: number) {
  const url = async (name: string) => {
    await server.query(`CREATE DATABASE ${name}_${lane}`);
    return server.url(`${name}_${lane}`);
  };
  const registry = await url('registry');
  await migrateRegistry(registry);
  const environment = await openProvisioningEnvironment({
    registry,
    one: await url('one'),
    two: await url('two'),
  });
  return { environment, victims: openVictims(environment.env) };
}

const first = await openLane(0);
const wanted = scenarios.filter(({ name, isolation }) => `${name} ${isolation}`.includes(given.only));
const recordings: Recording[] = [];
for (const scenario of wanted) {
  const recording = await record(first.environment, first.victims, scenario);
  recordings.push(recording);
  const lasting = recording.points.filter(({ lasts }) => lasts).length;
  say(
    `${title(recording)}: ${recording.points.length} points, ${lasting} last; steps ${recording.steps.join(' ')}`,
  );
  if (given.points)
    for (const [at, { database, sql }] of recording.points.entries())
      say(`  ${at + 1} ${database} ${sql.replace(/\s+/g, ' ').slice(0, 110)}`);
}
for (const recording of recordings)
  for (const [index, { lasts }] of recording.points.entries())
    if (lasts || !given.lasting)
      for (const how of ways)
        for (const moment of moments) queue.push({ recording, interruption: { at: index + 1, moment, how } });
const cases = queue.filter((_, at) => at % Number(given.every) === Number(given.from));
say(`${cases.length} cases`);
const startedAt = performance.now();

async function work({ environment, victims }: Awaited<ReturnType<typeof openLane>>) {
  for (let next = cases.shift(); next; next = cases.shift()) {
    const { recording, interruption } = next;
    const name = `${title(recording)}: ${interruption.how} ${interruption.moment} ${interruption.at}`;
    const verdict = await interrupt(environment, victims, recording, interruption).catch((error) => ({
      point: recording.points[interruption.at - 1],
      problems: [`broke off: ${error?.stack ?? error}`],
      recoveredMs: 0,
    }));
    done++;
    if (done % 50 === 0) say(`${done} done`);
    slowest.push(verdict.recoveredMs);
    if (verdict.problems.length === 0) continue;
    const sql = verdict.point?.sql.replace(/\s+/g, ' ').slice(0, 100);
    say(`FAILED ${name} (${verdict.point?.database}: ${sql})`);
    for (const problem of verdict.problems) say(`   ${problem}`);
    found.push(...verdict.problems);
  }
}

const others = await Promise.all(Array.from({ length: lanes - 1 }, (_, at) => openLane(at + 1)));
const all = [first, ...others];
await Promise.all(all.map(work));
for (const { environment, victims } of all) {
  await victims[Symbol.asyncDispose]();
  await environment[Symbol.asyncDispose]();
}
const buildings = await findBuildings(server.url());
const count = (pattern: RegExp) => found.filter((problem) => pattern.test(problem)).length;
slowest.sort((a, b) => a - b);
say(
  `${done} cases, ${count(/^orphaned/) + buildings.length} orphaned, ${count(/half-made/)} resolved half-made, ` +
    `${count(/^left undone/)} left undone, ${count(/^neither/)} neither done nor undone, ` +
    `${count(/^ends otherwise/)} ended otherwise than uninterrupted, ${count(/^was not/)} not interrupted, ` +
    `${count(/^(asked|broke)/)} broke off`,
);
say(
  `recovered after ${slowest[Math.floor(slowest.length / 2)]?.toFixed(0)} ms (median), ${slowest.at(-1)?.toFixed(0)} ms at most; ` +
    `${((performance.now() - startedAt) / 60_000).toFixed(1)} minutes`,
);
process.exitCode = found.length + buildings.length === 0 ? 0 : 1;

function title({ scenario }: Recording): string {
  return `${scenario.name} ${scenario.isolation}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
