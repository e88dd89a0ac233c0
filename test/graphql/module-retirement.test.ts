import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SubscriptionStatus } from '../../src/database/generated/prisma/enums.js';
import { openTwoGateways, type TwoGateways, warm } from '../feed/support/two-gateways.js';
import { uniqueName } from '../setup/database.js';
import { recordStatements, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import { outcomeOf, subscribe as subscribeBySql } from '../sql/support/procedure-calls.js';

let two: TwoGateways;
let gateway: TestGateway;
beforeAll(async () => {
  two = await openTwoGateways();
  gateway = two.one;
});
afterAll(() => two?.close());

const facts = 'module { name isRetired retiredAt version } revision';
const change = (verb: string, name: string, input: object = {}) =>
  mutate(gateway, `${verb}Module`, { name, ...input }, verb === 'remove' ? 'name revision' : facts, {
    accept: graphqlResponse,
  });
const subscribe = (tenantId: string, module: string, input: object = {}) =>
  mutate(
    gateway,
    'subscribeTenantToModule',
    { tenantId, module, ...input },
    'subscription { status schemaName }',
  );
const unsubscribe = (tenantId: string, module: string) =>
  mutate(gateway, 'unsubscribeTenantFromModule', { tenantId, module });

async function aModule(): Promise<string> {
  const name = uniqueName('m');
  const input = {
    name,
    databaseRef: 'FINANCE_DB_URL',
    schemaPrefix: `${name.slice(0, 19)}_`,
    migrationsFolder: 'finance',
  };
  expect((await mutate(gateway, 'registerModule', input)).codes).toEqual([]);
  return name;
}

const retired = (module: string) =>
  `Module ${module} is retired and takes no new subscriptions: bring it back with updateModule (isRetired: false)`;

describe('a retired module', () => {
  test('takes no new subscriptions from any writer, and existing ones go on', async () => {
    const module = await aModule();
    const [member, stranger] = [await aTenant().at(gateway), await aTenant().at(gateway)];
    const { result: subscribed } = await subscribe(member.id, module);
    const { result } = await change('retire', module);
    expect(result.module).toEqual({
      name: module,
      isRetired: true,
      retiredAt: expect.any(String),
      version: 2,
    });

    const { codes, errors } = await subscribe(stranger.id, module);
    expect([codes, errors[0]?.message]).toEqual([['CONFLICT'], retired(module)]);
    const slug = uniqueName('t');
    const provisioned = await mutate(gateway, 'provisionTenant', {
      ...{ name: slug, slug, adminEmail: 'a@acme.example', modules: [module] },
    });
    expect([provisioned.codes, provisioned.errors[0]?.message]).toEqual([['CONFLICT'], retired(module)]);
    const called = await outcomeOf(subscribeBySql(gateway, stranger.id, module, uniqueName('s')));
    expect(called).toBe(`23505 CONFLICT: ${retired(module)}`);
    const byHand = gateway.psql('INSERT INTO module_subscriptions (tenant_id, module) VALUES ($1, $2)', [
      stranger.id,
      module,
    ]);
    expect(await outcomeOf(byHand)).toBe(called);

    expect(await resolve(two.other, member.id, module)).toBe(subscribed.subscription.schemaName);
    await mutate(gateway, 'suspendSubscription', { tenantId: member.id, module });
    await mutate(gateway, 'resumeSubscription', { tenantId: member.id, module });
    expect(await resolve(two.other, member.id, module)).toBe(subscribed.subscription.schemaName);
  });

  test('does not start a cancelled subscription again, and tries a failed one again', async () => {
    const module = await aModule();
    const [cancelled, failed] = [await aTenant().at(gateway), await aTenant().at(gateway)];
    for (const { id } of [cancelled, failed]) await subscribe(id, module);
    await unsubscribe(cancelled.id, module);
    await gateway.psql(`UPDATE module_subscriptions SET status = 'failed' WHERE tenant_id = $1`, [failed.id]);
    await change('retire', module);
    const again = await subscribe(cancelled.id, module);
    expect([again.codes, again.errors[0]?.message]).toEqual([['CONFLICT'], retired(module)]);
    const [{ schema_name: schema } = { schema_name: '' }] = await gateway.psql<{ schema_name: string }>(
      'SELECT schema_name FROM module_subscriptions WHERE tenant_id = $1',
      [cancelled.id],
    );
    expect(await outcomeOf(subscribeBySql(gateway, cancelled.id, module, schema))).toBe(
      `23505 CONFLICT: ${retired(module)}`,
    );
    expect((await subscribe(failed.id, module)).result.subscription.status).toBe('ACTIVE');
  });

  test('comes back by updateModule, which can retire it as well', async () => {
    const module = await aModule();
    await change('retire', module);
    const twice = await change('retire', module);
    expect([twice.status, twice.codes]).toEqual([409, ['CONFLICT']]);
    expect((await change('update', module, { isRetired: false })).result.module).toMatchObject({
      ...{ isRetired: false, retiredAt: null },
    });
    const { id } = await aTenant().at(gateway);
    expect((await subscribe(id, module)).codes).toEqual([]);
    const retiring = await change('update', module, { isRetired: true });
    const { retiredAt } = retiring.result.module;
    expect(
      (await change('update', module, { isRetired: true, description: 'x' })).result.module,
    ).toMatchObject({
      ...{ isRetired: true, retiredAt },
    });
  });
});

describe('a module is removed', () => {
  test('with its cancelled subscriptions, when no tenant ever had data; its routes are MODULE_NOT_FOUND at once everywhere', async () => {
    const module = await aModule();
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    const { result } = await subscribe(id, module, { provision: false });
    const { schemaName } = result.subscription;
    await unsubscribe(id, module);
    await warm(two.other, id);
    expect(await resolve(two.other, id, module)).toBe('MODULE_NOT_SUBSCRIBED');
    const removed = await change('remove', module);
    expect(removed.result.name).toBe(module);
    expect([await resolve(two.one, id, module), await resolve(two.other, id, module)]).toEqual([
      'MODULE_NOT_FOUND',
      'MODULE_NOT_FOUND',
    ]);
    expect(await resolve(two.other, id)).toMatch(/^finance_/);
    expect(await gateway.psql('SELECT FROM module_subscriptions WHERE module = $1', [module])).toEqual([]);
    // A name that has never resolved is given back.
    expect(await gateway.psql('SELECT FROM storage_names WHERE name = $1', [schemaName])).toEqual([]);
    const kinds = await gateway.psql(
      'SELECT kind FROM registry_change WHERE module = $1 ORDER BY revision DESC, kind LIMIT 2',
      [module],
    );
    expect(kinds).toEqual([{ kind: 'module.removed' }, { kind: 'subscription.removed' }]);
    expect(await gateway.psql('SELECT * FROM registry_count_problems()')).toEqual([]);
    const anew = await mutate(gateway, 'registerModule', { name: module, databaseRef: 'FINANCE_DB_URL' });
    expect(anew.codes).toEqual([]);
  });

  const subscribed = (module: string) =>
    `Module ${module} has 1 subscriptions and can't be removed: cancel them with unsubscribeTenantFromModule first`;
  const used = (module: string) =>
    `Module ${module} keeps data or names of 1 tenants and can't be removed: retire it with retireModule`;
  const refusals: Record<SubscriptionStatus, ((module: string) => string) | undefined> = {
    PENDING: subscribed,
    PROVISIONING: subscribed,
    // What was active once has had data.
    ACTIVE: used,
    MIGRATING: subscribed,
    SUSPENDED: subscribed,
    FAILED: subscribed,
    DEPROVISIONING: subscribed,
    CANCELLED: undefined,
  };

  test.each(Object.values(SubscriptionStatus))(
    'or not, by mutation and by hand, with a subscription that is %s and with one that had data',
    async (status) => {
      const [never, once] = [await aModule(), await aModule()];
      const { id } = await aTenant().at(gateway);
      for (const module of [never, once]) await subscribe(id, module, { provision: module === once });
      await gateway.psql(
        'UPDATE module_subscriptions SET status = lower($2)::subscription_status WHERE tenant_id = $1',
        [id, status],
      );
      for (const [module, refusal] of [
        [never, refusals[status]?.(never)],
        [once, used(once)],
      ] as const) {
        const byHand = gateway.psql(`BEGIN; DELETE FROM modules WHERE name = '${module}'; ROLLBACK`);
        expect(await outcomeOf(byHand)).toBe(refusal === undefined ? 'done' : `23001 ${refusal}`);
        const { codes, errors } = await change('remove', module);
        expect([codes, errors[0]?.message]).toEqual(
          refusal === undefined ? [[], undefined] : [['CONFLICT'], refusal],
        );
      }
    },
  );

  test('but its subscriptions are not deleted by hand', async () => {
    const module = await aModule();
    const { id } = await aTenant().at(gateway);
    await subscribe(id, module, { provision: false });
    await unsubscribe(id, module);
    const deletion = gateway.psql('DELETE FROM module_subscriptions WHERE tenant_id = $1', [id]);
    await expect(deletion).rejects.toMatchObject({ code: '42501' });
  });

  test('or kept by a subscription that comes at the same time, which is refused otherwise', async () => {
    for (let round = 0; round < 4; round++) {
      const module = await aModule();
      const tenant = await aTenant().at(gateway);
      const [removed, subscribed] = await Promise.all([
        change('remove', module),
        subscribe(tenant.id, module, { provision: false }),
      ]);
      expect([removed.codes, subscribed.codes]).toEqual(
        removed.codes.length === 0 ? [[], ['MODULE_NOT_FOUND']] : [['CONFLICT'], []],
      );
    }
  });
});

describe('the catalogue', () => {
  test('counts subscriptions by status, with one statement for all modules', async () => {
    const module = await aModule();
    const tenants = [await aTenant().at(gateway), await aTenant().at(gateway), await aTenant().at(gateway)];
    // On a busy machine a mutation may answer before its operation has ended.
    const counted = () =>
      gateway.psql(
        `SELECT status::text, count(*)::int FROM module_subscriptions WHERE module = $1 GROUP BY status ORDER BY status`,
        [module],
      );
    for (const { id } of tenants) await subscribe(id, module);
    await expect.poll(counted).toEqual([{ status: 'active', count: 3 }]);
    await unsubscribe(tenants[0]?.id ?? '', module);
    await expect.poll(counted).toEqual(expect.arrayContaining([{ status: 'cancelled', count: 1 }]));
    // What ends an operation is sent after the status that it leaves.
    const running = () =>
      gateway.psql(`SELECT kind::text FROM operations WHERE status IN ('running', 'compensating')`);
    await expect.poll(running).toEqual([]);
    const query = '{ modules { name subscriptionCounts { status count } } }';
    let answer = await gateway.ask(query);
    const statements = await recordStatements(async () => {
      answer = await gateway.ask(query);
    });
    const counts = answer.data.modules.find(
      ({ name }: { name: string }) => name === module,
    ).subscriptionCounts;
    expect(counts).toEqual([
      { status: 'ACTIVE', count: 2 },
      { status: 'CANCELLED', count: 1 },
    ]);
    const { registryStats } = (
      await gateway.ask('{ registryStats { modules { module subscriptions { status count } } } }')
    ).data;
    expect(registryStats.modules).toContainEqual({ module, subscriptions: counts });
    expect(statements.filter((statement) => statement.includes('subscription_counts'))).toHaveLength(1);
    expect(statements.filter((statement) => statement.includes('module_subscriptions'))).toEqual([]);
  });

  test.each([
    ['finance', /^finance\/\d{4}_\w+\.sql$/],
    ['no-such-folder', /^_every\//],
  ])('tells the latest migration of folder %s as new subscriptions get it', async (folder, latest) => {
    const module = await aModule();
    await gateway.psql('UPDATE modules SET migrations_folder = $2 WHERE name = $1', [module, folder]);
    const { id } = await aTenant().at(gateway);
    const { result } = await mutate(
      gateway,
      'subscribeTenantToModule',
      { tenantId: id, module },
      'subscription { migrationVersion module { latestMigration } }',
    );
    expect(result.subscription.module.latestMigration).toMatch(latest);
    expect(result.subscription.migrationVersion).toBe(result.subscription.module.latestMigration);
  });
});

test.each(['retire', 'remove'])(
  '%sModule compares the expected version and finds no unknown module',
  async (verb) => {
    const module = await aModule();
    expect((await change(verb, module, { expectedVersion: 2 })).codes).toEqual(['VERSION_CONFLICT']);
    expect((await change(verb, module, { expectedVersion: 1 })).codes).toEqual([]);
    expect((await change(verb, 'no_such_module')).codes).toEqual(['MODULE_NOT_FOUND']);
  },
);
