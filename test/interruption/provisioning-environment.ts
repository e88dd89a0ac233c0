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
import { beginDueRemovals } from '../../src/provisioning/operations/run/removal.js';
import { registerModule } from '../../src/registry/commands/register-module.js';
import { strictConfigRules } from '../../src/registry/values/config-rules.js';
import { openServer } from '../../src/server/server.js';
import { noRates } from '../setup/no-rates.js';
import { usualRequestLimits } from '../setup/request-limits.js';

/** URLs of the registry and the two service databases, on one server or on three. */
export interface DatabaseUrls {
  /** URL of a migrated registry. */
  registry: string;
  one: string;
  two: string;
}

/** A gateway without a worker, and its databases, in which tests run and interrupt operations. */
export interface ProvisioningEnvironment extends AsyncDisposable {
  app: App;
  urls: DatabaseUrls;
  /** Environment variables for another process on the same databases. */
  env: Record<string, string>;
  modulesDir: string;
  /** The schema that the tenant's module resolves to, or the code of the refusal. */
  resolve(tenant: string, module: string): Promise<string>;
  psql<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  /** Runs due operations, as a worker does, until the tenant has none left. */
  recover(slug: string, options?: { removals?: boolean }): Promise<void>;
}

/** Each physical database holds one module of each isolation kind, so two modules share it. */
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
  '0003_broken.sql':
    'CREATE TABLE half (id int); INSERT INTO half VALUES (1); DO $$ BEGIN RAISE EXCEPTION $m$broken on purpose$m$; END $$;',
};

const takeOverAfterMs = 300;
const heartbeatMs = 100;
const patienceMs = 30_000;

export async function openProvisioningEnvironment(
  urls: DatabaseUrls,
  settings: Partial<Config> = {},
): Promise<ProvisioningEnvironment> {
  const modulesDir = await createModulesDir();
  const { one, two, registry } = urls;
  const moduleUrls = {
    ALPHA_DB_URL: one,
    BETA_DB_URL: two,
    GAMMA_DB_URL: one,
    DELTA_DB_URL: two,
    OMEGA_DB_URL: two,
    ZETA_DB_URL: two,
  };
  const config: Config = {
    databaseUrl: registry,
    serviceDatabaseReadUrls: {},
    databaseDirectUrl: undefined,
    serviceDatabaseDirectUrls: {},
    moduleDbVariables: [],
    serviceDatabaseUrls: moduleUrls,
    host: '127.0.0.1',
    port: 0,
    adminPort: undefined,
    basePath: '',
    corsOrigins: [],
    keepAliveTimeoutMs: 75_000,
    dataDir: '/dev/null/nowhere',
    modulesDir,
    clientsDir: undefined,
    authMode: 'open',
    showsGraphiql: false,
    requiresTrustedDocuments: false,
    rates: noRates,
    trustedProxies: undefined,
    logLevel: { rest: 'silent', parts: {} },
    logRequests: 'failed',
    redisUrl: undefined,
    driftScanHours: 0,
    auditKey: undefined,
    apiKeyLifetimeDays: 365,
    tokenKeyLifetimeDays: 90,
    configRules: strictConfigRules,
    identityProvider: undefined,
    adminLogin: undefined,
    stalenessMs: 5_000,
    requiredStandbys: 0,
    traceFolder: undefined,
    shutdownTimeoutMs: 5_000,
    requestLimits: usualRequestLimits,
    metricsTenants: undefined,
    tracing: undefined,
    runsWorker: false,
    heartbeatMs,
    takeOverAfterMs,
    ...settings,
  };
  const app = await openApp(config, openLog(config.logLevel), { exclusive: true });
  const server = await openServer(app);
  await registerModules(app);
  const psql = async <Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]) =>
    await query<Row>(registry, sql, parameters);
  return {
    app,
    urls,
    modulesDir,
    psql,
    env: {
      DATABASE_URL: registry,
      ...moduleUrls,
      MODULES_DIR: modulesDir,
      DATA_DIR: '/dev/null/nowhere',
      LOG_LEVEL: 'silent',
      OPERATION_HEARTBEAT_MS: `${heartbeatMs}`,
      OPERATION_TAKE_OVER_MS: `${takeOverAfterMs}`,
    },
    resolve: (tenant, module) => resolveOver(server.url, tenant, module),
    recover: (slug, { removals = false } = {}) => runUntilIdle(app, psql, slug, removals),
    async [Symbol.asyncDispose]() {
      await server.close();
      await app.close();
      await closePools(registry, one, two);
      await rm(modulesDir, { recursive: true });
    },
  };
}

async function createModulesDir(): Promise<string> {
  const modulesDir = await mkdtemp(join(tmpdir(), 'tenant-registry-modules-'));
  await cp(new URL('../../modules', import.meta.url).pathname, modulesDir, { recursive: true });
  for (const [folder, files] of Object.entries({ contacts, broken })) {
    await mkdir(join(modulesDir, folder));
    for (const [file, sql] of Object.entries(files)) await writeFile(join(modulesDir, folder, file), sql);
  }
  return modulesDir;
}

async function registerModules(app: App): Promise<void> {
  const context = app.commandsFor(developer);
  for (const [isolation, names] of Object.entries(modules))
    for (const name of names)
      await registerModule(context, { name, isolation, migrationsFolder: 'contacts' });
  // Their names come last in the alphabet, so their steps come last in every plan.
  await registerModule(context, { name: 'omega', isolation: 'SCHEMA', migrationsFolder: 'broken' });
  await registerModule(context, { name: 'zeta', isolation: 'DATABASE', migrationsFolder: 'broken' });
}

async function runUntilIdle(
  app: App,
  psql: ProvisioningEnvironment['psql'],
  slug: string,
  removals: boolean,
): Promise<void> {
  const own = app.commandsFor(gateway);
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
    if (Date.now() > until) throw new Error(`unfinished operations: ${JSON.stringify(left)}`);
    await delay(25);
  }
}

interface Resolved {
  data?: { tenantSchema: { schemaName: string } };
  errors?: { extensions: { code: string } }[];
}

async function resolveOver(url: string, tenant: string, module: string): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: `query ($id: ID!, $module: ModuleName!) { tenantSchema(id: $id, module: $module) { schemaName } }`,
      variables: { id: tenant, module },
    }),
  });
  const { data, errors } = (await response.json()) as Resolved;
  return errors?.[0]?.extensions.code ?? `schema ${data?.tenantSchema.schemaName}`;
}

const pools = new Map<string, pg.Pool>();

/** Runs SQL on a pooled connection: there are thousands of queries, and a new connection costs more than a query. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  parameters?: unknown[],
): Promise<Row[]> {
  const pool = pools.get(url) ?? new pg.Pool({ connectionString: url, max: 2 });
  // After its session is ended, the next query opens a new connection.
  if (!pools.has(url)) pool.on('error', () => undefined);
  pools.set(url, pool);
  return (await pool.query<Row>(sql, parameters)).rows;
}

/** The same without a pool, for a database that will be dropped or renamed: no connection stays open. */
export async function queryOnce<Row extends pg.QueryResultRow>(
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

async function closePools(...moduleUrls: string[]): Promise<void> {
  for (const url of moduleUrls) {
    const pool = pools.get(url);
    pools.delete(url);
    await pool?.end();
  }
}
