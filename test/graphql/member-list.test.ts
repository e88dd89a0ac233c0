import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
  // Many more of them than a page has, and in one tenant none.
  await gateway.psql(`
    INSERT INTO tenants (slug, name) SELECT 'team-' || n, 'Team ' || n FROM generate_series(0, 20) AS n;
    INSERT INTO members (tenant_id, email)
      SELECT id, 'person-' || lpad(n::text, 3, '0') || '@' || slug || '.example' FROM tenants, generate_series(0, 49) AS n
      WHERE n < right(slug, 1)::int * 5`);
});
afterAll(() => gateway?.close());

interface Members {
  edges: { cursor: string; node: { email: string } }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

function ask(variables: object, slug = 'team-9') {
  return gateway.ask(
    `query ($slug: ID!, $first: Int, $after: String, $last: Int, $before: String) { tenant(id: $slug) {
       members(first: $first, after: $after, last: $last, before: $before) {
         edges { cursor node { email } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
    { slug, ...variables },
  );
}

async function pageOf(variables: object, slug?: string): Promise<Members> {
  const { data, errors } = await ask(variables, slug);
  expect(errors).toEqual([]);
  return data.tenant.members;
}

const emailsOf = ({ edges }: Members) => edges.map(({ node }) => node.email);

test.each([1, 7, 20, 45, 100])(
  'pages of %i members, forward and backward, have each of them once',
  async (size) => {
    const rows = await gateway.psql<{ email: string }>(
      `SELECT email FROM members WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'team-9') ORDER BY email`,
    );
    const expected = rows.map(({ email }) => email);
    expect(expected).toHaveLength(45);
    const forward: string[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await pageOf({ first: size, after });
      forward.push(...emailsOf(page));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    }
    expect(forward).toEqual(expected);
    const backward: string[] = [];
    for (let before: string | null | undefined; before !== null; ) {
      const page = await pageOf({ last: size, before });
      backward.unshift(...emailsOf(page));
      before = page.pageInfo.hasPreviousPage ? page.pageInfo.startCursor : null;
    }
    expect(backward).toEqual(expected);
  },
);

test('a page between two members has the members between them', async () => {
  const { edges } = await pageOf({ first: 10 });
  const between = await pageOf({ first: 3, after: edges[1]?.cursor, before: edges[6]?.cursor });
  expect(emailsOf(between)).toEqual(edges.slice(2, 5).map(({ node }) => node.email));
  const end = await pageOf({ last: 2, after: edges[1]?.cursor, before: edges[6]?.cursor });
  expect(emailsOf(end)).toEqual(edges.slice(4, 6).map(({ node }) => node.email));
});

test('a tenant without members has an empty page', async () => {
  expect(await pageOf({}, 'team-0')).toEqual({
    edges: [],
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  });
});

test('members of many tenants take the same number of statements, also with different pages', async () => {
  const count = async (first: number) =>
    (
      await recordStatements(async () => {
        const { data, errors } = await gateway.ask(
          `query ($first: Int) { tenants(first: $first) { edges { node {
             slug some: members(first: 3) { edges { node { email } } } last: members(last: 2) { edges { node { email } } } } } } }`,
          { first },
        );
        expect(errors).toEqual([]);
        for (const { node } of data.tenants.edges) {
          const has = Number(node.slug.at(-1)) * 5;
          expect([node.some.edges.length, node.last.edges.length]).toEqual([
            Math.min(has, 3),
            Math.min(has, 2),
          ]);
          for (const { node: member } of node.some.edges)
            expect(member.email).toContain(`@${node.slug}.example`);
        }
      })
    ).length;
  expect(await count(20)).toBe(await count(2));
});

test.each([
  ['both ends', { first: 1, last: 1 }],
  ['a size below 0', { first: -1 }],
  ['an address as a cursor', { after: 'person-001@team-9.example' }],
])('%s is refused with VALIDATION_ERROR', async (_what, variables) => {
  expect((await ask(variables)).codes).toEqual(['VALIDATION_ERROR']);
});
