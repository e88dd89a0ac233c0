import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  lead,
  openRolloutTestbed,
  phones,
  type RolloutTestbed,
  type TestModule,
} from '../provisioning/support/rollouts.js';
import { recordStatements } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';

let testbed: RolloutTestbed;
let module: TestModule;
beforeAll(async () => {
  testbed = await openRolloutTestbed(6, 4);
});
afterAll(() => testbed?.close());

const state =
  'rollout { id status pauseReason currentWave version progress { tenants { total queued succeeded failed blocked skipped } } }';

async function start(strategy: object = {}) {
  const { result, codes } = await mutate(
    testbed.gateway,
    'startRollout',
    { module: module.name, strategy },
    state,
  );
  expect(codes).toEqual([]);
  return result.rollout;
}

async function read(id: string) {
  const { data } = await testbed.gateway.ask(
    `query ($id: ID!) { ${state.replace('rollout', 'rollout(id: $id)')} }`,
    { id },
  );
  return data.rollout;
}

test('a rollout is started, led by a worker and read with its tenants', async () => {
  module = await testbed.takeModule();
  await module.write('0003_phones.sql', phones);
  const planned = await testbed.gateway.ask(
    `query ($module: ModuleName!) { rolloutPlan(module: $module) { module targetVersion tenantCount behindCount
       pending { name isTransactional statements { line text kind lock warnings { code message remedy } } } problems { file line code problem remedy }
       versions { version tenantCount pending } excluded { status reason tenantCount examples } } }`,
    { module: module.name },
  );
  expect(planned.errors).toEqual([]);
  expect(planned.data.rolloutPlan).toMatchObject({
    ...{
      module: module.name,
      targetVersion: `${module.name}/0003_phones.sql`,
      tenantCount: 4,
      behindCount: 4,
    },
    versions: [
      {
        version: `${module.name}/0002_notes.sql`,
        tenantCount: 4,
        pending: [`${module.name}/0003_phones.sql`],
      },
    ],
    ...{ problems: [], excluded: [] },
  });
  const begun = await start({ canary: { percent: 25 }, waves: 3, errorBudget: { count: 1, percent: 50 } });
  expect(begun).toMatchObject({ status: 'RUNNING', progress: { tenants: { total: 4, queued: 4 } } });
  await lead(testbed);
  const { data, errors } = await testbed.gateway.ask(
    `query ($id: ID!) { rollout(id: $id) {
       __typename id status moduleName module { name } targetVersion files createdBy createdAt finishedAt
       strategy { canaryTenants canaryPercent pauseAfterCanary waves parallelism errorBudgetCount errorBudgetPercent lockTimeoutMs statementTimeoutMs }
       progress { waves { wave tenants { total succeeded } } }
       tenants(first: 3) { edges { cursor node { tenantId tenantSlug tenant { slug } wave status fromVersion toVersion file attempts error errorCode violations durationMs } }
         pageInfo { hasNextPage endCursor } } } }`,
    { id: begun.id },
  );
  expect(errors).toEqual([]);
  const { tenants, ...rollout } = data.rollout;
  expect(rollout).toEqual({
    ...{ __typename: 'Rollout', id: begun.id, status: 'SUCCEEDED', moduleName: module.name },
    module: { name: module.name },
    targetVersion: `${module.name}/0003_phones.sql`,
    files: [
      '_every/0001_settings_and_activity_log.sql',
      ...['0001_contacts', '0002_notes', '0003_phones'].map((name) => `${module.name}/${name}.sql`),
    ],
    createdBy: 'developer',
    createdAt: expect.any(String),
    finishedAt: expect.any(String),
    strategy: {
      ...{ canaryTenants: null, canaryPercent: 25, pauseAfterCanary: false, waves: 3, parallelism: 4 },
      ...{ errorBudgetCount: 1, errorBudgetPercent: 50, lockTimeoutMs: 2_000, statementTimeoutMs: 600_000 },
    },
    progress: { waves: [0, 1, 2, 3].map((wave) => ({ wave, tenants: { total: 1, succeeded: 1 } })) },
  });
  expect(tenants.pageInfo.hasNextPage).toBe(true);
  for (const { node } of tenants.edges)
    expect(node).toMatchObject({
      ...{ status: 'SUCCEEDED', tenantSlug: node.tenant.slug, file: null, attempts: 1 },
      ...{ fromVersion: `${module.name}/0002_notes.sql`, toVersion: `${module.name}/0003_phones.sql` },
      ...{ error: null, errorCode: null, violations: null, durationMs: expect.any(Number) },
    });
  const rest = await testbed.gateway.ask(
    `query ($id: ID!, $after: String) { rollout(id: $id) { tenants(after: $after) { edges { node { tenantSlug } } pageInfo { hasNextPage } }
       succeeded: tenants(filter: { status: [SUCCEEDED, FAILED] }) { edges { node { tenantSlug } } }
       failed: tenants(filter: { status: [FAILED] }) { edges { node { tenantSlug } } }
       canary: tenants(filter: { wave: 0 }) { edges { node { tenantSlug } } } } }`,
    { id: begun.id, after: tenants.pageInfo.endCursor },
  );
  const slugs = (connection: { edges: { node: { tenantSlug: string } }[] }) =>
    connection.edges.map(({ node }) => node.tenantSlug);
  const { tenants: page, succeeded, failed, canary } = rest.data.rollout;
  expect(page.pageInfo.hasNextPage).toBe(false);
  expect([...slugs(tenants), ...slugs(page)].toSorted()).toEqual(
    testbed.tenants.map(({ slug }) => slug).toSorted(),
  );
  expect([slugs(succeeded).length, slugs(failed).length, slugs(canary).length]).toEqual([4, 0, 1]);
});

test('a failure pauses it with the reason; it is skipped, resumed, retried and cancelled', async () => {
  module = await testbed.takeModule();
  const [broken] = testbed.tenants;
  await testbed.psql(
    module.name,
    `INSERT INTO ${module.schemaOf(broken)}.contact (id, name) VALUES (1, 'Ada')`,
  );
  await module.write(
    '0003_unique.sql',
    `DO $$ BEGIN IF EXISTS (SELECT FROM contact) THEN RAISE EXCEPTION 'in the way'; END IF; END $$;`,
  );
  const { id } = await start({ canary: { tenantIds: [broken?.slug] } });
  await lead(testbed);
  const paused = await read(id);
  expect(paused).toMatchObject({
    status: 'PAUSED',
    currentWave: 0,
    progress: { tenants: { failed: 1, queued: 3 } },
  });
  expect(paused.pauseReason).toMatch(/\S/);

  const steer = (name: string, input: object = {}) => mutate(testbed.gateway, name, { id, ...input }, state);
  expect((await steer('pauseRollout')).codes).toEqual(['CONFLICT']);
  expect((await steer('resumeRollout', { expectedVersion: 999 })).codes).toEqual(['VERSION_CONFLICT']);
  const retried = await steer('retryRollout', { expectedVersion: paused.version });
  expect(retried.result.rollout).toMatchObject({
    status: 'RUNNING',
    pauseReason: null,
    progress: { tenants: { failed: 0, queued: 4 } },
  });
  await lead(testbed);
  expect(await read(id)).toMatchObject({ status: 'PAUSED' });
  const skipped = await steer('skipTenantInRollout', { tenantId: broken?.id, reason: 'moves next week' });
  expect(skipped.result.rollout.progress.tenants).toMatchObject({ failed: 0, skipped: 1 });
  expect((await steer('skipTenantInRollout', { tenantId: 'nobody' })).codes).toEqual(['TENANT_NOT_FOUND']);
  await steer('resumeRollout');
  const again = await steer('pauseRollout', { reason: 'lunch' });
  expect(again.result.rollout).toMatchObject({ status: 'PAUSED', pauseReason: 'lunch' });
  const cancelled = await steer('cancelRollout');
  expect(cancelled.result.rollout).toMatchObject({
    status: 'CANCELLED',
    progress: { tenants: { skipped: 4 } },
  });
  for (const name of ['pauseRollout', 'resumeRollout', 'retryRollout', 'cancelRollout'])
    expect((await steer(name)).codes).toEqual(['CONFLICT']);
  // Everything that people did is in the audit log.
  const { data } = await testbed.gateway.ask(
    `{ auditLog(first: 20) { edges { node { kind kindText entityId module actor } } } }`,
  );
  const kinds = data.auditLog.edges
    .filter(({ node }: { node: { entityId: string } }) => node.entityId === id)
    .map(({ node }: { node: { kindText: string; kind: string } }) => {
      expect(node.kind).not.toBe('OTHER');
      return node.kindText;
    });
  expect(kinds).toContain('rollout.cancelled');
  expect(kinds).toContain('rollout.paused');
});

test('rollouts are listed, newest first, of one module or of all', async () => {
  module = await testbed.takeModule();
  await module.write('0003_phones.sql', phones);
  const first = await start();
  await lead(testbed);
  const second = await start();
  expect(second).toMatchObject({ status: 'SUCCEEDED', progress: { tenants: { total: 0 } } });
  const list = async (args: string) => {
    const { data, errors } = await testbed.gateway.ask(
      `{ rollouts${args} { edges { node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
    );
    expect(errors).toEqual([]);
    return data.rollouts;
  };
  const page = await list(`(first: 1, module: "${module.name}")`);
  expect([page.edges[0].node.id, page.pageInfo.hasNextPage]).toEqual([second.id, true]);
  const next = await list(`(first: 5, module: "${module.name}", after: "${page.pageInfo.endCursor}")`);
  expect(next.edges.map(({ node }: { node: { id: string } }) => node.id)).toEqual([first.id]);
  // And backward again, from the cursor of that page and from the end of the list.
  expect(next.pageInfo.hasPreviousPage).toBe(true);
  const back = await list(`(last: 1, module: "${module.name}", before: "${next.pageInfo.startCursor}")`);
  expect(back.edges.map(({ node }: { node: { id: string } }) => node.id)).toEqual([second.id]);
  expect(back.pageInfo).toMatchObject({ hasPreviousPage: false, hasNextPage: true });
  const end = await list(`(last: 1, module: "${module.name}")`);
  expect([end.edges[0].node.id, end.pageInfo.hasPreviousPage]).toEqual([first.id, true]);
  expect((await list('')).edges[0].node.id).toBe(second.id);
  expect((await list('(module: "finance")')).edges).toEqual([]);
});

test('a page of rollouts with their progress takes as many statements as one', async () => {
  module = await testbed.takeModule();
  await module.write('0003_phones.sql', phones);
  for (let at = 0; at < 3; at++) {
    await start();
    await lead(testbed);
  }
  const count = async (first: number) => {
    const statements = await recordStatements(async () => {
      await testbed.gateway.ask(
        `query ($first: Int) { rollouts(first: $first) { edges { node { id status progress { tenants { total } } } } } }`,
        { first },
      );
    });
    return statements.length;
  };
  expect(await count(10)).toBe(await count(1));
});

describe('rolloutProgress', () => {
  test('sends the present state, every change and the end', async () => {
    module = await testbed.takeModule();
    await module.write('0003_phones.sql', phones);
    const { id } = await start({ parallelism: 1 });
    const response = await fetch(`${testbed.gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({
        query: `subscription ($id: ID!) { rolloutProgress(id: $id) { isEnd rollout { status progress { tenants { total succeeded } } } } }`,
        variables: { id },
      }),
    });
    const reading = response.text();
    await lead(testbed);
    const events = [...(await reading).matchAll(/^data: (\{.*\})$/gm)].map(
      ([, line]) => JSON.parse(line ?? '').data.rolloutProgress,
    );
    expect(events[0]).toEqual({
      isEnd: false,
      rollout: { status: 'RUNNING', progress: { tenants: { total: 4, succeeded: 0 } } },
    });
    expect(events.at(-1)).toEqual({
      isEnd: true,
      rollout: { status: 'SUCCEEDED', progress: { tenants: { total: 4, succeeded: 4 } } },
    });
  });

  test('of a rollout that does not exist is refused', async () => {
    const response = await fetch(`${testbed.gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { rolloutProgress(id: "nothing") { isEnd } }' }),
    });
    expect(await response.text()).toContain('NOT_FOUND');
  });
});

test.each<[strategy: object, field: string]>([
  [{ canary: {} }, 'strategy.canary'],
  [{ canary: { tenants: 1, percent: 2 } }, 'strategy.canary'],
  [{ canary: { percent: 0 } }, 'strategy.canary.percent'],
  [{ canary: { percent: 101 } }, 'strategy.canary.percent'],
  [{ canary: { tenantIds: ['nobody'] } }, 'strategy.canary.tenantIds.0'],
  [{ pauseAfterCanary: true }, 'strategy.pauseAfterCanary'],
  [{ waves: 0 }, 'strategy.waves'],
  [{ waves: null }, 'strategy.waves'],
  [{ parallelism: 17 }, 'strategy.parallelism'],
  [{ errorBudget: { count: -1 } }, 'strategy.errorBudget.count'],
  [{ lockTimeoutMs: 5 }, 'strategy.lockTimeoutMs'],
  [{ statementTimeoutMs: 1 }, 'strategy.statementTimeoutMs'],
])('the strategy %j is refused by the name of its field', async (strategy, field) => {
  const { result, errors } = await mutate(testbed.gateway, 'startRollout', { module: 'm0', strategy });
  expect(result).toBeNull();
  expect(errors).toMatchObject([{ extensions: { code: 'VALIDATION_ERROR', fields: [{ field }] } }]);
});
