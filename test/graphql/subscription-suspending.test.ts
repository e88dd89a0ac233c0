import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { SubscriptionStatus } from '../../src/database/generated/prisma/enums.js';
import { diagnose } from '../../src/provisioning/doctor/doctor.js';
import { openTwoGateways, type TwoGateways } from '../feed/support/two-gateways.js';
import type { TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import { codeOf } from '../sql/support/procedure-calls.js';

let two: TwoGateways;
let gateway: TestGateway;
beforeAll(async () => {
  two = await openTwoGateways();
  gateway = two.one;
});
afterAll(() => two?.close());

const facts =
  'subscription { status version generation suspendedAt suspendedReason } operation { kind status } revision';
const change = (name: string, tenantId: string, input: object = {}) =>
  mutate(gateway, name, { tenantId, module: 'finance', ...input }, facts, { accept: graphqlResponse });
const suspend = (tenantId: string, input?: object) => change('suspendSubscription', tenantId, input);
const resume = (tenantId: string, input?: object) => change('resumeSubscription', tenantId, input);

const aSubscriber = () => aTenant().subscribedTo('finance', 'operations').at(gateway);

/** The answers of both gateways, and that of the guard to a service with the route of before. */
async function look({ id, slug }: { id: string; slug: string }): Promise<string[]> {
  const enter = gateway.psqlIn('finance', 'SELECT tenant_guard.enter($1, $2, 1)', [id, `finance_${slug}`]);
  return Promise.all([resolve(two.one, id), resolve(two.other, id), codeOf(enter)]);
}

const suspendedEverywhere = ['TENANT_SUSPENDED', 'TENANT_SUSPENDED', 'TR002 TENANT_SUSPENDED'];
const openEverywhere = ({ slug }: { slug: string }) => [`finance_${slug}`, `finance_${slug}`, 'done'];

async function setStatus(id: string, status: string, columns = ''): Promise<void> {
  await gateway.psql(
    `UPDATE module_subscriptions SET status = lower($2)::subscription_status ${columns} WHERE tenant_id = $1 AND module = 'finance'`,
    [id, status],
  );
}

/** Runs the operations that are due, as a worker does. */
async function runDue(): Promise<void> {
  const due = await gateway.psql<{ id: string }>(
    `SELECT id FROM operations WHERE status = 'queued' AND run_after <= now()`,
  );
  for (const { id } of due) await gateway.app.commandsFor(developer).runOperation(id);
}

const findings = async (tenant: string) =>
  (await diagnose(gateway.app.commandsFor(developer), { modules: ['finance'], tenant })).findings;

async function statusOf(id: string): Promise<string | undefined> {
  const [row] = await gateway.psql<{ status: string }>(
    `SELECT status FROM module_subscriptions WHERE tenant_id = $1 AND module = 'finance'`,
    [id],
  );
  return row?.status;
}

describe('a suspended subscription', () => {
  test('stops resolving on every gateway and at the guard before the mutation answers, and others go on', async () => {
    const tenant = await aSubscriber();
    expect(await look(tenant)).toEqual(openEverywhere(tenant));
    const { result, errors } = await suspend(tenant.slug, { reason: 'invoice 7 is open' });
    expect(errors).toEqual([]);
    expect(await look(tenant)).toEqual(suspendedEverywhere);
    expect(await resolve(two.other, tenant.id, 'operations')).toBe(`tenant_${tenant.slug}`);
    expect(result.subscription).toMatchObject({ status: 'SUSPENDED', suspendedReason: 'invoice 7 is open' });
    expect(Date.parse(result.subscription.suspendedAt)).toBeGreaterThan(0);
    expect(result.operation).toEqual({ kind: 'BIND_STORAGE', status: 'SUCCEEDED' });
    expect(await findings(tenant.id)).toEqual([]);

    const resumed = await resume(tenant.id, { wait: 'EVERYWHERE' });
    expect(await look(tenant)).toEqual(openEverywhere(tenant));
    expect(resumed.result.subscription).toEqual({
      ...{ status: 'ACTIVE', generation: 1, version: result.subscription.version + 1 },
      ...{ suspendedAt: null, suspendedReason: null },
    });
    await runDue();
    expect(await look(tenant)).toEqual(openEverywhere(tenant));
    expect(await findings(tenant.id)).toEqual([]);
  });

  test.each([
    [{ reason: 'invoice 7 is open' }, ' is suspended: invoice 7 is open'],
    [{}, ' is suspended'],
  ])('with %j tells refused callers why', async (input, why) => {
    const { id, slug } = await aSubscriber();
    await suspend(id, input);
    const { errors } = await gateway.ask(`{ tenantSchema(id: "${id}", module: "finance") { schemaName } }`);
    expect(errors[0]?.message).toBe(`The subscription of tenant ${slug} to finance${why}`);
  });

  test('is entered in the audit log with its reason and actor', async () => {
    const { id } = await aSubscriber();
    await suspend(id, { reason: 'unpaid' });
    await resume(id);
    const { data } = await gateway.ask(
      `{ auditLog(tenantId: "${id}", filter: { kind: [SUBSCRIPTION_SUSPENDED, SUBSCRIPTION_RESUMED] }) { edges { node { kind actor after } } } }`,
    );
    expect(data.auditLog.edges.map(({ node }: { node: object }) => node)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'SUBSCRIPTION_RESUMED', actor: 'developer' }),
        expect.objectContaining({
          kind: 'SUBSCRIPTION_SUSPENDED',
          after: expect.objectContaining({ suspended_reason: 'unpaid' }),
        }),
      ]),
    );
  });

  test('by hand is followed like one by mutation', async () => {
    const tenant = await aSubscriber();
    await setStatus(tenant.id, 'SUSPENDED', `, suspended_reason = 'by hand'`);
    await runDue();
    expect(await look(tenant)).toEqual(suspendedEverywhere);
    const [row] = await gateway.psql(
      `SELECT suspended_at IS NOT NULL AS dated, suspended_reason FROM module_subscriptions WHERE tenant_id = $1 AND module = 'finance'`,
      [tenant.id],
    );
    expect(row).toEqual({ dated: true, suspended_reason: 'by hand' });
    await setStatus(tenant.id, 'ACTIVE');
    await runDue();
    expect(await look(tenant)).toEqual(openEverywhere(tenant));
    const [cleared] = await gateway.psql(
      `SELECT suspended_at, suspended_reason FROM module_subscriptions WHERE tenant_id = $1 AND module = 'finance'`,
      [tenant.id],
    );
    expect(cleared).toEqual({ suspended_at: null, suspended_reason: null });
  });

  test('a reason alone, written by hand where nothing is suspended, is no change', async () => {
    const { id } = await aSubscriber();
    const versions = () =>
      gateway.psql(`SELECT version, suspended_reason FROM module_subscriptions WHERE tenant_id = $1`, [id]);
    const before = await versions();
    await gateway.psql(`UPDATE module_subscriptions SET suspended_reason = 'x' WHERE tenant_id = $1`, [id]);
    expect(await versions()).toEqual(before);
  });
});

describe('the tenant’s own status', () => {
  test('a resumed tenant keeps a suspended subscription suspended', async () => {
    const tenant = await aSubscriber();
    await suspend(tenant.id);
    await mutate(gateway, 'suspendTenant', { tenantId: tenant.id, reason: 'all of it' });
    await mutate(gateway, 'resumeTenant', { tenantId: tenant.id, wait: 'EVERYWHERE' });
    expect(await look(tenant)).toEqual(suspendedEverywhere);
    expect(await resolve(gateway, tenant.id, 'operations')).toBe(`tenant_${tenant.slug}`);
    expect(await findings(tenant.id)).toEqual([]);
  });

  test('a subscription is suspended and resumed while its tenant is suspended, without opening anything', async () => {
    const tenant = await aSubscriber();
    await mutate(gateway, 'suspendTenant', { tenantId: tenant.id, reason: 'all of it' });
    expect((await suspend(tenant.id)).codes).toEqual([]);
    expect((await resume(tenant.id, { wait: 'EVERYWHERE' })).codes).toEqual([]);
    expect(await look(tenant)).toEqual(suspendedEverywhere);
    await mutate(gateway, 'resumeTenant', { tenantId: tenant.id, wait: 'EVERYWHERE' });
    expect(await look(tenant)).toEqual(openEverywhere(tenant));
  });

  test('a restored tenant keeps a suspended subscription suspended; while deleted it is left alone', async () => {
    const tenant = await aSubscriber();
    await suspend(tenant.id);
    await mutate(gateway, 'deleteTenant', { tenantId: tenant.id });
    expect((await resume(tenant.id)).codes).toEqual(['TENANT_DELETED']);
    expect((await suspend(tenant.id)).codes).toEqual(['TENANT_DELETED']);
    await mutate(gateway, 'restoreTenant', { tenantId: tenant.id, wait: 'EVERYWHERE' });
    expect(await look(tenant)).toEqual(suspendedEverywhere);
  });

  test('a purge drops the data of a suspended subscription', async () => {
    const { id, slug } = await aSubscriber();
    await suspend(id);
    await mutate(gateway, 'deleteTenant', { tenantId: id });
    await mutate(gateway, 'purgeTenant', { tenantId: id, purgeAfter: '2020-01-01T00:00:00Z' });
    expect(await statusOf(id)).toBe('cancelled');
    expect(
      await gateway.psqlIn('finance', 'SELECT FROM pg_namespace WHERE nspname = $1', [`finance_${slug}`]),
    ).toEqual([]);
  });
});

describe('cancelling a suspended subscription', () => {
  test('is possible, and subscribing again begins without the suspension', async () => {
    const { id } = await aSubscriber();
    await suspend(id, { reason: 'unpaid' });
    const cancelled = await mutate(
      gateway,
      'unsubscribeTenantFromModule',
      { tenantId: id, module: 'finance' },
      facts,
    );
    expect(cancelled.result.subscription).toMatchObject({
      ...{ status: 'CANCELLED', suspendedAt: null, suspendedReason: null },
    });
    expect((await resume(id)).codes).toEqual(['MODULE_NOT_SUBSCRIBED']);
    expect(
      (await mutate(gateway, 'subscribeTenantToModule', { tenantId: id, module: 'finance' })).codes,
    ).toEqual([]);
    expect(await resolve(two.other, id)).toMatch(/^finance_/);
  });

  test('is what subscribing again to a suspended one is not', async () => {
    const { id, slug } = await aSubscriber();
    await suspend(id);
    const { codes, errors } = await mutate(gateway, 'subscribeTenantToModule', {
      tenantId: id,
      module: 'finance',
    });
    expect([codes, errors[0]?.message]).toEqual([
      ['CONFLICT'],
      `Tenant ${slug} is subscribed to finance already (suspended): resume it with resumeSubscription`,
    ]);
  });
});

const busy = (status: string) =>
  `OPERATION_IN_PROGRESS The finance storage of tenant <slug> is ${status}: wait for that operation's end`;
const notSubscribed = 'MODULE_NOT_SUBSCRIBED Tenant <slug> is not subscribed to module finance';
const nothingToSuspend = (status: string) =>
  `CONFLICT The finance subscription of tenant <slug> is ${status}, so there is nothing to suspend: cancel it with unsubscribeTenantFromModule`;
const notSuspended = (status: string) =>
  `CONFLICT The finance subscription of tenant <slug> is ${status}, not suspended: provisionModule creates its storage, retryOperation tries a failed attempt again`;

const outcomes: Record<SubscriptionStatus, { suspend: string; resume: string }> = {
  ACTIVE: {
    suspend: 'suspended',
    resume: 'CONFLICT The finance subscription of tenant <slug> is active, not suspended',
  },
  SUSPENDED: {
    suspend:
      'CONFLICT The finance subscription of tenant <slug> is suspended already: resumeSubscription ends the suspension',
    resume: 'active',
  },
  PENDING: { suspend: nothingToSuspend('pending'), resume: notSuspended('pending') },
  FAILED: { suspend: nothingToSuspend('failed'), resume: notSuspended('failed') },
  PROVISIONING: { suspend: busy('provisioning'), resume: busy('provisioning') },
  MIGRATING: { suspend: busy('migrating'), resume: busy('migrating') },
  DEPROVISIONING: { suspend: busy('deprovisioning'), resume: busy('deprovisioning') },
  CANCELLED: { suspend: notSubscribed, resume: notSubscribed },
};

describe.each(['suspend', 'resume'] as const)('%s', (verb) => {
  test.each(Object.values(SubscriptionStatus))('of a subscription that is %s', async (status) => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    await setStatus(id, status);
    await runDue();
    const { errors } = await change(`${verb}Subscription`, id);
    const [error] = errors;
    const outcome = error
      ? `${error.extensions.code} ${error.message.replaceAll(slug, '<slug>')}`
      : await statusOf(id);
    expect(outcome).toBe(outcomes[status][verb]);
    if (error) expect(await statusOf(id)).toBe(status.toLowerCase());
  });

  test('compares the expected version', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    if (verb === 'resume') await suspend(id);
    const [row] = await gateway.psql<{ version: number }>(
      'SELECT version FROM module_subscriptions WHERE tenant_id = $1',
      [id],
    );
    const version = row?.version ?? 0;
    const late = await change(`${verb}Subscription`, id, { expectedVersion: version - 1 });
    expect([late.status, late.codes]).toEqual([412, ['VERSION_CONFLICT']]);
    const inTime = await change(`${verb}Subscription`, id, { expectedVersion: version });
    expect(inTime.result.subscription.version).toBe(version + 1);
  });
});

test('one that was suspended by hand before it had storage is pending when it is resumed', async () => {
  const { id } = await aTenant().at(gateway);
  await gateway.psql(`INSERT INTO module_subscriptions (tenant_id, module) VALUES ($1, 'finance')`, [id]);
  await setStatus(id, 'SUSPENDED');
  expect((await resume(id)).result.subscription.status).toBe('PENDING');
  expect(await resolve(gateway, id)).toBe('TENANT_NOT_READY');
});

test('a repeated request with its idempotency key gets the first answer', async () => {
  const { id } = await aTenant().subscribedTo('finance').at(gateway);
  const first = await suspend(id, { idempotencyKey: id });
  const again = await suspend(id, { idempotencyKey: id });
  expect([again.errors, again.result.revision]).toEqual([[], first.result.revision]);
});
