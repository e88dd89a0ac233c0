/** `npx tsx bench/subscribers.ts [changes] [disconnects] [visits]`: subscribers of routesChanged who come and go. */

import { openBreakableEnvironment } from '../test/outage/support/breakable-gateways.js';
import {
  compareHoldings,
  readHoldings,
  runInterrupted,
  runVisitors,
} from '../test/outage/support/subscribers.js';

const [changes = '100000', disconnects = '1000', visits = '10000'] = process.argv.slice(2);
const say = (line: string) => void process.stdout.write(`${line}\n`);

await using environment = await openBreakableEnvironment();
const gateway = await environment.gateway();

const interrupted = await runInterrupted(environment, gateway, {
  changes: Number(changes),
  disconnects: Number(disconnects),
});
say(
  `${interrupted.changes} changes, ${interrupted.disconnects} disconnects, ${interrupted.seconds.toFixed(0)} s: ` +
    (interrupted.firstDifference ?? 'none lost, doubled or out of order'),
);

const { url, app } = await environment.localGateway();
if (!app.gateway) throw new Error('no gateway');
const { freshness } = app.gateway;
// Resources that the first thousand leave behind would grow with any number.
await runVisitors(environment, url, 1_000);
const before = await readHoldings(freshness);
const startedAt = performance.now();
await runVisitors(environment, url, Number(visits));
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
const after = await readHoldings(freshness);
const difference = compareHoldings(before, after);
say(`${visits} connects and disconnects, ${seconds} s: ${difference ?? 'nothing is left of them'}`);
say(`before ${JSON.stringify(before)}`);
say(`after  ${JSON.stringify(after)}`);
for (const complaint of gateway.complaints) say(complaint);
const isGood = !interrupted.firstDifference && !difference && gateway.complaints.length === 0;
process.exitCode = isGood ? 0 : 1;
