/** `npx tsx bench/chaos.ts [seconds] [seed | random] [cluster]`: chaos, and whether any client was told anything that it must not be told. */
import { runChaos } from '../test/outage/support/chaos.js';

const [seconds = '60', seed = 'random', redis = 'single'] = process.argv.slice(2);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const report = await runChaos({
  seconds: Number(seconds),
  ...(seed !== 'random' && { seed: Number(seed) }),
  isCluster: redis === 'cluster',
  say,
});
const { violations, unexcused, complaints, refusedSteps, ...figures } = report;
say(JSON.stringify(figures, undefined, 2));
const byRule = (rule: string) => violations.filter((violation) => violation.rule === rule).length;
say(`stale after an ack: ${byRule('stale after ack')}`);
say(`backward reads with a token: ${byRule('older than its token')}`);
say(`services led back: ${byRule('older than what its client had told before')}`);
say(`older than D: ${byRule('too old')}`);
say(`never true: ${byRule('unknown value') + byRule('other value at its revision')}`);
say(`errors that nothing excuses: ${unexcused.length}`);
say(`steps that the model does not allow: ${refusedSteps.length}`);
for (const step of refusedSteps.slice(0, 5)) say(step);
for (const violation of violations.slice(0, 5)) say(JSON.stringify(violation, undefined, 1));
for (const failure of unexcused.slice(0, 20)) say(JSON.stringify(failure));
for (const complaint of complaints.slice(0, 10)) say(complaint);
process.exitCode = violations.length + unexcused.length + refusedSteps.length === 0 ? 0 : 1;
