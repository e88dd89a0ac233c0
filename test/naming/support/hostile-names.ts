import { expect, test } from 'vitest';
import type { GatewayWithModules } from '../../provisioning/support/gateway-with-own-modules.js';
import { seed } from '../../setup/seed.js';
import { isIssuedName, isValidSlug } from './contract.js';
import { hostileTexts } from './hostile.js';
import { isRefusedFor, repeatMutation } from './repeated-mutations.js';
import { expectOnlyRegisteredSchemas } from './schema-census.js';

export interface Registered {
  tenant: { id: string; slug: string; name: string };
}
interface Subscribed {
  subscription: { schemaName: string };
  operation: { status: string };
}

async function subscribeAll(testbed: GatewayWithModules, ids: string[]): Promise<string[]> {
  const outcomes = await repeatMutation<Subscribed>(
    testbed.gateway,
    'subscribeTenantToModule',
    'subscription { schemaName } operation { status }',
    ids.map((tenantId) => ({ tenantId, module: 'light' })),
  );
  expect(outcomes.filter(({ payload }) => payload?.operation.status !== 'SUCCEEDED')).toEqual([]);
  return outcomes.map(({ payload }) => payload?.subscription.schemaName ?? '');
}

/** Tests of slugs, names and ids that are random and hostile. The gateway has the module `light`. */
export function testHostileNames(count: number, testbed: () => GatewayWithModules): void {
  test(`of ${count} hostile slugs only valid ones that are free become tenants (seed ${seed})`, async () => {
    const slugs = hostileTexts(count, seed);
    const outcomes = await repeatMutation<Registered>(
      testbed().gateway,
      'registerTenant',
      'tenant { id slug name }',
      slugs.map((slug) => ({ name: 'Somebody', slug })),
    );
    const taken = new Set<string>();
    const tenants: Registered['tenant'][] = [];
    const surprises: unknown[] = [];
    slugs.forEach((slug, at) => {
      const outcome = outcomes[at];
      const wanted = !isValidSlug(slug) ? 'VALIDATION_ERROR' : taken.has(slug) ? 'CONFLICT' : undefined;
      const isAsWanted =
        outcome?.code === wanted &&
        (wanted ? isRefusedFor(outcome, 'slug') : outcome?.payload?.tenant.slug === slug);
      if (!isAsWanted) surprises.push({ slug, wanted, outcome });
      if (wanted === undefined && outcome?.payload) tenants.push(outcome?.payload.tenant);
      if (isValidSlug(slug)) taken.add(slug);
    });
    expect(surprises).toEqual([]);
    expect(tenants.length).toBeGreaterThan(count / 20);

    const schemas = await subscribeAll(
      testbed(),
      tenants.map(({ id }) => id),
    );
    const wrong = tenants.filter(({ slug }, at) => !isIssuedName(schemas[at] ?? '', 'light_', slug));
    expect(wrong).toEqual([]);
    await expectOnlyRegisteredSchemas(testbed(), 'light');
  });

  test(`of ${count} hostile names none becomes a tenant with an invalid or reserved slug (seed ${seed})`, async () => {
    const before = await testbed().gateway.psql<{ slug: string }>('SELECT slug FROM tenants');
    const taken = new Set(before.map(({ slug }) => slug));
    const names = hostileTexts(count, seed + 1);
    const outcomes = await repeatMutation<Registered>(
      testbed().gateway,
      'registerTenant',
      'tenant { id slug name }',
      names.map((name) => ({ name })),
    );
    const tenants: Registered['tenant'][] = [];
    const surprises: unknown[] = [];
    names.forEach((name, at) => {
      const outcome = outcomes[at];
      const tenant = outcome?.payload?.tenant;
      const isAsWanted = tenant
        ? tenant.name === name.trim() && isValidSlug(tenant.slug) && !taken.has(tenant.slug)
        : isRefusedFor(outcome, 'name', 'slug');
      if (!isAsWanted) surprises.push({ name, outcome });
      if (!tenant) return;
      taken.add(tenant.slug);
      tenants.push(tenant);
    });
    expect(surprises).toEqual([]);
    expect(tenants.length).toBeGreaterThan(count / 20);

    const schemas = await subscribeAll(
      testbed(),
      tenants.map(({ id }) => id),
    );
    expect(tenants.filter(({ slug }, at) => !isIssuedName(schemas[at] ?? '', 'light_', slug))).toEqual([]);
    await expectOnlyRegisteredSchemas(testbed(), 'light');
  });

  test(`none of ${count} hostile texts is accepted as a tenant’s id (seed ${seed})`, async () => {
    const rows = await testbed().gateway.psql<{ slug: string }>('SELECT slug FROM tenants');
    const slugs = new Set(rows.map(({ slug }) => slug));
    const texts = hostileTexts(count, seed + 2).filter((text) => !slugs.has(text));
    const outcomes = await repeatMutation(
      testbed().gateway,
      'updateTenant',
      'revision',
      texts.map((tenantId) => ({ tenantId, name: 'Mine now' })),
    );
    const surprises = outcomes.filter(
      (outcome) => outcome.code !== 'TENANT_NOT_FOUND' && !isRefusedFor(outcome, 'tenantId'),
    );
    expect(surprises).toEqual([]);
  });
}
