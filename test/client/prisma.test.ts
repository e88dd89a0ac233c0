import { setTimeout as delay } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PrismaClient } from '../../examples/operations/generated/client.js';
import type { TenantRegistry } from '../../src/client/index.js';
import { tenantAdapter, withTenant } from '../../src/client/prisma.js';
import { recordStatements } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { openTown, type Town } from './support/gateway-with-tenants.js';

let town: Town;
let acme: StoryTenant;
let globex: StoryTenant;
let registry: TenantRegistry;
let pool: pg.Pool;
let prisma: PrismaClient;
beforeAll(async () => {
  town = await openTown(0);
  [acme, globex] = [
    await aTenant().subscribedTo('operations').at(town.gateway),
    await aTenant().subscribedTo('operations').at(town.gateway),
  ];
  registry = town.connect({ module: 'operations' });
  // Of one connection, so that the next one to come has it.
  pool = town.openPool({ connectionString: town.gateway.serviceUrl('operations'), max: 1 });
  prisma = new PrismaClient({ adapter: tenantAdapter(PrismaPg, pool) });
  for (const { id, slug } of [acme, globex])
    await withTenant(registry, prisma, id, (tx) =>
      tx.party.create({ data: { kind: 'organisation', name: slug } }),
    );
});
afterAll(async () => {
  await prisma?.$disconnect();
  await town?.close();
});
beforeEach(async () => {
  expect((await pool.query('SHOW search_path')).rows).toEqual([{ search_path: '"$user", public' }]);
});

const namesOf = ({ id }: StoryTenant) =>
  withTenant(registry, prisma, id, async (tx) => (await tx.party.findMany()).map(({ name }) => name));

describe('Prisma inside a tenant', () => {
  test('finds that tenant’s rows with one client for all, one after the other and at the same time', async () => {
    for (const tenant of [acme, globex, acme]) expect(await namesOf(tenant)).toEqual([tenant.slug]);
    const many = town.openPool({ connectionString: town.gateway.serviceUrl('operations'), max: 4 });
    const shared = new PrismaClient({ adapter: tenantAdapter(PrismaPg, many) });
    const tenants = Array.from({ length: 40 }, (_, at) => (at % 2 ? acme : globex));
    const found = await Promise.all(
      tenants.map(({ id, slug }) =>
        // Prisma puts unique look-ups of the same moment together: never those of two tenants.
        withTenant(
          registry,
          shared,
          id,
          async (tx) => {
            const [party] = await tx.party.findMany();
            const again = await tx.party.findUnique({ where: { id: party?.id ?? '' } });
            const raw = await tx.$queryRaw<{ name: string }[]>`SELECT name FROM party WHERE name = ${slug}`;
            return [party?.name, again?.name, raw[0]?.name];
            // They queue for four connections, longer than Prisma's 2 s on a busy machine.
          },
          { maxWait: 20_000, timeout: 20_000 },
        ),
      ),
    );
    expect(found).toEqual(tenants.map(({ slug }) => [slug, slug, slug]));
    await shared.$disconnect();
  });

  test('writes and reads relations as ever', async () => {
    const name = await withTenant(registry, prisma, acme.id, async (tx) => {
      const contact = { kind: 'email', value: 'office@acme.example' };
      await tx.party.create({
        data: { kind: 'organisation', name: 'Supplier', contacts: { create: contact } },
      });
      const found = await tx.party.findFirst({
        where: { contacts: { some: contact } },
        include: { contacts: true },
        orderBy: { name: 'asc' },
      });
      await tx.party.updateMany({ where: { name: 'Supplier' }, data: { name: 'Renamed' } });
      await tx.party.deleteMany({ where: { name: 'Renamed' } });
      return [found?.name, found?.contacts[0]?.value, await tx.party.count()];
    });
    expect(name).toEqual(['Supplier', 'office@acme.example', 1]);
  });

  test('costs one round trip before it and one after it', async () => {
    const statements = await recordStatements(() => namesOf(acme));
    expect(statements).toEqual([
      expect.stringMatching(/^BEGIN.*tenant_guard\.enter\(/s),
      expect.stringMatching(/^SELECT "party"."id".* FROM "party"/),
      expect.stringMatching(/; COMMIT$/),
    ]);
  });

  test('can nest, and goes back to where it was', async () => {
    const names = await withTenant(registry, prisma, acme.id, async (tx) => {
      await tx
        .$transaction(async (inner) => {
          await inner.party.create({ data: { kind: 'person', name: 'never' } });
          throw new Error('back');
        })
        .catch(() => undefined);
      return (await tx.party.findMany()).map(({ name }) => name);
    });
    expect(names).toEqual([acme.slug]);
  });

  test('is rolled back when the work throws', async () => {
    const attempt = withTenant(registry, prisma, acme.id, async (tx) => {
      await tx.party.create({ data: { kind: 'person', name: 'never' } });
      throw new Error('mine');
    });
    await expect(attempt).rejects.toThrow('mine');
    expect(await namesOf(acme)).toEqual([acme.slug]);
  });

  test('is not taken for done when a statement failed and its error was swallowed', async () => {
    const attempt = withTenant(registry, prisma, acme.id, async (tx) => {
      await tx.party.create({ data: { kind: 'person', name: 'never' } });
      await tx.$executeRaw`SELECT 1 / 0`.catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow('was rolled back');
    expect(await namesOf(acme)).toEqual([acme.slug]);
  });
});

describe('the client itself', () => {
  const refusal = 'has no tenant here';

  test('has no tenant, outside and inside', async () => {
    await expect(prisma.party.findMany()).rejects.toThrow(refusal);
    await expect(prisma.$queryRaw`SELECT 1`).rejects.toThrow(refusal);
    await expect(prisma.$transaction((tx) => tx.party.findMany())).rejects.toThrow(refusal);
    await expect(prisma.$transaction([prisma.party.findMany()])).rejects.toThrow(refusal);
    await withTenant(registry, prisma, acme.id, async () => {
      await expect(prisma.party.findMany()).rejects.toThrow(refusal);
      await expect(prisma.$transaction((tx) => tx.party.findMany())).rejects.toThrow(refusal);
    });
  });

  test('of an adapter that goes past the fence is refused', async () => {
    const bare = new PrismaClient({ adapter: new PrismaPg(pool) });
    const attempt = withTenant(registry, bare, acme.id, (tx) => tx.party.findMany());
    await expect(attempt).rejects.toThrow('goes past the fence');
  });
});

describe('what ends badly', () => {
  const setBinding = (set: string, { slug }: StoryTenant) =>
    town.gateway.psqlIn('operations', `UPDATE tenant_guard.binding SET ${set} WHERE schema_name = $1`, [
      `tenant_${slug}`,
    ]);

  test('at the fence is said in the registry’s words, and has run nothing', async () => {
    const tenant = await aTenant().subscribedTo('operations').at(town.gateway);
    for (const [set, code] of [
      [`state = 'suspended'`, 'TENANT_SUSPENDED'],
      [`state = 'active', generation = 9`, 'ROUTE_STALE'],
    ] as const) {
      await setBinding(set, tenant);
      let runs = 0;
      const attempt = withTenant(registry, prisma, tenant.id, async () => runs++);
      await expect(attempt).rejects.toMatchObject({ name: 'TenantRegistryError', code });
      expect(runs).toBe(0);
    }
    expect(await namesOf(acme)).toEqual([acme.slug]);
  });

  test('by Prisma’s own timeout, by an abort, or with the connection costs no more than the connection', async () => {
    const sleep = (options: { timeout?: number; signal?: AbortSignal }) =>
      withTenant(registry, prisma, acme.id, (tx) => tx.$queryRaw`SELECT pg_sleep(5)::text`, options);
    await expect(sleep({ timeout: 200 })).rejects.toThrow();
    await expect(sleep({ signal: AbortSignal.timeout(200) })).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await namesOf(globex)).toEqual([globex.slug]);
    const killed = withTenant(registry, prisma, acme.id, async (tx) => {
      const [{ pid } = { pid: 0 }] = await tx.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
      await town.gateway.psqlIn('operations', 'SELECT pg_terminate_backend($1)', [pid]);
      await delay(50);
      await tx.party.count();
    });
    await expect(killed).rejects.toThrow();
    expect(await namesOf(globex)).toEqual([globex.slug]);
  });
});
