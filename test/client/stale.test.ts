import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantRegistry, TenantRegistryOptions } from '../../src/client/index.js';
import { mutate } from '../setup/graphql-calls.js';
import type { StoryTenant } from '../setup/stories.js';
import { openTcpProxy, type TcpProxy } from '../setup/tcp-proxy.js';
import { codeOf, once } from './support/client-outcomes.js';
import { type GatewayWithTenants, openGatewayWithTenants, ownerOf } from './support/gateway-with-tenants.js';

/** The staleness bound of the gateway. */
const stalenessMs = 1_000;

let fixture: GatewayWithTenants;
let way: TcpProxy;
let pool: pg.Pool;
let acme: StoryTenant;
let suspended: StoryTenant;
let unread: StoryTenant;
beforeAll(async () => {
  fixture = await openGatewayWithTenants(3, { config: { stalenessMs } });
  [acme, suspended, unread] = fixture.tenants as [StoryTenant, StoryTenant, StoryTenant];
  await mutate(fixture.gateway, 'suspendTenant', { tenantId: suspended.id, reason: 'unpaid' });
  way = await openTcpProxy(Number(new URL(fixture.gateway.url).port));
  pool = fixture.openPool();
});
afterAll(async () => {
  await way?.close();
  await fixture?.close();
});

async function informedClient(options: Partial<TenantRegistryOptions> = {}): Promise<TenantRegistry> {
  const registry = fixture.connect({ url: `http://127.0.0.1:${way.port}`, timeoutMs: 500, ...options });
  await once(registry, 'ready');
  await registry.resolveMany([acme.id, suspended.id]);
  return registry;
}

test('while no gateway answers, withTenant goes on for tenants last seen active and for no other', async () => {
  const registry = await informedClient();
  const strict = await informedClient({ serveStaleMs: 0 });
  const brief = await informedClient({ serveStaleMs: 700 });
  const enter = (client: TenantRegistry, { id }: StoryTenant) =>
    client.withTenant(pool, id, ownerOf).catch(codeOf);
  const staleAt = Promise.all([once(registry, 'stale'), once(strict, 'stale'), once(brief, 'stale')]);
  await way.cut();
  // No call fails or is slow while the lease runs out.
  for (let isStale = false; !isStale; ) {
    const startedAt = performance.now();
    expect(await enter(registry, acme)).toBe(acme.slug);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    isStale = await Promise.race([
      staleAt.then(() => true),
      new Promise<false>((no) => setTimeout(no, 20, false)),
    ]);
  }
  expect(await enter(registry, acme)).toBe(acme.slug);
  expect(await enter(brief, acme)).toBe(acme.slug);
  expect(await registry.enter(acme.id, async ({ route }) => route.isStale)).toBe(true);
  expect(await registry.resolve(acme.id).catch(codeOf)).toBe('REGISTRY_UNAVAILABLE');
  const refusal = await registry.withTenant(pool, suspended.id, ownerOf).catch((error) => error);
  expect(refusal).toMatchObject({ code: 'TENANT_SUSPENDED', isStale: true });
  expect(await enter(registry, unread)).toBe('REGISTRY_UNAVAILABLE');
  expect(await enter(strict, acme)).toBe('REGISTRY_UNAVAILABLE');

  // The fence knows of the suspension, the client does not.
  await mutate(fixture.gateway, 'suspendTenant', { tenantId: acme.id, reason: 'unpaid' });
  expect(await enter(registry, acme)).toBe('TENANT_SUSPENDED');
  await mutate(fixture.gateway, 'resumeTenant', { tenantId: acme.id });
  expect(await enter(registry, acme)).toBe(acme.slug);
  await expect.poll(() => enter(brief, acme)).toBe('REGISTRY_UNAVAILABLE');

  await way.heal();
  for (const client of [registry, strict, brief])
    await expect
      .poll(() => client.resolve(acme.id).catch(codeOf), { timeout: 4_000 })
      .toMatchObject({
        tenantId: acme.id,
        isStale: false,
      });
  expect(await enter(registry, unread)).toBe(unread.slug);
});
