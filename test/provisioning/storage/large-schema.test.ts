import { afterAll, beforeAll, expect, test } from 'vitest';
import { readDatabase } from '../../../src/provisioning/doctor/found-database.js';
import { listForeignParts } from '../../../src/provisioning/fence/foreign-code.js';
import { findAdoptable } from '../../../src/provisioning/storage/adoption.js';
import { bindStorage } from '../../../src/provisioning/storage/bind-storage.js';
import { createStorage, dropStorage } from '../../../src/provisioning/storage/storage.js';
import { openPostgresServer, type PostgresServer } from '../../setup/postgres-server.js';
import { aLargeSchema, kinds } from '../support/large-schema.js';

/** A server with memory for so few locks that 180 tables are what 9,000 are to another one. */
let server: PostgresServer;
beforeAll(async () => {
  server = await openPostgresServer({
    // The table that all functions and triggers of one kind hang on goes in one statement, whose locks must fit.
    max_locks_per_transaction: 14,
    max_connections: 12,
    ...{ max_wal_senders: 0, max_worker_processes: 0, autovacuum_worker_slots: 1 },
  });
  await server.query('CREATE DATABASE crm');
});
afterAll(() => server?.close());

const many = 180;
const closed = { generation: 1, state: 'closed', epoch: 'e', revision: 1n, began: 0n } as const;

test.each(Object.keys(kinds))('a schema with many %s is dropped in portions', async (kind) => {
  const { databases, target, fill, refuseWhole, portions, exists, bindings } = await aLargeSchema(
    server.url('crm'),
  );
  await createStorage(databases, target);
  await fill(kind, many);
  expect(await refuseWhole()).toBe('53200');
  expect(await dropStorage(databases, target)).toBeUndefined();
  expect(portions()).toBeGreaterThan(3);
  expect([await exists(), await bindings()]).toEqual([false, []]);
});

test('a small schema is dropped in one transaction', async () => {
  const { databases, target, fill, loseAfter, portions, exists } = await aLargeSchema(server.url('crm'));
  await createStorage(databases, target);
  await fill('tables with an identity, a serial and an index', 10);
  loseAfter(Number.POSITIVE_INFINITY);
  await dropStorage(databases, target);
  // Only withLockedName has asked whether the operation is held.
  expect([portions(), await exists()]).toEqual([1, false]);
});

test.each([1, 3])(
  'after a kill behind portion %d the guard stays shut, and another run ends the work',
  async (portion) => {
    const { databases, target, fill, loseAfter, parts, exists, bindings } = await aLargeSchema(
      server.url('crm'),
    );
    await createStorage(databases, target);
    await fill('tables that refer to each other', many);
    const before = await parts();
    loseAfter(portion);
    await expect(dropStorage(databases, target)).rejects.toThrow('lost');
    expect([await exists(), await bindings()]).toEqual([true, [{ state: 'not_ready' }]]);
    const left = await parts();
    loseAfter(Number.POSITIVE_INFINITY);
    expect(left).toBeLessThan(before);
    await dropStorage(databases, target);
    expect([await exists(), await bindings()]).toEqual([false, []]);
  },
);

test('what an interrupted drop has left is not taken for the schema of the tenant', async () => {
  const { databases, target, fill, ask, loseAfter, exists } = await aLargeSchema(server.url('crm'));
  await createStorage(databases, target);
  await fill('tables with an identity, a serial and an index', many);
  loseAfter(2);
  await expect(dropStorage(databases, target)).rejects.toThrow('lost');
  expect(await exists()).toBe(true);
  loseAfter(Number.POSITIVE_INFINITY);
  await expect(findAdoptable(databases, target)).rejects.toThrow('was dropped in part');
  expect(await createStorage(databases, target)).toEqual({ created: true, migrationVersion: 'x/1.sql' });
  const tables = await ask(
    `SELECT relname FROM pg_class WHERE relnamespace = '${target.schemaName}'::regnamespace`,
  );
  expect(tables).toEqual([{ relname: 'first' }]);
});

test('nothing else that works on a whole schema takes a lock for each table', async () => {
  const { databases, target, fill, ask, refuseWhole } = await aLargeSchema(server.url('crm'));
  await ask('CREATE ROLE crm_access').catch(() => undefined);
  await createStorage(databases, target);
  await fill('tables with an identity, a serial and an index', many);
  await fill('functions, procedures, aggregates and triggers', many);
  expect(await refuseWhole()).toBe('53200');
  const { schemaName } = target;
  // Grants, the search for code of others, the guard with its drain, the adoption and the doctor.
  expect(await createStorage(databases, target)).toEqual({ created: false, migrationVersion: 'x/1.sql' });
  await bindStorage(databases, target, async () => closed);
  expect(await findAdoptable(databases, target)).toEqual({ created: false, migrationVersion: 'x/1.sql' });
  await databases.withConnection(target.reference, async (client) => {
    expect(await listForeignParts(client, [schemaName], undefined)).toEqual([]);
    const found = await readDatabase(client, { module: 'crm', schemas: [schemaName] }, undefined);
    expect(found.missingAccess).toEqual(new Map());
  });
  await dropStorage(databases, target);
});
