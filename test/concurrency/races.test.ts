import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { listDatabases, listSchemas, readSchemaOwners } from '../provisioning/support/catalog.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { provision, readTenant, subscribe, unsubscribe } from '../provisioning/support/provisioning-calls.js';
import { uniqueName } from '../setup/database.js';
import { type Answer, openGateway, type TestGateway } from '../setup/gateway.js';
import { isWaitForLock } from '../setup/locks.js';
import { aTenant } from '../setup/stories.js';

let testbed: GatewayWithModules;
let replica: TestGateway;
// Many requests at once need time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'crm', migrations: contacts },
    { name: 'hr', migrations: contacts },
    { name: 'vault', migrations: contacts, isolation: 'DATABASE' },
  );
  replica = await openGateway({ sharing: testbed.gateway, config: testbed.config });
});
afterAll(async () => {
  await replica.close();
  await testbed.close();
});

/** Sends all requests at once, every second one to the other gateway. */
function atOnce<T>(count: number, work: (gateway: TestGateway, at: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => work(at % 2 ? replica : testbed.gateway, at)));
}

/**
 * Repeats a request that waited in vain for a lock, at most three times, as clients do: it has changed nothing. On a slow machine the
 * turns of 20 take longer than a change waits. Every other refusal is the answer.
 */
async function untilItsTurn<T extends { code: string | undefined; message: string }>(
  request: () => Promise<T>,
  repetitions = 3,
): Promise<T> {
  const answer = await request();
  return isWaitForLock(answer) && repetitions > 0 ? untilItsTurn(request, repetitions - 1) : answer;
}

const register = (gateway: TestGateway, input: object) =>
  gateway.ask(
    `mutation ($input: RegisterTenantInput!) { registerTenant(input: $input) { tenant { id slug } revision } }`,
    { input },
  );

describe('50 registrations at once', () => {
  function expectOneWinner(answers: Answer<undefined>[]): void {
    expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(1);
    const refusals = answers.flatMap(({ errors }) => errors);
    expect(refusals).toHaveLength(49);
    for (const { extensions } of refusals)
      expect(extensions).toMatchObject({ code: 'CONFLICT', fields: [{ field: 'slug' }] });
  }
  const traces = (slug: string) =>
    testbed.gateway.psql<{ kind: string }>(
      `SELECT kind FROM registry_change WHERE tenant_slug = $1 ORDER BY 1`,
      [slug],
    );
  const onceRegistered = [
    ...[{ kind: 'branding.created' }, { kind: 'settings.created' }, { kind: 'tenant.registered' }],
  ];

  test('with one slug: one succeeds, 49 get CONFLICT, and the log has one', async () => {
    const slug = uniqueName('t');
    expectOneWinner(await atOnce(50, (gateway) => register(gateway, { name: 'Same', slug })));
    expect(await traces(slug)).toEqual(onceRegistered);
  });

  test('with one name: one succeeds, 49 get CONFLICT', async () => {
    const name = uniqueName('Same Name');
    expectOneWinner(await atOnce(50, (gateway) => register(gateway, { name })));
  });

  test('with one idempotency key: all get the same tenant', async () => {
    const slug = uniqueName('t');
    const input = { name: 'Same', slug, idempotencyKey: slug };
    const answers = await atOnce(50, (gateway) => register(gateway, input));
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    expect(new Set(answers.map(({ data }) => JSON.stringify(data)))).toHaveLength(1);
    expect(await traces(slug)).toEqual(onceRegistered);
  });
});

describe('50 subscriptions of one tenant to one module at once', () => {
  const losing = ['OPERATION_IN_PROGRESS', 'CONFLICT'];

  test.each(['crm', 'vault'])('%s: one succeeds, and one storage is created', async (module) => {
    const tenant = await aTenant().at(testbed.gateway);
    const answers = await atOnce(50, (gateway) => subscribe(gateway, { tenantId: tenant.id, module }));
    expect(answers.filter(({ operation }) => operation?.status === 'SUCCEEDED')).toHaveLength(1);
    const refusals = answers.flatMap(({ code }) => code ?? []);
    expect(refusals).toHaveLength(49);
    expect(refusals.filter((code) => !losing.includes(code))).toEqual([]);

    const name = `${module}_${tenant.slug}`;
    const places = [...(await listSchemas(testbed.url(module))), ...(await listDatabases(`${name}%`))];
    expect(places.filter((place) => place.startsWith(name))).toEqual([name]);
    expect(
      await testbed.gateway.psql('SELECT status::text FROM operations WHERE tenant_id = $1', [tenant.id]),
    ).toEqual([{ status: 'succeeded' }]);
  });

  test('after a cancellation: one request reuses the existing storage', async () => {
    const tenant = await aTenant().subscribedTo('crm').at(testbed.gateway);
    await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
    const answers = await atOnce(50, (gateway) => subscribe(gateway, { tenantId: tenant.id, module: 'crm' }));
    expect(answers.filter(({ operation }) => operation?.status === 'SUCCEEDED')).toHaveLength(1);
    const [subscription] = (await readTenant(replica, tenant.id)).subscriptions;
    expect(subscription).toMatchObject({ status: 'ACTIVE', generation: 2 });
    expect(subscription?.history).toHaveLength(2);
  });

  test('with 50 different names: one schema is created', async () => {
    const tenant = await aTenant().at(testbed.gateway);
    const stem = uniqueName('s');
    const answers = await atOnce(50, (gateway, at) =>
      subscribe(gateway, { tenantId: tenant.id, module: 'crm', schemaName: `${stem}_${at}` }),
    );
    const [winner, ...others] = answers.filter(({ code }) => code === undefined);
    expect(others).toEqual([]);
    const made = (await listSchemas(testbed.url('crm'))).filter((schema) => schema.startsWith(stem));
    expect(made).toEqual([winner?.subscription.schemaName]);
  });
});

describe('20 tenants at once', () => {
  /** Twenty slugs that lead to the same name when "-" becomes "_". */
  const twins = (stem: string) =>
    Array.from({ length: 20 }, (_, at) =>
      [...'abcdef'].reduce((slug, word, place) => slug + ((at >> place) % 2 ? '-' : '_') + word, stem),
    );

  test('whose names collide: 20 different schemas, one per tenant', async () => {
    const slugs = twins('twin');
    await atOnce(20, (gateway, at) => aTenant({ slug: slugs[at] ?? '' }).at(gateway));
    const answers = await atOnce(20, (gateway, at) =>
      untilItsTurn(() => subscribe(gateway, { tenantId: slugs[at], module: 'crm' })),
    );
    expect(
      answers.map(({ code, message, operation }) => (code ? `${code}: ${message}` : operation.status)),
    ).toEqual(slugs.map(() => 'SUCCEEDED'));
    const names = answers.map(({ subscription }) => subscription.schemaName);
    expect([...names].sort()).toEqual(
      [
        'crm_twin_a_b_c_d_e_f',
        ...Array.from({ length: 19 }, (_, at) => `crm_twin_a_b_c_d_e_f_${at + 2}`),
      ].sort(),
    );
    const tenants = await testbed.gateway.psql<{ slug: string; id: string }>(
      'SELECT slug, id FROM tenants WHERE slug = ANY($1)',
      [slugs],
    );
    for (const { slug, id } of tenants)
      expect(await readSchemaOwners(testbed.url('crm'), names[slugs.indexOf(slug)] ?? '')).toEqual([
        { tenantId: id, module: 'crm' },
      ]);
  });

  test('with provisionTenant, whose names collide: 20 tenants, 40 schemas', async () => {
    const slugs = twins('whole');
    const answers = await atOnce(20, (gateway, at) =>
      untilItsTurn(() =>
        provision(gateway, { slug: slugs[at] ?? '', modules: at % 3 ? ['hr', 'crm'] : ['crm', 'hr'] }),
      ),
    );
    expect(
      answers.map(({ code, message, operation }) => (code ? `${code}: ${message}` : operation.status)),
    ).toEqual(slugs.map(() => 'SUCCEEDED'));
    for (const module of ['crm', 'hr']) {
      const made = (await listSchemas(testbed.url(module))).filter((name) => name.includes('_whole_'));
      expect(made).toHaveLength(20);
    }
  });

  test('that request the same name: one gets it, 19 get CONFLICT', async () => {
    const tenants = await atOnce(20, (gateway) => aTenant().at(gateway));
    const schemaName = uniqueName('s');
    const answers = await atOnce(20, (gateway, at) =>
      subscribe(gateway, { tenantId: tenants[at]?.id, module: at % 3 ? 'crm' : 'hr', schemaName }),
    );
    expect(answers.filter(({ operation }) => operation?.status === 'SUCCEEDED')).toHaveLength(1);
    const refusals = answers.filter(({ code }) => code !== undefined);
    expect(refusals).toHaveLength(19);
    for (const refusal of refusals)
      expect(refusal).toMatchObject({ code: 'CONFLICT', fields: ['schemaName'] });
  });
});

test('provisioning of more tenants than connections waits for its turn without a timeout', async () => {
  await testbed.write('hr/0003_slow.sql', 'SELECT pg_sleep(0.5);');
  onTestFinished(() => testbed.remove('hr/0003_slow.sql'));
  const tenants = await atOnce(60, (gateway) => aTenant().at(gateway));
  // All at one gateway: its five connections need more time than the five seconds in which a server must answer.
  const answers = await Promise.all(
    tenants.map(({ id }) => subscribe(testbed.gateway, { tenantId: id, module: 'hr' })),
  );
  expect(answers.map(({ code, operation }) => code ?? operation.error)).toEqual(tenants.map(() => null));
});

test('50 concurrent provisionTenant with one slug: one tenant, provisioned once', async () => {
  const slug = uniqueName('t');
  const answers = await atOnce(50, (gateway) => provision(gateway, { slug, modules: ['crm', 'hr'] }));
  expect(answers.filter(({ operation }) => operation?.status === 'SUCCEEDED')).toHaveLength(1);
  const refusals = answers.flatMap(({ code }) => code ?? []);
  expect(refusals).toHaveLength(49);
  expect(refusals.filter((code) => !['CONFLICT', 'OPERATION_IN_PROGRESS'].includes(code))).toEqual([]);
});
