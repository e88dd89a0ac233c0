import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TenantRegistry } from '../../src/client/index.js';
import { DatabasePools } from '../../src/client/transactions/database-pools.js';
import { mutate } from '../setup/graphql-calls.js';
import type { StoryTenant } from '../setup/stories.js';
import { aTenant } from '../setup/stories.js';
import { codeOf, countRequests } from './support/client-outcomes.js';
import { type GatewayWithTenants, openGatewayWithTenants, ownerOf } from './support/gateway-with-tenants.js';

let fixture: GatewayWithTenants;
let pool: pg.Pool;
beforeAll(async () => {
  fixture = await openGatewayWithTenants(0);
  pool = fixture.openPool({ max: 1 });
});
afterAll(() => fixture?.close());

/** A client that has the tenants cached and receives no change for most of a second. */
async function clientWithoutHints(...tenants: StoryTenant[]): Promise<TenantRegistry> {
  const registry = fixture.connect({ hints: false });
  for (const { id } of tenants) await registry.resolve(id);
  // Wait for the renewal that confirms the first lease.
  await delay(100);
  return registry;
}

const bindingOf = (tenant: StoryTenant) => [`finance_${tenant.slug}`];
const setBinding = (set: string, tenant: StoryTenant) =>
  fixture.gateway.psqlIn(
    'finance',
    `UPDATE tenant_guard.binding SET ${set} WHERE schema_name = $1`,
    bindingOf(tenant),
  );

describe('an outdated route', () => {
  test('is read again, and the work runs once with the new one', async () => {
    const tenant = await fixture.addTenant();
    const registry = await clientWithoutHints(tenant);
    const old = await registry.resolve(tenant.id);
    const input = { tenantId: tenant.id, module: 'finance' };
    await mutate(fixture.gateway, 'unsubscribeTenantFromModule', { ...input, wait: 'COMMITTED' });
    await mutate(fixture.gateway, 'subscribeTenantToModule', { ...input, wait: 'COMMITTED' });
    let runs = 0;
    const owner = await registry.withTenant(pool, tenant.id, (tx) => {
      runs++;
      return ownerOf(tx);
    });
    const { generation } = await registry.resolve(tenant.id);
    expect([owner, runs, generation > old.generation]).toEqual([tenant.slug, 1, true]);
  });

  test('is refused as ROUTE_STALE when the registry still returns it after one more request', async () => {
    const tenant = await fixture.addTenant();
    const registry = await clientWithoutHints(tenant);
    await setBinding('generation = 99', tenant);
    const requests = await countRequests(fixture.gateway, '/graphql', async () => {
      const error = await registry.withTenant(pool, tenant.id, ownerOf).catch((error) => error);
      expect(error).toMatchObject({ name: 'TenantRegistryError', code: 'ROUTE_STALE', status: 409 });
      expect(error.message).toMatch(/^schema "?finance_/);
      expect(error.cause).toMatchObject({ code: 'TR001' });
    });
    expect(requests).toBe(1);
  });
});

describe('the fence refuses', () => {
  test.each([
    ['suspended', 'TENANT_SUSPENDED', 403],
    ['closed', 'MODULE_NOT_SUBSCRIBED', 403],
    ['not_ready', 'TENANT_NOT_READY', 503],
  ])('a tenant whose binding is %s as %s, before any work runs', async (state, code, status) => {
    const tenant = await fixture.addTenant();
    const registry = await clientWithoutHints(tenant);
    await setBinding(`state = '${state}'`, tenant);
    let runs = 0;
    const attempt = registry.withTenant(pool, tenant.id, () => runs++);
    await expect(attempt).rejects.toMatchObject({ code, status });
    expect(runs).toBe(0);
    const { rows } = await pool.query('SHOW search_path');
    expect(rows).toEqual([{ search_path: '"$user", public' }]);
    await setBinding(`state = 'active'`, tenant);
    expect(await registry.withTenant(pool, tenant.id, ownerOf)).toBe(tenant.slug);
  });

  test('a tenant suspended a moment ago, although the client has its route cached', async () => {
    const tenant = await fixture.addTenant();
    const registry = await clientWithoutHints(tenant);
    await mutate(fixture.gateway, 'suspendTenant', { tenantId: tenant.id, reason: 'unpaid' });
    expect(await registry.withTenant(pool, tenant.id, ownerOf).catch(codeOf)).toBe('TENANT_SUSPENDED');
    await mutate(fixture.gateway, 'resumeTenant', { tenantId: tenant.id, wait: 'EVERYWHERE' });
    expect(await registry.withTenant(pool, tenant.id, ownerOf)).toBe(tenant.slug);
  });

  test('nothing that the work itself throws: such an error is not retried', async () => {
    const tenant = await fixture.addTenant();
    const registry = await clientWithoutHints(tenant);
    for (const state of ['TR001', '40001']) {
      let runs = 0;
      const attempt = registry.withTenant(pool, tenant.id, async (tx) => {
        runs++;
        await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'ROUTE_STALE: mine' USING ERRCODE = '${state}'; END $$`);
      });
      await expect(attempt).rejects.toMatchObject({ name: 'error', code: state });
      expect(runs).toBe(1);
    }
  });

  test('a database without a fence with PostgreSQL’s own error', async () => {
    const tenant = await fixture.addTenant();
    const elsewhere = new pg.Pool({ connectionString: fixture.gateway.registry.url });
    const attempt = fixture.connect().withTenant(elsewhere, tenant.id, ownerOf);
    await expect(attempt).rejects.toThrow('"tenant_guard" does not exist');
    await elsewhere.end();
  });
});

describe('tenants with a database of their own', () => {
  test('use pools of their own; of more than maxDatabasePools the least recently used is closed', async () => {
    const { gateway } = fixture;
    const tenants: StoryTenant[] = [];
    for (let at = 0; at < 3; at++) tenants.push(await aTenant().subscribedTo('dbtools').at(gateway));
    const opened: string[] = [];
    const pools = new Map<string, pg.Pool>();
    const registry = fixture.connect({
      module: 'dbtools',
      maxDatabasePools: 2,
      databasePool(databaseName) {
        const url = new URL(gateway.serviceUrl('dbtools'));
        url.pathname = `/${databaseName}`;
        const pool = new pg.Pool({ connectionString: url.href, max: 2 });
        opened.push(databaseName);
        pools.set(databaseName, pool);
        return pool;
      },
    });
    const databaseOf = (tx: pg.ClientBase) =>
      tx.query('SELECT current_database() AS name').then(({ rows }) => rows[0].name);
    const enter = (at: number, work = databaseOf) => registry.withTenant(pool, tenants[at]?.id ?? '', work);
    const nameOf = (at: number) => `dbtools_tenant_${tenants[at]?.slug}`;
    // Sequentially, and the first one again, so that the second is the least recently used.
    for (const at of [0, 1, 0, 2]) expect(await enter(at)).toBe(nameOf(at));
    expect(opened).toEqual([nameOf(0), nameOf(1), nameOf(2)]);
    expect([0, 1, 2].map((at) => pools.get(nameOf(at))?.ending)).toEqual([false, true, false]);
    // While both pools are in use the third database waits.
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const stays = [0, 2].map((at) => enter(at, (tx) => left.then(() => databaseOf(tx))));
    await delay(50);
    const third = enter(1);
    await delay(100);
    expect(opened).toHaveLength(3);
    leave();
    expect(await Promise.all([...stays, third])).toEqual([nameOf(0), nameOf(2), nameOf(1)]);
    await registry.close();
    expect([...pools.values()].map(({ ending, totalCount }) => [ending, totalCount])).toEqual(
      Array(3).fill([true, 0]),
    );
  });

  test('wait no longer for a pool when the client is closed, and open none afterwards', async () => {
    const opened: string[] = [];
    const pools = new DatabasePools((name) => {
      opened.push(name);
      return { connect: () => Promise.reject(new Error('not used')), end: async () => undefined };
    }, 1);
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const working = pools.use('one', () => left);
    const isClosed = { code: 'REGISTRY_UNAVAILABLE' };
    const waiting = expect(pools.use('two', async () => undefined)).rejects.toMatchObject(isClosed);
    await pools.close();
    await waiting;
    leave();
    await working;
    await expect(pools.use('three', async () => undefined)).rejects.toMatchObject(isClosed);
    expect(opened).toEqual(['one']);
  });

  test('are refused when the option databasePool is missing', async () => {
    const tenant = await aTenant().subscribedTo('dbtools').at(fixture.gateway);
    const attempt = fixture.connect({ module: 'dbtools' }).withTenant(pool, tenant.id, ownerOf);
    await expect(attempt).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  });
});
