/** `npx tsx bench/propagation.ts [mutations]`: how long after a mutation is answered by one gateway another one answers new. */
import { setTimeout as delay } from 'node:timers/promises';
import { addTenants, ask, openBreakableEnvironment } from '../test/outage/support/breakable-gateways.js';
import { openRedisServer } from '../test/setup/redis.js';

const mutations = Number(process.argv[2] ?? 300);
/** The goal, for 99 of 100. */
const goalMs = 50;
const bucketsMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, Number.POSITIVE_INFINITY];
const say = (line: string) => void process.stdout.write(`${line}\n`);

await using redis = await openRedisServer();
await using environment = await openBreakableEnvironment();
const [tenant] = await addTenants(environment, 1);
if (!tenant) throw new Error('no tenant');
const [one, other] = await Promise.all([
  environment.gateway({ REDIS_URL: redis.url }),
  environment.gateway({ REDIS_URL: redis.url }),
]);

async function measure(wait: string): Promise<number[]> {
  const latencies: number[] = [];
  for (let at = 0; at < mutations; at++) {
    // The other gateway has the old answer in its memory.
    const before = (await ask(other, tenant?.id ?? '')).answer;
    const mutation = before === 'TENANT_SUSPENDED' ? 'resumeTenant' : 'suspendTenant';
    const reason = mutation === 'suspendTenant' ? ', reason: "bench"' : '';
    const { codes } = await one.ask(
      `mutation ($id: ID!) { ${mutation}(input: { tenantId: $id, wait: ${wait}${reason} }) { revision } }`,
      { id: tenant?.id },
    );
    if (codes.length > 0) throw new Error(codes.join());
    const answeredAt = performance.now();
    // Not without a pause: the gateways share this machine with who asks.
    while ((await ask(other, tenant?.id ?? '')).answer === before) await delay(1);
    latencies.push(performance.now() - answeredAt);
    await delay(Math.random() * 20);
  }
  return latencies.sort((a, b) => a - b);
}

function print(title: string, latencies: number[]): number {
  const share = (part: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))] ?? 0;
  say(
    `${title}: p50 ${share(0.5).toFixed(1)} ms, p99 ${share(0.99).toFixed(1)} ms, most ${share(1).toFixed(1)} ms`,
  );
  let from = 0;
  for (const to of bucketsMs) {
    const count = latencies.filter((ms) => ms >= from && ms < to).length;
    if (count > 0)
      say(
        `  < ${String(to).padStart(8)} ms  ${String(count).padStart(5)}  ${'#'.repeat(Math.ceil((60 * count) / latencies.length))}`,
      );
    from = to;
  }
  return share(0.99);
}

await measure('GATEWAYS');
const p99 = print('wait: COMMITTED', await measure('COMMITTED'));
print('wait: GATEWAYS', await measure('GATEWAYS'));
process.exitCode = p99 <= goalMs ? 0 : 1;
