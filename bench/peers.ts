/**
 * `npm run bench -- [--rounds 5] [--seconds 2] [--tenants 1000] [--only bare,gateway-key]`: this gateway beside other servers that
 * answer the same question from the same registry. Needs `npm --prefix bench ci` once. Writes bench/results/peers.json and
 * peers.svg, and prints tables.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { renderChart } from './compare/chart.js';
import { readNames, startContestants } from './compare/contestants.js';
import { connections, findTool, type Load, type Measurement, measure, prepareLoad } from './compare/load.js';
import { describeMachine, type Machine } from './compare/machine.js';
import { readWays, verifyAnswers } from './compare/questions.js';
import { renderBatchRatios, renderTable, summarise } from './compare/summary.js';
import { insertTenants, openEmbeddedRegistry } from './registry/embedded-registry.js';
import { openUndo, type Undo } from './registry/undo.js';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    tenants: { type: 'string', default: '1000' },
    only: { type: 'string' },
  },
});
const [rounds, seconds, tenants] = [given.rounds, given.seconds, given.tenants].map(Number) as [
  number,
  number,
  number,
];
const results = join(import.meta.dirname, 'results');
const say = (line: string) => void process.stdout.write(`${line}\n`);

const undo = openUndo();
try {
  await compare(undo);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await undo.run();
}

async function compare(undo: Undo): Promise<void> {
  const names = readNames(given.only);
  const registry = await openEmbeddedRegistry(undo);
  await insertTenants(registry.pool, 1, tenants);
  await registry.pool.query('ANALYZE');
  const contestants = await startContestants(names, registry, undo);
  const tool = await findTool();
  const ways = await readWays(registry.pool);

  const loads: { load: Load; rounds: Measurement[] }[] = [];
  for (const way of ways)
    for (const contestant of contestants) {
      if (!way.contestants.some((name) => name === contestant.name)) continue;
      const answers = await verifyAnswers(contestant, way);
      loads.push({ load: await prepareLoad(contestant, way, answers, undo), rounds: [] });
    }
  say(
    `${contestants.length} servers, ${rounds} rounds of ${seconds} s in turns, ${connections} connections, ${tool}`,
  );
  // The first round warms up. Every other round goes backwards, so that nobody always follows the same neighbour.
  for (let round = 0; round <= rounds; round++)
    for (const { load, rounds: measured } of round % 2 === 0 ? loads : loads.toReversed()) {
      const measurement = await measure(load, { tool, seconds, postgresPid: registry.postgresPid });
      if (round > 0) measured.push(measurement);
    }

  const summaries = ways
    .map((way) => {
      const ofWay = loads.filter(({ load }) => load.way === way);
      return summarise(
        way,
        ofWay.map(({ load, rounds }) => ({ ...load.contestant, rounds })),
      );
    })
    .filter((summary) => summary.contestants.length > 0);
  for (const summary of summaries) say(`\n${renderTable(summary)}`);
  for (const line of ['', ...renderBatchRatios(summaries)]) say(line);

  const date = new Date().toISOString();
  const machine = await describeMachine(registry.pool);
  const options = { rounds, seconds, tenants, connections, tool };
  await mkdir(results, { recursive: true });
  const report = { date, machine, options, ways: summaries };
  await writeFile(join(results, 'peers.json'), `${JSON.stringify(report, null, 2)}\n`);
  const charted = summaries.filter(({ name }) => name === 'text' || name === 'variables');
  await writeFile(join(results, 'peers.svg'), renderChart(charted, caption(date, machine, tool)));
  say(`\nWritten to ${join(results, 'peers.json')} and peers.svg`);
}

function caption(date: string, machine: Machine, tool: string): string {
  return (
    `${date.slice(0, 10)}, ${machine.cores} cores (${machine.processor}), Node.js ${machine.node}, ` +
    `PostgreSQL ${machine.postgres}, ${connections} connections by ${tool}, medians of ${rounds} rounds`
  );
}
