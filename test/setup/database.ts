import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';

/** Databases on the run's server. What a test forgets to drop goes when the run ends. */
export interface TestDatabase {
  name: string;
  url: string;
  drop(): Promise<void>;
}

/** A migrated registry without tenants, cloned in a moment. */
export async function createRegistryDatabase(): Promise<TestDatabase> {
  return await createFrom(inject('templateDatabase'));
}

/** An empty database, for a service's tenants or for a registry still to be migrated. */
export async function createDatabase(): Promise<TestDatabase> {
  return await createFrom('template0');
}

/**
 * A name that no other test has, fit for a database, a role, a slug. What bears it is dropped after the run, so
 * databases that the product itself names after a slug should get their slug from here.
 */
export function uniqueName(stem: string): string {
  return `${stem}_${inject('runId')}_${randomBytes(4).toString('hex')}`;
}

/** URL of a database on the run's server. */
function urlOf(database: string): string {
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

async function createFrom(template: string): Promise<TestDatabase> {
  const name = uniqueName('test');
  await createRetrying(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  return { name, url: urlOf(name), drop: () => drop(name) };
}

const leavingMs = 500;

/**
 * Connections that were closed just now are given the time to be gone: their client is still there to hear that they were ended
 * by force, and nobody listens to it any more.
 */
async function drop(name: string): Promise<void> {
  await withServer(async (client) => {
    const connected = 'SELECT FROM pg_stat_activity WHERE datname = $1 LIMIT 1';
    const until = Date.now() + leavingMs;
    while ((await client.query(connected, [name])).rowCount && Date.now() < until) await delay(10);
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
}

const attempts = 50;

/** Only one database at a time is cloned from a template, and others wait their turn with an error. */
async function createRetrying(statement: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await onServer(statement);
    } catch (error) {
      const isTemplateBusy = error instanceof pg.DatabaseError && error.code === '55006';
      if (!isTemplateBusy || attempt === attempts) throw error;
      await delay(20 + Math.random() * 80);
    }
  }
}

/** One statement as superuser, outside any test database. */
async function onServer(statement: string): Promise<void> {
  await withServer((client) => client.query(statement));
}

async function withServer(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
