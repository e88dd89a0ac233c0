import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, openGateway, recordQueries, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
let one: { id: string; slug: string };
let other: { id: string; slug: string };
let actor: string;
beforeAll(async () => {
  gateway = await openGateway();
  one = await aTenant().subscribedTo('finance').at(gateway);
  other = await aTenant().at(gateway);
  const key = await gateway.createKey('registry:write');
  for (const { id } of [one, other]) {
    await mutate(gateway, 'suspendTenant', { tenantId: id, reason: 'unpaid' }, 'revision', { key });
    await mutate(gateway, 'resumeTenant', { tenantId: id });
  }
  const [row] = await gateway.psql<{ actor: string }>(`SELECT 'api-key:' || id AS actor FROM api_keys`);
  actor = row?.actor ?? '';
});
afterAll(() => gateway?.close());

interface Variables {
  tenantId?: string;
  filter?: object;
  first?: number;
  last?: number;
  after?: string | null;
  before?: string | null;
}

async function ask(variables: Variables): Promise<Answer<undefined>> {
  return gateway.ask(
    `query ($tenantId: ID, $filter: AuditLogFilter, $first: Int, $last: Int, $after: String, $before: String) {
       auditLog(tenantId: $tenantId, filter: $filter, first: $first, last: $last, after: $after, before: $before) {
         edges { cursor node { revision position kind kindText tenantSlug module actor changedAt } }
         pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
       } }`,
    { ...variables },
    { accept: graphqlResponse },
  );
}

interface Entry {
  revision: string;
  position: number;
  kind: string;
  kindText: string;
  tenantSlug: string | null;
  module: string | null;
  actor: string;
  changedAt: string;
}

async function entries(variables: Variables): Promise<Entry[]> {
  const { data, errors } = await ask({ first: 100, ...variables });
  expect(errors).toEqual([]);
  return data.auditLog.edges.map(({ node }: { node: Entry }) => node);
}

const place = ({ revision, position }: Entry) => `${revision}/${position}`;

describe('the audit log', () => {
  test('filtered by actor has the changes of that actor only', async () => {
    expect(
      (await entries({ filter: { actor } })).map(({ kindText, tenantSlug }) => [kindText, tenantSlug]),
    ).toEqual([
      ['tenant.suspended', other.slug],
      ['tenant.suspended', one.slug],
    ]);
    expect(await entries({ filter: { actor: 'operator:nobody' } })).toEqual([]);
    expect(await entries({ filter: { actor: actor.slice(0, -1) } })).toEqual([]);
  });

  test('filtered by one kind, by several and by a prefix, is newest first', async () => {
    const all = await entries({});
    for (const kindText of [['tenant.suspended'], ['tenant.resumed', 'subscription.created'], ['tenant.']]) {
      const wanted = all.filter((entry) =>
        kindText.some((one) => (one.endsWith('.') ? entry.kindText.startsWith(one) : entry.kindText === one)),
      );
      expect(wanted.length).toBeGreaterThan(1);
      expect(await entries({ filter: { kindText } })).toEqual(wanted);
    }
    expect(await entries({ filter: { kindText: ['tenant.exploded'] } })).toEqual([]);
    expect(await entries({ filter: { kindText: ['rocket.'] } })).toEqual([]);
    // A kind that the filter names twice selects its entries once.
    expect(await entries({ filter: { kindText: ['tenant.', 'tenant.resumed', 'tenant.resumed'] } })).toEqual(
      await entries({ filter: { kindText: ['tenant.'] } }),
    );
  });

  test('filtered by values of the enum, alone and together with names, has the entries that meet both', async () => {
    const all = await entries({});
    const cases: [object, (entry: Entry) => boolean][] = [
      [{ kind: ['TENANT_SUSPENDED', 'TENANT_RESUMED'] }, ({ kind }) => /^TENANT_(SUSP|RESU)/.test(kind)],
      [
        { kind: ['TENANT_SUSPENDED', 'SETTINGS_CREATED'], kindText: ['tenant.'] },
        ({ kind }) => kind === 'TENANT_SUSPENDED',
      ],
      [{ kind: ['TENANT_SUSPENDED'], kindText: ['tenant.resumed'] }, () => false],
      [{ kind: ['OTHER'] }, () => false],
    ];
    for (const [filter, isWanted] of cases) expect(await entries({ filter })).toEqual(all.filter(isWanted));
  });

  test('filtered by time is exact to the microsecond', async () => {
    const all = await entries({});
    const middle = all[Math.floor(all.length / 2)];
    const moment = middle?.changedAt ?? '';
    const since = await entries({ filter: { since: moment } });
    const until = await entries({ filter: { until: moment } });
    expect([...since, ...until].map(place)).toEqual(all.map(place));
    expect(since.map(place)).toContain(middle && place(middle));
    expect(await entries({ filter: { since: '2999-01-01T00:00:00Z' } })).toEqual([]);
    expect(await entries({ filter: { until: '0001-01-01T00:00:00Z' } })).toEqual([]);
  });

  test('filtered by module has the entries that affect it, also together with a tenant, an actor and kinds', async () => {
    const all = await entries({});
    const ofFinance = all.filter(({ module }) => module === 'finance');
    expect(ofFinance.length).toBeGreaterThan(2);
    expect(ofFinance.length).toBeLessThan(all.length);
    expect(await entries({ filter: { module: 'finance' } })).toEqual(ofFinance);
    expect(await entries({ filter: { module: 'finance', actor: 'developer' } })).toEqual(
      ofFinance.filter((entry) => entry.actor === 'developer'),
    );
    expect(await entries({ filter: { module: 'finance', actor } })).toEqual([]);
    const created = ofFinance.filter(({ kindText }) => kindText === 'subscription.created');
    expect(created).toHaveLength(1);
    for (const filter of [
      { module: 'finance', kindText: ['subscription.created'] },
      { module: 'finance', kindText: ['subscription.created'], actor: 'developer' },
    ]) {
      expect(await entries({ filter })).toEqual(created);
      expect(await entries({ filter, tenantId: one.slug })).toEqual(created);
      expect(await entries({ filter, tenantId: other.slug })).toEqual([]);
    }
    expect(await entries({ filter: { module: 'nothing' } })).toEqual([]);
  });

  test('meets all conditions of the filter and the tenant', async () => {
    const found = await entries({
      tenantId: one.slug,
      filter: { actor, kindText: ['tenant.'], since: '2020-01-01T00:00:00Z' },
    });
    expect(found.map(({ kindText, tenantSlug }) => [kindText, tenantSlug])).toEqual([
      ['tenant.suspended', one.slug],
    ]);
  });

  test.each([
    ['a kind', { kindText: ['tenant.registered'] }],
    ['several kinds', { kindText: ['tenant.', 'settings.created', 'subscription.'] }],
    ['an actor', { actor: 'developer' }],
    ['a module', { module: 'finance' }],
    ['a module and an actor', { module: 'finance', actor: 'developer' }],
    ['a module and kinds', { module: 'finance', kindText: ['subscription.'] }],
  ])('filtered by %s has pages forward and backward without a gap', async (_what, filter) => {
    const all = (await entries({ filter })).map(place);
    expect(all.length).toBeGreaterThan(1);
    const forth: string[] = [];
    for (let after: string | null = null; ; ) {
      const { data }: Answer<undefined> = await ask({ filter, first: 2, after });
      const { auditLog } = data;
      forth.push(...auditLog.edges.map(({ node }: { node: Entry }) => place(node)));
      if (!auditLog.pageInfo.hasNextPage) break;
      after = auditLog.pageInfo.endCursor;
    }
    expect(forth).toEqual(all);
    const back: string[] = [];
    for (let before: string | null = null; ; ) {
      const { data }: Answer<undefined> = await ask({ filter, last: 2, before });
      const { auditLog } = data;
      back.unshift(...auditLog.edges.map(({ node }: { node: Entry }) => place(node)));
      if (!auditLog.pageInfo.hasPreviousPage) break;
      before = auditLog.pageInfo.startCursor;
    }
    expect(back).toEqual(all);
  });

  test.each<[string, object, string | RegExp]>([
    ['an empty actor', { actor: ' ' }, 'filter.actor'],
    ['an endless actor', { actor: 'x'.repeat(401) }, 'filter.actor'],
    ['an actor with NUL', { actor: 'a\0' }, 'filter.actor'],
    ['no kind at all', { kind: [] }, 'filter.kind'],
    ['kinds without end', { kind: Array.from({ length: 51 }, () => 'OTHER') }, 'filter.kind'],
    ['a kind that the schema lacks', { kind: ['tenant.suspended'] }, /kind/],
    ['no name of a kind', { kindText: [] }, 'filter.kindText'],
    ['names without end', { kindText: Array.from({ length: 51 }, () => 'tenant.') }, 'filter.kindText'],
    ['a name that is none', { kindText: ['tenant.', 'SUSPENDED'] }, 'filter.kindText.1'],
    ['a pattern', { kindText: ['tenant.%'] }, 'filter.kindText.0'],
    [
      'an end before the start',
      { since: '2026-02-01T00:00:00Z', until: '2026-01-01T00:00:00Z' },
      'filter.until',
    ],
    ['a moment of nobody’s calendar', { since: '0000-01-01T00:00:00Z' }, 'filter.since'],
    ['a moment beyond all', { until: '+200000-01-01T00:00:00Z' }, /until/],
    ['a moment that is none', { since: 'yesterday' }, /since/],
    ['a module that is none', { module: 'Finance!' }, /module/],
    ['a field that is none', { color: 'red' }, /color/],
  ])('filtered by %s is refused with VALIDATION_ERROR that names the field', async (_what, filter, field) => {
    const { status, codes, errors } = await ask({ filter });
    expect([status, codes]).toEqual([400, ['VALIDATION_ERROR']]);
    const [error] = errors;
    if (typeof field === 'string') expect(error?.extensions.fields?.map((one) => one.field)).toEqual([field]);
    else expect(error?.message).toMatch(field);
  });

  test('after a cursor of an entry that does not match the filter is refused with VALIDATION_ERROR', async () => {
    const { data } = await ask({ filter: { kindText: ['tenant.suspended'] }, first: 1 });
    const after = data.auditLog.edges[0].cursor;
    expect((await ask({ filter: { kindText: ['tenant.resumed'] }, after })).codes).toEqual([
      'VALIDATION_ERROR',
    ]);
    expect((await ask({ filter: { actor: 'developer' }, after })).codes).toEqual(['VALIDATION_ERROR']);
  });
});

describe('a large audit log', () => {
  const rows = 30_000;

  beforeAll(async () => {
    // The searched entries are old and rare; none of the newest entries matches.
    await gateway.psql(
      `SET session_replication_role = replica;
       INSERT INTO registry_change (revision, position, kind, entity_id, actor, database_role, changed_at, previous_hash, hash)
       SELECT 1000 + n, 0, CASE WHEN n < 300 THEN 'member.removed' WHEN n < 20000 THEN 'settings.updated' ELSE 'tenant.updated' END, 'x',
         CASE WHEN n < 300 THEN 'operator:early' ELSE 'operator:late' END, 'x', '2020-01-01'::timestamptz + n * interval '1 minute', '', ''
       FROM generate_series(1, ${rows}) AS n;
       -- One transaction with many entries.
       INSERT INTO registry_change (revision, position, kind, entity_id, actor, database_role, changed_at, previous_hash, hash)
       SELECT 1000000, n, 'tenant.updated', 'x', 'operator:late', 'x', '2020-03-01', '', '' FROM generate_series(0, 5000) AS n;
       -- Entries that affect a module: a rare one, and a frequent one whose entries are old.
       INSERT INTO registry_change (revision, position, kind, entity_id, actor, database_role, changed_at, previous_hash, hash, module)
       SELECT 2000000 + n, 0, CASE WHEN n % 3 = 0 THEN 'subscription.created' ELSE 'subscription.activated' END, 'x',
         CASE WHEN n < 100 THEN 'operator:early' ELSE 'operator:late' END, 'x', '2020-04-01'::timestamptz + n * interval '1 minute', '', '',
         CASE WHEN n < 50 THEN 'rare' ELSE 'frequent' END
       FROM generate_series(1, 10000) AS n;
       INSERT INTO registry_change (revision, position, kind, entity_id, actor, database_role, changed_at, previous_hash, hash)
       SELECT 3000000 + n, 0, 'tenant.updated', 'x', 'operator:late', 'x', '2020-06-01'::timestamptz + n * interval '1 minute', '', ''
       FROM generate_series(1, 5000) AS n;
       ANALYZE registry_change`,
    );
  });

  interface PlanNode {
    'Actual Rows': number;
    'Actual Loops': number;
    'Rows Removed by Filter'?: number;
    Plans?: PlanNode[];
  }

  /** Number of entries that PostgreSQL read for one query. */
  async function countTouched(variables: Variables): Promise<number> {
    const sent = await recordQueries(() => ask(variables));
    let touched = 0;
    for (const { text, values } of sent.filter((statement) => /registry_change/.test(statement.text))) {
      const [row] = await gateway.psql<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
        values,
      );
      const count = (node: PlanNode): number =>
        node['Actual Loops'] * (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) +
        (node.Plans ?? []).reduce((sum, child) => sum + count(child), 0);
      touched += (row?.['QUERY PLAN'] ?? []).reduce((sum, { Plan }) => sum + count(Plan), 0);
    }
    expect(sent).not.toEqual([]);
    return touched;
  }

  test.each<[string, object]>([
    ['a rare actor', { actor: 'operator:early' }],
    ['a frequent actor', { actor: 'operator:late' }],
    ['nobody', { actor: 'operator:nobody' }],
    ['a rare kind', { kindText: ['member.removed'] }],
    ['rare and frequent kinds', { kindText: ['member.removed', 'tenant.updated'] }],
    ['all kinds of a noun', { kindText: ['member.'] }],
    ['a value of the enum', { kind: ['MEMBER_REMOVED'] }],
    ['kinds that the gateway does not know', { kind: ['OTHER'] }],
    ['a frequent kind that has ended', { kindText: ['settings.updated'] }],
    ['a frequent kind and actor that have ended', { actor: 'operator:late', kindText: ['settings.updated'] }],
    ['an actor and a kind that never meet', { actor: 'operator:late', kindText: ['member.removed'] }],
    ['a frequent actor long ago', { actor: 'operator:late', until: '2020-01-02T00:00:00Z' }],
    ['a frequent kind long ago', { kindText: ['tenant.'], until: '2020-01-02T00:00:00Z' }],
    [
      'a frequent actor and kind long ago',
      { actor: 'operator:late', kindText: ['tenant.updated'], until: '2020-01-02T00:00:00Z' },
    ],
    ['a rare actor since long ago', { actor: 'operator:early', since: '2020-01-01T03:00:00Z' }],
    ['a rare module', { module: 'rare' }],
    ['a frequent module that has ended', { module: 'frequent' }],
    ['a module without entries', { module: 'nothing' }],
    ['a rare module and a frequent actor', { module: 'rare', actor: 'operator:late' }],
    ['a frequent module and a rare actor', { module: 'frequent', actor: 'operator:early' }],
    ['a rare module and frequent kinds', { module: 'rare', kindText: ['subscription.', 'tenant.updated'] }],
    ['a frequent module and a kind that never meet', { module: 'frequent', kindText: ['tenant.updated'] }],
    [
      'a frequent module, actor and kind long ago',
      {
        ...{ module: 'frequent', actor: 'operator:late', kindText: ['subscription.created'] },
        until: '2020-04-02T00:00:00Z',
      },
    ],
    ['a short time long ago', { since: '2020-01-02T00:00:00Z', until: '2020-01-02T01:00:00Z' }],
  ])('is not read completely for %s', async (_what, filter) => {
    expect(await countTouched({ filter, first: 10 })).toBeLessThan(rows / 20);
  });

  test('is not read completely for a page in the middle', async () => {
    const middle = { filter: { until: '2020-02-01T00:00:00Z' } };
    const edges = [
      (await ask({ first: 100 })).data.auditLog.edges.at(-1),
      (await ask({ first: 1, ...middle })).data.auditLog.edges[0],
    ];
    for (const { cursor } of edges)
      for (const variables of [
        { after: cursor },
        { after: cursor, filter: { kindText: ['tenant.updated'] } },
      ])
        expect(await countTouched({ ...variables, first: 10 })).toBeLessThan(100);
  });
});
