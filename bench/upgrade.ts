/**
 * `npx tsx bench/upgrade.ts [--from <commit or tag>] [--seconds 15]`: replaces two gateways of an older version by this one and back, one by one,
 * while services resolve and work with the client packages of both versions and tenants are changed; prints the errors of each phase. Without
 * --from the last tag. Ends with 1 after an error, after a stale answer of a gateway that did not make the change, and when a phase did nothing.
 * The older version is built in a temporary folder.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { once } from '../test/client/support/client-outcomes.js';
import { startTraffic } from '../test/client/support/client-traffic.js';
import { type GatewayName, openKillableGateways } from '../test/client/support/killable-gateways.js';
import { checkOut, findLastTag, loadClient, migrateWith } from './upgrade/other-version.js';
import { problemsOfPhase } from './upgrade/phase.js';
import { startWriter } from './upgrade/writer.js';

const { values } = parseArgs({
  options: { from: { type: 'string' }, seconds: { type: 'string', default: '15' } },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);

const from = values.from ?? findLastTag();
const older = checkOut(from);

const oldClient = await loadClient(older);
await using fixture = await openKillableGateways({
  ...{ tenants: 10, stalenessMs: 2_000, folder: older },
  migrate: (url) => migrateWith(older, url),
});
const clients = [
  ...Array.from({ length: 5 }, () => fixture.connect({}, oldClient.createTenantRegistry)),
  ...Array.from({ length: 5 }, () => fixture.connect()),
];
await Promise.all(clients.map((client) => once(client, 'ready')));
const traffic = startTraffic(fixture, clients, fixture.openPool(8));
const writer = await startWriter(fixture);
const problems: string[] = [];

await phase(`two gateways of ${from}`, async () => undefined);
await phase('A is replaced by this version, which migrates the registry', () => replace('A', undefined));
await phase('B is replaced by this version', () => replace('B', undefined));
await phase(`A goes back to ${from}`, () => replace('A', older));
await phase(`B goes back to ${from}`, () => replace('B', older));
await writer.stop();
await traffic.stop();
say(problems.length === 0 ? 'no errors' : problems.join('\n'));
process.exitCode = problems.length === 0 ? 0 : 1;

/** The other gateway answers meanwhile. */
async function replace(name: GatewayName, folder: string | undefined): Promise<void> {
  await writer.use(name === 'A' ? 'B' : 'A');
  await fixture.gateway(name).stop();
  await fixture.start(name, folder);
  await writer.use('A', 'B');
}

async function phase(title: string, work: () => Promise<void>): Promise<void> {
  await work();
  await delay(Number(values.seconds) * 1_000);
  say(title);
  const tallies = { ...traffic.take(), ...writer.take() };
  for (const [kind, { done, failed, slowestMs }] of Object.entries(tallies))
    say(`  ${kind}: ${done} done, failed ${JSON.stringify(failed)}, slowest ${Math.round(slowestMs)} ms`);
  problems.push(...problemsOfPhase(tallies).map((problem) => `${title}: ${problem}`));
}
