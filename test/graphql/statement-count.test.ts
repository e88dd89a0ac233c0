import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
  await gateway.psql(`
    INSERT INTO tenants (slug, name) SELECT 'tenant-' || n, 'Tenant ' || n FROM generate_series(1, 40) AS n;
    INSERT INTO tenant_settings (tenant_id, company_name) SELECT id, name FROM tenants;
    INSERT INTO tenant_branding (tenant_id) SELECT id FROM tenants;
    INSERT INTO members (tenant_id, email) SELECT id, slug || '-' || n || '@example.com' FROM tenants, generate_series(1, 3) AS n;
    INSERT INTO module_subscriptions (tenant_id, module, status)
      SELECT id, module, 'active' FROM tenants, (VALUES ('finance'), ('operations'), ('inventory')) AS wanted (module);
    INSERT INTO operations (kind, tenant_id, actor, status, finished_at)
      SELECT 'subscribe_tenant', id, 'somebody', 'succeeded', now() FROM tenants, generate_series(1, 3);
    INSERT INTO operation_steps (operation_id, position, name, module)
      SELECT id, position, 'create_schema', module FROM operations,
        (VALUES (0, 'finance'), (1, 'operations'), (2, 'inventory')) AS steps (position, module)
      WHERE kind = 'subscribe_tenant';
  `);
});
afterAll(() => gateway?.close());

const everything = `query ($first: Int) {
  tenants(first: $first) {
    totalCount
    edges { node {
      name modulesSubscribed operationsSchema financeSchema inventorySchema config
      settings { companyName } branding { presetTheme } members(first: 5) { edges { node { email } } }
      subscriptions { schemaName module { name } history(first: 5) { edges { node { kind steps { name module } } } } }
    } }
  }
}`;

async function statementsForPageOf(first: number): Promise<string[]> {
  return recordStatements(async () => {
    const { data, errors } = await gateway.ask(everything, { first });
    expect(errors).toEqual([]);
    expect(data.tenants.edges).toHaveLength(first);
    for (const { node } of data.tenants.edges) {
      expect(node.members.edges).toHaveLength(3);
      expect(node.subscriptions).toHaveLength(3);
      for (const { history } of node.subscriptions) {
        expect(history.edges).toHaveLength(3);
        expect(history.edges[0].node.steps).toHaveLength(3);
      }
    }
  });
}

test('a page of tenants with their relations costs the same number of SQL statements whatever its length', async () => {
  const ofTwo = await statementsForPageOf(2);
  const ofTwenty = await statementsForPageOf(20);
  const ofForty = await statementsForPageOf(40);
  expect([ofTwenty.length, ofForty.length]).toEqual([ofTwo.length, ofTwo.length]);
  expect(ofTwo.length).toBeLessThanOrEqual(4);
});

test('one tenant, selected twice with different fields, costs no more than two separate queries', async () => {
  const statements = await recordStatements(async () => {
    const { data } = await gateway.ask(
      `{ a: tenant(id: "tenant-1") { name settings { companyName } } b: tenant(id: "tenant-1") { slug } }`,
    );
    expect(data).toEqual({
      a: { name: 'Tenant 1', settings: { companyName: 'Tenant 1' } },
      b: { slug: 'tenant-1' },
    });
  });
  expect(statements.length).toBeLessThanOrEqual(3);
});
