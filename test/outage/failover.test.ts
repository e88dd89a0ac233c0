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
import { addTenants, ask, openWorld, type World } from './support/breakable-gateways.js';

const stalenessMs = 2_000;

type Tenant = Awaited<ReturnType<typeof addTenants>>[number];

describeWithRedis('changes that were acknowledged and then lost', { timeout: 60_000 }, () => {
  let world: World;
  let story: Awaited<ReturnType<typeof openStory>>;
  beforeAll(async () => {
    world = await openWorld();
    story = await openStory(world);
  }, 60_000);
  afterAll(() => world?.[Symbol.asyncDispose]());
  beforeEach(() => story.begin());

  test('by a restore of an older copy: no gateway answers from them once it has noticed, and it notices at once', async () => {
    const copy = await copyStopped();
    const lost = await story.loseChanges();
    await world.postgres.stop();
    await world.postgres.restore(copy);
    await world.postgres.start();
    await story.expectOnlyPresentHistory(lost);
    await story.expectLifeGoesOn(lost, (sql) => world.psql(sql));
  });

  test('by a restore that went further than the lost history before anybody looked', async () => {
    const copy = await copyStopped();
    const lost = await story.loseChanges();
    await world.network.cut();
    await world.postgres.stop();
    await world.postgres.restore(copy);
    await world.postgres.start();
    // The very number that a lost change had, and more.
    for (let change = 0; change < 20; change++)
      await world.psql(`UPDATE modules SET description = '${change}' WHERE name = 'inventory'`);
    await world.network.heal();
    await story.expectOnlyPresentHistory(lost);
    await story.expectLifeGoesOn(lost, (sql) => world.psql(sql));
  });

  test('by a failover', async () => {
    await using replication = await openTcpProxy(world.postgres.port);
    const standby = await world.postgres.openStandby(replication);
    world.undo(() => standby.close());
    await story.expectActive();
    await replication.cut();
    const lost = await story.loseChanges();
    await world.postgres.stop('immediate');
    await standby.promote();
    world.network.redirect(standby.port);
    await story.expectOnlyPresentHistory(lost);
    await story.expectLifeGoesOn(lost, (sql) => standby.query(sql, [], 'registry'));
  });

  async function copyStopped(): Promise<DataCopy> {
    await world.postgres.stop();
    const copy = await world.postgres.copy();
    await world.postgres.start();
    await story.expectActive();
    return copy;
  }
});

async function openStory(world: World) {
  const redis = await openRedisServer();
  world.undo(() => redis.close());
  const [acme, other] = (await addTenants(world, 2)) as [Tenant, Tenant];
  const env = { STALENESS_BOUND_MS: `${stalenessMs}`, REDIS_URL: redis.url };
  const gateways = await Promise.all([world.gateway(env), world.gateway(env)]);
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

    /** Suspends the tenant, as everybody then knows, in memory and in Redis; returns the token of it. */
    async loseChanges(): Promise<string> {
      for (const name of ['one', 'two', 'three'])
        await mutate(one, 'updateTenant', { tenantId: other.id, name });
      const { result, codes } = await mutate(one, 'suspendTenant', { tenantId: acme.id, reason: 'lost' });
      expect(codes).toEqual([]);
      for (const gateway of gateways) expect((await ask(gateway, acme.id)).answer).toBe('TENANT_SUSPENDED');
      await expect.poll(() => redis.command('DBSIZE')).toBeGreaterThan(0);
      return result.revision;
    },

    /** From the moment that a gateway has noticed on, it answers nothing of what was lost. */
    async expectOnlyPresentHistory(lost: string) {
      const startedAt = performance.now();
      const [lostEpoch] = lost.split(':');
      await Promise.all(
        gateways.map(async (gateway) => {
          let noticedAt: number | undefined;
          while (performance.now() - startedAt < 3_000) {
            const { headRevision, code, revision } = await explain(gateway, acme.id);
            if (headRevision && !headRevision.startsWith(`${lostEpoch}`)) {
              noticedAt ??= performance.now();
              expect([code, revision?.startsWith(`${lostEpoch}`)]).toEqual([null, false]);
            }
            await delay(20);
          }
          // Half a second until the next regular poll, and what the connection takes.
          expect((noticedAt ?? Number.POSITIVE_INFINITY) - startedAt).toBeLessThan(1_500);
          expect(await ask(gateway, acme.id, { minRevision: lost })).toMatchObject({
            answer: route,
            status: 200,
          });
        }),
      );
      await using stream = await openEvents(one.url, { since: lost, key: world.key });
      expect(await stream.take(1)).toMatchObject([{ type: 'RESYNC' }]);
    },

    /** Beyond the numbers of the lost revisions, on these gateways and on one that finds the lost ones in Redis. */
    async expectLifeGoesOn(lost: string, psql: (sql: string) => Promise<unknown>) {
      const lostNumber = Number(lost.split(':')[1]);
      for (let change = 0; change < 5; change++)
        await psql(`UPDATE modules SET description = 'again ${change}' WHERE name = 'finance'`);
      const fresh = await world.gateway(env);
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
