import { setTimeout as delay } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PrismaClient } from '../../examples/operations/generated/client.js';
import type { TenantRegistry } from '../../src/client/index.js';
import { tenantAdapter, withTenant } from '../../src/client/prisma.js';
import { recordStatements } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { type GatewayWithTenants, openGatewayWithTenants } from './support/gateway-with-tenants.js';

let fixture: GatewayWithTenants;
let acme: StoryTenant;
let globex: StoryTenant;
let registry: TenantRegistry;
let pool: pg.Pool;
let prisma: PrismaClient;
beforeAll(async () => {
  fixture = await openGatewayWithTenants(0);
  [acme, globex] = [
    await aTenant().subscribedTo('operations').at(fixture.gateway),
    await aTenant().subscribedTo('operations').at(fixture.gateway),
  ];
  registry = fixture.connect({ module: 'operations' });
  // One connection, so that each transaction gets the connection that the last one returned.
  pool = fixture.openPool({ connectionString: fixture.gateway.serviceUrl('operations'), max: 1 });
  prisma = new PrismaClient({ adapter: tenantAdapter(PrismaPg, pool) });
  for (const { id, slug } of [acme, globex])
    await withTenant(registry, prisma, id, (tx) =>
      tx.party.create({ data: { kind: 'organisation', name: slug } }),
    );
});
afterAll(async () => {
  await prisma?.$disconnect();
  await fixture?.close();
});
beforeEach(async () => {
  expect((await pool.query('SHOW search_path')).rows).toEqual([{ search_path: '"$user", public' }]);
});

const namesOf = ({ id }: StoryTenant) =>
  withTenant(registry, prisma, id, async (tx) => (await tx.party.findMany()).map(({ name }) => name));

describe('Prisma inside a tenant', () => {
  test('reads the tenant’s rows with one PrismaClient for all tenants, in sequence and concurrently', async () => {
    for (const tenant of [acme, globex, acme]) expect(await namesOf(tenant)).toEqual([tenant.slug]);
    const many = fixture.openPool({ connectionString: fixture.gateway.serviceUrl('operations'), max: 4 });
    const shared = new PrismaClient({ adapter: tenantAdapter(PrismaPg, many) });
    const tenants = Array.from({ length: 40 }, (_, at) => (at % 2 ? acme : globex));
    const found = await Promise.all(
      tenants.map(({ id, slug }) =>
        // Prisma batches unique look-ups of the same tick; it must not batch those of two tenants.
        withTenant(
          registry,
          shared,
          id,
          async (tx) => {
            const [party] = await tx.party.findMany();
            const again = await tx.party.findUnique({ where: { id: party?.id ?? '' } });
            const raw = await tx.$queryRaw<{ name: string }[]>`SELECT name FROM party WHERE name = ${slug}`;
            return [party?.name, again?.name, raw[0]?.name];
            // 40 transactions share four connections; on a busy machine they wait longer than Prisma's
            // default of 2 s.
          },
          { maxWait: 20_000, timeout: 20_000 },
        ),
      ),
    );
    expect(found).toEqual(tenants.map(({ slug }) => [slug, slug, slug]));
    await shared.$disconnect();
  });

  test('writes and reads relations', async () => {
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

  test('adds one round trip before the work and one after it', async () => {
    const statements = await recordStatements(() => namesOf(acme));
    expect(statements).toEqual([
      expect.stringMatching(/^BEGIN.*tenant_guard\.enter\(/s),
      expect.stringMatching(/^SELECT "party"."id".* FROM "party"/),
      expect.stringMatching(/; COMMIT$/),
    ]);
  });

  test('supports nested transactions, which roll back to their start', async () => {
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

  test('is rolled back and rejects when the work ignores the error of a statement', async () => {
    const attempt = withTenant(registry, prisma, acme.id, async (tx) => {
      await tx.party.create({ data: { kind: 'person', name: 'never' } });
      await tx.$executeRaw`SELECT 1 / 0`.catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow('was rolled back');
    expect(await namesOf(acme)).toEqual([acme.slug]);
  });
});

describe('the PrismaClient itself', () => {
  const refusal = 'has no tenant here';

  test('is refused outside and inside withTenant, since it has no tenant', async () => {
    await expect(prisma.party.findMany()).rejects.toThrow(refusal);
    await expect(prisma.$queryRaw`SELECT 1`).rejects.toThrow(refusal);
    await expect(prisma.$transaction((tx) => tx.party.findMany())).rejects.toThrow(refusal);
    await expect(prisma.$transaction([prisma.party.findMany()])).rejects.toThrow(refusal);
    await withTenant(registry, prisma, acme.id, async () => {
      await expect(prisma.party.findMany()).rejects.toThrow(refusal);
      await expect(prisma.$transaction((tx) => tx.party.findMany())).rejects.toThrow(refusal);
    });
  });

  test('is refused when its adapter bypasses the fence', async () => {
    const bare = new PrismaClient({ adapter: new PrismaPg(pool) });
    const attempt = withTenant(registry, bare, acme.id, (tx) => tx.party.findMany());
    await expect(attempt).rejects.toThrow('bypasses the fence');
  });
});

describe('a transaction that fails', () => {
  const setBinding = (set: string, { slug }: StoryTenant) =>
    fixture.gateway.psqlIn('operations', `UPDATE tenant_guard.binding SET ${set} WHERE schema_name = $1`, [
      `tenant_${slug}`,
    ]);

  test('at the fence throws a TenantRegistryError before any work runs', async () => {
    const tenant = await aTenant().subscribedTo('operations').at(fixture.gateway);
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

  test('by Prisma’s timeout, an abort or a lost connection leaves other transactions working', async () => {
    const sleep = (options: { timeout?: number; signal?: AbortSignal }) =>
      withTenant(registry, prisma, acme.id, (tx) => tx.$queryRaw`SELECT pg_sleep(5)::text`, options);
    await expect(sleep({ timeout: 200 })).rejects.toThrow();
    await expect(sleep({ signal: AbortSignal.timeout(200) })).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await namesOf(globex)).toEqual([globex.slug]);
    const killed = withTenant(registry, prisma, acme.id, async (tx) => {
      const [{ pid } = { pid: 0 }] = await tx.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
      await fixture.gateway.psqlIn('operations', 'SELECT pg_terminate_backend($1)', [pid]);
      await delay(50);
      await tx.party.count();
    });
    await expect(killed).rejects.toThrow();
    expect(await namesOf(globex)).toEqual([globex.slug]);
  });
});
