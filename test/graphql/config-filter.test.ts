import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateway, recordQueries, type TestGateway } from '../setup/gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
  // Without triggers, which these tests do not need.
  await gateway.psql(`
    SET session_replication_role = replica;
    INSERT INTO tenants (slug, name, status, tenant_config)
    SELECT 't' || n, 'T' || n, 'active', jsonb_build_object(
      'branding', jsonb_build_object('theme_id', 'theme-' || n % 400),
      'destinations', jsonb_build_array(
        jsonb_build_object('name', 'Zanzibar', 'code', 'Z' || n % 400, 'enabled', true),
        jsonb_build_object('name', 'Kenya', 'code', 'KEN', 'enabled', n % 2 = 0)))
    FROM generate_series(1, 12000) AS n`);
  await gateway.psql('VACUUM ANALYZE tenants');
});
afterAll(() => gateway?.close());

const ask = (config: unknown, more = {}) =>
  gateway.ask(
    `query ($filter: TenantFilter, $after: String) {
       tenants(filter: $filter, first: 5, after: $after, orderBy: { field: SLUG }) {
         totalCount edges { node { slug } } pageInfo { endCursor hasNextPage } } }`,
    { filter: { config, ...more } },
  );

test('tenants are found by a part of their configuration, also page by page', async () => {
  const config = { destinations: [{ code: 'Z7' }], branding: { theme_id: 'theme-7' } };
  const { data } = await ask(config);
  expect(data.tenants.totalCount).toBe(30);
  expect(data.tenants.edges.map(({ node }: { node: { slug: string } }) => node.slug)).toEqual([
    't10007',
    't10407',
    't10807',
    't11207',
    't11607',
  ]);
  expect(data.tenants.pageInfo.hasNextPage).toBe(true);
  expect((await ask(config, { text: 't11' })).data.tenants.totalCount).toBe(2);
  expect((await ask({ branding: { theme_id: 'none' } })).data.tenants.totalCount).toBe(0);
});

test.each([
  ['everybody', {}, 'more than 10000 tenants'],
  ['a text', 'theme', 'must be a JSON object'],
  ['a list', [], 'must be a JSON object'],
  ['more levels than there are', JSON.parse(`{"a":${'['.repeat(60)}${']'.repeat(60)}}`), '50 levels'],
])('a search for %s is refused', async (_, config, why) => {
  const { codes, errors } = await ask(config);
  expect(new Set(codes)).toEqual(new Set(['VALIDATION_ERROR']));
  expect(errors[0]?.message).toContain(why);
});

test('the search uses the GIN index, not a scan of all tenants', async () => {
  const statements = await recordQueries(() => ask({ branding: { theme_id: 'theme-9' } }));
  const found = statements.find(({ text }) => text.includes('@>'));
  const [plan] = await gateway.psql<{ 'QUERY PLAN': unknown }>(
    `EXPLAIN (FORMAT JSON) ${found?.text}`,
    found?.values,
  );
  const text = JSON.stringify(plan);
  expect(text).toContain('"Index Name":"tenants_tenant_config_idx"');
  expect(text).not.toContain('Seq Scan');
});
