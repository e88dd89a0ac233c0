import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { acquireMigrationLock } from '../../../src/database/migrations/migration-history.js';
import { openMigrationSession } from '../../../src/database/migrations/migration-session.js';
import {
  accountScripts,
  aDatabase,
  aMigrationsDir,
  aUser,
  writeMigration,
} from '../support/temporary-databases.js';

const names = Object.keys(accountScripts);
const started = 'SELECT migration_name FROM _prisma_migrations ORDER BY started_at';

describe('a new database', () => {
  test('gets every migration, function bodies, CHECKs and constraint triggers included', async () => {
    const database = await aDatabase();
    const migrationsDir = await aMigrationsDir(accountScripts);
    expect(await migrateRegistry(database.url, { migrationsDir })).toEqual(names);
    await database.query('INSERT INTO accounts VALUES (1, 2)');
    await expect(database.query('INSERT INTO accounts VALUES (2, -2)')).rejects.toThrow(
      'accounts_balance_check',
    );
    await expect(database.query('INSERT INTO accounts VALUES (3, 3)')).rejects.toThrow('odd; not even');
  });

  test('is migrated by its owner without superuser rights', async () => {
    const database = await aDatabase(await aUser());
    const migrationsDir = await aMigrationsDir(accountScripts);
    expect(await migrateRegistry(database.url, { migrationsDir })).toEqual(names);
  });

  test('records what `prisma migrate deploy` would record, whatever the time zone of its user', async () => {
    const database = await aDatabase();
    await database.query(`ALTER ROLE CURRENT_USER IN DATABASE ${new URL(database.url).pathname.slice(1)}
      SET timezone TO 'Asia/Tokyo'`);
    await migrateRegistry(database.url, { migrationsDir: await aMigrationsDir(accountScripts) });
    const rows = await database.query(
      `SELECT checksum, logs, rolled_back_at, applied_steps_count, finished_at >= started_at AS finished,
        abs(extract(epoch FROM now() - started_at)) < 60 AS now FROM _prisma_migrations ORDER BY started_at`,
    );
    const sha256 = (script: string) => createHash('sha256').update(script).digest('hex');
    expect(rows).toEqual(
      Object.values(accountScripts).map((script) => ({
        checksum: sha256(script),
        logs: null,
        rolled_back_at: null,
        applied_steps_count: 1,
        finished: true,
        now: true,
      })),
    );
  });

  test('runs each migration once when four gateways start at the same time', async () => {
    const database = await aDatabase();
    const migrationsDir = await aMigrationsDir(accountScripts);
    const starts = [1, 2, 3, 4].map(() => migrateRegistry(database.url, { migrationsDir }));
    expect((await Promise.all(starts)).flat()).toEqual(names);
    expect((await database.query(started)).length).toBe(names.length);
  });

  test('runs each migration once when two processes start at the same time, and both processes exit afterwards', async () => {
    const database = await aDatabase();
    const migrationsDir = await aMigrationsDir(accountScripts);
    const migrate = new URL('../../../src/database/migrations/migrate.ts', import.meta.url).href;
    const program = `import { migrateRegistry } from '${migrate}';
      console.log(JSON.stringify(await migrateRegistry('${database.url}', { migrationsDir: '${migrationsDir}' })))`;
    const start = async () => {
      const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
      return JSON.parse(stdout) as string[];
    };
    expect((await Promise.all([start(), start()])).flat()).toEqual(names);
    expect((await database.query(started)).length).toBe(names.length);
  });

  test('that is not empty is refused with an error that says what to do', async () => {
    const database = await aDatabase();
    await database.query('CREATE TABLE foreign_table (id int)');
    const migrationsDir = await aMigrationsDir(accountScripts);
    await expect(migrateRegistry(database.url, { migrationsDir })).rejects.toThrow('an empty database');
  });
});

describe('a database that was migrated before', () => {
  test('is only read at a start without pending migrations, even while another process holds the lock', async () => {
    const database = await aDatabase();
    const migrationsDir = await aMigrationsDir(accountScripts);
    await migrateRegistry(database.url, { migrationsDir });
    await database.query(
      `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET default_transaction_read_only = on`,
    );
    const another = await openMigrationSession(database.url);
    try {
      await acquireMigrationLock(another, 1_000);
      expect(await migrateRegistry(database.url, { migrationsDir, lockTimeoutMs: 0 })).toEqual([]);
    } finally {
      await another.end();
    }
  });

  test('gets only the migrations that were added to the folder', async () => {
    const database = await aDatabase();
    const migrationsDir = await aMigrationsDir(accountScripts);
    await migrateRegistry(database.url, { migrationsDir });
    await writeMigration(migrationsDir, '0003_notes', 'CREATE TABLE notes (id int)');
    expect(await migrateRegistry(database.url, { migrationsDir })).toEqual(['0003_notes']);
  });

  test('is refused when an applied migration was edited, and the error names that migration', async () => {
    const database = await aDatabase();
    const migrationsDir = await aMigrationsDir(accountScripts);
    await migrateRegistry(database.url, { migrationsDir });
    await writeMigration(migrationsDir, '0001_accounts', `${accountScripts['0001_accounts']} -- edited`);
    await expect(migrateRegistry(database.url, { migrationsDir })).rejects.toThrow(
      /"0001_accounts" was edited after it had been applied/,
    );
  });

  test('accepts migrations whose line endings git changed', async () => {
    const database = await aDatabase();
    const migrationsDir = await aMigrationsDir(accountScripts);
    await migrateRegistry(database.url, { migrationsDir });
    for (const [name, script] of Object.entries(accountScripts)) {
      await writeMigration(migrationsDir, name, script.replaceAll('\n', '\r\n'));
    }
    expect(await migrateRegistry(database.url, { migrationsDir })).toEqual([]);
  });

  test('by a newer version is accepted by an old gateway, with a warning that names the newer migrations', async () => {
    const database = await aDatabase();
    const newer = { ...accountScripts, '0003_future': 'CREATE TABLE future (id int)' };
    await migrateRegistry(database.url, { migrationsDir: await aMigrationsDir(newer) });
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    const migrationsDir = await aMigrationsDir(accountScripts);
    expect(await migrateRegistry(database.url, { migrationsDir, warn })).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/migrated by a newer version.*0003_future/)]);
    await writeMigration(migrationsDir, '0002_hotfix', 'CREATE TABLE hotfix (id int)');
    expect(await migrateRegistry(database.url, { migrationsDir, warn })).toEqual(['0002_hotfix']);
  });

  test('by a newer version that took away what an older one needs is refused by that one, in words, also to read', async () => {
    const database = await aDatabase();
    const oldest = (migration: string) =>
      `CREATE OR REPLACE FUNCTION registry_oldest_version(OUT migration text, OUT version text) LANGUAGE sql AS $$ SELECT '${migration}', '2.1.0' $$`;
    const expanded = { ...accountScripts, '0003_expand': oldest('0001_accounts') };
    const contracted = { ...expanded, '0004_contract': oldest('0003_expand') };
    const [before, between] = [await aMigrationsDir(accountScripts), await aMigrationsDir(expanded)];
    const warn = () => undefined;
    await migrateRegistry(database.url, { migrationsDir: between });
    expect(await migrateRegistry(database.url, { migrationsDir: before, warn })).toEqual([]);
    await migrateRegistry(database.url, { migrationsDir: await aMigrationsDir(contracted) });
    await writeMigration(before, '0002_hotfix', 'CREATE TABLE hotfix (id int)');
    for (const readOnly of [false, true])
      await expect(migrateRegistry(database.url, { migrationsDir: before, warn, readOnly })).rejects.toThrow(
        'This version of tenant-registry is too old for the registry: it does not have migration 0003_expand. Install version 2.1.0 or later; nothing was changed',
      );
    expect(await database.query(`SELECT to_regclass('hotfix') AS made`)).toEqual([{ made: null }]);
    expect(await migrateRegistry(database.url, { migrationsDir: between, warn })).toEqual([]);
  });
});

test('the error about an unreachable database names it without the password', async () => {
  const migrationsDir = await aMigrationsDir(accountScripts);
  const failure = await migrateRegistry('postgresql://ann:s3cret@127.0.0.1:1/registry', {
    migrationsDir,
  }).catch(String);
  expect(failure).toMatch(/Cannot connect to database "registry" at 127\.0\.0\.1:1 as ann: .*ECONNREFUSED/);
  expect(failure).not.toContain('s3cret');
  const unreadable = await migrateRegistry('postgresql://ann:s3cret@[::/registry', { migrationsDir }).catch(
    (error: unknown) => error,
  );
  expect(String(unreadable)).toContain('The database URL is not valid');
  expect(JSON.stringify(unreadable, Object.getOwnPropertyNames(unreadable))).not.toContain('s3cret');
});
