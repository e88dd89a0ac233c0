import { connect, createServer } from 'node:net';
import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import {
  accountScripts,
  aDatabase,
  aMigrationsDir,
  type TemporaryDatabase,
  writeMigration,
} from '../support/temporary-databases.js';

const finished = `SELECT migration_name AS name FROM _prisma_migrations
  WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY started_at`;
const blocking = `SELECT migration_name AS name FROM _prisma_migrations
  WHERE finished_at IS NULL AND rolled_back_at IS NULL`;

test('a failing migration is reported with PostgreSQL’s message, leaves nothing behind, and runs again once it is corrected', async () => {
  const database = await aDatabase();
  const migrationsDir = await aMigrationsDir({
    ...accountScripts,
    '0003_broken': 'CREATE TABLE half (id int);\nSELECT nothing FROM half;',
  });
  await expect(migrateRegistry(database.url, { migrationsDir })).rejects.toThrow(
    'Migration "0003_broken" failed (line 2): column "nothing" does not exist',
  );
  expect(await database.query(`SELECT to_regclass('half') AS half`)).toEqual([{ half: null }]);
  expect(await database.query(finished)).toEqual([{ name: '0001_accounts' }, { name: '0002_even_balances' }]);
  expect(await database.query(blocking)).toEqual([]); // `prisma migrate deploy` would refuse otherwise

  await expect(migrateRegistry(database.url, { migrationsDir })).rejects.toThrow('"0003_broken" failed');
  await writeMigration(migrationsDir, '0003_broken', 'CREATE TABLE half (id int);');
  expect(await migrateRegistry(database.url, { migrationsDir })).toEqual(['0003_broken']);
});

test('a migration that failed in `prisma migrate deploy` runs again', async () => {
  const database = await aDatabase();
  const migrationsDir = await aMigrationsDir(accountScripts);
  await migrateRegistry(database.url, { migrationsDir });
  await writeMigration(migrationsDir, '0003_notes', 'CREATE TABLE notes (id int)');
  await database.query(`INSERT INTO _prisma_migrations (id, checksum, migration_name, logs)
    VALUES ('1', 'of an earlier script', '0003_notes', 'ERROR: syntax error')`);
  expect(await migrateRegistry(database.url, { migrationsDir })).toEqual(['0003_notes']);
  expect(await database.query(blocking)).toEqual([]);
});

test('when a gateway dies during a migration, the next start runs the migration', async () => {
  const database = await aDatabase();
  const migrationsDir = await aMigrationsDir({
    '0001_brake': 'CREATE TABLE brake (id int); INSERT INTO brake VALUES (1);',
    '0002_slow': 'CREATE TABLE slow (id int); SELECT pg_sleep(60) FROM brake;',
  });
  const dying = migrateRegistry(database.url, { migrationsDir });
  const death = expect(dying).rejects.toThrow('Migration "0002_slow" failed: terminating connection');
  await vi.waitUntil(
    async () =>
      (
        await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`)
      ).length > 0,
    { timeout: 10_000 },
  );
  await death;
  await database.query('DELETE FROM brake');
  expect(await migrateRegistry(database.url, { migrationsDir })).toEqual(['0002_slow']);
});

test('a connection lost at the moment of the commit does not apply a migration twice', async () => {
  const database = await aDatabase();
  const migrationsDir = await aMigrationsDir({ '0001_once': 'CREATE TABLE once (id int)' });
  const lossy = await aConnectionLostAfter('CREATE TABLE once', database);
  await expect(migrateRegistry(lossy, { migrationsDir })).rejects.toThrow(
    'Migration "0001_once" failed: Connection',
  );
  expect(await migrateRegistry(database.url, { migrationsDir })).toEqual([]);
  expect(await database.query(finished)).toEqual([{ name: '0001_once' }]);
});

test('a migration that cannot run in a transaction is applied when it is alone in its file', async () => {
  const database = await aDatabase();
  const migrationsDir = await aMigrationsDir({
    ...accountScripts,
    '0003_index': 'CREATE INDEX CONCURRENTLY transfers_account ON transfers (account_id);',
  });
  // Four starts at once: CREATE INDEX must not wait for the starts that wait for the lock.
  const starts = [1, 2, 3, 4].map(() => migrateRegistry(database.url, { migrationsDir }));
  expect((await Promise.all(starts)).flat()).toEqual([...Object.keys(accountScripts), '0003_index']);
  expect(await database.query(blocking)).toEqual([]);
});

test('a gateway that waits too long for the migration of another process ends with an error', async () => {
  const database = await aDatabase();
  const migrationsDir = await aMigrationsDir(accountScripts);
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  try {
    await other.query('SELECT pg_advisory_lock(72707369)');
    const waiting = migrateRegistry(database.url, { migrationsDir, lockTimeoutMs: 100 });
    await expect(waiting).rejects.toThrow('Another process has held the migration lock');
  } finally {
    await other.end();
  }
  expect(await migrateRegistry(database.url, { migrationsDir })).toEqual(Object.keys(accountScripts));
});

/** A URL through a proxy that breaks the connection when PostgreSQL answers a message with the given text. */
async function aConnectionLostAfter(text: string, database: TemporaryDatabase): Promise<string> {
  const target = new URL(database.url);
  const proxy = createServer((client) => {
    const server = connect(Number(target.port || 5432), target.hostname);
    let lost = false;
    client.on('data', (data) => {
      lost ||= data.includes(text);
      server.write(data);
    });
    server.on('data', (data) => (lost ? client.destroy() : client.write(data)));
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  onTestFinished(() => void proxy.close());
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy does not listen');
  const url = new URL(database.url);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  return url.href;
}
