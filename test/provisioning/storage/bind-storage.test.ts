import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openServiceDatabases } from '../../../src/database/service-databases.js';
import { openLog } from '../../../src/log.js';
import type { BindingState, ToldState } from '../../../src/provisioning/fence/binding.js';
import { bindStorage } from '../../../src/provisioning/storage/bind-storage.js';
import { createStorage, dropStorage } from '../../../src/provisioning/storage/storage.js';
import type { StorageTarget } from '../../../src/provisioning/storage/storage-location.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { aTenant } from '../../setup/stories.js';
import { urlTo } from '../support/catalog.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { enter, refusalOf } from '../support/guarded-schemas.js';
import { readTenant, subscribe } from '../support/provisioning-calls.js';

let testbed: GatewayWithModules;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts, sharing: 'alpha' },
    { name: 'vault', migrations: contacts, isolation: 'DATABASE' },
  );
});
afterAll(() => testbed.close());

const told = (place: StorageTarget, state: BindingState, revision: bigint) => async () =>
  ({ generation: place.generation, state, epoch: 'test', revision, began: 0n }) satisfies ToldState;

/** The gateway’s service databases, and storage in them of a tenant that the registry does not know. */
function storageOf(module: string, isolation: 'SCHEMA' | 'DATABASE') {
  const databases = openServiceDatabases({
    urls: testbed.config.serviceDatabaseUrls ?? {},
    fallbackUrl: () => Promise.reject(new Error('not embedded')),
    log: openLog('error'),
  });
  const name = uniqueName('own');
  const place: StorageTarget = {
    owner: { tenantId: crypto.randomUUID(), module },
    isolation,
    reference: { databaseRef: `${module.toUpperCase()}_DB_URL`, databaseName: module },
    ...(isolation === 'SCHEMA'
      ? { databaseName: module, schemaName: name }
      : { databaseName: name, schemaName: 'public' }),
    generation: 4,
    migrations: [
      { name: 'x/1.sql', sql: `CREATE TABLE invoice AS SELECT 'x' AS title`, checksum: '0'.repeat(64) },
    ],
    requireHeld: async () => undefined,
  };
  const url = isolation === 'SCHEMA' ? testbed.url(module) : urlTo(name);
  onTestFinished(async () => {
    await databases.close();
    if (isolation === 'DATABASE')
      await queryOnce(urlTo('postgres'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
  const connect = async () => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    onTestFinished(() => client.end().catch(() => undefined));
    return client;
  };
  const key = { id: place.owner.tenantId, schema: place.schemaName, generation: place.generation };
  return { databases, place, connect, key };
}

describe.each([
  ['alpha', 'SCHEMA'],
  ['vault', 'DATABASE'],
] as const)('storage of module %s, a %s', (module, isolation) => {
  test('refuses every session until the registry’s state is applied, and then admits the right ones', async () => {
    const { databases, place, connect, key } = storageOf(module, isolation);
    await createStorage(databases, place);
    const service = await connect();
    expect(await refusalOf(enter(service, key))).toBe('TR004 TENANT_NOT_READY');
    expect(await bindStorage(databases, place, told(place, 'active', 1n))).toMatchObject({
      ...{ outcome: 'applied', ended: 0, binding: { state: 'active', generation: 4 } },
    });
    expect(await refusalOf(enter(service, key))).toBe('none');
    expect(await createStorage(databases, place)).toMatchObject({ created: false });
    expect(await refusalOf(enter(service, key))).toBe('none');
  });

  test('has no session inside when a suspension ends, and refuses new sessions at once', async () => {
    const { databases, place, connect, key } = storageOf(module, isolation);
    await createStorage(databases, place);
    await bindStorage(databases, place, told(place, 'active', 1n));
    const [inside, newcomer] = [await connect(), await connect()];
    await inside.query('BEGIN');
    await enter(inside, key);
    const suspended = bindStorage(databases, place, told(place, 'suspended', 2n), { deadlineMs: 600 });
    await expect.poll(() => refusalOf(enter(newcomer, key)), { timeout: 500 }).toBe('TR002 TENANT_SUSPENDED');
    await inside.query('SELECT FROM invoice');
    expect(await suspended).toMatchObject({ outcome: 'applied', ended: 1 });
    await expect(inside.query('SELECT FROM invoice')).rejects.toThrow();
    // A late write of an older state finds the binding closed, and still drains the schema.
    expect(await bindStorage(databases, place, told(place, 'active', 1n))).toMatchObject({
      ...{ outcome: 'superseded', binding: { state: 'suspended' } },
    });
  });

  test('that was dropped or never created needs no binding', async () => {
    const { databases, place } = storageOf(module, isolation);
    const suspend = () => bindStorage(databases, place, told(place, 'suspended', 1n));
    expect(await suspend()).toEqual({ outcome: 'absent', binding: undefined, ended: 0 });
    await createStorage(databases, place);
    await dropStorage(databases, place);
    expect(await suspend()).toEqual({ outcome: 'absent', binding: undefined, ended: 0 });
    expect(await createStorage(databases, place)).toMatchObject({ created: true });
  });

  test('without its versions is still recognised by its binding', async () => {
    const { databases, place, connect } = storageOf(module, isolation);
    await createStorage(databases, place);
    const client = await connect();
    await client.query(`DELETE FROM tenant_guard.schema_version; DROP TABLE "${place.schemaName}".invoice`);
    await client.end();
    expect(await createStorage(databases, place)).toMatchObject({ created: false });
  });
});

test('a schema that is older than the guard gets a binding', async () => {
  const { databases, place, connect, key } = storageOf('alpha', 'SCHEMA');
  await createStorage(databases, place);
  await queryOnce(
    testbed.url('alpha'),
    `DELETE FROM tenant_guard.binding WHERE schema_name = '${place.schemaName}'`,
  );
  const service = await connect();
  expect(await refusalOf(enter(service, key))).toBe('TR001 ROUTE_STALE');
  await createStorage(databases, place);
  expect(await refusalOf(enter(service, key))).toBe('TR004 TENANT_NOT_READY');
});

test('two modules in one physical database cannot share a schema, even through different variables', async () => {
  const one = storageOf('alpha', 'SCHEMA');
  await createStorage(one.databases, one.place);
  await bindStorage(one.databases, one.place, told(one.place, 'active', 1n));
  const reference = { databaseRef: 'BETA_DB_URL', databaseName: 'beta' };
  const other = { ...one.place, reference, owner: { ...one.place.owner, module: 'beta' } };
  await expect(createStorage(one.databases, other)).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(bindStorage(one.databases, other, told(other, 'closed', 9n))).rejects.toMatchObject({
    ...{ code: 'CONFLICT' },
  });
  await dropStorage(one.databases, other);
  expect(await refusalOf(enter(await one.connect(), one.key))).toBe('none');
});

test('a service enters a tenant that the gateway provisioned with the values of its route', async () => {
  const tenant = await aTenant().subscribedTo('alpha', 'beta').at(testbed.gateway);
  const { subscriptions } = await readTenant(testbed.gateway, tenant.id);
  const service = new pg.Client({ connectionString: testbed.url('alpha') });
  await service.connect();
  onTestFinished(() => service.end());
  for (const { schemaName, generation } of subscriptions)
    expect(await refusalOf(enter(service, { id: tenant.id, schema: schemaName, generation }))).toBe('none');
  expect(subscriptions).toHaveLength(2);
  const again = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'alpha' });
  expect(again.code).toBe('CONFLICT');
});
