import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { blockingStatement, blockMigrations } from '../support/blocked-migration.js';
import { listSchemas } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import {
  markProvisioned,
  provisionModule,
  readTenant,
  resolve,
  subscribe,
} from '../support/provisioning-calls.js';

/** Subscribe, provision and mark, each as a separate mutation. */

let testbed: GatewayWithModules;
let tenant: StoryTenant;
let schema: string;
beforeAll(async () => {
  testbed = await openGatewayWithModules({ name: 'crm', migrations: contacts });
});
afterAll(() => testbed.close());
beforeEach(async () => {
  tenant = await aTenant().at(testbed.gateway);
  schema = `crm_${tenant.slug}`;
});

const inCrm = (more: object = {}) => ({ tenantId: tenant.id, module: 'crm', ...more });
const waiting = () => subscribe(testbed.gateway, inCrm({ provision: false }));
const route = () => resolve(testbed.gateway, tenant.id, 'crm');

async function breakCrm(): Promise<void> {
  await testbed.write('crm/0003_half.sql', brokenMigration);
  onTestFinished(() => testbed.remove('crm/0003_half.sql').catch(() => undefined));
}

describe('a pending subscription', () => {
  test('has a name and no storage, then storage and no route, then a route', async () => {
    const { subscription, operation } = await waiting();
    expect(subscription).toMatchObject({ status: 'PENDING', schemaName: schema });
    expect(operation).toBeNull();
    expect(await listSchemas(testbed.url('crm'))).not.toContain(schema);
    expect(await route()).toBe('TENANT_NOT_READY');

    const made = await provisionModule(testbed.gateway, inCrm());
    expect(made.operation.steps.map(({ name, status }) => [name, status])).toEqual([
      ['CREATE_SCHEMA', 'SUCCEEDED'],
    ]);
    expect(made.subscription).toMatchObject({ status: 'PENDING', migrationVersion: 'crm/0002_notes.sql' });
    expect(await listSchemas(testbed.url('crm'))).toContain(schema);
    expect(await route()).toBe('TENANT_NOT_READY');

    const marked = await markProvisioned(testbed.gateway, inCrm());
    expect(marked.subscription.status).toBe('ACTIVE');
    expect(await route()).toBe(`schema ${schema}`);
  });

  test('whose migration fails is FAILED, leaves no storage, and can be provisioned again', async () => {
    await waiting();
    await breakCrm();
    const failed = await provisionModule(testbed.gateway, inCrm());
    expect(failed.operation).toMatchObject({
      ...{ status: 'FAILED', error: 'Migration crm/0003_half.sql failed: broken on purpose' },
    });
    expect(failed.subscription.status).toBe('FAILED');
    expect(await listSchemas(testbed.url('crm'))).not.toContain(schema);
    await testbed.remove('crm/0003_half.sql');
    const mended = await provisionModule(testbed.gateway, inCrm());
    expect(mended.subscription).toMatchObject({ status: 'PENDING', schemaName: schema });
  });

  test('that was marked as FAILED has the reason in its history', async () => {
    await waiting();
    const marked = await markProvisioned(testbed.gateway, inCrm({ status: 'FAILED', error: 'disk full' }));
    expect(marked.subscription.status).toBe('FAILED');
    const [subscription] = (await readTenant(testbed.gateway, tenant.id)).subscriptions;
    expect(subscription?.history).toMatchObject([{ status: 'FAILED', error: 'disk full' }]);
    expect(await route()).toBe('TENANT_NOT_READY');
  });

  test('keeps the existing storage when a later migration fails', async () => {
    await waiting();
    await provisionModule(testbed.gateway, inCrm());
    await testbed.psql('crm', `INSERT INTO ${schema}.contact VALUES (1, 'loaded by somebody')`);
    await breakCrm();
    expect((await subscribe(testbed.gateway, inCrm())).operation.status).toBe('FAILED');
    expect(await testbed.psql('crm', `SELECT name FROM ${schema}.contact`)).toHaveLength(1);
  });
});

describe('storage that is being created', () => {
  test.each(['SUCCESS', 'FAILED'])('cannot be marked as %s meanwhile', async (status) => {
    await testbed.write('crm/0003_gate.sql', `${blockingStatement} ${brokenMigration}`);
    onTestFinished(() => testbed.remove('crm/0003_gate.sql'));
    await using block = await blockMigrations(testbed.url('crm'));
    const running = subscribe(testbed.gateway, inCrm());
    await block.untilBlocked();
    expect(await markProvisioned(testbed.gateway, inCrm({ status }))).toMatchObject({
      code: 'OPERATION_IN_PROGRESS',
    });
    expect(await route()).toBe('TENANT_NOT_READY');
    await block.release();
    expect((await running).subscription.status).toBe('FAILED');
    expect(await route()).toBe('TENANT_NOT_READY');
  });

  test('cannot be created twice, unsubscribed or renamed meanwhile', async () => {
    await testbed.write('crm/0003_gate.sql', blockingStatement);
    onTestFinished(() => testbed.remove('crm/0003_gate.sql'));
    await using block = await blockMigrations(testbed.url('crm'));
    const running = subscribe(testbed.gateway, inCrm());
    await block.untilBlocked();
    const busy = { code: 'OPERATION_IN_PROGRESS' };
    expect(await subscribe(testbed.gateway, inCrm())).toMatchObject(busy);
    expect(await subscribe(testbed.gateway, inCrm({ schemaName: 'elsewhere' }))).toMatchObject(busy);
    expect(await provisionModule(testbed.gateway, inCrm())).toMatchObject(busy);
    expect(await waiting()).toMatchObject(busy);
    await block.release();
    expect((await running).operation.status).toBe('SUCCEEDED');
  });

  test('of a tenant that is suspended meanwhile is completed, and resolves when the tenant is resumed', async () => {
    await testbed.write('crm/0003_gate.sql', blockingStatement);
    onTestFinished(() => testbed.remove('crm/0003_gate.sql'));
    await using block = await blockMigrations(testbed.url('crm'));
    const running = subscribe(testbed.gateway, inCrm());
    await block.untilBlocked();
    const ask = (mutation: string) =>
      testbed.gateway.ask(`mutation ($id: ID!) { ${mutation} { revision } }`, { id: tenant.id });
    expect((await ask('suspendTenant(input: { tenantId: $id, reason: "unpaid" })')).errors).toEqual([]);
    await block.release();
    expect((await running).operation.status).toBe('SUCCEEDED');
    expect(await route()).toBe('TENANT_SUSPENDED');
    expect((await ask('resumeTenant(input: { tenantId: $id })')).errors).toEqual([]);
    expect(await route()).toBe(`schema ${schema}`);
  });
});
