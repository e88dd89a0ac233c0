import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTenantRegistry, TenantRegistryError } from '../../src/client/index.js';
import { once } from '../client/support/client-outcomes.js';
import { lead, openRolloutTestbed, rolloutOf } from '../provisioning/support/rollouts.js';
import { createPick } from '../setup/random.js';
import { promiseSeed, seed } from '../setup/seed.js';
import { sizeOf } from '../setup/size.js';

const tenantCount = sizeOf({ usual: 25, full: 60 });
const clientCount = 50;

/** What clients saw while the rollout ran. */
interface Seen {
  routes: number;
  refusals: Record<string, number>;
  faults: string[];
}

test('while a rollout runs, 50 clients with minMigration get exactly the tenants that have the file', async () => {
  promiseSeed();
  await using testbed = await openRolloutTestbed(1, tenantCount);
  const { gateway, psql } = testbed;
  const module = await testbed.takeModule();
  const { name } = module;
  // Slow enough for clients to meet tenants before, in and after their migration.
  await module.write('0003_phones.sql', 'ALTER TABLE contact ADD COLUMN phone text; SELECT pg_sleep(0.2);');
  const clients = Array.from({ length: clientCount }, () =>
    createTenantRegistry({ url: gateway.url, module: name, minMigration: '0003', timeoutMs: 30_000 }),
  );
  await Promise.all(clients.map((client) => once(client, 'ready')));
  const seen: Seen = { routes: 0, refusals: {}, faults: [] };
  const over = new AbortController();
  const hasFile = async (schema: string) =>
    (
      await psql<{ there: boolean }>(
        name,
        `SELECT EXISTS (SELECT FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
           WHERE relnamespace = '${schema}'::regnamespace AND relname = 'contact' AND attname = 'phone') AS there`,
      )
    )[0]?.there;

  async function work(client: (typeof clients)[number], at: number): Promise<void> {
    const pick = createPick(seed + at);
    while (!over.signal.aborted) {
      const tenant = pick(testbed.tenants);
      const before = (await module.versions())[tenant.slug];
      try {
        const route = await client.resolve(tenant.slug);
        seen.routes++;
        if (!(await hasFile(route.schemaName)))
          seen.faults.push(`${tenant.slug} was resolved without the file`);
      } catch (error) {
        if (!(error instanceof TenantRegistryError)) throw error;
        seen.refusals[error.code] = (seen.refusals[error.code] ?? 0) + 1;
        if (before === `${name}/0003_phones.sql`)
          seen.faults.push(`${tenant.slug} was refused with ${error.code} although it has the file`);
      }
      await sleep(20);
    }
  }
  await using _ = { [Symbol.asyncDispose]: () => stop() };
  const working = clients.map(work);
  async function stop(): Promise<void> {
    over.abort();
    await Promise.allSettled(working);
    await Promise.all(clients.map((client) => client.close()));
  }
  // Before the rollout every tenant is refused.
  await expect.poll(() => seen.refusals.SCHEMA_BEHIND ?? 0).toBeGreaterThan(clientCount);
  expect(seen.routes).toBe(0);
  const id = await module.start({ canary: { tenants: 5 }, waves: 2 });
  await lead(testbed);
  expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'SUCCEEDED' });
  const routes = seen.routes;
  await expect.poll(() => seen.routes, { timeout: 60_000 }).toBeGreaterThan(routes + 2 * clientCount);
  over.abort();
  await Promise.all(working);
  expect(seen.faults).toEqual([]);
  // Both kinds of refusals, and routes, were seen.
  expect(Object.keys(seen.refusals).toSorted()).toEqual(['SCHEMA_BEHIND', 'SCHEMA_MIGRATING']);
}, 300_000);
