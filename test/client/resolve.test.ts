import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenantRegistry, type TenantRegistry, TenantRegistryError } from '../../src/client/index.js';
import type { TestGateway } from '../setup/gateway.js';
import { openGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { codeOf, countRequests, once } from './support/client-outcomes.js';

let gateway: TestGateway;
let acme: StoryTenant;
let globex: StoryTenant;
let registry: TenantRegistry;
let key: string;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
  key = await gateway.createKey('resolve:finance');
  const everything = await gateway.createKey('resolve:*', 'registry:read', 'registry:write', 'provision');
  const asked = gateway.ask;
  gateway.ask = (query, variables, options) => asked(query, variables, { key: everything, ...options });
  acme = await aTenant().subscribedTo('finance').at(gateway);
  globex = await aTenant().subscribedTo('finance').at(gateway);
  registry = createTenantRegistry({ url: gateway.url, apiKey: key, module: 'finance' });
  await once(registry, 'ready');
});
afterAll(async () => {
  await registry?.close();
  await gateway?.close();
});

describe('resolve', () => {
  test('returns the tenant’s route, by slug and by id', async () => {
    const route = await registry.resolve(acme.slug);
    expect(route).toEqual({
      tenantId: acme.id,
      tenantSlug: acme.slug,
      externalId: null,
      module: 'finance',
      schemaName: `finance_${acme.slug}`,
      searchPath: `"finance_${acme.slug}"`,
      databaseName: new URL(gateway.serviceUrl('finance')).pathname.slice(1),
      isolation: 'SCHEMA',
      generation: 1,
      migrationVersion: 'finance/0002_invoice_numbering.sql',
      revision: expect.stringMatching(/^[0-9a-f]{16}:\d+$/),
      isStale: false,
    });
    expect(await registry.resolve(acme.id.toUpperCase())).toEqual(route);
  });

  test('requests a tenant once, then answers from the cache', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    const requests = await countRequests(gateway, '/graphql', async () => {
      for (let at = 0; at < 100; at++) await registry.resolve(tenant.id);
    });
    expect(requests).toBe(1);
  });

  test('sends concurrent calls as one request with one key per tenant', async () => {
    const tenants = [await aTenant().subscribedTo('finance').at(gateway), await aTenant().at(gateway)];
    const ids = Array.from({ length: 400 }, (_, at) => tenants[at % 2]?.slug ?? '');
    const requests = await countRequests(gateway, '/graphql', async () => {
      const answers = await Promise.all(ids.map((id) => registry.resolve(id).catch(codeOf)));
      expect(new Set(answers.map((one) => (typeof one === 'string' ? one : one.tenantId)))).toEqual(
        new Set([tenants[0]?.id, 'MODULE_NOT_SUBSCRIBED']),
      );
    });
    expect(requests).toBe(1);
  });

  test('sends more than 500 tenants as several requests', async () => {
    const ids = Array.from({ length: 1_200 }, () => randomUUID());
    const requests = await countRequests(gateway, '/graphql', async () => {
      const answers = await registry.resolveMany([acme.id, ...ids, globex.id]);
      expect(answers.at(0)).toMatchObject({ tenantId: acme.id });
      expect(answers.at(-1)).toMatchObject({ tenantId: globex.id });
      expect(new Set(answers.slice(1, -1).map(codeOf))).toEqual(new Set(['TENANT_NOT_FOUND']));
    });
    expect(requests).toBe(3);
  });

  test.each(['', 'acme, globex', "'; DROP TABLE tenants --", 'x'.repeat(10_000), '-acme', '../x', 'ä'])(
    'throws TENANT_NOT_FOUND without a request for a text that cannot be a tenant: %s',
    async (text) => {
      const requests = await countRequests(gateway, '/graphql', async () => {
        expect(await registry.resolve(text).catch(codeOf)).toBe('TENANT_NOT_FOUND');
      });
      expect(requests).toBe(0);
    },
  );
});

describe('a refusal', () => {
  test('has a code and a status, and is cached like a route', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    await mutate(gateway, 'suspendTenant', { tenantId: tenant.id, reason: 'unpaid' });
    const requests = await countRequests(gateway, '/graphql', async () => {
      for (let at = 0; at < 10; at++) {
        const error = await registry.resolve(tenant.id).catch((error) => error);
        expect(error).toBeInstanceOf(TenantRegistryError);
        expect(error).toMatchObject({
          code: 'TENANT_SUSPENDED',
          status: 403,
          message: `Tenant ${tenant.slug} is suspended: unpaid`,
          isStale: false,
        });
      }
    });
    expect(requests).toBe(1);
  });

  test('of one suspended subscription ends every route that clients hold before the mutation answers', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    expect((await registry.resolve(tenant.id)).schemaName).toBe(`finance_${tenant.slug}`);
    const input = { tenantId: tenant.id, module: 'finance' };
    await mutate(gateway, 'suspendSubscription', { ...input, reason: 'unpaid' });
    expect(await registry.resolve(tenant.id).catch((error) => error)).toMatchObject({
      code: 'TENANT_SUSPENDED',
      message: `The subscription of tenant ${tenant.slug} to finance is suspended: unpaid`,
    });
    await mutate(gateway, 'resumeSubscription', { ...input, wait: 'EVERYWHERE' });
    expect((await registry.resolve(tenant.id)).schemaName).toBe(`finance_${tenant.slug}`);
  });

  test('of the client’s own key is thrown with its own code', async () => {
    const nobody = createTenantRegistry({ url: gateway.url, apiKey: 'trk_nobody', module: 'finance' });
    const elsewhere = createTenantRegistry({ url: gateway.url, apiKey: key, module: 'inventory' });
    const heard = once(nobody, 'error');
    expect(await nobody.resolve(acme.id).catch(codeOf)).toBe('UNAUTHENTICATED');
    expect(codeOf((await heard)[0])).toBe('UNAUTHENTICATED');
    expect(await elsewhere.resolve(acme.id).catch(codeOf)).toBe('FORBIDDEN');
    await nobody.close();
    await elsewhere.close();
  });
});

describe('a change', () => {
  test('arrives before the mutation with wait EVERYWHERE answers', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    for (let round = 0; round < 3; round++) {
      expect((await registry.resolve(tenant.id)).tenantId).toBe(tenant.id);
      expect((await registry.resolve(tenant.slug)).tenantId).toBe(tenant.id);
      const startedAt = performance.now();
      await mutate(gateway, 'suspendTenant', { tenantId: tenant.id, reason: 'unpaid' });
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      expect(await registry.resolve(tenant.id).catch(codeOf)).toBe('TENANT_SUSPENDED');
      expect(await registry.resolve(tenant.slug).catch(codeOf)).toBe('TENANT_SUSPENDED');
      await mutate(gateway, 'resumeTenant', { tenantId: tenant.id, wait: 'EVERYWHERE' });
    }
  });

  test('of one tenant keeps the others cached', async () => {
    await registry.resolve(globex.id);
    const changed = new Promise((resolve) =>
      registry.on('change', ({ tenantId }) => tenantId === acme.id && resolve(tenantId)),
    );
    await registry.resolve(acme.id);
    await mutate(gateway, 'updateTenant', { tenantId: acme.id, name: 'Acme 2', wait: 'EVERYWHERE' });
    await changed;
    expect(await countRequests(gateway, '/graphql', () => registry.resolve(globex.id))).toBe(0);
    expect(await countRequests(gateway, '/graphql', () => registry.resolve(acme.id))).toBe(1);
  });
});

test('a closed client refuses calls, and closing it twice does nothing', async () => {
  const closed = createTenantRegistry({ url: gateway.url, apiKey: key, module: 'finance' });
  await closed.resolve(acme.id);
  await Promise.all([closed.close(), closed.close()]);
  await expect(closed.resolve(acme.id)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
});
