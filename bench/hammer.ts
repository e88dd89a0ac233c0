/**
 * `npx tsx bench/hammer.ts [seconds] [whole | open]`: 51 clients in three processes work for 20 tenants that are suspended,
 * deleted and reopened. Counts statements that started after an acknowledgement and rows of another tenant. "open" uses 4
 * tenants and a fence that admits everyone; the run must then report violations.
 */
import { disableFence } from '../test/client/support/broken-fence.js';
import { runHammer } from '../test/client/support/hammer.js';
import { openKillableGateways } from '../test/client/support/killable-gateways.js';

const [seconds = '60', fence = 'whole'] = process.argv.slice(2);
const say = (line: string) => void process.stdout.write(`${line}\n`);
const stalenessMs = 2_000;

const isOpen = fence === 'open';

await using fixture = await openKillableGateways({ tenants: isOpen ? 4 : 20, stalenessMs });
if (isOpen) await disableFence(fixture.finance);
say(`two gateways, D is ${stalenessMs} ms, the fence is ${fence}; ${seconds} s`);
const { foreign, late, ...figures } = await runHammer(fixture, {
  seconds: Number(seconds),
  ...{ stalenessMs, freezes: !isOpen },
  ...(isOpen && { stay: 200 }),
});
say(JSON.stringify(figures, undefined, 2));
say(`statements started while a tenant was closed: ${late.length}`);
say(`rows of another tenant: ${foreign.length}`);
for (const one of late.slice(0, 10)) say(JSON.stringify(one));
for (const one of foreign.slice(0, 10)) say(one);
process.exitCode = late.length + foreign.length + Object.keys(figures.failed).length === 0 ? 0 : 1;
