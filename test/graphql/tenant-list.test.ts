import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
  await gateway.psql(`
    INSERT INTO tenants (slug, name, status, plan, created_at) VALUES
      ('alpha', 'Alpha 100% Pure', 'active', 'lite', '2026-01-05'),
      ('bravo', 'bravo under_score', 'active', 'pro', '2026-01-04'),
      ('charlie', 'Charlie back\\slash', 'suspended', 'pro', '2026-01-03'),
      ('delta', 'DELTA', 'active', 'enterprise', '2026-01-02'),
      ('echo-one', 'Twin', 'pending', 'lite', '2026-01-01'),
      ('echo-two', 'Twin', 'failed', 'lite', '2026-01-01'),
      ('echo-three', 'Twin', 'active', 'lite', '2026-01-01'),
      ('foxtrot', 'Foxtrot 1000 underXscore', 'deleted', 'lite', '2026-01-06'),
      ('gone', 'Gone', 'purged', 'lite', '2026-01-07');
    INSERT INTO module_subscriptions (tenant_id, module, status)
      SELECT id, 'finance', state::subscription_status FROM tenants JOIN (VALUES
        ('alpha', 'active'), ('bravo', 'pending'), ('charlie', 'active'), ('delta', 'cancelled')
      ) AS given (slug, state) USING (slug);
    UPDATE module_subscriptions SET migration_version = 'finance/0002.sql'
      WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'charlie');
    INSERT INTO module_subscriptions (tenant_id, module, status)
      SELECT id, 'operations', 'failed' FROM tenants WHERE slug = 'delta';
    UPDATE tenants SET config_source = 'yaml' WHERE slug = 'bravo';
    INSERT INTO members (tenant_id, email) SELECT id, 'ann@xn--bcher-kva.example' FROM tenants WHERE slug IN ('alpha', 'delta')`);
});
afterAll(() => gateway?.close());

interface Page {
  totalCount: number;
  edges: { cursor: string; node: { slug: string } }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

function ask(variables: object) {
  return gateway.ask(
    `query ($first: Int, $after: String, $last: Int, $before: String, $filter: TenantFilter, $orderBy: TenantOrder) {
       tenants(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
         totalCount
         edges { cursor node { slug } }
         pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
       }
     }`,
    { ...variables },
    { accept: graphqlResponse },
  );
}

async function pageOf(variables: object): Promise<Page> {
  const { data, errors } = await ask(variables);
  expect(errors).toEqual([]);
  return data.tenants;
}

const slugsOf = ({ edges }: Page) => edges.map(({ node }) => node.slug);
const all = ['alpha', 'bravo', 'charlie', 'delta', 'echo-one', 'echo-three', 'echo-two', 'foxtrot'];

describe('the list of tenants', () => {
  test.each([
    ['everybody but the purged', {}, all],
    ['one status', { status: ['SUSPENDED'] }, ['charlie']],
    ['several statuses', { status: ['PENDING', 'FAILED', 'DELETED'] }, ['echo-one', 'echo-two', 'foxtrot']],
    ['the purged, when asked for', { status: ['PURGED'] }, ['gone']],
    ['no status at all', { status: [] }, []],
    ['one plan', { plan: ['ENTERPRISE'] }, ['delta']],
    ['several plans', { plan: ['PRO', 'ENTERPRISE'] }, ['bravo', 'charlie', 'delta']],
    ['an active subscription', { module: 'finance' }, ['alpha', 'charlie']],
    ['a module nobody has', { module: 'inventory' }, []],
    [
      'subscriptions in several statuses',
      { modules: [{ module: 'finance', statuses: ['PENDING', 'CANCELLED'] }] },
      ['bravo', 'delta'],
    ],
    [
      'subscriptions to several modules',
      {
        modules: [
          { module: 'finance', statuses: ['CANCELLED'] },
          { module: 'operations', statuses: ['FAILED'] },
        ],
      },
      ['delta'],
    ],
    ['a migration', { migration: { module: 'finance', at: 'finance/0002.sql' } }, ['charlie']],
    [
      'another migration',
      { migration: { module: 'finance', notAt: 'finance/0002.sql' } },
      ['alpha', 'bravo'],
    ],
    [
      'a lower migration',
      { migration: { module: 'finance', below: 'finance/0003.sql' } },
      ['alpha', 'bravo', 'charlie'],
    ],
    ['the source of the configuration', { configSource: 'YAML' }, ['bravo']],
    [
      'the time of registration',
      { createdFrom: '2026-01-02T00:00:00Z', createdUntil: '2026-01-04T00:00:00Z' },
      ['charlie', 'delta'],
    ],
    [
      'a member, however the address is written',
      { memberEmail: ' Ann@B\u00dccher.example' },
      ['alpha', 'delta'],
    ],
    ['attention', { needsAttention: true }, ['delta']],
    ['no attention', { needsAttention: false, plan: ['PRO', 'ENTERPRISE'] }, ['bravo', 'charlie']],
    ['ids that nobody has', { ids: ['00000000-0000-4000-8000-000000000000'] }, []],
    ['text in the name, whatever its case', { text: 'delt' }, ['delta']],
    ['text in capitals', { text: 'TWIN' }, ['echo-one', 'echo-three', 'echo-two']],
    ['text in the slug', { text: 'echo-t' }, ['echo-three', 'echo-two']],
    ['text around blanks', { text: '  charlie ' }, ['charlie']],
    ['a % as a letter', { text: '100%' }, ['alpha']],
    ['a _ as a letter', { text: 'under_' }, ['bravo']],
    ['a \\ as a letter', { text: 'back\\s' }, ['charlie']],
    ['a quote as a letter', { text: "'" }, []],
    [
      'all conditions together',
      { status: ['ACTIVE'], plan: ['LITE'], module: 'finance', text: 'pure' },
      ['alpha'],
    ],
    ['conditions nobody meets together', { status: ['SUSPENDED'], plan: ['LITE'] }, []],
  ])('can be filtered by %s', async (_what, filter, slugs) => {
    const page = await pageOf({ filter, orderBy: { field: 'SLUG' } });
    expect(slugsOf(page)).toEqual(slugs);
    expect(page.totalCount).toBe(slugs.length);
  });

  test('is ordered by name by default', async () => {
    const byDefault = slugsOf(await pageOf({}));
    expect(byDefault).toEqual(slugsOf(await pageOf({ orderBy: { field: 'NAME', direction: 'ASC' } })));
    expect(byDefault[0]).toBe('alpha');
  });

  test.each(['NAME', 'SLUG', 'CREATED_AT', 'UPDATED_AT', 'PLAN', 'STATUS'])(
    'by %s has a total order, and DESC is its reverse',
    async (field) => {
      const ascending = slugsOf(await pageOf({ orderBy: { field } }));
      expect(ascending.toSorted()).toEqual(all);
      expect(slugsOf(await pageOf({ orderBy: { field, direction: 'DESC' } }))).toEqual(
        ascending.toReversed(),
      );
    },
  );

  test('by CREATED_AT begins with the oldest tenant, by SLUG with the first letter', async () => {
    const byAge = slugsOf(await pageOf({ orderBy: { field: 'CREATED_AT' } }));
    expect(byAge.slice(3)).toEqual(['delta', 'charlie', 'bravo', 'alpha', 'foxtrot']);
    expect(slugsOf(await pageOf({ orderBy: { field: 'SLUG' } }))).toEqual(all);
  });

  test('by PLAN and by STATUS is in the order of the enum, and then by name', async () => {
    const byPlan = slugsOf(await pageOf({ orderBy: { field: 'PLAN', direction: 'DESC' } }));
    expect([byPlan[0], byPlan.slice(1, 3).toSorted()]).toEqual(['delta', ['bravo', 'charlie']]);
    const byStatus = slugsOf(await pageOf({ orderBy: { field: 'STATUS' } }));
    expect([byStatus[0], byStatus.slice(-3)]).toEqual(['echo-one', ['charlie', 'echo-two', 'foxtrot']]);
    const { edges } = await pageOf({ orderBy: { field: 'PLAN' }, first: 6 });
    const after = edges.at(-1)?.cursor;
    expect(slugsOf(await pageOf({ orderBy: { field: 'PLAN' }, after }))).toEqual([
      ...byPlan.slice(0, 2).toReversed(),
    ]);
    expect((await ask({ orderBy: { field: 'STATUS' }, after })).codes).toEqual(['VALIDATION_ERROR']);
  });

  test('by UPDATED_AT ends with the latest change', async () => {
    await gateway.psql(`UPDATE tenants SET max_users = max_users + 1 WHERE slug = 'delta'`);
    expect(slugsOf(await pageOf({ orderBy: { field: 'UPDATED_AT' } })).at(-1)).toBe('delta');
  });
});

describe('pages', () => {
  test.each([1, 2, 3, 7, 8, 50])('of %i, forward and backward, contain every tenant once', async (size) => {
    // Three tenants have the same value in this field, so only a total order separates the pages.
    const orderBy = { field: 'CREATED_AT' };
    const expected = slugsOf(await pageOf({ orderBy }));
    const forward: string[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await pageOf({ first: size, after, orderBy });
      expect(page.totalCount).toBe(all.length);
      expect(page.edges.length).toBeLessThanOrEqual(size);
      expect(page.pageInfo.endCursor).toBe(page.edges.at(-1)?.cursor);
      forward.push(...slugsOf(page));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    }
    expect(forward).toEqual(expected);
    const backward: string[] = [];
    for (let before: string | null | undefined; before !== null; ) {
      const page = await pageOf({ last: size, before, orderBy });
      backward.unshift(...slugsOf(page));
      before = page.pageInfo.hasPreviousPage ? page.pageInfo.startCursor : null;
    }
    expect(backward).toEqual(expected);
  });

  test('skip no tenant when the last one of the previous page no longer matches the filter', async () => {
    const filter = { status: ['ACTIVE'] };
    const orderBy = { field: 'SLUG' };
    expect(slugsOf(await pageOf({ filter, orderBy }))).toEqual(['alpha', 'bravo', 'delta', 'echo-three']);
    const page = await pageOf({ first: 2, filter, orderBy });
    await mutate(gateway, 'suspendTenant', { tenantId: 'bravo', reason: 'meanwhile' });
    const next = await pageOf({ first: 2, after: page.pageInfo.endCursor, filter, orderBy });
    await mutate(gateway, 'resumeTenant', { tenantId: 'bravo' });
    expect(slugsOf(next)).toEqual(['delta', 'echo-three']);
  });

  test('have 20 tenants by default and 100 at most', async () => {
    await gateway.psql(
      `INSERT INTO tenants (slug, name) SELECT 'many-' || n, 'Many ' || n FROM generate_series(1, 120) AS n`,
    );
    const filter = { text: 'Many' };
    expect((await pageOf({ filter })).edges).toHaveLength(20);
    const largest = await pageOf({ filter, first: 100_000 });
    expect(largest.edges).toHaveLength(100);
    expect(largest.totalCount).toBe(120);
    expect(largest.pageInfo.hasNextPage).toBe(true);
    expect((await pageOf({ filter, first: 0 })).edges).toEqual([]);
  });

  const encode = (text: string) => Buffer.from(text).toString('base64');
  test.each([
    ['a size below 0', { first: -1 }],
    ['a size below 0 from the end', { last: -1 }],
    ['both ends', { first: 2, last: 2 }],
    ['text as a size', { first: 'two' }],
    ['a size too large for a number', { first: 3_000_000_000 }],
    ['an empty cursor', { after: '' }],
    ['a cursor that is none', { after: 'nonsense' }],
    ['a cursor from elsewhere', { before: encode('offset:3') }],
    ['a cursor that holds no id', { after: encode('GPC:S:nobody') }],
    ['a cursor that holds a number', { after: encode('GPC:N:7') }],
    ['a cursor that holds an object', { after: encode('GPC:O:{"not":"this"}') }],
    ['a cursor that holds nothing', { after: encode('GPC:Z:') }],
    ['a cursor that holds NUL', { after: encode('GPC:S:a\0b') }],
    ['a cursor of nobody', { after: encode('GPC:S:00000000-0000-4000-8000-000000000000') }],
    ['invisible text', { filter: { text: 'a\u0000b' } }],
    ['blank text', { filter: { text: '   ' } }],
    ['endless text', { filter: { text: 'x'.repeat(201) } }],
    ['an id that is none', { filter: { ids: ['alpha'] } }],
    ['too many ids', { filter: { ids: Array(501).fill('00000000-0000-4000-8000-000000000000') } }],
    ['an address that is none', { filter: { memberEmail: 'ann' } }],
    ['no migration', { filter: { migration: { module: 'finance' } } }],
    ['two migrations', { filter: { migration: { module: 'finance', at: 'a', below: 'b' } } }],
    [
      'an end before the beginning',
      { filter: { createdFrom: '2026-01-02T00:00:00Z', createdUntil: '2026-01-01T00:00:00Z' } },
    ],
    [
      'a cursor of a plan that is none',
      {
        orderBy: { field: 'PLAN' },
        after: encode('["tenants","plan","gold:A","00000000-0000-4000-8000-000000000000"]'),
      },
    ],
    ['a status that is none', { filter: { status: ['GREEN'] } }],
    ['an order that is none', { orderBy: { field: 'SHOE_SIZE' } }],
  ])('with %s are refused with VALIDATION_ERROR', async (_what, variables) => {
    const { status, codes } = await ask(variables);
    expect([status, codes]).toEqual([400, ['VALIDATION_ERROR']]);
  });

  test('with a cursor of the audit log are refused with VALIDATION_ERROR, and vice versa', async () => {
    const { data } = await gateway.ask(
      '{ auditLog(first: 1) { edges { cursor } } tenants(first: 1) { edges { cursor } } }',
    );
    expect((await ask({ after: data.auditLog.edges[0].cursor })).codes).toEqual(['VALIDATION_ERROR']);
    const auditLog = await gateway.ask(
      `query ($after: String) { auditLog(after: $after) { edges { cursor } } }`,
      {
        after: data.tenants.edges[0].cursor,
      },
    );
    expect(auditLog.codes).toEqual(['VALIDATION_ERROR']);
  });
});
