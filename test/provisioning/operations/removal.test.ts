import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { waitFor } from '../support/blocked-migration.js';
import { databasesLike, schemasAt } from '../support/catalog.js';
import { contacts, openWorkshop, type Workshop } from '../support/gateway-with-own-modules.js';
import { endOf, newestOperation, operationAt, steer } from '../support/operation-calls.js';
import { lookAt, provisionModule, resolve, subscribe, unsubscribe } from '../support/provisioning-calls.js';

let workshop: Workshop;
/** Takes up what is due. */
let worker: TestGateway;
let tenant: StoryTenant;
beforeAll(async () => {
  workshop = await openWorkshop(
    { name: 'crm', migrations: contacts },
    { name: 'vault', migrations: contacts, isolation: 'DATABASE' },
  );
  worker = await openGateway({
    sharing: workshop.gateway,
    config: { ...workshop.config, runsWorker: true },
  });
});
afterAll(async () => {
  await worker.close();
  await workshop.close();
});
beforeEach(async () => {
  tenant = await aTenant().subscribedTo('crm', 'vault').at(workshop.gateway);
  await workshop.psql('crm', `INSERT INTO crm_${tenant.slug}.contact VALUES (1, 'Ada')`);
});

const change = (name: string, more: object = {}, fields = 'revision') =>
  mutate(workshop.gateway, name, { tenantId: tenant.id, ...more }, fields);

const schema = () => `crm_${tenant.slug}`;
const hasSchema = async () => (await schemasAt(workshop.url('crm'))).includes(schema());
const hasDatabase = async () => (await databasesLike(`vault_${tenant.slug}`)).length === 1;
const contactsOf = () => workshop.psql('crm', `SELECT name FROM ${schema()}.contact`);

/** As if the time to keep the data were over. */
async function letTimePass(module: string): Promise<void> {
  await workshop.gateway.psql(
    `UPDATE module_subscriptions SET purge_after = now() - interval '1 second' WHERE tenant_id = $1 AND module = $2`,
    [tenant.id, module],
  );
}

describe('an unsubscribed module’s data', () => {
  test('is kept until purgeAfter, then dropped by an operation of its own, and its name stays taken', async () => {
    await unsubscribe(workshop.gateway, { tenantId: tenant.id, module: 'crm', keepDataDays: 7 });
    const { data } = await workshop.gateway.ask(
      `{ tenant(id: "${tenant.id}") { subscriptions { module { name } purgeAfter storageRemovedAt } } }`,
    );
    const inDays = (Date.parse(data.tenant.subscriptions[0].purgeAfter) - Date.now()) / 86_400_000;
    expect(inDays).toBeGreaterThan(6.9);
    expect(inDays).toBeLessThan(7.1);
    expect(await contactsOf()).toEqual([{ name: 'Ada' }]);

    await letTimePass('crm');
    const removal = await newestOperation(workshop.gateway, tenant.id, 'remove_storage');
    expect(await endOf(workshop.gateway, removal)).toMatchObject({
      status: 'SUCCEEDED',
      steps: [{ name: 'drop_schema', status: 'SUCCEEDED' }],
    });
    expect(await hasSchema()).toBe(false);
    expect(await hasDatabase()).toBe(true);
    const other = await aTenant().at(workshop.gateway);
    const stolen = await subscribe(workshop.gateway, {
      ...{ tenantId: other.id, module: 'crm', schemaName: schema() },
    });
    expect(stolen.code).toBe('CONFLICT');
  }, 60_000);

  test('dropped, is made anew under the same name when the tenant subscribes again', async () => {
    await unsubscribe(workshop.gateway, { tenantId: tenant.id, module: 'vault' });
    await letTimePass('vault');
    await waitFor(async () => !(await hasDatabase()));
    await endOf(workshop.gateway, await newestOperation(workshop.gateway, tenant.id, 'remove_storage'));
    const again = await subscribe(workshop.gateway, { tenantId: tenant.id, module: 'vault' });
    expect(again.subscription).toMatchObject({
      status: 'ACTIVE',
      databaseName: `vault_${tenant.slug}`,
      generation: 2,
    });
    expect(await hasDatabase()).toBe(true);
  }, 60_000);

  test('is dropped though somebody stands in it: he is put out', async () => {
    const binding = `SELECT tenant_guard.enter('${tenant.id}', '${schema()}', 1)`;
    const { Client } = (await import('pg')).default;
    const inside = new Client({ connectionString: workshop.url('crm') });
    inside.on('error', () => undefined);
    await inside.connect();
    await inside.query('BEGIN');
    await inside.query(binding);
    await unsubscribe(workshop.gateway, { tenantId: tenant.id, module: 'crm', wait: 'COMMITTED' });
    await letTimePass('crm');
    await waitFor(async () => !(await hasSchema()));
    await expect(inside.query('SELECT 1')).rejects.toThrow();
  }, 60_000);
});

test('storage that was made and never resolved goes, too, and its name with it', async () => {
  const waiting = await aTenant().at(workshop.gateway);
  const call = { tenantId: waiting.id, module: 'crm' };
  await subscribe(workshop.gateway, { ...call, provision: false });
  await provisionModule(workshop.gateway, call);
  const standing = () => schemasAt(workshop.url('crm'));
  expect(await standing()).toContain(`crm_${waiting.slug}`);
  await unsubscribe(workshop.gateway, call);
  await workshop.gateway.psql(
    `UPDATE module_subscriptions SET purge_after = now() - interval '1 second' WHERE tenant_id = $1`,
    [waiting.id],
  );
  await endOf(workshop.gateway, await newestOperation(workshop.gateway, waiting.id, 'remove_storage'));
  expect(await standing()).not.toContain(`crm_${waiting.slug}`);
}, 60_000);

test('a removal that is called off keeps the data once more for a while', async () => {
  await unsubscribe(workshop.gateway, { tenantId: tenant.id, module: 'crm' });
  const id = await plannedRemoval();
  const { operation } = await steer(workshop.gateway, 'cancelOperation', id);
  expect(operation?.status).toBe('CANCELLED');
  expect(await contactsOf()).toEqual([{ name: 'Ada' }]);
  const again = await subscribe(workshop.gateway, { tenantId: tenant.id, module: 'crm' });
  expect(again.subscription.status).toBe('ACTIVE');
  expect(await contactsOf()).toEqual([{ name: 'Ada' }]);
});

/** A removal that waits, as it does while all workers are busy. */
async function plannedRemoval(): Promise<string> {
  const [row] = await workshop.gateway.psql<{ id: string }>(
    `WITH planned AS (
       UPDATE module_subscriptions SET status = 'deprovisioning' WHERE tenant_id = $1 AND module = 'crm' RETURNING tenant_id),
     operation AS (
       INSERT INTO operations (kind, tenant_id, actor, run_after)
       SELECT 'remove_storage', tenant_id, 'gateway', now() + interval '1 hour' FROM planned RETURNING id),
     step AS (
       INSERT INTO operation_steps (operation_id, position, name, module) SELECT id, 0, 'drop_schema', 'crm' FROM operation)
     SELECT id FROM operation`,
    [tenant.id],
  );
  return row?.id ?? '';
}

describe('a deleted tenant', () => {
  test('is restored with its data until its last day, and a planned purge is called off', async () => {
    await change('deleteTenant');
    const planned = await change(
      'purgeTenant',
      {},
      'operation { id status runAfter } tenant { restorableUntil }',
    );
    expect(planned.result.operation).toMatchObject({
      status: 'QUEUED',
      runAfter: planned.result.tenant.restorableUntil,
    });
    expect(await resolve(workshop.gateway, tenant.id, 'crm')).toBe('TENANT_DELETED');
    await change('restoreTenant');
    expect(await resolve(workshop.gateway, tenant.id, 'crm')).toBe(`schema ${schema()}`);
    expect(await contactsOf()).toEqual([{ name: 'Ada' }]);
    expect((await operationAt(workshop.gateway, planned.result.operation.id)).status).toBe('CANCELLED');
  });

  test('is purged when its time is over: data gone, person forgotten, names taken for ever', async () => {
    await workshop.gateway.psql(
      `INSERT INTO members (tenant_id, email, role) VALUES ($1, 'ada@example.com', 'admin')`,
      [tenant.id],
    );
    await change('deleteTenant');
    await workshop.gateway.psql(
      `UPDATE tenants SET purge_after = now() - interval '1 second', primary_email = 'ada@example.com' WHERE id = $1`,
      [tenant.id],
    );
    const purge = await newestOperation(workshop.gateway, tenant.id, 'purge_tenant');
    expect(await endOf(workshop.gateway, purge)).toMatchObject({
      status: 'SUCCEEDED',
      steps: [{ name: 'drop_schema' }, { name: 'drop_database' }],
    });
    expect([await hasSchema(), await hasDatabase()]).toEqual([false, false]);
    expect(await resolve(workshop.gateway, tenant.id, 'crm')).toBe('TENANT_NOT_FOUND');
    const [row] = await workshop.gateway.psql(
      `SELECT status, primary_email, (SELECT count(*)::int FROM members WHERE tenant_id = id) AS members,
              (SELECT count(*)::int FROM personal_data_keys WHERE tenant_id = id) AS keys
       FROM tenants WHERE id = $1`,
      [tenant.id],
    );
    expect(row).toEqual({ status: 'purged', primary_email: null, members: 0, keys: 0 });
    const again = await mutate(workshop.gateway, 'registerTenant', { name: 'New', slug: tenant.slug });
    expect(again.codes).toEqual(['CONFLICT']);
    expect((await change('restoreTenant')).codes).toEqual(['TENANT_NOT_FOUND']);
  }, 60_000);

  test('can be purged at once, for who has to forget now', async () => {
    await change('deleteTenant');
    const purged = await change(
      'purgeTenant',
      { purgeAfter: '2020-01-01T00:00:00Z' },
      'operation { id status } tenant { status }',
    );
    const end = await endOf(workshop.gateway, purged.result.operation.id);
    expect(end.status).toBe('SUCCEEDED');
    expect([await hasSchema(), await hasDatabase()]).toEqual([false, false]);
  });

  test('is not purged before it is deleted', async () => {
    expect((await change('purgeTenant')).codes).toEqual(['CONFLICT']);
    expect((await lookAt(workshop.gateway, tenant.id)).status).toBe('ACTIVE');
  });
});
