import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbedded } from '../../../src/database/embedded/embedded.js';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { openLog } from '../../../src/log.js';
import { aDataDir, run } from '../../setup/process.js';
import { aDatabase, aMigrationsDir } from '../support/temporary-databases.js';

/** The names and the recognisable columns of the migrations before the squash; the scripts are shortened. */
const oldSet = {
  '20261120000001_tables':
    'CREATE TABLE tenants (id uuid PRIMARY KEY, slug text, tenant_config jsonb, status_before_deletion text)',
  '20261121000014_names_of_consultants': "INSERT INTO tenants VALUES (gen_random_uuid(), 'acme')",
};

const made =
  'was made by migrations that this version does not have, such as 20261120000001_tables, and cannot be upgraded: ';
const contents = `
  SELECT (SELECT array_agg(relname::text ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r') AS tables,
         (SELECT count(*)::int FROM tenants) AS tenants, (SELECT count(*)::int FROM _prisma_migrations) AS migrations`;
const untouched = [{ tables: ['_prisma_migrations', 'tenants'], tenants: 1, migrations: 2 }];

async function anOldRegistry(url: string): Promise<string> {
  await migrateRegistry(url, { migrationsDir: await aMigrationsDir(oldSet) });
  return url;
}

test('a registry from the migrations before the squash is refused in one sentence and not changed', async () => {
  const database = await aDatabase();
  await anOldRegistry(database.url);
  const { host, pathname } = new URL(database.url);
  const sentence = `The database "${pathname.slice(1)}" at ${host} ${made}set DATABASE_URL to an empty database and start anew`;
  const warned: string[] = [];
  for (const readOnly of [false, true])
    await expect(
      migrateRegistry(database.url, { readOnly, warn: (message) => warned.push(message) }),
    ).rejects.toThrow(new Error(sentence));
  expect(await database.query(contents)).toEqual(untouched);
  expect(warned).toEqual([]);
});

test('a database in which the first migration failed does not count as an old registry', async () => {
  const database = await aDatabase();
  const migrationsDir = await aMigrationsDir({ '0001_broken': 'SELECT nothing' });
  await expect(migrateRegistry(database.url, { migrationsDir })).rejects.toThrow('"0001_broken" failed');
  expect(await migrateRegistry(database.url)).not.toEqual([]);
});

test.each([['migrate'], ['serve'], ['worker'], ['doctor'], ['tenant', 'list'], ['keys', 'list'], ['export']])(
  'tenant-registry %s %s refuses an old registry with that sentence and exits',
  { timeout: 60_000 },
  async (...args) => {
    const database = await aDatabase();
    await anOldRegistry(database.url);
    const { code, stdout, stderr } = await run(args, { DATABASE_URL: database.url, PORT: '0' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^The database "temporary_[^\n]* set DATABASE_URL to an empty database and start anew\n$/,
    );
    expect(await database.query(contents)).toEqual(untouched);
  },
);

test('npm start on an old data folder names the folder, and creates a new registry after that is moved', {
  timeout: 120_000,
}, async () => {
  const dataDir = await aDataDir();
  const embedded = await openEmbedded({ dataDir, exclusive: true, log: openLog('error'), preferredPort: 0 });
  onTestFinished(() => embedded.close());
  await anOldRegistry(await embedded.databaseUrl('registry'));
  await embedded.close();

  for (const command of ['serve', 'migrate'])
    expect(await run([command], { DATA_DIR: dataDir, PORT: '0' })).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: `The registry in ${dataDir} ${made}delete or move the folder ${dataDir} and start anew\n`,
    });

  await rename(dataDir, join(dirname(dataDir), 'moved'));
  expect(await run(['migrate'], { DATA_DIR: dataDir })).toMatchObject({ code: 0 });
});
