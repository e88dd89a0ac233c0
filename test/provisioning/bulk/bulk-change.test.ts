import type { GraphQLInputObjectType } from 'graphql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { schema } from '../../../src/graphql/schema.js';
import { uniqueName } from '../../setup/database.js';
import { openGateway, recordStatements, type TestGateway } from '../../setup/gateway.js';
import { mutate, resolve } from '../../setup/graphql-calls.js';
import { aTenant } from '../../setup/stories.js';
import {
  type BulkMutation,
  type BulkOperation,
  changeMany,
  endOf,
  makeTenants,
  readBulk,
  readChanges,
  readResults,
} from '../support/bulk-calls.js';

vi.setConfig({ testTimeout: 60_000 });

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ config: { runsWorker: true, heartbeatMs: 300, takeOverAfterMs: 1_000 } });
});
afterAll(() => gateway?.close());

const actives = (count: number) => Array.from({ length: count }, () => 'active');
const slugsOf = (tenants: readonly { slug: string }[]) => tenants.map(({ slug }) => slug);

async function statusesOf(tenants: readonly { id: string }[]): Promise<string[]> {
  const rows = await gateway.psql<{ id: string; status: string }>(
    'SELECT id, status::text FROM tenants WHERE id = ANY ($1::uuid[])',
    [tenants.map(({ id }) => id)],
  );
  const byId = new Map(rows.map(({ id, status }) => [id, status]));
  return tenants.map(({ id }) => byId.get(id) ?? '');
}

/** A session of an operator in psql that has locked these tenants. */
async function lock(tenants: readonly { id: string }[]): Promise<{ release(): Promise<void> }> {
  const session = new pg.Client({ connectionString: gateway.registry.url });
  await session.connect();
  await session.query('BEGIN');
  await session.query('SELECT FROM tenants WHERE id = ANY ($1::uuid[]) FOR UPDATE', [
    tenants.map(({ id }) => id),
  ]);
  let isOpen = true;
  const release = async () => {
    if (isOpen) await session.end();
    isOpen = false;
  };
  onTestFinished(release);
  return { release };
}

test('many tenants are suspended by one operation, in one revision per batch, in the name of who asked', async () => {
  const tenants = await makeTenants(gateway, actives(130));
  const key = await gateway.createKey('registry:write', 'registry:read');
  const answer = await changeMany(
    gateway,
    'suspendTenants',
    { tenantIds: slugsOf(tenants), reason: 'unpaid' },
    { key },
  );
  expect(await endOf(gateway, answer)).toMatchObject({
    ...{ kind: 'SUSPEND_TENANTS', status: 'SUCCEEDED', error: null, attempt: 1 },
    progress: { total: 130, succeeded: 130, failed: 0, cancelled: 0, remaining: 0 },
  });
  const results = await readResults(gateway, answer.operation.id);
  expect(results.map(({ reference, status }) => `${reference} ${status}`)).toEqual(
    tenants.map(({ slug }) => `${slug} SUCCEEDED`),
  );
  const changes = await readChanges(gateway, tenants, 'tenant.suspended');
  expect(changes).toMatchObject({ entries: 130, tenants: 130, revisions: 2 });
  expect(changes.actors).toEqual([expect.stringMatching(/^api-key:/)]);
});

describe('for one tenant and for many, the rule is the same', () => {
  const statuses = ['pending', 'provisioning', 'active', 'suspended', 'failed', 'deleted', 'purged'];

  interface Case {
    many: BulkMutation;
    one: string;
    input: object;
  }
  const cases: Case[] = [
    { many: 'suspendTenants', one: 'suspendTenant', input: { reason: 'unpaid' } },
    { many: 'resumeTenants', one: 'resumeTenant', input: {} },
    { many: 'updateTenants', one: 'updateTenant', input: { plan: 'PRO', maxUsers: 7 } },
    {
      many: 'subscribeTenants',
      one: 'subscribeTenantToModule',
      input: { module: 'finance', provision: false },
    },
  ];

  /** A row of a tenant without what differs between any two. */
  async function rowsOf(tenants: readonly { id: string }[]) {
    const rows = await gateway.psql<{ id: string; row: object }>(
      `SELECT tenants.id, to_jsonb(tenants) - '{id,slug,legacy_id,name,created_at,updated_at,suspended_at,deleted_at,purge_after}'::text[]
         || jsonb_build_object('subscriptions', (SELECT jsonb_agg(jsonb_build_array(module, subscription.status))
              FROM module_subscriptions AS subscription WHERE tenant_id = tenants.id)) AS row
       FROM tenants WHERE id = ANY ($1::uuid[])`,
      [tenants.map(({ id }) => id)],
    );
    const byId = new Map(rows.map(({ id, row }) => [id, row]));
    return tenants.map(({ id }) => byId.get(id));
  }

  test.each(cases)('$one and $many', async ({ one, many, input }) => {
    const alone = await makeTenants(gateway, statuses);
    const together = await makeTenants(gateway, statuses);
    // One more of each kind that has a subscription already.
    const subscriptions = [
      'active',
      'pending',
      'suspended',
      'failed',
      'cancelled',
      'provisioning',
      'migrating',
    ];
    for (const tenants of [alone, together]) {
      const more = await makeTenants(gateway, actives(subscriptions.length));
      await gateway.psql(
        `INSERT INTO module_subscriptions (tenant_id, module, status)
         SELECT tenant, 'finance', status::subscription_status FROM unnest($1::uuid[], $2::text[]) AS given (tenant, status)`,
        [more.map(({ id }) => id), subscriptions],
      );
      tenants.push(...more);
    }
    const refusals: (string | null)[] = [];
    for (const { slug } of alone)
      refusals.push((await mutate(gateway, one, { tenantId: slug, ...input })).codes[0] ?? null);
    const answer = await changeMany(gateway, many, { tenantIds: slugsOf(together), ...input });
    const { status } = await endOf(gateway, answer);
    const results = await readResults(gateway, answer.operation.id);
    expect(results.map(({ code }) => code)).toEqual(refusals);
    expect(refusals).toContain('TENANT_NOT_FOUND');
    expect(refusals).toContain(null);
    expect(status).toBe('FAILED');
    expect(await rowsOf(together)).toEqual(await rowsOf(alone));
    // A message is about its own tenant.
    for (const { message, reference, code } of results) if (code) expect(message).toContain(reference);
  });

  test.each(cases)('and the preview of $many counts the same', async ({ many, input }) => {
    const tenants = await makeTenants(gateway, statuses);
    const change = { suspendTenants: 'SUSPEND', resumeTenants: 'RESUME', updateTenants: 'UPDATE' }[
      many as string
    ];
    const { reason, ...args } = input as { reason?: string; module?: string };
    const literal = Object.entries({ ...args, tenantIds: slugsOf(tenants) })
      .map(([name, value]) => `${name}: ${name === 'plan' ? value : JSON.stringify(value)}`)
      .join(', ');
    const { data, errors } = await gateway.ask(
      `{ bulkPreview(change: ${change ?? 'SUBSCRIBE'}, ${literal}) {
         selected selectedIsCapped evaluated changed unchanged refused { code count } } }`,
    );
    expect(errors).toEqual([]);
    const answer = await changeMany(gateway, many, {
      ...{ tenantIds: slugsOf(tenants), expectedCount: data.bulkPreview.selected },
      ...input,
    });
    const { progress } = await endOf(gateway, answer);
    const codes = (await readResults(gateway, answer.operation.id, { statuses: ['FAILED'] })).map(
      ({ code }) => code,
    );
    const counts = new Map<string | null, number>();
    for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
    expect(data.bulkPreview).toMatchObject({
      ...{ selected: 7, selectedIsCapped: false, evaluated: 7 },
      ...{ changed: progress.succeeded, unchanged: 0 },
    });
    expect(
      new Map(data.bulkPreview.refused.map((one: { code: string; count: number }) => [one.code, one.count])),
    ).toEqual(counts);
  });
});

describe('the selection', () => {
  test('counts a tenant once that is named by its id, its slug and twice, and answers for unknown ones', async () => {
    const [one, two] = await makeTenants(gateway, actives(2));
    const unknown = '01981111-2222-7333-8444-555555555555';
    const answer = await changeMany(gateway, 'updateTenants', {
      tenantIds: [one?.slug, one?.id, two?.id.toUpperCase(), one?.slug, unknown, 'no-such-tenant', unknown],
      plan: 'PRO',
    });
    expect(await endOf(gateway, answer)).toMatchObject({
      status: 'FAILED',
      error: expect.stringContaining('2 of 4 tenants'),
      progress: { total: 4, succeeded: 2, failed: 2 },
    });
    const results = await readResults(gateway, answer.operation.id);
    expect(results.map(({ tenant, code }) => tenant?.slug ?? code)).toEqual([
      ...[one?.slug, two?.slug],
      ...['TENANT_NOT_FOUND', 'TENANT_NOT_FOUND'],
    ]);
    expect(await readChanges(gateway, [one, two] as { id: string }[], 'tenant.updated')).toMatchObject({
      entries: 2,
    });
  });

  test.each<[string, object, string, string]>([
    ['nothing that selects', {}, 'VALIDATION_ERROR', 'tenantIds'],
    ['no tenant', { tenantIds: [] }, 'VALIDATION_ERROR', 'tenantIds'],
    ['ids and a filter', { tenantIds: ['acme'], filter: { plan: ['PRO'] } }, 'VALIDATION_ERROR', 'tenantIds'],
    ['a text that is no id', { tenantIds: ['acme', "'; DROP"] }, 'VALIDATION_ERROR', 'tenantIds.1'],
    ['a filter of nothing', { filter: {} }, 'VALIDATION_ERROR', 'expectedCount'],
    ['a filter of null', { filter: { status: null, module: null } }, 'VALIDATION_ERROR', 'expectedCount'],
    ...['text', 'config', 'modules', 'status'].map((field): [string, object, string, string] => {
      const empty = { text: '', config: {} }[field] ?? [];
      return [
        `a filter of an empty ${field}`,
        { filter: { [field]: empty } },
        'VALIDATION_ERROR',
        'expectedCount',
      ];
    }),
    ['another number than expected', { tenantIds: ['acme'], expectedCount: 2 }, 'CONFLICT', ''],
    ['a negative number', { tenantIds: ['acme'], expectedCount: -1 }, 'VALIDATION_ERROR', 'expectedCount'],
    ['a wrong module', { filter: { module: 'Finance' } }, 'VALIDATION_ERROR', ''],
    [
      'too many',
      { tenantIds: Array.from({ length: 10_001 }, (_, at) => `t${at}x`) },
      'VALIDATION_ERROR',
      'tenantIds',
    ],
  ])('of %s is refused, and no operation is made', async (_, selection, code, field) => {
    const before = await gateway.psql('SELECT id FROM operations');
    const answer = await changeMany(gateway, 'updateTenants', { ...selection, plan: 'PRO' });
    expect(answer.operation).toBeUndefined();
    if (answer.code !== undefined) expect([answer.code, answer.fields.join()]).toEqual([code, field]);
    expect(await gateway.psql('SELECT id FROM operations')).toHaveLength(before.length);
  });

  test.each([
    ['UPDATE', 'updateTenants', { plan: null, maxUsers: 6 }, 'plan'],
    ['UPDATE', 'updateTenants', { maxUsers: null, plan: 'PRO' }, 'maxUsers'],
    ['SUBSCRIBE', 'subscribeTenants', { module: 'finance', isolation: null }, 'isolation'],
  ] as const)(
    'and null: the preview of %s refuses what %s refuses, for %j',
    async (change, many, input, field) => {
      const refused = await changeMany(gateway, many, { tenantIds: ['acme'], ...input });
      const { data, errors } = await gateway.ask(
        `query ($change: BulkChange!, $plan: Plan, $maxUsers: Int, $module: ModuleName, $isolation: Isolation) {
         bulkPreview(change: $change, tenantIds: ["acme"], plan: $plan, maxUsers: $maxUsers, module: $module, isolation: $isolation) { selected } }`,
        { change, ...input },
      );
      expect([refused.code, refused.fields, data?.bulkPreview ?? null]).toEqual([
        'VALIDATION_ERROR',
        [field],
        null,
      ]);
      expect([errors[0]?.extensions.code, errors[0]?.extensions.fields?.map((one) => one.field)]).toEqual([
        'VALIDATION_ERROR',
        [field],
      ]);
    },
  );

  test('and null: a filter or a list of tenants that is null is left out', async () => {
    const { data, codes } = await gateway.ask(
      '{ bulkPreview(change: RESUME, tenantIds: null, filter: { memberEmail: "nobody@example.com", text: null }) { selected } }',
    );
    expect(codes).toEqual([]);
    expect(data.bulkPreview).toEqual({ selected: 0 });
  });

  test('of no tenants by a filter succeeds at once', async () => {
    const answer = await changeMany(gateway, 'updateTenants', {
      filter: { text: 'there-is-no-such-text' },
      plan: 'PRO',
    });
    expect(await endOf(gateway, answer)).toMatchObject({ status: 'SUCCEEDED', progress: { total: 0 } });
  });

  test('by every field of the filter has the tenants that the list has, and no later one', async () => {
    const prefix = uniqueName('sel');
    const tenants = await makeTenants(gateway, ['active', 'active', 'suspended', 'active'], { prefix });
    await gateway.psql(
      `UPDATE tenants SET plan = 'pro' WHERE slug LIKE $1 || '%' AND slug <> $1 || '-2';`.replaceAll(
        '$1',
        `'${prefix}'`,
      ),
    );
    await gateway.psql(
      `INSERT INTO module_subscriptions (tenant_id, module, status) SELECT id, 'finance', 'active' FROM tenants WHERE slug LIKE '${prefix}%' AND status = 'active'`,
    );
    await gateway.psql(
      `UPDATE tenants SET tenant_config = '{"destinations": [{"name": "Zanzibar", "code": "ZNZ", "enabled": true, "aliases": []}]}' WHERE slug = '${prefix}-1'`,
    );
    await gateway.psql(
      `UPDATE module_subscriptions SET migration_version = '0001_first' WHERE tenant_id = '${tenants[0]?.id}';
       INSERT INTO members (tenant_id, email) VALUES ('${tenants[3]?.id}', '${prefix}@example.com')`,
    );
    await gateway.psql('INSERT INTO tenant_external_ids (external_id, tenant_id) VALUES ($1, $2)', [
      `Old.${prefix}`,
      tenants[1]?.id,
    ]);
    const filters: Record<string, unknown>[] = [
      { externalIds: [`Old.${prefix}`, 'nobody'] },
      { status: ['SUSPENDED'], text: prefix },
      { plan: ['PRO'], text: prefix },
      { module: 'finance', text: prefix },
      { config: { destinations: [{ code: 'ZNZ' }] }, text: prefix },
      { ids: tenants.slice(1).map(({ id }) => id) },
      { modules: [{ module: 'finance', statuses: ['ACTIVE'] }], text: prefix },
      { migration: { module: 'finance', at: '0001_first' }, text: prefix },
      { createdFrom: '2026-01-01T00:00:00Z', createdUntil: '2999-01-01T00:00:00Z', text: prefix },
      { memberEmail: `${prefix}@example.com` },
      { needsAttention: false, text: prefix },
      { configSource: 'DATABASE', text: prefix },
      { status: ['ACTIVE'], plan: ['PRO'], module: 'finance', text: prefix },
    ];
    for (const filter of filters) {
      const { data } = await gateway.ask(
        `query ($filter: TenantFilter) { tenants(filter: $filter, orderBy: { field: SLUG }) { totalCount edges { node { slug } } } }`,
        { filter },
      );
      const listed = data.tenants.edges.map(({ node }: { node: { slug: string } }) => node.slug);
      expect(listed.length).toBeGreaterThan(0);
      const answer = await changeMany(gateway, 'updateTenants', {
        ...{ filter, expectedCount: data.tenants.totalCount, maxUsers: 9 },
      });
      await endOf(gateway, answer);
      const results = await readResults(gateway, answer.operation.id);
      expect(results.map(({ reference }) => reference)).toEqual(listed);
    }
    const fields = Object.keys((schema.getType('TenantFilter') as GraphQLInputObjectType).getFields());
    expect(fields.filter((field) => !filters.some((filter) => field in filter))).toEqual([]);
    // The first batch waits, and meanwhile another tenant begins to match.
    const held = await lock(tenants);
    const answer = await changeMany(gateway, 'updateTenants', {
      ...{ filter: { text: prefix }, maxUsers: 11, wait: 'COMMITTED' },
    });
    await makeTenants(gateway, ['active'], { prefix: `${prefix}late` });
    await held.release();
    expect(await endOf(gateway, answer)).toMatchObject({ progress: { total: 4, succeeded: 4 } });
  });
});

test.each([
  ['suspendTenants', { reason: '' }, 'reason'],
  ['updateTenants', {}, 'plan'],
  ['updateTenants', { maxUsers: -1 }, 'maxUsers'],
  ['subscribeTenants', { module: 'nosuchmodule' }, ''],
] as const)('%s with %j is refused as a whole', async (name, input, field) => {
  const [tenant] = await makeTenants(gateway, ['active']);
  const answer = await changeMany(gateway, name, { tenantIds: [tenant?.id], ...input });
  expect(answer).toMatchObject({ operation: undefined, fields: field === '' ? [] : [field] });
  expect(answer.code).toBe(field === '' ? 'MODULE_NOT_FOUND' : 'VALIDATION_ERROR');
});

test('a repeated request gets the first operation, also when the selection has changed since', async () => {
  const prefix = uniqueName('rep');
  await makeTenants(gateway, actives(2), { prefix });
  const input = { filter: { text: prefix }, expectedCount: 2, maxUsers: 8, idempotencyKey: prefix };
  const first = await changeMany(gateway, 'updateTenants', input);
  await endOf(gateway, first);
  await makeTenants(gateway, actives(1), { prefix: `${prefix}x` });
  const second = await changeMany(gateway, 'updateTenants', input);
  expect(second.operation.id).toBe(first.operation.id);
  expect(await changeMany(gateway, 'updateTenants', { ...input, maxUsers: 6 })).toMatchObject({
    code: 'IDEMPOTENCY_KEY_REUSED',
  });
});

test('a tenant that is reported as suspended resolves nowhere, and one that is resumed resolves', async () => {
  const tenants = [
    await aTenant().subscribedTo('finance').at(gateway),
    await aTenant().subscribedTo('finance').at(gateway),
  ];
  await using other = await openGateway({ sharing: gateway });
  for (const { slug } of tenants)
    for (const one of [gateway, other]) expect(await resolve(one, slug)).toMatch(/^finance_/);
  const suspended = await changeMany(gateway, 'suspendTenants', {
    tenantIds: slugsOf(tenants),
    reason: 'unpaid',
  });
  expect(await endOf(gateway, suspended)).toMatchObject({ status: 'SUCCEEDED' });
  for (const { slug } of tenants)
    for (const one of [gateway, other]) expect(await resolve(one, slug)).toBe('TENANT_SUSPENDED');
  // The guards have followed as well.
  const states = () =>
    gateway.psqlIn<{ state: string }>(
      'finance',
      `SELECT state::text FROM tenant_guard.binding WHERE tenant_id = ANY ($1::uuid[])`,
      [tenants.map(({ id }) => id)],
    );
  expect((await states()).map(({ state }) => state)).toEqual(['suspended', 'suspended']);
  const resumed = await changeMany(other, 'resumeTenants', { tenantIds: slugsOf(tenants) });
  expect(await endOf(other, resumed)).toMatchObject({ status: 'SUCCEEDED' });
  expect((await states()).map(({ state }) => state)).toEqual(['active', 'active']);
  for (const { slug } of tenants) expect(await resolve(gateway, slug)).toMatch(/^finance_/);
});

describe('beside other changes', () => {
  test('two operations on the same tenants change each tenant once', async () => {
    const tenants = await makeTenants(gateway, actives(60));
    const ask = (order: string[]) =>
      changeMany(gateway, 'suspendTenants', { tenantIds: order, reason: 'unpaid' });
    const slugs = slugsOf(tenants);
    const answers = await Promise.all([ask(slugs), ask(slugs.toReversed())]);
    const ends: BulkOperation[] = [];
    for (const answer of answers) ends.push(await endOf(gateway, answer));
    const sum = (of: 'succeeded' | 'failed') => ends.reduce((all, { progress }) => all + progress[of], 0);
    expect([sum('succeeded'), sum('failed')]).toEqual([60, 60]);
    expect(await readChanges(gateway, tenants, 'tenant.suspended')).toMatchObject({
      entries: 60,
      tenants: 60,
    });
  });

  test('mutations of one tenant each and SQL by hand run at the same time, and nothing is lost', async () => {
    const tenants = await makeTenants(gateway, actives(80));
    const slugs = slugsOf(tenants);
    const [many, ...singles] = await Promise.all([
      changeMany(gateway, 'suspendTenants', { tenantIds: slugs, reason: 'many' }),
      ...slugs.slice(0, 12).map((tenantId) => mutate(gateway, 'suspendTenant', { tenantId, reason: 'one' })),
      // In the opposite order of the ids, so that waiting for both would deadlock.
      gateway
        .psql(
          `WITH mine AS MATERIALIZED (SELECT id FROM tenants WHERE id = ANY ($1::uuid[]) ORDER BY id DESC FOR UPDATE)
           UPDATE tenants SET max_users = 33 WHERE id IN (SELECT id FROM mine)`,
          [tenants.map(({ id }) => id)],
        )
        .then(() => ({ codes: [] })),
    ]);
    const end = await endOf(gateway, many);
    const alone = singles.slice(0, 12).filter(({ codes }) => codes.length === 0).length;
    expect(end.progress).toMatchObject({ succeeded: 80 - alone, failed: alone, remaining: 0 });
    expect(await readChanges(gateway, tenants, 'tenant.suspended')).toMatchObject({
      entries: 80,
      tenants: 80,
    });
    const [row] = await gateway.psql<{ updated: number }>(
      'SELECT count(*)::int AS updated FROM tenants WHERE id = ANY ($1::uuid[]) AND max_users = 33',
      [tenants.map(({ id }) => id)],
    );
    expect(row?.updated).toBe(80);
  });

  test('a tenant that another session keeps locked does not delay the others, and is taken up again by retryOperation', async () => {
    const tenants = await makeTenants(gateway, actives(5));
    const held = await lock(tenants.slice(1, 2));
    const answer = await changeMany(gateway, 'suspendTenants', {
      ...{ tenantIds: slugsOf(tenants), reason: 'unpaid', wait: 'COMMITTED' },
    });
    await expect.poll(async () => (await readBulk(gateway, answer.operation.id)).progress.succeeded).toBe(4);
    expect(await endOf(gateway, answer)).toMatchObject({ status: 'FAILED', progress: { failed: 1 } });
    const [failed] = await readResults(gateway, answer.operation.id, { statuses: ['FAILED'] });
    expect(failed).toMatchObject({ reference: tenants[1]?.slug, code: 'REGISTRY_UNAVAILABLE' });
    await held.release();
    const retried = await changeMany(gateway, 'retryOperation', { id: answer.operation.id });
    expect(await endOf(gateway, retried)).toMatchObject({
      ...{ status: 'SUCCEEDED', attempt: 2 },
      progress: { total: 5, succeeded: 5, failed: 0, remaining: 0 },
    });
    expect(await readChanges(gateway, tenants, 'tenant.suspended')).toMatchObject({ entries: 5, tenants: 5 });
  });
});

describe('cancelOperation', () => {
  test('stops before the next batch; what was done stays, and retryOperation does the rest', async () => {
    const tenants = await makeTenants(gateway, actives(220));
    // The last tenants are held, so that the operation is at work when it is cancelled.
    const held = await lock(tenants.slice(150));
    const answer = await changeMany(gateway, 'suspendTenants', {
      ...{ tenantIds: slugsOf(tenants), reason: 'unpaid', wait: 'COMMITTED' },
    });
    const { id } = answer.operation;
    await expect.poll(async () => (await readBulk(gateway, id)).progress.succeeded).toBe(150);
    await changeMany(gateway, 'cancelOperation', { id });
    expect(await endOf(gateway, answer)).toMatchObject({
      ...{ status: 'CANCELLED', error: 'cancelled by cancelOperation' },
      progress: { total: 220, succeeded: 150, cancelled: 70, remaining: 0 },
    });
    const cancelled = await readResults(gateway, id, { statuses: ['CANCELLED'], first: 50 });
    expect(cancelled.map(({ reference }) => reference)).toEqual(slugsOf(tenants.slice(150)));
    await held.release();
    expect((await statusesOf(tenants)).filter((status) => status === 'suspended')).toHaveLength(150);
    const retried = await changeMany(gateway, 'retryOperation', { id });
    expect(await endOf(gateway, retried)).toMatchObject({
      ...{ status: 'SUCCEEDED', progress: { total: 220, succeeded: 220, cancelled: 0 } },
    });
    expect(await readChanges(gateway, tenants, 'tenant.suspended')).toMatchObject({
      entries: 220,
      tenants: 220,
    });
  });

  test('is refused for an operation that has ended, and retryOperation for one that has succeeded', async () => {
    const tenants = await makeTenants(gateway, actives(1));
    const answer = await changeMany(gateway, 'updateTenants', { tenantIds: slugsOf(tenants), maxUsers: 6 });
    const { id } = await endOf(gateway, answer);
    expect(await changeMany(gateway, 'cancelOperation', { id })).toMatchObject({ code: 'CONFLICT' });
    expect(await changeMany(gateway, 'retryOperation', { id })).toMatchObject({ code: 'CONFLICT' });
  });
});

test('retryOperation runs only the tenants again that have failed, and needs the scope of the change as well', async () => {
  const tenants = await makeTenants(gateway, ['active', 'suspended', 'active']);
  const answer = await changeMany(gateway, 'suspendTenants', {
    tenantIds: slugsOf(tenants),
    reason: 'unpaid',
  });
  const { id } = answer.operation;
  expect(await endOf(gateway, answer)).toMatchObject({
    status: 'FAILED',
    progress: { succeeded: 2, failed: 1 },
  });
  await mutate(gateway, 'resumeTenant', { tenantId: tenants[1]?.id });
  const key = await gateway.createKey('provision');
  expect(await changeMany(gateway, 'retryOperation', { id }, { key })).toMatchObject({ code: 'FORBIDDEN' });
  const retried = await changeMany(gateway, 'retryOperation', { id });
  expect(await endOf(gateway, retried)).toMatchObject({ status: 'SUCCEEDED', progress: { succeeded: 3 } });
  expect(await readChanges(gateway, tenants, 'tenant.suspended')).toMatchObject({ entries: 3, tenants: 3 });
});

test('a page of results costs the same number of statements for any number of tenants and operations', async () => {
  const count = async (operations: number, size: number) => {
    const ids: string[] = [];
    for (let made = 0; made < operations; made++) {
      const tenants = await makeTenants(gateway, actives(size));
      const answer = await changeMany(gateway, 'updateTenants', { tenantIds: slugsOf(tenants), maxUsers: 6 });
      ids.push((await endOf(gateway, answer)).id);
    }
    const query = ids.map(
      (id, at) =>
        `o${at}: operation(id: "${id}") { progress { remaining } tenantResults { edges { node { tenant { slug } operation { id } } } } }`,
    );
    const statements = await recordStatements(async () => {
      const { errors } = await gateway.ask(`{ ${query.join(' ')} }`);
      expect(errors).toEqual([]);
    });
    // The worker of this gateway polls meanwhile.
    return statements.filter(
      (text) => /operation_tenants|FROM "public"."tenants"/.test(text) && !text.includes('purge_after" <'),
    );
  };
  const few = await count(1, 2);
  const many = await count(3, 12);
  expect(few.length).toBeGreaterThanOrEqual(2);
  expect(many, many.join('\n')).toHaveLength(few.length);
});
