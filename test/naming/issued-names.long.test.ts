import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listSchemas } from '../provisioning/support/catalog.js';
import {
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { provision, resolve, subscribe } from '../provisioning/support/provisioning-calls.js';
import { seed } from '../setup/seed.js';
import { aTenant } from '../setup/stories.js';
import { isIssuedName, isValidSlug } from './support/contract.js';
import { hostileTexts } from './support/hostile.js';
import { isRefusedFor, repeatMutation } from './support/repeated-mutations.js';
import { expectOnlyRegisteredSchemas } from './support/schema-census.js';

let testbed: GatewayWithModules;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'light', migrations: {} },
    { name: 'long', migrations: {}, schemaPrefix: 'a_prefix_of_20_bytes' },
    // With these prefixes, harmless slugs become names that PostgreSQL reserves.
    { name: 'p', migrations: {}, schemaPrefix: 'p' },
    { name: 'pu', migrations: {}, schemaPrefix: 'pu' },
    { name: 'info', migrations: {}, schemaPrefix: 'information_' },
    { name: 'se', migrations: {}, schemaPrefix: 'se' },
    // One of these prefixes begins with the other.
    { name: 'north', migrations: {}, schemaPrefix: 'north_' },
    { name: 'northern', migrations: {}, schemaPrefix: 'north_west_', sharing: 'north' },
    { name: 'vault', migrations: {}, isolation: 'DATABASE', schemaPrefix: 'post' },
  );
});
afterAll(() => testbed.close());

const subscribed = async (slug: string, module: string) => {
  await aTenant({ slug }).at(testbed.gateway);
  return subscribe(testbed.gateway, { tenantId: slug, module });
};

interface ProvisioningResult {
  tenant: { id: string; slug: string; status: string; subscriptions: { schemaName: string }[] };
  operation: { status: string };
}

test(`of 500 hostile slugs and names provisionTenant accepts only valid ones that are free (seed ${seed})`, async () => {
  const texts = hostileTexts(500, seed);
  const outcomes = await repeatMutation<ProvisioningResult>(
    testbed.gateway,
    'provisionTenant',
    'tenant { id slug status subscriptions { schemaName } } operation { status }',
    // Every second input omits the slug, so that it is derived from the name.
    texts.map((text, at) => ({
      ...(at % 2 ? { name: text } : { name: 'Somebody', slug: text }),
      ...{ adminEmail: 'admin@example.com', modules: ['light'] },
    })),
  );
  const taken = new Set<string>();
  const surprises: unknown[] = [];
  texts.forEach((text, at) => {
    const outcome = outcomes[at];
    const { tenant, operation } = outcome?.payload ?? {};
    const isMade =
      tenant?.status === 'ACTIVE' &&
      operation?.status === 'SUCCEEDED' &&
      isValidSlug(tenant.slug) &&
      !taken.has(tenant.slug) &&
      isIssuedName(tenant.subscriptions[0]?.schemaName ?? '', 'light_', tenant.slug);
    const isRefused = isRefusedFor(outcome, 'slug', ...(at % 2 ? ['name'] : []));
    const mustBeMade = at % 2 === 0 && isValidSlug(text) && !taken.has(text);
    const mustBeRefused = at % 2 === 0 && !mustBeMade;
    if (!(isMade || isRefused) || (mustBeMade && !isMade) || (mustBeRefused && !isRefused))
      surprises.push({ text, outcome });
    if (tenant) taken.add(tenant.slug);
  });
  expect(surprises).toEqual([]);
  expect(taken.size).toBeGreaterThan(25);
  await expectOnlyRegisteredSchemas(testbed, 'light');
}, 120_000);

describe('slugs that differ only by - and _', () => {
  test('get different schemas, the later ones with a suffix', async () => {
    const names: string[] = [];
    for (const slug of ['x-y-z', 'x_y_z', 'x-y_z', 'x_y-z']) {
      const { subscription, operation } = await subscribed(slug, 'light');
      expect(operation.status).toBe('SUCCEEDED');
      names.push(subscription.schemaName);
    }
    expect(names).toEqual(['light_x_y_z', 'light_x_y_z_2', 'light_x_y_z_3', 'light_x_y_z_4']);
    expect(await resolve(testbed.gateway, 'x-y-z', 'light')).toBe('schema light_x_y_z');
    expect(await resolve(testbed.gateway, 'x_y-z', 'light')).toBe('schema light_x_y_z_4');
  });

  test('get different schemas also when a slug ends in the suffix', async () => {
    expect((await subscribed('pair_two_2', 'light')).subscription.schemaName).toBe('light_pair_two_2');
    expect((await subscribed('pair-two', 'light')).subscription.schemaName).toBe('light_pair_two');
    expect((await subscribed('pair_two', 'light')).subscription.schemaName).toBe('light_pair_two_3');
  });

  test('get different databases with isolation DATABASE', async () => {
    const { gateway } = testbed;
    const [one, two] = [await aTenant().at(gateway), await aTenant().at(gateway)];
    const schemaName = `post${two.slug}`;
    await subscribe(gateway, { tenantId: one.id, module: 'vault', schemaName });
    const { subscription } = await subscribe(gateway, { tenantId: two.id, module: 'vault' });
    expect(subscription).toMatchObject({ databaseName: `post${two.slug}_2`, status: 'ACTIVE' });
  });

  test('get different schemas in two modules whose prefixes would make them equal', async () => {
    const { subscription } = await subscribed('west-side', 'north');
    expect(subscription.schemaName).toBe('north_west_side');
    expect((await subscribed('side', 'northern')).subscription.schemaName).toBe('north_west_side_2');
    expect(await listSchemas(testbed.url('north'))).toEqual(['north_west_side', 'north_west_side_2']);
  });

  test('have one schema per module for the same tenant', async () => {
    const { gateway } = testbed;
    const tenant = await aTenant({ slug: 'same-tenant' }).at(gateway);
    const inNorth = { tenantId: tenant.id, module: 'north', schemaName: 'north_west_same_tenant' };
    expect((await subscribe(gateway, inNorth)).operation.status).toBe('SUCCEEDED');
    const { subscription } = await subscribe(gateway, { tenantId: tenant.id, module: 'northern' });
    expect(subscription.schemaName).toBe('north_west_same_tenant_2');
  });
});

test('the longest prefix, the longest slug and a suffix fit into a PostgreSQL name', async () => {
  const words = ['a'.repeat(19), 'b'.repeat(20)];
  const names = [];
  for (const joint of ['-', '_']) {
    const { subscription, operation } = await subscribed(words.join(joint), 'long');
    expect(operation.status).toBe('SUCCEEDED');
    names.push(subscription.schemaName);
  }
  const plain = `a_prefix_of_20_bytes${words.join('_')}`;
  expect(names).toEqual([plain, `${plain}_2`]);
  expect(Buffer.byteLength(`${plain}_99`)).toBe(63);
  expect(await listSchemas(testbed.url('long'))).toEqual(names);
});

describe('a prefix and a slug that together make a reserved name', () => {
  test.each([
    ['pu', 'blic', 'public_2'],
    ['info', 'schema', 'information_schema_2'],
    ['se', 'lect', 'select_2'],
  ])('%s and %s: the tenant gets %s', async (module, slug, schemaName) => {
    const { subscription, code } = await subscribed(slug, module);
    expect(code).toBeUndefined();
    expect(subscription).toMatchObject({ status: 'ACTIVE', schemaName });
  });

  test('pg_ as a prefix: no name can be issued, and the message asks for a schemaName', async () => {
    const refused = await subscribed('g-force', 'p');
    expect(refused).toMatchObject({ code: 'CONFLICT', fields: ['schemaName'] });
    expect(refused.message).toContain('choose a schemaName');
    const { subscription } = await subscribe(testbed.gateway, {
      ...{ tenantId: 'g-force', module: 'p', schemaName: 'g_force' },
    });
    expect(subscription).toMatchObject({ status: 'ACTIVE', schemaName: 'g_force' });
    const whole = await provision(testbed.gateway, { slug: 'g-spot', modules: ['p'] });
    expect(whole).toMatchObject({ code: 'CONFLICT', fields: ['schemaName'] });
  });

  test('postgres: a tenant’s database is never the server’s own', async () => {
    await aTenant({ slug: 'gres' }).at(testbed.gateway);
    // Only the name: on a server that is not the tests' own there may be such a database.
    const waiting = { tenantId: 'gres', module: 'vault', provision: false };
    expect((await subscribe(testbed.gateway, waiting)).subscription.databaseName).toBe('postgres_2');
  });
});
