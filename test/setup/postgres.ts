/** One PostgreSQL server for the whole test run: an embedded one, or the server in TEST_DATABASE_URL. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openEmbedded } from '../../src/database/embedded/embedded.js';
import { migrateRegistry } from '../../src/database/migrations/migrate.js';
import { openLog } from '../../src/log.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a superuser for the server's own database. */
    postgresUrl: string;
    /** A migrated registry to clone, which accepts no connections. */
    templateDatabase: string;
    /** Folder for files that test files share; removed after the run. */
    runFolder: string;
    /** Databases and roles with this text in their name are dropped after the run. */
    runId: string;
  }
}

type Undo = () => Promise<unknown>;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const undo: Undo[] = [];
  let undone: Promise<void> | undefined;
  const teardown = () => {
    undone ??= (async () => {
      for (const step of undo.splice(0).reverse()) await step();
    })();
    return undone;
  };
  onSignal(teardown);
  try {
    const runId = `t${randomBytes(4).toString('hex')}`;
    const runFolder = await makeRunFolder(undo);
    const serverUrl = process.env.TEST_DATABASE_URL ?? (await startEmbedded(runFolder, undo));
    if (process.env.TEST_DATABASE_URL) await promiseCleanServer(serverUrl, runId, undo);
    const templateDatabase = await createTemplate(serverUrl, `registry_template_${runId}`);
    project.provide('postgresUrl', serverUrl);
    project.provide('templateDatabase', templateDatabase);
    project.provide('runFolder', runFolder);
    project.provide('runId', runId);
    return teardown;
  } catch (error) {
    await teardown();
    throw error;
  }
}

/** Cleans up after a signal; Vitest alone would exit at once. */
function onSignal(teardown: Undo): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => teardown().finally(() => process.exit(128 + constants.signals[signal])));
  }
}

const folderPrefix = 'tenant-registry-test-';

async function makeRunFolder(undo: Undo[]): Promise<string> {
  await removeRunsThatWereKilled();
  const folder = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  // Under root, PostgreSQL runs as another user, who needs access to the folder.
  await chmod(folder, 0o755);
  return folder;
}

async function startEmbedded(folder: string, undo: Undo[]): Promise<string> {
  const embedded = await openEmbedded(embeddedIn(folder));
  undo.push(() => embedded.close());
  const url = await embedded.databaseUrl('postgres');
  // Test data need not survive a crash of the machine. A commit without fsync waits for nothing, so it stays synchronous, as doctor asks for.
  // Nor do hundreds of databases that live for seconds need a process that looks after each of them.
  for (const setting of ['fsync', 'full_page_writes', 'autovacuum']) {
    await query(url, `ALTER SYSTEM SET ${setting} = off`);
  }
  // The tests connect more than ten thousand times, and the hashing of the password takes a fifth of each.
  await query(url, 'ALTER SYSTEM SET scram_iterations = 1');
  await query(url, 'SELECT pg_reload_conf()');
  const cheap = new URL(url);
  cheap.searchParams.set('options', '-c scram_iterations=1');
  const password = pg.escapeLiteral(decodeURIComponent(cheap.password));
  await query(cheap.href, `ALTER ROLE ${cheap.username} PASSWORD ${password}`);
  return url;
}

function embeddedIn(folder: string) {
  return { dataDir: join(folder, 'data'), exclusive: true, log: openLog('error'), preferredPort: 0 };
}

/** Stops and removes PostgreSQL servers that killed runs have left. */
async function removeRunsThatWereKilled(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    try {
      await (await openEmbedded(embeddedIn(folder))).close();
      await rm(folder, { recursive: true, force: true });
    } catch (error) {
      // Another run is removing it, or it belongs to another user; these tests do not depend on it.
      process.stderr.write(`${folder} of a killed test run is still there: ${error}\n`);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function createTemplate(serverUrl: string, name: string): Promise<string> {
  await query(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await migrateRegistry(url.href);
  // Cloning a database fails while it has a connection.
  await query(serverUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  return name;
}

/** Roles belong to the whole server, so only roles that the run has created are dropped. */
async function promiseCleanServer(serverUrl: string, runId: string, undo: Undo[]): Promise<void> {
  const roles = `SELECT rolname AS name FROM pg_roles WHERE rolname LIKE 'registry\\_%' OR rolname LIKE '%${runId}%'`;
  const databases = `SELECT datname AS name FROM pg_database WHERE datname LIKE '%${runId}%'`;
  const rolesBefore = new Set(await query(serverUrl, roles));
  undo.push(async () => {
    for (const name of await query(serverUrl, databases)) {
      await query(serverUrl, `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
    }
    for (const name of await query(serverUrl, roles)) {
      if (!rolesBefore.has(name)) await query(serverUrl, `DROP ROLE IF EXISTS ${pg.escapeIdentifier(name)}`);
    }
  });
}

/** Runs a statement and returns its column `name`. */
async function query(url: string, statement: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ name: string }>(statement)).rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}
