import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { waitFor } from '../support/blocked-migration.js';
import { listDatabases, listSchemas } from '../support/catalog.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import {
  awaitOperationEnd,
  controlOperation,
  newestOperation,
  readOperation,
} from '../support/operation-calls.js';
import {
  provisionModule,
  readTenant,
  resolve,
  subscribe,
  unsubscribe,
} from '../support/provisioning-calls.js';

let testbed: GatewayWithModules;
/** Runs due operations. */
let worker: TestGateway;
let tenant: StoryTenant;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'crm', migrations: contacts },
    { name: 'vault', migrations: contacts, isolation: 'DATABASE' },
  );
  worker = await openGateway({
    sharing: testbed.gateway,
    config: { ...testbed.config, runsWorker: true },
  });
});
afterAll(async () => {
  await worker.close();
  await testbed.close();
});
beforeEach(async () => {
  tenant = await aTenant().subscribedTo('crm', 'vault').at(testbed.gateway);
  await testbed.psql('crm', `INSERT INTO crm_${tenant.slug}.contact VALUES (1, 'Ada')`);
});

const change = (name: string, more: object = {}, fields = 'revision') =>
  mutate(testbed.gateway, name, { tenantId: tenant.id, ...more }, fields);

const schema = () => `crm_${tenant.slug}`;
const hasSchema = async () => (await listSchemas(testbed.url('crm'))).includes(schema());
const hasDatabase = async () => (await listDatabases(`vault_${tenant.slug}`)).length === 1;
const contactsOf = () => testbed.psql('crm', `SELECT name FROM ${schema()}.contact`);

/** Moves the purge date into the past. */
async function letTimePass(module: string): Promise<void> {
  await testbed.gateway.psql(
    `UPDATE module_subscriptions SET purge_after = now() - interval '1 second' WHERE tenant_id = $1 AND module = $2`,
    [tenant.id, module],
  );
}

describe('an unsubscribed module’s data', () => {
  test('is kept until purgeAfter, then dropped by a separate operation, and its name stays taken', async () => {
    await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm', keepDataDays: 7 });
    const { data } = await testbed.gateway.ask(
      `{ tenant(id: "${tenant.id}") { subscriptions { module { name } purgeAfter storageRemovedAt } } }`,
    );
    const inDays = (Date.parse(data.tenant.subscriptions[0].purgeAfter) - Date.now()) / 86_400_000;
    expect(inDays).toBeGreaterThan(6.9);
    expect(inDays).toBeLessThan(7.1);
    expect(await contactsOf()).toEqual([{ name: 'Ada' }]);

    await letTimePass('crm');
    const removal = await newestOperation(testbed.gateway, tenant.id, 'remove_storage');
    expect(await awaitOperationEnd(testbed.gateway, removal)).toMatchObject({
      status: 'SUCCEEDED',
      steps: [{ name: 'DROP_SCHEMA', status: 'SUCCEEDED' }],
    });
    expect(await hasSchema()).toBe(false);
    expect(await hasDatabase()).toBe(true);
    const other = await aTenant().at(testbed.gateway);
    const stolen = await subscribe(testbed.gateway, {
      ...{ tenantId: other.id, module: 'crm', schemaName: schema() },
    });
    expect(stolen.code).toBe('CONFLICT');
  });

  test('is created again under the same name when the tenant subscribes again after the removal', async () => {
    await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'vault' });
    await letTimePass('vault');
    await waitFor(async () => !(await hasDatabase()));
    await awaitOperationEnd(
      testbed.gateway,
      await newestOperation(testbed.gateway, tenant.id, 'remove_storage'),
    );
    const again = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'vault' });
    expect(again.subscription).toMatchObject({
      status: 'ACTIVE',
      databaseName: `vault_${tenant.slug}`,
      generation: 2,
    });
    expect(await hasDatabase()).toBe(true);
  });

  test('is dropped although a session is inside: the session is ended', async () => {
    const binding = `SELECT tenant_guard.enter('${tenant.id}', '${schema()}', 1)`;
    const { Client } = (await import('pg')).default;
    const inside = new Client({ connectionString: testbed.url('crm') });
    inside.on('error', () => undefined);
    await inside.connect();
    await inside.query('BEGIN');
    await inside.query(binding);
    await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm', wait: 'COMMITTED' });
    await letTimePass('crm');
    await waitFor(async () => !(await hasSchema()));
    await expect(inside.query('SELECT 1')).rejects.toThrow();
  });
});

test('storage that was created and never resolved is dropped, too, and its name is released', async () => {
  const waiting = await aTenant().at(testbed.gateway);
  const call = { tenantId: waiting.id, module: 'crm' };
  await subscribe(testbed.gateway, { ...call, provision: false });
  await provisionModule(testbed.gateway, call);
  const standing = () => listSchemas(testbed.url('crm'));
  expect(await standing()).toContain(`crm_${waiting.slug}`);
  await unsubscribe(testbed.gateway, call);
  await testbed.gateway.psql(
    `UPDATE module_subscriptions SET purge_after = now() - interval '1 second' WHERE tenant_id = $1`,
    [waiting.id],
  );
  await awaitOperationEnd(
    testbed.gateway,
    await newestOperation(testbed.gateway, waiting.id, 'remove_storage'),
  );
  expect(await standing()).not.toContain(`crm_${waiting.slug}`);
});

test('a cancelled removal keeps the data for another period', async () => {
  await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
  const id = await plannedRemoval();
  const { operation } = await controlOperation(testbed.gateway, 'cancelOperation', id);
  expect(operation?.status).toBe('CANCELLED');
  expect(await contactsOf()).toEqual([{ name: 'Ada' }]);
  const again = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
  expect(again.subscription.status).toBe('ACTIVE');
  expect(await contactsOf()).toEqual([{ name: 'Ada' }]);
});

test('a removal that has begun to drop data cannot be cancelled while it waits to go on', async () => {
  await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
  const id = await plannedRemoval();
  const facts = () =>
    testbed.gateway.psql(
      `SELECT facts ->> 'dropping' AS dropping FROM operation_steps WHERE operation_id = $1`,
      [id],
    );
  await testbed.gateway.psql('UPDATE operations SET run_after = now() WHERE id = $1', [id]);
  expect((await awaitOperationEnd(testbed.gateway, id)).status).toBe('SUCCEEDED');
  expect(await facts()).toEqual([{ dropping: 'true' }]);
  // As after an attempt whose connection was lost.
  await testbed.gateway.psql(
    `UPDATE operations SET status = 'queued', finished_at = NULL, run_after = now() + interval '1 hour' WHERE id = $1`,
    [id],
  );
  expect(await controlOperation(testbed.gateway, 'cancelOperation', id)).toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('has begun to drop data'),
  });
});

test('a purge that has begun cannot be cancelled while it waits to go on', async () => {
  await change('deleteTenant');
  const { result } = await change('purgeTenant', {}, 'operation { id }');
  await testbed.gateway.psql(`UPDATE tenants SET status = 'purged' WHERE id = $1`, [tenant.id]);
  const { code } = await controlOperation(testbed.gateway, 'cancelOperation', result.operation.id);
  expect(code).toBe('CONFLICT');
  expect((await readOperation(testbed.gateway, result.operation.id)).status).toBe('QUEUED');
});

/** A queued removal, as while all workers are busy. */
async function plannedRemoval(): Promise<string> {
  const [row] = await testbed.gateway.psql<{ id: string }>(
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
  test('is restored with its data until its purge date, which cancels a scheduled purge', async () => {
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
    expect(await resolve(testbed.gateway, tenant.id, 'crm')).toBe('TENANT_DELETED');
    await change('restoreTenant');
    expect(await resolve(testbed.gateway, tenant.id, 'crm')).toBe(`schema ${schema()}`);
    expect(await contactsOf()).toEqual([{ name: 'Ada' }]);
    expect((await readOperation(testbed.gateway, planned.result.operation.id)).status).toBe('CANCELLED');
  });

  /** Tables with personal data, with the number of a tenant's rows in each. */
  const personalData = async ({ id }: StoryTenant) => {
    const tables = [
      ...['members', 'invitations', 'tenant_settings', 'tenant_branding', 'personal_data_keys', 'takeovers'],
    ];
    const counts = tables.map(
      (table) => `(SELECT count(*)::int FROM ${table} WHERE tenant_id = $1) AS ${table}`,
    );
    const [row] = await testbed.gateway.psql(`SELECT ${counts.join()}`, [id]);
    return row;
  };
  /** What a tenant's own row says of people, and of whom its services work for. */
  const ownRow = async ({ id }: StoryTenant) => {
    const [row] = await testbed.gateway.psql(
      'SELECT status, primary_email, tenant_config, gcp_project_id, gcp_dataset FROM tenants WHERE id = $1',
      [id],
    );
    return row;
  };

  test('is purged after its purge date: data dropped, personal data deleted, names taken forever', async () => {
    const other = await aTenant().at(testbed.gateway);
    for (const { id } of [tenant, other]) {
      await testbed.gateway.psql(
        `WITH invited AS (INSERT INTO members (tenant_id, email, role) VALUES ($1, 'ada@example.com', 'admin') RETURNING id)
         INSERT INTO invitations (tenant_id, member_id, token_hash, expires_at)
         SELECT $1, id, sha256(id::text::bytea), now() FROM invited`,
        [id],
      );
      await testbed.gateway.psql(`INSERT INTO takeovers (tenant_id, memory) VALUES ($1, '{}')`, [id]);
      await testbed.gateway.psql(
        `UPDATE tenants SET primary_email = 'ada@example.com', tenant_config = '{"banking": {"account_name": "Ada"}}',
           gcp_project_id = 'ada', gcp_dataset = 'ada' WHERE id = $1`,
        [id],
      );
    }
    const ofOther = [await personalData(other), await ownRow(other)];
    expect(ofOther[0]).toEqual({
      ...{ members: 1, invitations: 1, tenant_settings: 1, tenant_branding: 1, personal_data_keys: 1 },
      takeovers: 1,
    });
    await change('deleteTenant');
    await testbed.gateway.psql(`UPDATE tenants SET purge_after = now() - interval '1 second' WHERE id = $1`, [
      tenant.id,
    ]);
    const purge = await newestOperation(testbed.gateway, tenant.id, 'purge_tenant');
    expect(await awaitOperationEnd(testbed.gateway, purge)).toMatchObject({
      status: 'SUCCEEDED',
      steps: [{ name: 'DROP_SCHEMA' }, { name: 'DROP_DATABASE' }],
    });
    expect([await hasSchema(), await hasDatabase()]).toEqual([false, false]);
    expect(await resolve(testbed.gateway, tenant.id, 'crm')).toBe('TENANT_NOT_FOUND');
    expect(await personalData(tenant)).toEqual({
      ...{ members: 0, invitations: 0, tenant_settings: 0, tenant_branding: 0, personal_data_keys: 0 },
      takeovers: 0,
    });
    expect(await ownRow(tenant)).toEqual({
      ...{
        status: 'purged',
        primary_email: null,
        tenant_config: {},
        gcp_project_id: null,
        gcp_dataset: null,
      },
    });
    expect([await personalData(other), await ownRow(other)]).toEqual(ofOther);
    const again = await mutate(testbed.gateway, 'registerTenant', { name: 'New', slug: tenant.slug });
    expect(again.codes).toEqual(['CONFLICT']);
    expect((await change('restoreTenant')).codes).toEqual(['TENANT_NOT_FOUND']);
  });

  test('can be purged at once', async () => {
    await change('deleteTenant');
    const purged = await change(
      'purgeTenant',
      { purgeAfter: '2020-01-01T00:00:00Z' },
      'operation { id status } tenant { status }',
    );
    const end = await awaitOperationEnd(testbed.gateway, purged.result.operation.id);
    expect(end.status).toBe('SUCCEEDED');
    expect([await hasSchema(), await hasDatabase()]).toEqual([false, false]);
  });

  test('is not purged before it is deleted', async () => {
    expect((await change('purgeTenant')).codes).toEqual(['CONFLICT']);
    expect((await readTenant(testbed.gateway, tenant.id)).status).toBe('ACTIVE');
  });
});

describe('a removal ends in gone or NEEDS_ATTENTION, and is retried to its end', () => {
  const other = '00000000-0000-4000-8000-000000000001';
  /** A restored schema has another oid than the one that was bound. */
  const restored = () =>
    ['binding', 'schema_version']
      .map((table) => `UPDATE tenant_guard.${table} SET schema_oid = 1 WHERE schema_name = '${schema()}'`)
      .join('; ');
  const inVault = (sql: string) => queryOnce(vaultUrl(), sql);
  const vaultUrl = () => {
    const url = new URL(testbed.url('vault'));
    url.pathname = `/vault_${tenant.slug}`;
    return url.href;
  };

  test.each<[string, string, () => Promise<unknown>, () => Promise<unknown>, string]>([
    [
      'a schema that was restored from a dump',
      'crm',
      () => testbed.psql('crm', restored()),
      () => testbed.psql('crm', `DROP SCHEMA ${schema()} CASCADE`),
      'nothing proves',
    ],
    [
      'a schema that is bound to another tenant',
      'crm',
      () =>
        testbed.psql(
          'crm',
          `UPDATE tenant_guard.binding SET tenant_id = '${other}' WHERE schema_name = '${schema()}'`,
        ),
      () =>
        testbed.psql(
          'crm',
          `UPDATE tenant_guard.binding SET tenant_id = '${tenant.id}' WHERE schema_name = '${schema()}'`,
        ),
      'bound to tenant',
    ],
    [
      'a schema that was restored without any row in the guard',
      'crm',
      () =>
        testbed.psql(
          'crm',
          ['binding', 'schema_version']
            .map((table) => `DELETE FROM tenant_guard.${table} WHERE schema_name = '${schema()}'`)
            .join('; '),
        ),
      () => testbed.psql('crm', `DROP SCHEMA ${schema()} CASCADE`),
      'nothing proves',
    ],
    [
      'a schema that somebody dropped and created again by hand',
      'crm',
      () =>
        testbed.psql(
          'crm',
          `DROP SCHEMA ${schema()} CASCADE; CREATE SCHEMA ${schema()}; CREATE TABLE ${schema()}.contact (id int)`,
        ),
      () => testbed.psql('crm', `DROP SCHEMA ${schema()} CASCADE`),
      'nothing proves',
    ],
    [
      'a schema that was renamed',
      'crm',
      () => testbed.psql('crm', `ALTER SCHEMA ${schema()} RENAME TO ${schema()}_old`),
      () => testbed.psql('crm', `ALTER SCHEMA ${schema()}_old RENAME TO ${schema()}`),
      'was renamed to',
    ],
    [
      'a schema of another tenant that was renamed to this name',
      'crm',
      async () => {
        const neighbour = await aTenant().subscribedTo('crm').at(testbed.gateway);
        const renamed = `crm_${neighbour.slug}`;
        await testbed.psql(
          'crm',
          `DROP SCHEMA ${schema()} CASCADE; ALTER SCHEMA ${renamed} RENAME TO ${schema()}`,
        );
      },
      () => testbed.psql('crm', `ALTER SCHEMA ${schema()} RENAME TO ${schema()}_neighbour`),
      'nothing proves',
    ],
    [
      'a database whose schema was dropped and created again by hand',
      'vault',
      () => inVault('DROP SCHEMA public CASCADE; CREATE SCHEMA public'),
      () => testbed.psql('vault', `DROP DATABASE vault_${tenant.slug} WITH (FORCE)`),
      'nothing proves',
    ],
    [
      'a database that was restored without its guard',
      'vault',
      () => inVault('DROP SCHEMA tenant_guard CASCADE'),
      () => testbed.psql('vault', `DROP DATABASE vault_${tenant.slug} WITH (FORCE)`),
      'nothing proves',
    ],
    [
      'a database that is bound to another tenant',
      'vault',
      () => inVault(`UPDATE tenant_guard.binding SET tenant_id = '${other}'`),
      () => inVault(`UPDATE tenant_guard.binding SET tenant_id = '${tenant.id}'`),
      'bound to tenant',
    ],
  ])('%s', async (_, module, spoil, mend, reason) => {
    await testbed.gateway.psql(`UPDATE tenants SET primary_email = 'ada@example.com' WHERE id = $1`, [
      tenant.id,
    ]);
    const stands = module === 'crm' ? hasSchema : hasDatabase;
    await spoil();
    const stood = await stands();
    await change('deleteTenant');
    const { result } = await change(
      'purgeTenant',
      { purgeAfter: '2020-01-01T00:00:00Z' },
      'operation { id }',
    );
    const id = result.operation.id;
    const end = await awaitOperationEnd(testbed.gateway, id);
    expect(end).toMatchObject({ status: 'NEEDS_ATTENTION', error: expect.stringContaining(reason) });
    expect(await stands()).toBe(stood);

    const cancelled = await controlOperation(testbed.gateway, 'cancelOperation', id);
    expect(cancelled).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('retryOperation') });
    const early = await controlOperation(testbed.gateway, 'retryOperation', id);
    expect(early.code).toBeUndefined();
    expect((await awaitOperationEnd(testbed.gateway, id)).status).toBe('NEEDS_ATTENTION');

    await mend();
    await controlOperation(testbed.gateway, 'retryOperation', id);
    expect((await awaitOperationEnd(testbed.gateway, id)).status).toBe('SUCCEEDED');
    expect([await hasSchema(), await hasDatabase()]).toEqual([false, false]);
    const [row] = await testbed.gateway.psql('SELECT primary_email FROM tenants WHERE id = $1', [tenant.id]);
    expect(row).toEqual({ primary_email: null });
  });

  test('a cancelled subscription’s storage, the same', async () => {
    await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
    await testbed.psql('crm', restored());
    await letTimePass('crm');
    const id = await newestOperation(testbed.gateway, tenant.id, 'remove_storage');
    expect((await awaitOperationEnd(testbed.gateway, id)).status).toBe('NEEDS_ATTENTION');
    expect(await contactsOf()).toEqual([{ name: 'Ada' }]);
    await testbed.psql('crm', `DROP SCHEMA ${schema()} CASCADE`);
    await controlOperation(testbed.gateway, 'retryOperation', id);
    expect((await awaitOperationEnd(testbed.gateway, id)).status).toBe('SUCCEEDED');
  });
});

describe('a database whose DROP was interrupted', () => {
  const interruptDrop = () =>
    testbed.psql('vault', `UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'vault_${tenant.slug}'`);

  test('is dropped by the purge', async () => {
    await interruptDrop();
    await change('deleteTenant');
    const { result } = await change(
      'purgeTenant',
      { purgeAfter: '2020-01-01T00:00:00Z' },
      'operation { id }',
    );
    expect((await awaitOperationEnd(testbed.gateway, result.operation.id)).status).toBe('SUCCEEDED');
    expect(await hasDatabase()).toBe(false);
  });

  test('is not replaced by an empty one for a tenant that subscribes again, until somebody drops it', async () => {
    await interruptDrop();
    await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'vault' });
    const again = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'vault' });
    expect(again.operation).toMatchObject({
      status: 'FAILED',
      error: expect.stringContaining('interrupted DROP DATABASE'),
    });
    await testbed.psql('vault', `DROP DATABASE vault_${tenant.slug}`);
    await controlOperation(testbed.gateway, 'retryOperation', again.operation.id);
    expect((await awaitOperationEnd(testbed.gateway, again.operation.id)).status).toBe('SUCCEEDED');
    expect(await resolve(testbed.gateway, tenant.id, 'vault')).toBe('schema public');
  });
});
