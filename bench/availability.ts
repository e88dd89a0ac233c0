/**
 * `npx tsx bench/availability.ts [--seconds 3600] [--seed N] [--only <part of a fault's name>]`: three gateways behind nginx, PostgreSQL with two
 * standbys, Redis with Sentinel and a worker, all real processes, are killed, frozen, partitioned, given a wrong time and a full disk, in a
 * random order, while services and writers work. Prints what services saw of each fault, a table and JSON. Ends with 1 when an
 * answer was stale or wrong, an acknowledged change was lost, a service with two URLs saw an error of a single process, the loss of a
 * process or a failover made it pause for longer than the staleness bound + 2 s, or nothing was changed or checked. The pause of a failover
 * counts from the moment at which the address of the primary leads to the new one.
 */
import { cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readTraces, replay } from '../test/model/replay.js';
import { shuffle } from '../test/outage/support/chaos-faults.js';
import { createRandom } from '../test/setup/random.js';
import { until } from '../test/setup/until.js';
import { type Fault, faults } from './availability/faults.js';
import { isHealthy, openServices, type Seen, take } from './availability/services.js';
import { add, emptyResult, problemsOf, type Result, tableOf } from './availability/verdict.js';
import { openWorld } from './availability/world.js';
import { startWriters } from './availability/writers.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3600' },
    seed: { type: 'string', default: `${Math.floor(Math.random() * 2 ** 31)}` },
    only: { type: 'string', default: '' },
  },
});
const stalenessMs = 2_000;
const longestPauseMs = stalenessMs + 2_000;
const recoveryMs = 60_000;
const random = createRandom(Number(values.seed));
const say = (line: string) => void process.stdout.write(`${line}\n`);

say(`seed ${values.seed}`);
await using world = await openWorld({ stalenessMs, tenants: 10, changed: 3 });
const groups = await openServices(world);
const checkers = groups.flatMap(({ clients, isJudged }) => (isJudged ? clients.slice(0, 1) : []));
const writers = startWriters(world, { random, stalenessMs, clients: checkers });

const wanted = Object.entries(faults).filter(([name]) => name.includes(values.only));
const possible = wanted.filter(([, { isPossible }]) => isPossible?.(world) ?? true);
if (possible.length === 0)
  throw new Error(`no fault that this machine allows has "${values.only}" in its name`);
for (const [name] of wanted.filter((one) => !possible.includes(one)))
  say(`skipped, because this machine does not allow it: ${name}`);
say(world.network.hasNamespaces ? 'each gateway in a network namespace' : 'without network namespaces');

const results: Record<string, Result> = { 'no fault': emptyResult('nothing') };
const startedAt = performance.now();
const elapsedS = () => (performance.now() - startedAt) / 1_000;
await observe('no fault', { allowed: 'nothing', run: () => delay(5_000) });
// The verdict is about what was seen until then, and servers, namespaces and disks are put away.
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isStopped = true;
    say('stops after this fault');
  });
for (let due: typeof possible = []; !isStopped && elapsedS() < Number(values.seconds); ) {
  if (due.length === 0) due = shuffle({ random }, possible);
  await observe(...(due.pop() as [string, Fault]));
}
await writers.stop();
await Promise.all(groups.map(({ traffic }) => traffic.stop()));

const { steps, byStep, refused } = replay(await readTraces(world.traceFolder));
say('');
say(tableOf(results));
say(`${steps} steps of the protocol, ${refused.length} that the model does not allow`);
for (const step of refused.slice(0, 5)) say(`  ${step}`);
if (refused.length > 0) {
  const kept = join(tmpdir(), `tenant-registry-trace-${process.pid}`);
  cpSync(world.traceFolder, kept, { recursive: true });
  say(`the log of the protocol is kept in ${kept}`);
}
for (const complaint of world.complaints().slice(0, 5)) say(`  logged: ${complaint}`);
const problems = [
  ...problemsOf(results, longestPauseMs),
  ...(Object.keys(results).length === 1 ? ['no fault was caused'] : []),
  ...(refused.length > 0 ? [`${refused.length} steps that the model does not allow`] : []),
  ...(steps === 0 ? ['no step of the protocol was logged'] : []),
];
say(JSON.stringify({ seed: values.seed, seconds: Math.round(elapsedS()), results, steps, byStep, problems }));
say(problems.length === 0 ? 'nothing was found' : problems.join('\n'));
process.exitCode = problems.length === 0 ? 0 : 1;

async function observe(name: string, fault: Fault): Promise<void> {
  const from = elapsedS();
  let promotionMs = 0;
  await fault.run({
    world,
    stalenessMs,
    random,
    onPromoted: (ms) => {
      promotionMs = ms;
      for (const { traffic } of groups) traffic.mark();
    },
  });
  await until(() => isHealthy(world, groups), recoveryMs);
  await delay(500);
  await writers.checkLog();
  const [seen, changes] = [take(groups), writers.take()];
  const result = results[name] ?? emptyResult(fault.allowed);
  results[name] = result;
  add(result, seen, changes, promotionMs);
  say(`${from.toFixed(0)} s  ${name}, ${(elapsedS() - from).toFixed(1)} s`);
  say(`  two URLs: ${describe(seen.judged)}`);
  if (Object.keys(seen.other.errors).length > 0) say(`  through nginx: ${describe(seen.other)}`);
  const { acknowledged, failed, slowestMs, checked, oldestMs } = changes;
  say(
    `  changes: ${acknowledged} acknowledged, failed ${JSON.stringify(failed)}, slowest ${Math.round(slowestMs)} ms; ` +
      `${checked} answers after them, oldest ${Math.round(oldestMs)} ms`,
  );
  if (fault.allowed === 'nothing')
    for (const example of seen.judged.examples.slice(0, 5)) say(`  ! ${example}`);
  for (const one of [...changes.stale, ...changes.lost].slice(0, 5)) say(`  !! ${one}`);
}

function describe({ done, errors, wrong, longestPauseMs: pauses }: Seen): string {
  const longest = Object.entries(pauses).map(([kind, ms]) => `${kind} ${Math.round(ms)}`);
  return `${done} done, errors ${JSON.stringify(errors)}, wrong ${wrong}, longest pauses in ms: ${longest.join(', ')}`;
}
