import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { uniqueName } from '../../setup/database.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { resolve } from '../../setup/graphql-calls.js';
import { blockingStatement, blockMigrations } from '../support/blocked-migration.js';
import { changeMany, endOf, makeTenants, readBulk, readChanges, readResults } from '../support/bulk-calls.js';
import { listSchemas } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { watchProgress } from '../support/operation-calls.js';

vi.setConfig({ testTimeout: 60_000 });

let testbed: GatewayWithModules;
/** A gateway that also runs operations. */
let gateway: TestGateway;
let tenants: { id: string; slug: string }[];
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'gated', migrations: { ...contacts, '0003_gate.sql': blockingStatement } },
  );
  gateway = await openGateway({
    sharing: testbed.gateway,
    config: { ...testbed.config, runsWorker: true, heartbeatMs: 300, takeOverAfterMs: 60_000 },
  });
});
afterAll(async () => {
  await gateway?.close();
  await testbed?.close();
});
beforeEach(async () => {
  tenants = await makeTenants(gateway, ['active', 'active', 'active', 'active', 'active', 'active'], {
    prefix: uniqueName('s'),
  });
});

const slugs = () => tenants.map(({ slug }) => slug);
const subscribe = (module: string, more: object = {}) =>
  changeMany(gateway, 'subscribeTenants', { tenantIds: slugs(), module, ...more });

test('the storage of all tenants is made by operations of their own, whose ends are the results', async () => {
  const answer = await subscribe('alpha', { wait: 'COMMITTED' });
  const { id } = answer.operation;
  const events = await watchProgress(gateway, id);
  expect(events.at(-1)).toEqual({ status: 'SUCCEEDED', isEnd: true });
  // The worker that only waits for others is released, and the last end wakes one: long before it counts as gone.
  expect(await readBulk(gateway, id)).toMatchObject({
    ...{ kind: 'SUBSCRIBE_TENANTS', status: 'SUCCEEDED' },
    progress: { total: 6, succeeded: 6, remaining: 0 },
  });
  const results = await readResults(gateway, id);
  expect(results.map(({ status, operation }) => [status, operation?.status])).toEqual(
    tenants.map(() => ['SUCCEEDED', 'SUCCEEDED']),
  );
  for (const { slug } of tenants) expect(await resolve(gateway, slug, 'alpha')).toMatch(/^alpha_/);
  expect(await readChanges(gateway, tenants, 'subscription.activated')).toMatchObject({
    entries: 6,
    tenants: 6,
  });
});

test('a tenant whose storage cannot be made has the reason as its result, and retryOperation makes it', async () => {
  await testbed.write('alpha/0003_broken.sql', brokenMigration);
  try {
    const answer = await subscribe('alpha');
    const { id } = answer.operation;
    expect(await endOf(gateway, answer)).toMatchObject({ status: 'FAILED', progress: { failed: 6 } });
    const [failed] = await readResults(gateway, id, { statuses: ['FAILED'] });
    expect(failed).toMatchObject({
      ...{ code: 'TENANT_NOT_READY', operation: { status: 'FAILED' } },
      message: expect.stringContaining('0003_broken'),
    });
    await testbed.remove('alpha/0003_broken.sql');
    // A person retries the operation of one tenant: the result follows.
    await changeMany(gateway, 'retryOperation', { id: failed?.operation?.id });
    await expect
      .poll(async () => (await readBulk(gateway, id)).progress)
      .toMatchObject({ failed: 5, succeeded: 1 });
    const retried = await changeMany(gateway, 'retryOperation', { id });
    expect(await endOf(gateway, retried)).toMatchObject({
      ...{ status: 'SUCCEEDED', progress: { total: 6, succeeded: 6, failed: 0 } },
    });
    expect(await readChanges(gateway, tenants, 'subscription.activated')).toMatchObject({
      entries: 6,
      tenants: 6,
    });
  } finally {
    await testbed.remove('alpha/0003_broken.sql').catch(() => undefined);
  }
});

describe('cancelOperation', () => {
  test('cancels the operations that have not begun, lets the others end, and tells which is which', async () => {
    await using block = await blockMigrations(testbed.url('gated'));
    const answer = await subscribe('gated', { wait: 'COMMITTED' });
    const { id } = answer.operation;
    // As many as may work in one database at a time; the others wait.
    await block.untilBlocked(4);
    await changeMany(gateway, 'cancelOperation', { id });
    await expect
      .poll(async () => (await readBulk(gateway, id)).progress)
      .toMatchObject({ cancelled: 2, remaining: 4 });
    expect(await readBulk(gateway, id)).toMatchObject({ status: 'RUNNING' });
    await block.release();
    expect(await endOf(gateway, answer)).toMatchObject({
      ...{ status: 'CANCELLED', error: 'cancelled by cancelOperation' },
      progress: { succeeded: 4, cancelled: 2, remaining: 0 },
    });
    const cancelled = await readResults(gateway, id, { statuses: ['CANCELLED'] });
    expect(cancelled.map(({ operation }) => operation?.status)).toEqual(['CANCELLED', 'CANCELLED']);
    const schemas = await listSchemas(testbed.url('gated'));
    for (const { reference } of cancelled)
      expect(schemas).not.toContain(`gated_${reference.replaceAll('-', '_')}`);
    const retried = await changeMany(gateway, 'retryOperation', { id });
    expect(await endOf(gateway, retried)).toMatchObject({ status: 'SUCCEEDED', progress: { succeeded: 6 } });
  });
});

test('the lists of operations of a tenant have those on many tenants as well', async () => {
  const answer = await changeMany(gateway, 'updateTenants', { tenantIds: slugs(), maxUsers: 6 });
  const { id } = await endOf(gateway, answer);
  const other = await changeMany(gateway, 'updateTenants', { tenantIds: slugs().slice(1), maxUsers: 7 });
  await endOf(gateway, other);
  const slug = tenants[0]?.slug;
  const { data, errors } = await gateway.ask(
    `query ($slug: ID!) {
       tenant(id: $slug) { operations { edges { node { id tenant { id } progress { total } } } } }
       all: operations(filter: { tenant: $slug }) { edges { node { id } } }
       these: operations(filter: { tenant: $slug, kind: [UPDATE_TENANTS], status: [SUCCEEDED] }) { edges { node { id } } }
       others: operations(filter: { tenant: $slug, kind: [SUSPEND_TENANTS] }) { edges { node { id } } } }`,
    { slug },
  );
  expect(errors).toEqual([]);
  const idsOf = (list: { edges: { node: { id: string } }[] }) => list.edges.map(({ node }) => node.id);
  expect([data.tenant.operations, data.all, data.these, data.others].map(idsOf)).toEqual([
    [id],
    [id],
    [id],
    [],
  ]);
  expect(data.tenant.operations.edges[0].node).toMatchObject({ tenant: null, progress: { total: 6 } });
});
