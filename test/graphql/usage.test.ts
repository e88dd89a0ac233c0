import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

type Metric = 'USERS' | 'MONTHLY_QUOTES' | 'STORAGE_GB';

interface Input {
  tenantId: string;
  metric?: Metric;
  amount: number;
  idempotencyKey?: string;
  wait?: string;
}

const record = (input: Input) =>
  gateway.ask(
    `mutation ($input: RecordUsageInput!) {
       recordUsage(input: $input) { isRepeated usage { metric used limit remaining periodStart periodEnd } } }`,
    { input: { metric: 'MONTHLY_QUOTES', ...input } },
  );

/** The used amount after the record, or the code of its refusal. */
async function outcome(input: Input): Promise<number | string> {
  const { data, codes } = await record(input);
  return data?.recordUsage?.usage.used ?? codes[0];
}

async function usageOf(
  tenantId: string,
): Promise<Record<Metric, { used: number; limit: number; remaining: number }>> {
  const { data } = await gateway.ask(
    'query ($id: ID!) { tenant(id: $id) { usage { metric used limit remaining } } }',
    {
      id: tenantId,
    },
  );
  return Object.fromEntries(
    data.tenant.usage.map(({ metric, ...usage }: { metric: Metric }) => [metric, usage]),
  ) as never;
}

const update = (input: object) =>
  gateway.ask('mutation ($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }', {
    input,
  });

describe('recordUsage', () => {
  test('counts up to the limit and refuses what would exceed it, whole', async () => {
    const { id } = await aTenant().at(gateway);
    expect(await outcome({ tenantId: id, amount: 98 })).toBe(98);
    expect(await outcome({ tenantId: id, amount: 3 })).toBe('QUOTA_EXCEEDED');
    expect(await outcome({ tenantId: id, amount: 2 })).toBe(100);
    expect(await outcome({ tenantId: id, amount: 1 })).toBe('QUOTA_EXCEEDED');
    expect((await usageOf(id)).MONTHLY_QUOTES).toEqual({ used: 100, limit: 100, remaining: 0 });
  });

  test('a refusal names tenant, usage, limit and what is asked for, with status 403', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const { errors } = await record({ tenantId: id, metric: 'STORAGE_GB', amount: 1.5 });
    expect(errors[0]).toMatchObject({
      message: `Tenant ${slug} uses 0 of 1 GB of storage: 1.5 more would exceed the limit`,
      extensions: { code: 'QUOTA_EXCEEDED', http: { status: 403 } },
    });
  });

  test('a tenant is given by id or slug, and wait changes nothing', async () => {
    const { id, slug } = await aTenant().at(gateway);
    expect(await outcome({ tenantId: slug, amount: 1, wait: 'EVERYWHERE' })).toBe(1);
    expect(await outcome({ tenantId: id.toUpperCase(), amount: 1 })).toBe(2);
  });

  test('an idempotency key counts once, also after a refusal, and not for another amount', async () => {
    const { id } = await aTenant().at(gateway);
    const first = { tenantId: id, amount: 60, idempotencyKey: 'quote-1' };
    expect((await record(first)).data.recordUsage).toMatchObject({ isRepeated: false, usage: { used: 60 } });
    expect((await record(first)).data.recordUsage).toMatchObject({ isRepeated: true, usage: { used: 60 } });
    expect(await outcome({ ...first, amount: 61 })).toBe('IDEMPOTENCY_KEY_REUSED');
    const second = { ...first, idempotencyKey: 'quote-2' };
    expect(await outcome(second)).toBe('QUOTA_EXCEEDED');
    await update({ tenantId: id, maxMonthlyQuotes: 120 });
    expect((await record(second)).data.recordUsage).toMatchObject({
      isRepeated: false,
      usage: { used: 120 },
    });
    // The same text for another metric, or of another tenant, is another key.
    expect(await outcome({ ...first, metric: 'STORAGE_GB', amount: 1 })).toBe(1);
    const other = await aTenant().at(gateway);
    expect(await outcome({ ...first, tenantId: other.id })).toBe(60);
  });

  test.each<[string, Metric, number, string | number]>([
    ['nothing', 'MONTHLY_QUOTES', 0, 'amount: must not be 0'],
    [
      'quotes given back',
      'MONTHLY_QUOTES',
      -1,
      'amount: must not be negative: quotes count even when they are withdrawn',
    ],
    ['half a quote', 'MONTHLY_QUOTES', 0.5, 'amount: must be a whole number'],
    ['half a user', 'USERS', 1.5, 'amount: must be a whole number'],
    ['half a gigabyte', 'STORAGE_GB', 0.5, 0.5],
    ['a megabyte', 'STORAGE_GB', 0.001, 0.001],
    ['a kilobyte', 'STORAGE_GB', 0.000001, 'amount: must have at most 3 decimals (0.001 GB)'],
    [
      'storage that was not recorded, given back',
      'STORAGE_GB',
      -1,
      'amount: more cannot be given back than was recorded',
    ],
    [
      'a user who was not recorded, given back',
      'USERS',
      -1,
      'amount: more cannot be given back than was recorded',
    ],
    ['more than any number', 'STORAGE_GB', 1e300, 'amount: must be a number from -1000000000 to 1000000000'],
  ])('%s', async (_name, metric, amount, expected) => {
    const { id } = await aTenant().at(gateway);
    const { data, errors, codes } = await record({ tenantId: id, metric, amount });
    if (typeof expected === 'number') expect(data.recordUsage.usage.used).toBe(expected);
    else {
      expect(errors[0]?.message).toBe(expected);
      expect(codes).toEqual(['VALIDATION_ERROR']);
      expect(errors[0]?.extensions.fields?.map(({ field }) => field)).toEqual(['amount']);
    }
  });

  test('decimals add up exactly', async () => {
    const { id } = await aTenant().at(gateway);
    for (let done = 0; done < 9; done++) await record({ tenantId: id, metric: 'STORAGE_GB', amount: 0.1 });
    expect(await outcome({ tenantId: id, metric: 'STORAGE_GB', amount: 0.1 })).toBe(1);
    expect(await outcome({ tenantId: id, metric: 'STORAGE_GB', amount: -0.3 })).toBe(0.7);
    expect((await usageOf(id)).STORAGE_GB.remaining).toBe(0.3);
  });

  test.each<[string, (tenant: StoryTenant) => Promise<unknown>, string, string | number]>([
    ['active', async () => undefined, '2', 0],
    [
      'suspended',
      ({ id }) => gateway.psql(`UPDATE tenants SET status = 'suspended' WHERE id = $1`, [id]),
      'TENANT_SUSPENDED',
      0,
    ],
    [
      'deleted',
      ({ id }) => gateway.psql(`UPDATE tenants SET status = 'deleted' WHERE id = $1`, [id]),
      'TENANT_DELETED',
      0,
    ],
    [
      'failed',
      ({ id }) => gateway.psql(`UPDATE tenants SET status = 'failed' WHERE id = $1`, [id]),
      'TENANT_NOT_READY',
      0,
    ],
    [
      'purged',
      ({ id }) => gateway.psql(`UPDATE tenants SET status = 'purged' WHERE id = $1`, [id]),
      'TENANT_NOT_FOUND',
      'TENANT_NOT_FOUND',
    ],
  ])('a tenant that is %s', async (_status, change, more, less) => {
    const tenant = await aTenant().at(gateway);
    await update({ tenantId: tenant.id, maxStorageGb: 10 });
    await record({ tenantId: tenant.id, metric: 'STORAGE_GB', amount: 1 });
    await change(tenant);
    expect(String(await outcome({ tenantId: tenant.id, metric: 'STORAGE_GB', amount: 1 }))).toBe(more);
    const recorded = more === '2' ? -2 : -1;
    expect(await outcome({ tenantId: tenant.id, metric: 'STORAGE_GB', amount: recorded })).toBe(less);
  });

  test('raises no revision, appends nothing to the change log, and moves with limits that change', async () => {
    const { id } = await aTenant().at(gateway);
    const [before] = await gateway.psql('SELECT revision FROM registry_head');
    await record({ tenantId: id, amount: 100 });
    expect(await gateway.psql('SELECT revision FROM registry_head')).toEqual([before]);
    await update({ tenantId: id, maxMonthlyQuotes: 50 });
    expect((await usageOf(id)).MONTHLY_QUOTES).toEqual({ used: 100, limit: 50, remaining: 0 });
    expect(await outcome({ tenantId: id, amount: 1 })).toBe('QUOTA_EXCEEDED');
  });

  test('a purge leaves no usage, and none comes after it', async () => {
    const { id } = await aTenant().at(gateway);
    await record({ tenantId: id, amount: 1, idempotencyKey: 'k' });
    await gateway.psql(`UPDATE tenants SET status = 'purged' WHERE id = $1`, [id]);
    expect(await outcome({ tenantId: id, amount: 1, idempotencyKey: 'l' })).toBe('TENANT_NOT_FOUND');
    expect(
      await gateway.psql(
        'SELECT tenant_id FROM tenant_usage WHERE tenant_id = $1 UNION ALL SELECT tenant_id FROM usage_keys WHERE tenant_id = $1',
        [id],
      ),
    ).toEqual([]);
  });
});

describe('users', () => {
  const invite = (tenantId: string, email: string) =>
    gateway.ask(
      'mutation ($input: InviteTenantMemberInput!) { inviteTenantMember(input: $input) { member { id } } }',
      { input: { tenantId, email, role: 'MEMBER' } },
    );

  test('are members and those that services record, together', async () => {
    const { id } = await aTenant().at(gateway);
    await update({ tenantId: id, maxUsers: 3 });
    const { data } = await invite(id, 'one@acme.example');
    expect(await outcome({ tenantId: id, metric: 'USERS', amount: 2 })).toBe(3);
    expect(await outcome({ tenantId: id, metric: 'USERS', amount: 1 })).toBe('QUOTA_EXCEEDED');
    expect((await invite(id, 'two@acme.example')).codes).toEqual(['QUOTA_EXCEEDED']);
    await gateway.ask(
      'mutation ($input: RemoveTenantMemberInput!) { removeTenantMember(input: $input) { revision } }',
      {
        input: { tenantId: id, memberId: data.inviteTenantMember.member.id },
      },
    );
    expect((await usageOf(id)).USERS).toEqual({ used: 2, limit: 3, remaining: 1 });
    expect((await invite(id, 'two@acme.example')).codes).toEqual([]);
  });

  test('invitations and records at the same time fill the limit and no more', async () => {
    const { id } = await aTenant().at(gateway);
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, at) =>
        at % 2
          ? (await invite(id, `m${at}@acme.example`)).codes
          : (await record({ tenantId: id, metric: 'USERS', amount: 1 })).codes,
      ),
    );
    expect(answers.filter((codes) => codes.length === 0)).toHaveLength(5);
    expect(new Set(answers.flat())).toEqual(new Set(['QUOTA_EXCEEDED']));
    expect((await usageOf(id)).USERS.used).toBe(5);
  });
});

describe('recordUsages', () => {
  const recordAll = (records: Input[]) =>
    gateway.ask(
      `mutation ($records: [UsageRecordInput!]!) { recordUsages(input: { records: $records }) { results {
         __typename ... on UsageRecorded { tenantId isRepeated usage { used } } ... on UsageRefused { code }  } } }`,
      { records: records.map((one) => ({ metric: 'MONTHLY_QUOTES', ...one })) },
    );

  test('answers each record in order, with the usage or the refusal', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const { data } = await recordAll([
      { tenantId: id, amount: 99 },
      { tenantId: 'nobody-here', amount: 1 },
      { tenantId: slug, amount: 2 },
      { tenantId: id, amount: 1, idempotencyKey: 'last' },
      { tenantId: id, amount: 1, idempotencyKey: 'last' },
      { tenantId: id, amount: 0 },
    ]);
    expect(
      data.recordUsages.results.map(
        ({ code, usage, isRepeated }: { code?: string; usage?: { used: number }; isRepeated?: boolean }) =>
          code ?? [usage?.used, isRepeated],
      ),
    ).toEqual([
      [99, false],
      'TENANT_NOT_FOUND',
      'QUOTA_EXCEEDED',
      [100, false],
      [100, true],
      'VALIDATION_ERROR',
    ]);
  });

  test.each([
    ['no record', 0],
    ['more than 500', 501],
  ])('%s is refused', async (_name, count) => {
    const { codes } = await recordAll(Array.from({ length: count }, () => ({ tenantId: 'acme', amount: 1 })));
    expect(codes).toEqual(['VALIDATION_ERROR']);
  });

  test('500 records for many tenants are answered, whichever requests hold them', async () => {
    const tenants = await Promise.all(Array.from({ length: 5 }, () => aTenant().at(gateway)));
    const records = Array.from({ length: 500 }, (_, at) => ({
      tenantId: tenants[at % 5]?.id ?? '',
      amount: 1,
    }));
    const answers = await Promise.all([recordAll(records), recordAll(records.toReversed())]);
    const refused = answers.flatMap(({ data }) =>
      data.recordUsages.results.filter(({ code }: { code?: string }) => code === 'QUOTA_EXCEEDED'),
    );
    expect(refused).toHaveLength(500);
    for (const { id } of tenants) expect((await usageOf(id)).MONTHLY_QUOTES.used).toBe(100);
  });
});

describe('checkQuota', () => {
  const check = (tenantId: string, amount?: number) =>
    gateway.ask(
      `query ($tenantId: ID!, $amount: Float) { checkQuota(tenantId: $tenantId, metric: MONTHLY_QUOTES, amount: $amount) {
         isAllowed remaining usage { used } } }`,
      { tenantId, amount },
    );

  test('tells whether an amount is left, and reserves nothing', async () => {
    const { id } = await aTenant().at(gateway);
    await record({ tenantId: id, amount: 90 });
    const answers = [await check(id), await check(id, 10), await check(id, 11)];
    expect(answers.map(({ data }) => data.checkQuota)).toEqual([
      { isAllowed: true, remaining: 10, usage: { used: 90 } },
      { isAllowed: true, remaining: 10, usage: { used: 90 } },
      { isAllowed: false, remaining: 10, usage: { used: 90 } },
    ]);
    expect((await usageOf(id)).MONTHLY_QUOTES.used).toBe(90);
  });

  test('refuses an unknown tenant and a wrong amount', async () => {
    expect((await check('nobody-here')).codes).toEqual(['TENANT_NOT_FOUND']);
    const { id } = await aTenant().at(gateway);
    expect((await check(id, -1)).codes).toEqual(['VALIDATION_ERROR']);
  });
});
