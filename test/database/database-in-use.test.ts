import pg from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { dropDatabaseIfExists, runWithoutSessions } from '../../src/database/statements/database-in-use.js';
import { aDataDir, open } from './support/embedded-story.js';
import { aDatabase, aUser, queryOnce } from './support/temporary-databases.js';

async function aClient(url: string | URL): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: String(url) });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

// On a server of its own, whose autovacuum looks at each database every second and never gets done.
test('a role without the right to end autovacuum drops its database with an autovacuum worker and a session in it', async () => {
  const embedded = await open(await aDataDir());
  const server = await embedded.databaseUrl('postgres');
  const superuser = await aClient(server);
  for (const setting of ['naptime = 1', 'vacuum_cost_delay = 100', 'vacuum_cost_limit = 1'])
    await superuser.query(`ALTER SYSTEM SET autovacuum_${setting}`);
  await superuser.query('SELECT pg_reload_conf()');
  await superuser.query(`CREATE ROLE creator LOGIN CREATEDB PASSWORD 'creator'`);
  const ofCreator = Object.assign(new URL(server), { username: 'creator', password: 'creator' });
  const creator = await aClient(ofCreator);
  await creator.query('CREATE DATABASE busy');
  const busy = Object.assign(new URL(ofCreator), { pathname: '/busy' });
  await queryOnce(
    busy.href,
    'CREATE TABLE large AS SELECT repeat(number::text, 100) FROM generate_series(1, 20000) AS number',
  );
  await expect
    .poll(
      async () => {
        const { rows } = await superuser.query(
          `SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = 'busy' AND query LIKE '%large%'`,
        );
        return rows.length;
      },
      { timeout: 60_000 },
    )
    .toBe(1);
  await aClient(busy);
  await expect(creator.query('DROP DATABASE busy WITH (FORCE)')).rejects.toMatchObject({ code: '42501' });

  await dropDatabaseIfExists(creator, 'busy');
  await dropDatabaseIfExists(creator, 'busy');
  expect(await queryOnce(server, `SELECT FROM pg_database WHERE datname = 'busy'`)).toEqual([]);
});

async function aDatabaseOf(rights: string) {
  const owner = await aUser(rights);
  const { url } = await aDatabase(owner);
  return { client: await aClient(owner.url), name: new URL(url).pathname.slice(1), url };
}

const asSuperuser = (url: string) =>
  Object.assign(new URL(inject('postgresUrl')), { pathname: new URL(url).pathname });

test('a role with pg_signal_backend ends the session of another role, whose kind it does not see', async () => {
  const { client, name, url } = await aDatabaseOf('CREATEDB IN ROLE pg_signal_backend');
  const stranger = await aUser();
  const other = Object.assign(new URL(stranger.url), { pathname: new URL(url).pathname });
  const monitor = await aClient(other);
  const ended = new Promise((resolve) => monitor.once('end', resolve));
  await runWithoutSessions(client, name, `ALTER DATABASE ${name} RENAME TO ${name}_renamed`);
  await ended;
  await client.query(`ALTER DATABASE ${name}_renamed RENAME TO ${name}`);
});

test('a database with a session that the role may not end stays, and the refusal names the right', async () => {
  const { client, name, url } = await aDatabaseOf('CREATEDB');
  const monitor = await aClient(asSuperuser(url));
  await expect(dropDatabaseIfExists(client, name)).rejects.toMatchObject({ code: '42501' });
  await expect(monitor.query('SELECT 1')).resolves.toMatchObject({ rowCount: 1 });
});
