import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type App, openApp } from '../../src/app.js';
import { developer, gateway } from '../../src/auth/caller.js';
import type { Config } from '../../src/config.js';
import { openLog } from '../../src/log.js';
import { listDueOperations } from '../../src/provisioning/operations/operation.js';
import { beginDueRemovals } from '../../src/provisioning/operations/removal.js';
import { registerModule } from '../../src/registry/commands/register-module.js';
import { openServer } from '../../src/server/server.js';

/** Where the registry and the two service databases are; they may be on three servers, or on one. */
export interface Places {
  /** A migrated registry. */
  registry: string;
  one: string;
  two: string;
}

/** What operations are done to and interrupted on: a gateway that leaves work to others, and their databases. */
export interface Ground extends AsyncDisposable {
  app: App;
  places: Places;
  /** For another process that is to see the same. */
  env: Record<string, string>;
  modulesDir: string;
  /** The schema that a tenant's module resolves to now, or the code of the refusal. */
  resolve(tenant: string, module: string): Promise<string>;
  psql<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  /** Does what is due, as a worker does, until nothing of the tenant is left to be done. */
  recover(slug: string, options?: { removals?: boolean }): Promise<void>;
}

/** Each physical database holds a module of either isolation, so each is also two modules in one database. */
export const modules = {
  SCHEMA: ['alpha', 'beta'],
  DATABASE: ['gamma', 'delta'],
} as const;

const contacts = {
  '0001_contacts.sql': 'CREATE TABLE contact (id int PRIMARY KEY, name text NOT NULL);',
  '0002_notes.sql': 'CREATE TABLE note (contact_id int REFERENCES contact (id), body text NOT NULL);',
};
const broken = {
  ...contacts,
  '0003_broken.sql': 'CREATE TABLE half (id int); INSERT INTO half VALUES (1); SELECT 1 / 0;',
};

const takeOverAfterMs = 300;
const heartbeatMs = 100;
const patienceMs = 30_000;

export async function openGround(places: Places, settings: Partial<Config> = {}): Promise<Ground> {
  const modulesDir = await mkdtemp(join(tmpdir(), 'tenant-registry-modules-'));
  await cp(new URL('../../modules', import.meta.url).pathname, modulesDir, { recursive: true });
  for (const [folder, files] of Object.entries({ contacts, broken })) {
    await mkdir(join(modulesDir, folder));
    for (const [file, sql] of Object.entries(files)) await writeFile(join(modulesDir, folder, file), sql);
  }
  const { one, two, registry } = places;
  const urls = {
    ALPHA_DB_URL: one,
    BETA_DB_URL: two,
    GAMMA_DB_URL: one,
    DELTA_DB_URL: two,
    OMEGA_DB_URL: two,
    ZETA_DB_URL: two,
  };
  const config: Config = {
    databaseUrl: registry,
    serviceDatabaseUrls: urls,
    host: '127.0.0.1',
    port: 0,
    dataDir: '/dev/null/nowhere',
    modulesDir,
    clientsDir: undefined,
    authMode: 'open',
    logLevel: 'silent',
    logRequests: 'failed',
    redisUrl: undefined,
    identityProvider: undefined,
    stalenessMs: 5_000,
    shutdownTimeoutMs: 5_000,
    runsWorker: false,
    heartbeatMs,
    takeOverAfterMs,
    ...settings,
  };
  const app = await openApp(config, openLog(config.logLevel), { exclusive: true });
  const server = await openServer(app);
  const context = app.commandsFor(developer);
  for (const [isolation, names] of Object.entries(modules))
    for (const name of names)
      await registerModule(context, { name, isolation, migrationsFolder: 'contacts' });
  // They come last in the alphabet, and so in every plan.
  await registerModule(context, { name: 'omega', isolation: 'SCHEMA', migrationsFolder: 'broken' });
  await registerModule(context, { name: 'zeta', isolation: 'DATABASE', migrationsFolder: 'broken' });
  const own = app.commandsFor(gateway);

  const psql = async <Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]) =>
    await ask<Row>(registry, sql, parameters);
  return {
    app,
    places,
    modulesDir,
    psql,
    env: {
      DATABASE_URL: registry,
      ...urls,
      MODULES_DIR: modulesDir,
      DATA_DIR: '/dev/null/nowhere',
      LOG_LEVEL: 'silent',
      OPERATION_HEARTBEAT_MS: `${heartbeatMs}`,
      OPERATION_TAKE_OVER_MS: `${takeOverAfterMs}`,
    },
    async resolve(tenant, module) {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          query: `query ($id: ID!, $module: ModuleName!) { tenantSchema(id: $id, module: $module) { schemaName } }`,
          variables: { id: tenant, module },
        }),
      });
      const { data, errors } = (await response.json()) as Resolved;
      return errors?.[0]?.extensions.code ?? `schema ${data?.tenantSchema.schemaName}`;
    },
    async recover(slug, { removals = false } = {}) {
      const until = Date.now() + patienceMs;
      for (;;) {
        if (removals) await beginDueRemovals(own);
        const due = await listDueOperations(own, takeOverAfterMs, 50);
        await Promise.allSettled(due.map(({ id }) => own.runOperation(id)));
        const left = await psql<{ kind: string; status: string; error: string }>(
          `SELECT kind::text, operations.status::text, error FROM operations JOIN tenants ON tenants.id = tenant_id
           WHERE slug = $1 AND operations.status IN ('queued', 'running', 'compensating')`,
          [slug],
        );
        if (left.length === 0) return;
        if (Date.now() > until) throw new Error(`left undone: ${JSON.stringify(left)}`);
        await delay(25);
      }
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await app.close();
      await stopAsking(registry, one, two);
      await rm(modulesDir, { recursive: true });
    },
  };
}

interface Resolved {
  data?: { tenantSchema: { schemaName: string } };
  errors?: { extensions: { code: string } }[];
}

const pools = new Map<string, pg.Pool>();

/** SQL by hand. Connections are kept: there are thousands of questions, and each new connection costs more than its answer. */
export async function ask<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  parameters?: unknown[],
): Promise<Row[]> {
  const pool = pools.get(url) ?? new pg.Pool({ connectionString: url, max: 2 });
  // Whoever is thrown out asks on a new connection next time.
  if (!pools.has(url)) pool.on('error', () => undefined);
  pools.set(url, pool);
  return (await pool.query<Row>(sql, parameters)).rows;
}

/** The same in a database that is to be dropped or renamed: nobody stays connected. */
export async function askOnce<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  parameters?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql, parameters)).rows;
  } finally {
    await client.end();
  }
}

async function stopAsking(...urls: string[]): Promise<void> {
  for (const url of urls) {
    const pool = pools.get(url);
    pools.delete(url);
    await pool?.end();
  }
}
