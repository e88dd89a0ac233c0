import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { dropDatabase } from '../../setup/database.js';

/** Databases and migration folders that exist for one test. */

const serverUrl = inject('postgresUrl');

export interface TemporaryDatabase {
  url: string;
  query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]>;
}

/** A database user with no rights except the given ones. Its URL leads to the server's own database. */
export async function aUser(rights = ''): Promise<{ name: string; url: string }> {
  const name = temporaryName();
  await onServer(`CREATE ROLE ${name} LOGIN PASSWORD 'temporary' ${rights}`);
  onTestFinished(() => onServer(`DROP ROLE ${name}`));
  const url = new URL(serverUrl);
  url.username = name;
  url.password = 'temporary';
  return { name, url: url.href };
}

/** An empty database that belongs to a superuser or to the given owner. */
export async function aDatabase(owner?: { name: string; url: string }): Promise<TemporaryDatabase> {
  const name = temporaryName();
  await onServer(`CREATE DATABASE ${name}`);
  onTestFinished(() => dropDatabase(name));
  if (owner) await onServer(`ALTER DATABASE ${name} OWNER TO ${owner.name}`);
  const url = new URL(owner?.url ?? serverUrl);
  url.pathname = name;
  return { url: url.href, query: (sql) => queryOnce(url.href, sql) };
}

function temporaryName(): string {
  return `temporary_${randomUUID().replaceAll('-', '')}`;
}

async function onServer(statement: string): Promise<void> {
  await queryOnce(serverUrl, statement);
}

export async function queryOnce<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A folder of migrations; `scripts` has them by name. */
export async function aMigrationsDir(scripts: Record<string, string>): Promise<string> {
  const dir = await aTemporaryDir();
  for (const [name, script] of Object.entries(scripts)) await writeMigration(dir, name, script);
  return dir;
}

export async function writeMigration(dir: string, name: string, script: string): Promise<void> {
  await mkdir(join(dir, name), { recursive: true });
  await writeFile(join(dir, name, 'migration.sql'), script);
}

export async function aFile(content: string): Promise<string> {
  const file = join(await aTemporaryDir(), 'file');
  await writeFile(file, content);
  return file;
}

async function aTemporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tenant-registry-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  return dir;
}

/** Two migrations with parts that a naive runner breaks: bodies in $$, a CHECK and a constraint trigger. */
export const accountScripts = {
  '0001_accounts': `
    CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0));
    CREATE TABLE transfers (id int PRIMARY KEY, account_id int NOT NULL REFERENCES accounts(id));
  `,
  '0002_even_balances': `
    CREATE FUNCTION require_even_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.balance % 2 = 1 THEN RAISE EXCEPTION 'odd; not even'; END IF;
      RETURN NULL;
    END;
    $$;
    CREATE CONSTRAINT TRIGGER even_balance AFTER INSERT ON accounts DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION require_even_balance();
    -- the last line is a comment`,
};
