import { checkHistory, type Violation } from '../test/protocol/support/check-history.js';
import { Figures } from '../test/protocol/support/figures.js';
import { runHistory } from '../test/protocol/support/run-history.js';

/**
 * Looks for a history that breaks an invariant: `tsx bench/search-histories.ts [histories] [first seed]`. The seeds go
 * up from the first one, which is another one each time; a single one is replayed by `… 1 <seed>`.
 */
const histories = Number(process.argv[2] ?? 10_000);
const firstSeed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
const operations = 200;

const figures = new Figures();
const found: { seed: number; violation: Violation }[] = [];
const startedAt = performance.now();
process.stdout.write(`${histories} histories from seed ${firstSeed} on\n`);
for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
  const history = await runHistory({ seed, operations, hasFaults: true }, figures);
  for (const violation of checkHistory(history)) found.push({ seed, violation });
}
const seconds = (performance.now() - startedAt) / 1_000;

process.stdout.write(`${figures.text}\n`);
for (const { seed, violation } of found.slice(0, 20)) {
  const { invariant, explanation, event } = violation;
  const text = JSON.stringify(event, (_key, value) => (typeof value === 'bigint' ? Number(value) : value));
  process.stdout.write(`seed ${seed}: ${invariant}: ${explanation}: ${text}\n`);
}
const perSecond = Math.round(histories / seconds);
process.stdout.write(
  `${found.length} violations in ${seconds.toFixed(1)} s, ${perSecond} histories a second\n`,
);
process.exitCode = found.length > 0 ? 1 : 0;
