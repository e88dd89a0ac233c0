import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';

/** A database on the server of the test run. Databases that a test does not drop are dropped when the run ends. */
export interface TestDatabase {
  name: string;
  url: string;
  drop(): Promise<void>;
}

/** A migrated registry without tenants, cloned from a template. */
export async function createRegistryDatabase(): Promise<TestDatabase> {
  return await createFrom(inject('templateDatabase'));
}

/** An empty database, for tenants of a service or for a registry without migrations. */
export async function createDatabase(): Promise<TestDatabase> {
  return await createFrom('template0');
}

/** Databases that nobody has connected to since they were made. */
const unused: TestDatabase[] = [];

/** An empty database for a gateway, which often asks nothing of it: to make one takes longer than all else in its start. */
export async function takeEmptyDatabase(): Promise<TestDatabase> {
  return unused.pop() ?? (await createDatabase());
}

/** Keeps the database for the next test when nobody has connected to it, and drops it otherwise. */
export async function giveBackEmptyDatabase(database: TestDatabase): Promise<void> {
  if (await isAsMade(database.name)) unused.push(database);
  else await database.drop();
}

/**
 * A unique name for a database, role or slug. Databases and roles with the name in theirs are dropped after the run, so slugs
 * after which the product names databases should come from here.
 */
export function uniqueName(stem: string): string {
  return `${stem}_${inject('runId')}_${randomBytes(4).toString('hex')}`;
}

/** URL of a database on the server of the test run. */
function urlOf(database: string): string {
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

/** A copy of the database's files as they are now, as a backup would have them. Ends the sessions in it. */
export async function copyDatabase(name: string): Promise<TestDatabase> {
  const copy = uniqueName('test');
  await withServer((client) =>
    closed(client, name, () => client.query(`CREATE DATABASE ${copy} TEMPLATE ${name} STRATEGY FILE_COPY`)),
  );
  return { name: copy, url: urlOf(copy), drop: () => dropDatabase(copy) };
}

/** Puts a copy into the place of the database. */
export async function restoreDatabase(name: string, copy: string): Promise<void> {
  await dropDatabase(name);
  await withServer((client) => client.query(`ALTER DATABASE ${copy} RENAME TO ${name}`));
}

/** Runs the work while nobody is connected to the database. */
async function closed(client: pg.Client, name: string, work: () => Promise<unknown>): Promise<void> {
  await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  try {
    const left = `SELECT count(pg_terminate_backend(pid))::int AS left FROM pg_stat_activity WHERE datname = $1`;
    while ((await client.query(left, [name])).rows[0].left > 0) await delay(20);
    await work();
  } finally {
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  }
}

async function createFrom(template: string): Promise<TestDatabase> {
  const name = uniqueName('test');
  // Copying files takes half the CPU time of writing them by the WAL.
  await createRetrying(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);
  return { name, url: urlOf(name), drop: () => dropDatabase(name) };
}

const leavingMs = 500;

/**
 * Waits for connections that are being closed before the drop ends them by force: their clients have no error listener any more.
 */
export async function dropDatabase(name: string): Promise<void> {
  await withServer(async (client) => {
    const connected = 'SELECT FROM pg_stat_activity WHERE datname = $1 LIMIT 1';
    const until = Date.now() + leavingMs;
    while ((await client.query(connected, [name])).rowCount && Date.now() < until) await delay(10);
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
}

/** A session is counted before it leaves pg_stat_activity. The registry's SQL could change rights and settings from outside. */
async function isAsMade(name: string): Promise<boolean> {
  const { rows } = await onServer(
    `SELECT FROM pg_database WHERE datname = $1 AND datallowconn AND datconnlimit = -1 AND datacl IS NULL
       AND datdba = current_user::regrole
       AND NOT EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = oid)
       AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE datid = oid)
       AND (SELECT sessions = 0 FROM pg_stat_database WHERE datid = oid)`,
    [name],
  );
  return rows.length === 1;
}

const attempts = 50;

/** PostgreSQL clones a template for one client at a time and refuses others, which retry here. */
async function createRetrying(statement: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return void (await onServer(statement));
    } catch (error) {
      const isTemplateBusy = error instanceof pg.DatabaseError && error.code === '55006';
      if (!isTemplateBusy || attempt === attempts) throw error;
      await delay(20 + Math.random() * 80);
    }
  }
}

/** Runs a statement as superuser outside the test databases. */
function onServer(statement: string, values?: unknown[]): Promise<pg.QueryResult> {
  return withServer((client) => client.query(statement, values));
}

let connected: Promise<pg.Client> | undefined;

/** By one connection of this process, because most files create and drop many databases. */
async function withServer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  connected ??= connect().catch((error) => {
    connected = undefined;
    throw error;
  });
  return await work(await connected);
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  client.on('error', () => {
    connected = undefined;
  });
  await client.connect();
  // It must not keep the process from ending.
  (client as pg.Client & { unref(): void }).unref();
  return client;
}
