import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenantRegistry, type TenantRegistry } from '../../src/client/index.js';
import { variablePrefix } from '../../src/registry/values/secret-detector.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { codeOf, countRequests } from './support/client-outcomes.js';

let gateway: TestGateway;
let acme: StoryTenant;
let registry: TenantRegistry;
beforeAll(async () => {
  gateway = await openGateway();
  acme = await aTenant().subscribedTo('finance').at(gateway);
  registry = createTenantRegistry({
    url: gateway.url,
    module: 'finance',
    readSecret: (name) =>
      ({ [passwordOf(acme)]: 'open sesame', OPENAI_API_KEY: 'shared', DATABASE_URL: 'of the service' })[name],
  });
});
afterAll(async () => {
  await registry?.close();
  await gateway?.close();
});

/** A client of the same service that lists further names. */
function createTenantRegistryFor(secretNames: string[]) {
  const listing = createTenantRegistry({
    url: gateway.url,
    module: 'finance',
    readSecret: () => 'of the service',
    secretNames,
  });
  return { registry: listing, [Symbol.asyncDispose]: () => listing.close() };
}

/** The name of a variable of this tenant. */
const passwordOf = ({ slug }: StoryTenant) => `${variablePrefix(slug)}PASSWORD`;

/** Writes as an operator with psql would; every cache must follow. */
async function store(tenant: StoryTenant, config: object): Promise<void> {
  await gateway.psql('UPDATE tenants SET tenant_config = $2 WHERE id = $1', [
    tenant.id,
    JSON.stringify(config),
  ]);
}

async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('config', () => {
  test('returns the stored configuration with the secrets of the service’s environment filled in', async () => {
    await store(acme, {
      branding: { company_name: 'Acme' },
      email: { smtp: { host: 'mail.acme.example', password: `\${${passwordOf(acme)}}` } },
    });
    await until(async () => (await registry.config(acme.slug)).branding !== undefined);
    expect(await registry.config(acme.id)).toEqual({
      branding: { company_name: 'Acme' },
      email: { smtp: { host: 'mail.acme.example', password: 'open sesame' } },
    });
    expect(await registry.secret(acme.slug, 'OPENAI_API_KEY')).toBe('shared');
    await expect(registry.secret(acme.slug, 'PATH' as 'OPENAI_API_KEY')).rejects.toThrow(
      'PATH is not one of',
    );
  });

  test('never reads a variable of the service, also when a writer by SQL refers to one', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    await store(tenant, { email: { smtp: { host: 'mail.acme.example', password: `\${DATABASE_URL}` } } });
    await until(async () => (await registry.config(tenant.slug)).email !== undefined);
    const { email } = await registry.config(tenant.slug);
    expect(() => email?.smtp?.password).toThrow(
      `email.smtp.password of tenant ${tenant.slug} is not allowed: it refers to DATABASE_URL, which is not a variable of this tenant at this place`,
    );
    expect(JSON.stringify(await registry.config(tenant.slug))).not.toContain('of the service');
    await using allowing = createTenantRegistryFor(['DATABASE_URL']);
    expect((await allowing.registry.config(tenant.slug)).email?.smtp?.password).toBe('of the service');
  });

  test('sends one request however many callers ask at the same time, and the answer serves resolve as well', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    const requests = await countRequests(gateway, '/graphql', async () => {
      await Promise.all(Array.from({ length: 50 }, () => registry.config(tenant.id)));
      for (let at = 0; at < 50; at++) await registry.config(tenant.id);
      await registry.resolve(tenant.id);
    });
    expect(requests).toBe(1);
  });

  test('is requested when only the route is cached', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    await registry.resolve(tenant.id);
    expect(await registry.config(tenant.id)).toEqual({});
    expect(await registry.resolve(tenant.id)).not.toHaveProperty('config');
  });

  test('is current as soon as the client has seen the change, whatever was cached before', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    for (let round = 1; round <= 20; round++) {
      await store(tenant, { extensions: { round } });
      const [head] = await gateway.psql<{ revision: string }>('SELECT revision FROM registry_head');
      // At this moment the client has only the route and must request the configuration.
      await until(async () => {
        await registry.config(tenant.id);
        const { revision: known } = await registry.resolve(tenant.id);
        return Number(known.split(':')[1]) >= Number(head?.revision);
      });
      expect(await registry.config(tenant.id)).toEqual({ extensions: { round } });
    }
  });

  test('is refused for the same reasons as a route', async () => {
    const tenant = await aTenant().at(gateway);
    expect(await registry.config(tenant.id).catch(codeOf)).toBe('MODULE_NOT_SUBSCRIBED');
    expect(await registry.config('nobody').catch(codeOf)).toBe('TENANT_NOT_FOUND');
  });
});

test('a key without the scope registry:read resolves; config names the missing scope', async () => {
  await using guarded = await openGateway({ authMode: 'required' });
  const everything = await guarded.createKey('resolve:*', 'registry:read', 'registry:write', 'provision');
  const asked = guarded.ask;
  guarded.ask = (query, variables, options) => asked(query, variables, { key: everything, ...options });
  const tenant = await aTenant().subscribedTo('finance').at(guarded);
  const client = async (...scopes: string[]) =>
    createTenantRegistry({ url: guarded.url, module: 'finance', apiKey: await guarded.createKey(...scopes) });
  const narrow = await client('resolve:finance');
  const wide = await client('resolve:finance', 'registry:read');
  try {
    await narrow.resolve(tenant.id);
    await expect(narrow.config(tenant.id)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('--scopes resolve:finance,registry:read'),
    });
    expect(await wide.config(tenant.id)).toEqual({});
  } finally {
    await Promise.all([narrow.close(), wide.close()]);
  }
});
