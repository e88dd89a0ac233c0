import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
  // Several attempts begin at the same time, so only operation and number separate them; some are on another module.
  await gateway.psql(`
    INSERT INTO tenants (slug, name) SELECT 'tenant-' || n, 'Tenant ' || n FROM generate_series(1, 10) AS n;
    INSERT INTO module_subscriptions (tenant_id, module, status)
      SELECT id, module, 'active' FROM tenants, unnest('{finance,inventory}'::text[]) AS module;
    INSERT INTO operations (kind, tenant_id, actor, status, created_at, finished_at)
      SELECT 'subscribe_tenant', id, 'somebody', 'succeeded', '2026-01-01'::timestamptz + (n / 3) * interval '1 minute', now()
      FROM tenants, generate_series(1, 25) AS n;
    INSERT INTO operation_steps (operation_id, position, name, module)
      SELECT id, 0, 'create_schema', CASE extract(second FROM created_at)::int % 2 WHEN 0 THEN 'finance' ELSE 'inventory' END
      FROM operations WHERE kind = 'subscribe_tenant'`);
});
afterAll(() => gateway?.close());

interface Page {
  edges: { cursor: string; node: { id: string; number: number } }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

function ask(variables: object) {
  return gateway.ask(
    `query ($first: Int, $after: String, $last: Int, $before: String) { tenant(id: "tenant-3") { subscriptions { module { name }
       history(first: $first, after: $after, last: $last, before: $before) {
         edges { cursor node { id number createdAt } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }`,
    { ...variables },
  );
}

async function pageOf(variables: object): Promise<Page> {
  const { data, errors } = await ask(variables);
  expect(errors).toEqual([]);
  return data.tenant.subscriptions[0].history;
}

const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id);

test.each([1, 4, 100])(
  'pages of %i attempts, forward and backward, have each of them once, newest first',
  async (size) => {
    const rows = await gateway.psql<{ id: string }>(
      `SELECT operation_id || ':' || number AS id FROM operation_attempts JOIN operation_modules USING (operation_id)
     WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'tenant-3') AND module = 'finance' AND operation_attempts.kind <> 'bind_storage'
     ORDER BY operation_attempts.created_at DESC, operation_id DESC, number DESC`,
    );
    const expected = rows.map(({ id }) => id);
    expect(expected.length).toBeGreaterThan(8);
    const forward: string[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await pageOf({ first: size, after });
      forward.push(...idsOf(page));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    }
    expect(forward).toEqual(expected);
    const backward: string[] = [];
    for (let before: string | null | undefined; before !== null; ) {
      const page = await pageOf({ last: size, before });
      backward.unshift(...idsOf(page));
      before = page.pageInfo.hasPreviousPage ? page.pageInfo.startCursor : null;
    }
    expect(backward).toEqual(expected);
  },
);

test('histories of many subscriptions take the same number of statements', async () => {
  const count = async (first: number) =>
    (
      await recordStatements(async () => {
        const { errors } = await gateway.ask(
          `query ($first: Int) { tenants(first: $first) { edges { node { subscriptions {
             newest: history(first: 2) { edges { node { status operation { id } steps { name } } } }
             oldest: history(last: 2) { edges { node { status } } } } } } } }`,
          { first },
        );
        expect(errors).toEqual([]);
      })
    ).length;
  expect(await count(10)).toBe(await count(2));
});

const encode = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
test.each([
  ['both ends', { first: 1, last: 1 }],
  ['a size below 0', { last: -1 }],
  [
    'a cursor of operations',
    { after: encode('operations', 'createdAt', '2026-01-01T00:00:00.000000Z', crypto.randomUUID()) },
  ],
  [
    'a cursor without a number',
    { after: encode('attempts', 'createdAt', '2026-01-01T00:00:00.000000Z', crypto.randomUUID()) },
  ],
  [
    'a cursor with a number that is none',
    { before: encode('attempts', 'createdAt', '2026-01-01T00:00:00.000000Z', `${crypto.randomUUID()}:x`) },
  ],
  [
    'a cursor without a time',
    { before: encode('attempts', 'createdAt', 'then', `${crypto.randomUUID()}:1`) },
  ],
])('%s is refused with VALIDATION_ERROR', async (_what, variables) => {
  expect((await ask(variables)).codes).toContain('VALIDATION_ERROR');
});
