import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSecret } from '../../src/auth/api-key.js';
import { openEvents } from '../feed/support/event-stream.js';
import type { GatewayProcess } from '../setup/gateway-process.js';
import {
  type Asked,
  addTenants,
  ask,
  type BreakableEnvironment,
  openBreakableEnvironment,
} from './support/breakable-gateways.js';

/** Staleness bound of this gateway. */
const stalenessMs = 2_000;

let environment: BreakableEnvironment;
let gateway: GatewayProcess;
let known: { id: string; slug: string };
let suspended: { id: string; slug: string };
let unread: { id: string; slug: string };
beforeAll(async () => {
  environment = await openBreakableEnvironment();
  [known, suspended, unread] = (await addTenants(environment, 3)) as [
    typeof known,
    typeof known,
    typeof known,
  ];
  await environment.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [suspended.id]);
  gateway = await environment.gateway({ STALENESS_BOUND_MS: `${stalenessMs}` });
});
afterAll(() => environment?.[Symbol.asyncDispose]());

const unavailable = { answer: 'REGISTRY_UNAVAILABLE', status: 503, retryAfter: '1' };

/** Repeats the same requests until three were refused or the time is over. */
async function watch(forMs: number): Promise<{ at: number; known: Asked; refused: Asked; nobody: Asked }[]> {
  const startedAt = performance.now();
  const seen = [];
  let refusals = 0;
  while (performance.now() - startedAt < forMs && refusals < 3) {
    const at = performance.now() - startedAt;
    const [one, two, three] = await Promise.all([
      ask(gateway, known.id),
      ask(gateway, suspended.slug),
      ask(gateway, 'nobody'),
    ]);
    seen.push({ at, known: one, refused: two, nobody: three });
    if (one.status === 503) refusals++;
    await delay(50);
  }
  return seen;
}

async function expectNormal(): Promise<void> {
  const answers = async () =>
    Promise.all([ask(gateway, known.id), ask(gateway, suspended.id), ask(gateway, unread.id)]);
  await expect
    .poll(async () => (await answers()).map(({ answer }) => answer), { timeout: 2_000, interval: 50 })
    .toEqual(['finance_tenant_0', 'TENANT_SUSPENDED', 'finance_tenant_2']);
}

describe.each([
  {
    how: 'is stopped',
    goAway: () => environment.postgres.stop('immediate'),
    comeBack: () => environment.postgres.start(),
  },
  {
    how: 'hangs',
    goAway: async () => environment.network.blackhole(),
    comeBack: () => environment.network.heal(),
  },
])('when PostgreSQL $how', ({ goAway, comeBack }) => {
  let epoch: string;
  beforeAll(async () => {
    // Cached at this moment: the answers for these tenants, and the API key.
    for (let round = 0; round < 3; round++) await watch(1);
    const { revision } = await ask(gateway, known.id);
    // The oldest tenant, which is not among the cached ones.
    epoch = revision?.split(':')[0] ?? '';
    await goAway();
  });

  test('cached entries are used until the lease ends, then REGISTRY_UNAVAILABLE is the answer and never "not found"', async () => {
    const seen = await watch(4 * stalenessMs);
    const cached = seen.filter(({ known }) => known.answer === 'finance_tenant_0');
    expect(cached.length).toBeGreaterThan(5);
    // In the last round the lease may have ended between two requests.
    for (const { known, refused, nobody } of cached.slice(0, -1))
      expect([known.ms < 300, refused.answer, nobody.answer]).toEqual([
        true,
        'TENANT_SUSPENDED',
        'TENANT_NOT_FOUND',
      ]);
    // The lease began before the outage, so it ends at most one staleness bound after the outage began.
    expect(cached.at(-1)?.at).toBeLessThan(stalenessMs);
    const after = seen.slice(cached.length);
    expect(after.length).toBeGreaterThan(0);
    for (const { known, refused, nobody } of after)
      expect([known, refused, nobody]).toMatchObject([unavailable, unavailable, unavailable]);
    expect(Math.max(...after.map(({ known }) => known.ms))).toBeLessThan(stalenessMs + 500);
  });

  test('an API key that is not cached is not reported as unknown', async () => {
    const { answer, status, retryAfter } = await ask(gateway, known.id, { key: createSecret() });
    expect({ answer, status, retryAfter }).toEqual(unavailable);
  });

  test('the stream of a subscriber that resumes ends with an error and leaves nothing behind', async () => {
    await using stream = await openEvents(gateway.url, { since: `${epoch}:1`, key: environment.key }).catch(
      () => ({
        ended: Promise.resolve('refused'),
        [Symbol.asyncDispose]: async () => undefined,
      }),
    );
    expect(await Promise.race([stream.ended, delay(stalenessMs + 3_000, 'open')])).toMatch(
      /refused|complete|cut/,
    );
  });

  test('a mutation is refused as unavailable', async () => {
    const { codes } = await gateway.ask(
      'mutation ($id: ID!) { updateTenant(input: { tenantId: $id, name: "Never" }) { revision } }',
      { id: known.id },
    );
    expect(codes).toEqual(['REGISTRY_UNAVAILABLE']);
  });

  test('everything works again within two seconds after its return', async () => {
    await comeBack();
    await expectNormal();
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toMatch(/^tenant_registry_subscribers 0$/m);
  });
});
