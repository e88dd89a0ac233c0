import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openServiceDatabases, type ServiceDatabases } from '../../../src/database/service-databases.js';
import { openLog } from '../../../src/log.js';
import { LostOperationError } from '../../../src/provisioning/operations/operation.js';
import { createStorage, dropStorage } from '../../../src/provisioning/storage/storage.js';
import type { StorageTarget } from '../../../src/provisioning/storage/storage-location.js';
import { createDatabase, type TestDatabase, uniqueName } from '../../setup/database.js';
import { locksHere } from '../../setup/locks.js';
import { urlTo } from '../support/catalog.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database?.drop());

const isolations = ['SCHEMA', 'DATABASE'] as const;

/** A place for storage whose operation this worker holds until `lose` is called. */
async function aPlace(isolation: StorageTarget['isolation']) {
  const module = 'crm';
  const databases = openServiceDatabases({
    urls: { CRM_DB_URL: database.url },
    fallbackUrl: () => Promise.reject(new Error('not embedded')),
    log: openLog('silent'),
  });
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  client.on('error', () => undefined);
  const name = uniqueName('lost');
  const databaseName = new URL(database.url).pathname.slice(1);
  let isLost = false;
  const place: StorageTarget = {
    owner: { tenantId: crypto.randomUUID(), module },
    isolation,
    reference: { databaseRef: 'CRM_DB_URL', databaseName },
    ...(isolation === 'SCHEMA'
      ? { databaseName, schemaName: name }
      : { databaseName: name, schemaName: 'public' }),
    generation: 1,
    migrations: [{ name: 'x/1.sql', sql: 'CREATE TABLE invoice (id int)', checksum: '0'.repeat(64) }],
    requireHeld: async () => {
      if (isLost) throw new LostOperationError('0198');
    },
  };
  const catalog = isolation === 'SCHEMA' ? 'pg_namespace WHERE nspname' : 'pg_database WHERE datname';
  const lockKey = `hashtextextended('tenant-registry/${isolation}/${place.databaseName}/${place.schemaName}', 0)`;
  onTestFinished(async () => {
    await client.end().catch(() => undefined);
    await databases.close();
    const admin = new pg.Client({ connectionString: urlTo('postgres') });
    await admin.connect();
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await admin.end();
  });
  return {
    place,
    databases,
    lose() {
      isLost = true;
    },
    async exists() {
      const { rowCount } = await client.query(`SELECT FROM ${catalog} = $1`, [name]);
      return rowCount === 1;
    },
    /** Holds the lock on the name, as the worker that took the operation over does. */
    lock: () => client.query(`SELECT pg_advisory_lock(${lockKey})`),
    unlock: () => client.query(`SELECT pg_advisory_unlock(${lockKey})`),
    async waits() {
      const { rowCount } = await client.query(
        `WITH ${locksHere} SELECT FROM locks_here WHERE locktype = 'advisory' AND NOT granted`,
      );
      return rowCount === 1;
    },
  };
}

describe.each(isolations)('a worker that lost its operation, with isolation %s', (isolation) => {
  test('makes nothing', async () => {
    const { place, databases, lose, exists } = await aPlace(isolation);
    lose();
    await expect(createStorage(databases, place)).rejects.toThrow(LostOperationError);
    expect(await exists()).toBe(false);
  });

  test('drops nothing', async () => {
    const { place, databases, lose, exists } = await aPlace(isolation);
    await createStorage(databases, place);
    lose();
    await expect(dropStorage(databases, place)).rejects.toThrow(LostOperationError);
    expect(await exists()).toBe(true);
  });

  test('makes nothing when it lost the operation while it waited for the name', async () => {
    const { place, databases, lose, exists, lock, unlock, waits } = await aPlace(isolation);
    await lock();
    const attempt = expect(createStorage(databases, place)).rejects.toThrow(LostOperationError);
    await expect.poll(waits).toBe(true);
    lose();
    await unlock();
    await attempt;
    expect(await exists()).toBe(false);
  });

  test('drops nothing when it lost the operation while it waited for the name', async () => {
    const { place, databases, lose, exists, lock, unlock, waits } = await aPlace(isolation);
    await createStorage(databases, place);
    await lock();
    const attempt = expect(dropStorage(databases, place)).rejects.toThrow(LostOperationError);
    await expect.poll(waits).toBe(true);
    lose();
    await unlock();
    await attempt;
    expect(await exists()).toBe(true);
  });
});

test('a worker that lost its operation does not end the session of the one that has the name', async () => {
  const { place, databases, lose, lock, unlock } = await aPlace('SCHEMA');
  await lock();
  lose();
  await expect(createStorage(databases, place)).rejects.toThrow(LostOperationError);
  // Rejects when this session was ended.
  expect((await unlock()).rows).toEqual([{ pg_advisory_unlock: true }]);
});

test('a worker that holds its operation ends the session of one that keeps the name too long', async () => {
  const { place, databases, lock, unlock, exists } = await aPlace('SCHEMA');
  await lock();
  await createStorage(databases, place);
  await expect(unlock()).rejects.toThrow();
  await expect(exists()).rejects.toThrow();
});

test.each([
  [/pg_event_trigger/, []],
  [/^SET lock_timeout/, []],
  [/pg_advisory_lock/, ['SET lock_timeout = 0']],
])('a connection that is lost at %s does nothing more', async (at, afterwards) => {
  const { place } = await aPlace('SCHEMA');
  let sent: string[] = [];
  const client = {
    async query(text: string) {
      sent.push(text);
      if (!at.test(text)) return { rows: [] };
      sent = [];
      throw new Error('the connection is lost');
    },
  } as unknown as pg.Client;
  const databases = {
    withConnection: (_reference: unknown, work: (client: pg.Client) => unknown) => work(client),
  } as unknown as ServiceDatabases;
  await expect(createStorage(databases, place)).rejects.toThrow('the connection is lost');
  expect(sent).toEqual(afterwards);
});
