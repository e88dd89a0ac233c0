/**
 * `npx tsx bench/client-outages.ts [seconds]`: counts the errors that services see while the two gateways are killed and
 * restarted in turn, then while the registry's PostgreSQL is down. Each part takes this many seconds.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { once } from '../test/client/support/client-outcomes.js';
import { startTraffic, type Tally } from '../test/client/support/client-traffic.js';
import { type GatewayName, openKillableGateways } from '../test/client/support/killable-gateways.js';

const seconds = Number(process.argv[2] ?? 60);
const stalenessMs = 2_000;
const say = (line: string) => void process.stdout.write(`${line}\n`);

await using fixture = await openKillableGateways({ tenants: 10, stalenessMs });
const clients = Array.from({ length: 10 }, () => fixture.connect());
await Promise.all(clients.map((client) => once(client, 'ready')));
for (const client of clients) await client.resolveMany(fixture.tenants.map(({ id }) => id));
const traffic = startTraffic(fixture, clients, fixture.openPool(8));

function report(title: string): Record<string, Tally> {
  const tallies = traffic.take();
  say(title);
  for (const [kind, { done, failed, slowestMs }] of Object.entries(tallies))
    say(`  ${kind}: ${done} done, failed ${JSON.stringify(failed)}, slowest ${Math.round(slowestMs)} ms`);
  return tallies;
}
const failures = (tally: Tally | undefined) =>
  Object.values(tally?.failed ?? {}).reduce((sum, one) => sum + one, 0);

let kills = 0;
for (const endsAt = Date.now() + seconds * 1_000; Date.now() < endsAt; kills++) {
  const name: GatewayName = kills % 2 === 0 ? 'A' : 'B';
  await fixture.kill(name);
  await delay(1_000 + Math.random() * 2_000);
  await fixture.start(name);
  await delay(2_500);
}
const killed = report(`gateways killed and restarted in turn, ${kills} times`);

const stale = Promise.all(clients.map((client) => once(client, 'stale')));
await fixture.registry.stop('immediate');
await stale;
const within = report('until the leases had ended');
await delay(seconds * 1_000);
const down = report(`the registry’s PostgreSQL down for ${seconds} s more`);
const ready = Promise.all(clients.map((client) => once(client, 'ready')));
await fixture.registry.start();
await ready;
await delay(1_000);
const after = report('after its restart');
await traffic.stop();

const visible =
  Object.values(killed).reduce((sum, tally) => sum + failures(tally), 0) +
  [within, down, after].reduce((sum, { withTenant }) => sum + failures(withTenant), 0);
say(`errors that services should not see: ${visible}`);
process.exitCode = visible === 0 ? 0 : 1;
