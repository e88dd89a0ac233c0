import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const selection = 'tenant { slug externalIds }';
const add = (tenantId: string, externalId: string) =>
  mutate(gateway, 'addTenantExternalId', { tenantId, externalId }, selection);
const remove = (tenantId: string, externalId: string) =>
  mutate(gateway, 'removeTenantExternalId', { tenantId, externalId }, selection);

describe('external ids of a tenant', () => {
  test('are added and removed, and doing so twice is no error', async () => {
    const { id } = await aTenant().at(gateway);
    const [one, two] = [uniqueName('A'), uniqueName('b')];
    for (let round = 0; round < 2; round++) {
      await add(id, two);
      expect((await add(two, one)).result.tenant.externalIds).toEqual([one, two]);
      expect((await add(id, one)).result.tenant.externalIds).toEqual([one, two]);
      for (let repeat = 0; repeat < 2; repeat++)
        expect((await remove(id, one)).result.tenant.externalIds).toEqual([two]);
    }
  });

  test.each([
    ['an id of another tenant', 'other', 'CONFLICT'],
    ['an id that another tenant had', 'removed', 'CONFLICT'],
    ['a slug of another tenant', 'slug', 'CONFLICT'],
    ['its own slug', 'own', 'CONFLICT'],
    ['a UUID', '00000000-0000-4000-8000-000000000001', 'VALIDATION_ERROR'],
    ['a form that is none', 'a/b', 'VALIDATION_ERROR'],
  ])('are refused: %s', async (_what, given, code) => {
    const [mine, theirs] = [await aTenant().at(gateway), await aTenant().at(gateway)];
    const taken = { other: uniqueName('x'), removed: uniqueName('y'), slug: theirs.slug, own: mine.slug };
    for (const externalId of [taken.other, taken.removed]) await add(theirs.id, externalId);
    await remove(theirs.id, taken.removed);
    const externalId = taken[given as keyof typeof taken] ?? given;
    for (const attempt of [
      await add(mine.id, externalId),
      await mutate(gateway, 'registerTenant', {
        name: 'x',
        slug: uniqueName('t'),
        externalIds: [externalId],
      }),
    ]) {
      if (given === 'own' && attempt.errors[0]?.message.includes('this tenant')) continue;
      expect(attempt.codes).toEqual([code]);
      expect(attempt.errors[0]?.extensions.fields?.[0]?.field).toMatch(/^externalIds?(\.0)?$/);
    }
  });

  test('are at most 20', async () => {
    const slug = uniqueName('t');
    const externalIds = Array.from({ length: 20 }, (_, at) => `${slug}.${at}`);
    const fields = { name: 'Many', slug, externalIds };
    expect(
      (await mutate(gateway, 'registerTenant', fields, selection)).result.tenant.externalIds,
    ).toHaveLength(20);
    await remove(slug, `${slug}.0`);
    expect((await add(slug, `${slug}.20`)).codes).toEqual(['CONFLICT']);
    expect((await add(slug, `${slug}.0`)).codes).toEqual([]);
  });

  test('end with the tenant’s right to be changed, and stay taken', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const externalId = uniqueName('x');
    await add(id, externalId);
    await mutate(gateway, 'deleteTenant', { tenantId: externalId });
    expect((await add(id, uniqueName('x'))).codes).toEqual(['TENANT_DELETED']);
    const taken = await mutate(gateway, 'registerTenant', { name: 'x', slug: externalId });
    expect(taken.codes).toEqual(['CONFLICT']);
    expect(taken.errors[0]?.message).toContain(id);
    const { data } = await gateway.ask(
      'query ($name: String!) { slugSuggestion(name: $name) { isAvailable } }',
      {
        name: externalId.replaceAll('_', '-'),
      },
    );
    expect(data.slugSuggestion).toEqual({ isAvailable: true });
    expect((await remove(slug, uniqueName('never'))).codes).toEqual(['NOT_FOUND']);
  });

  test('of a new tenant are given with it, and those of a failed attempt that are not requested again are removed', async () => {
    const slug = uniqueName('t');
    const provision = (externalIds?: string[], module = 'finance') =>
      mutate(
        gateway,
        'provisionTenant',
        {
          name: 'New',
          slug,
          adminEmail: 'a@acme.example',
          modules: [module],
          ...(externalIds && { externalIds }),
        },
        'tenant { status externalIds }',
      );
    const { result } = await provision([`${slug}.one`, `${slug}.two`]);
    expect(result.tenant).toEqual({ status: 'ACTIVE', externalIds: [`${slug}.one`, `${slug}.two`] });
    await gateway.psql(`UPDATE tenants SET status = 'failed' WHERE slug = $1`, [slug]);
    await gateway.psql(
      `UPDATE module_subscriptions SET status = 'failed' WHERE tenant_id = (SELECT id FROM tenants WHERE slug = $1)`,
      [slug],
    );
    await provision([`${slug}.two`]);
    const { data } = await gateway.ask('query ($id: ID!) { tenant(id: $id) { externalIds } }', { id: slug });
    expect(data.tenant).toEqual({ externalIds: [`${slug}.two`] });
  });
});

describe('the list of tenants', () => {
  const listed = async (filter: object) => {
    const { data, errors } = await gateway.ask(
      'query ($filter: TenantFilter) { tenants(first: 10, filter: $filter) { edges { node { slug } } } }',
      { filter },
    );
    expect(errors).toEqual([]);
    return data.tenants.edges.map(({ node }: { node: { slug: string } }) => node.slug);
  };

  test('finds tenants by external ids, and by a part of one', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const other = await aTenant().at(gateway);
    const stem = uniqueName('Stem');
    for (const externalId of [`${stem}.one`, `${stem}.two`]) await add(id, externalId);
    await add(other.id, `${stem}.gone`);
    await remove(other.id, `${stem}.gone`);
    expect(await listed({ externalIds: [`${stem}.one`, `${stem}.two`, `${stem}.gone`, 'nobody'] })).toEqual([
      slug,
    ]);
    expect(await listed({ externalIds: [] })).toEqual([]);
    expect(await listed({ text: stem.toLowerCase() })).toEqual([slug]);
    expect(await listed({ text: `${stem}.o`, status: ['ACTIVE'], plan: ['LITE'] })).toEqual([slug]);
    expect(await listed({ text: `${stem}.gone` })).toEqual([]);
  });
});
