import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openEvents } from '../feed/support/event-stream.js';
import { explain } from '../feed/support/two-gateways.js';
import type { GatewayProcess } from '../setup/gateway-process.js';
import { mutate } from '../setup/graphql-calls.js';
import type { DataCopy } from '../setup/postgres-server.js';
import { openRedisServer } from '../setup/redis.js';
import { openTcpProxy } from '../setup/tcp-proxy.js';
import { describeWithRedis } from '../setup/with-redis.js';
import {
  addTenants,
  ask,
  type BreakableEnvironment,
  openBreakableEnvironment,
} from './support/breakable-gateways.js';

const stalenessMs = 2_000;

type Tenant = Awaited<ReturnType<typeof addTenants>>[number];

describeWithRedis('changes that were acknowledged and then lost', () => {
  let environment: BreakableEnvironment;
  let story: Awaited<ReturnType<typeof openStory>>;
  beforeAll(async () => {
    environment = await openBreakableEnvironment();
    story = await openStory(environment);
  }, 60_000);
  afterAll(() => environment?.[Symbol.asyncDispose]());
  beforeEach(() => story.begin());

  test('by a restore of an older copy are noticed at once, and from then on no gateway answers with them', async () => {
    const copy = await copyStopped();
    const lost = await story.loseChanges();
    await environment.postgres.stop();
    await environment.postgres.restore(copy);
    await environment.postgres.start();
    await story.expectOnlyPresentHistory(lost);
    await story.expectLifeGoesOn(lost, (sql) => environment.psql(sql));
  });

  test('by a restore whose new revisions have passed the lost ones are noticed as well', async () => {
    const copy = await copyStopped();
    const lost = await story.loseChanges();
    await environment.network.cut();
    await environment.postgres.stop();
    await environment.postgres.restore(copy);
    await environment.postgres.start();
    // The new history reaches the revisions of the lost changes and goes beyond.
    for (let change = 0; change < 20; change++)
      await environment.psql(`UPDATE modules SET description = '${change}' WHERE name = 'inventory'`);
    await environment.network.heal();
    await story.expectOnlyPresentHistory(lost);
    await story.expectLifeGoesOn(lost, (sql) => environment.psql(sql));
  });

  test('by a failover are noticed as well', async () => {
    await using replication = await openTcpProxy(environment.postgres.port);
    const standby = await environment.postgres.openStandby(replication);
    environment.undo(() => standby.close());
    await story.expectActive();
    await replication.cut();
    const lost = await story.loseChanges();
    await environment.postgres.stop('immediate');
    await standby.promote();
    environment.network.redirect(standby.port);
    await story.expectOnlyPresentHistory(lost);
    await story.expectLifeGoesOn(lost, (sql) => standby.query(sql, [], 'registry'));
  });

  async function copyStopped(): Promise<DataCopy> {
    await environment.postgres.stop();
    const copy = await environment.postgres.copy();
    await environment.postgres.start();
    await story.expectActive();
    return copy;
  }
});

async function openStory(environment: BreakableEnvironment) {
  const redis = await openRedisServer();
  environment.undo(() => redis.close());
  const [acme, other] = (await addTenants(environment, 2)) as [Tenant, Tenant];
  const env = { STALENESS_BOUND_MS: `${stalenessMs}`, REDIS_URL: redis.url };
  const gateways = await Promise.all([environment.gateway(env), environment.gateway(env)]);
  const [one] = gateways;
  const route = 'finance_tenant_0';

  async function expectActive() {
    for (const gateway of gateways)
      await expect.poll(async () => (await ask(gateway, acme.id)).answer, { timeout: 5_000 }).toBe(route);
  }

  return {
    expectActive,
    async begin() {
      await mutate(one, 'resumeTenant', { tenantId: acme.id });
      await expectActive();
    },

    /** Suspends the tenant and brings that into the memory of all gateways and into Redis; returns the revision. */
    async loseChanges(): Promise<string> {
      for (const name of ['one', 'two', 'three'])
        await mutate(one, 'updateTenant', { tenantId: other.id, name });
      const { result, codes } = await mutate(one, 'suspendTenant', { tenantId: acme.id, reason: 'lost' });
      expect(codes).toEqual([]);
      for (const gateway of gateways) expect((await ask(gateway, acme.id)).answer).toBe('TENANT_SUSPENDED');
      await expect.poll(() => redis.command('DBSIZE')).toBeGreaterThan(0);
      return result.revision;
    },

    /** Checks that a gateway answers with no lost change after it has noticed the loss. */
    async expectOnlyPresentHistory(lost: string) {
      const startedAt = performance.now();
      const [lostEpoch] = lost.split(':');
      await Promise.all(
        gateways.map(async (gateway) => {
          let noticedAt: number | undefined;
          while (performance.now() < (noticedAt ?? startedAt + 27_000) + 3_000) {
            const { headRevision, code, revision } = await explain(gateway, acme.id);
            if (headRevision && !headRevision.startsWith(`${lostEpoch}`)) {
              noticedAt ??= performance.now();
              expect([code, revision?.startsWith(`${lostEpoch}`)]).toEqual([null, false]);
            }
            await delay(20);
          }
          // By the end of its lease; two more seconds are for the connection.
          expect((noticedAt ?? Number.POSITIVE_INFINITY) - startedAt).toBeLessThan(stalenessMs + 2_000);
          expect(await ask(gateway, acme.id, { minRevision: lost })).toMatchObject({
            answer: route,
            status: 200,
          });
        }),
      );
      await using stream = await openEvents(one.url, { since: lost, key: environment.key });
      expect(await stream.take(1)).toMatchObject([{ type: 'RESYNC' }]);
    },

    /**
     * Checks the same beyond the lost revisions, on these gateways and on a new one that finds the lost entries in
     * Redis.
     */
    async expectLifeGoesOn(lost: string, psql: (sql: string) => Promise<unknown>) {
      const lostNumber = Number(lost.split(':')[1]);
      for (let change = 0; change < 5; change++)
        await psql(`UPDATE modules SET description = 'again ${change}' WHERE name = 'finance'`);
      const fresh = await environment.gateway(env);
      const all: GatewayProcess[] = [...gateways, fresh];
      const { result } = await mutate(one, 'updateTenant', { tenantId: other.id, name: 'four' });
      expect(Number(result.revision.split(':')[1])).toBeGreaterThan(lostNumber);
      for (const gateway of all)
        expect(await ask(gateway, acme.id, { minRevision: result.revision })).toMatchObject({
          answer: route,
        });
      await mutate(fresh, 'suspendTenant', { tenantId: acme.id, reason: 'again' });
      for (const gateway of all) expect((await ask(gateway, acme.id)).answer).toBe('TENANT_SUSPENDED');
      await fresh.stop();
    },
  };
}
