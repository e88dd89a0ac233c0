import pg from 'pg';
import { type App, openApp } from '../../src/app.js';
import { developer } from '../../src/auth/caller.js';
import type { Config } from '../../src/config.js';
import { pinMark } from '../../src/database/connections/database-client.js';
import { openLog } from '../../src/log.js';
import { createApiKey } from '../../src/registry/commands/create-api-key.js';
import { strictConfigRules } from '../../src/registry/values/config-rules.js';
import { openServer } from '../../src/server/server.js';
import {
  createRegistryDatabase,
  giveBackEmptyDatabase,
  type TestDatabase,
  takeEmptyDatabase,
} from './database.js';
import type { TypedDocumentString } from './generated/graphql.js';
import { noRates } from './no-rates.js';
import { usualRequestLimits } from './request-limits.js';

/** A GraphQL response over HTTP. A typed document gives `data` its type. */
export interface Answer<Data> {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the query next to the assertion determines the shape of the data
  data: Data extends undefined ? any : Data;
  errors: {
    message: string;
    path?: (string | number)[];
    extensions: { code: string; fields?: { field: string }[]; http?: { status: number } };
  }[];
  /** The errors' codes, in order. */
  codes: string[];
  headers: Headers;
}

/** A complete gateway for one test: registry, service databases, HTTP server. */
export interface TestGateway extends AsyncDisposable {
  app: App;
  url: string;
  /** Sends a query over HTTP; `key` is the secret of an API key. */
  ask<Data = undefined>(
    query: string | TypedDocumentString<Data, never>,
    variables?: Record<string, unknown>,
    options?: { key?: string; accept?: string },
  ): Promise<Answer<Data>>;
  /** Creates a key with these scopes and returns its secret. */
  createKey(...scopes: string[]): Promise<string>;
  /** Runs SQL in the registry, as an operator in psql would. */
  psql<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  psqlIn<Row extends pg.QueryResultRow>(module: string, sql: string, parameters?: unknown[]): Promise<Row[]>;
  registry: TestDatabase;
  /** URL of a module's database. */
  serviceUrl(module: string): string;
  close(): Promise<void>;
}

const shippedModules = ['operations', 'finance', 'inventory', 'dbtools'];

export interface TestGatewayOptions {
  authMode?: 'open' | 'required';
  /** The other replica, whose registry and databases this gateway shares. */
  sharing?: Pick<TestGateway, 'registry' | 'serviceUrl'>;
  config?: Partial<Config>;
}

export async function openGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const { sharing } = options;
  const registry = sharing?.registry ?? (await createRegistryDatabase());
  const services = new Map<string, TestDatabase>();
  const givenUrls = options.config?.serviceDatabaseUrls;
  if (!sharing && !givenUrls)
    for (const name of shippedModules) services.set(name, await takeEmptyDatabase());
  const serviceUrl = (module: string): string => {
    const url = sharing?.serviceUrl(module) ?? services.get(module)?.url;
    if (!url) throw new Error(`module ${module} has no database in this test`);
    return url;
  };
  const config: Config = {
    databaseUrl: registry.url,
    serviceDatabaseUrls:
      givenUrls ??
      Object.fromEntries(shippedModules.map((name) => [`${name.toUpperCase()}_DB_URL`, serviceUrl(name)])),
    serviceDatabaseReadUrls: {},
    databaseDirectUrl: undefined,
    serviceDatabaseDirectUrls: {},
    moduleDbVariables: [],
    host: '127.0.0.1',
    port: 0,
    adminPort: undefined,
    basePath: '',
    corsOrigins: [],
    keepAliveTimeoutMs: 75_000,
    dataDir: '/dev/null/nowhere',
    modulesDir: new URL('../../modules', import.meta.url).pathname,
    clientsDir: undefined,
    authMode: options.authMode ?? 'open',
    showsGraphiql: true,
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
    // Mutations run their own operations; only tests of the worker start one.
    metricsTenants: undefined,
    tracing: undefined,
    runsWorker: false,
    heartbeatMs: 5_000,
    takeOverAfterMs: 15_000,
    ...options.config,
  };
  const app = await openApp(config, openLog(config.logLevel), { exclusive: true });
  const server = await openServer(app);

  async function close() {
    await server.close();
    await app.close();
    if (sharing) return;
    await registry.drop();
    for (const database of services.values()) await giveBackEmptyDatabase(database);
    // A second close must not give them back again.
    services.clear();
  }

  return {
    app,
    url: server.url,
    registry,
    serviceUrl,
    close,
    [Symbol.asyncDispose]: close,
    async ask<Data>(
      query: string | TypedDocumentString<Data, never>,
      variables = {},
      { key, accept = 'application/json' } = {} as { key?: string; accept?: string },
    ) {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept,
          ...(key && { authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify({ query, variables }),
      });
      const body = (await response.json()) as Pick<Answer<Data>, 'data'> & Partial<Answer<Data>>;
      const errors = body.errors ?? [];
      return {
        status: response.status,
        data: body.data,
        errors,
        codes: errors.map(({ extensions }) => extensions?.code),
        headers: response.headers,
      };
    },
    async createKey(...scopes) {
      const { secret } = await createApiKey(app.commandsFor(developer), { name: 'test', scopes });
      if (!secret) throw new Error('no secret');
      return secret;
    },
    async psql<Row extends pg.QueryResultRow>(sql: string, parameters?: unknown[]) {
      const rows = await query<Row>(registry.url, sql, parameters);
      // SQL does not wait for gateways as mutations do, so this waits until the gateway knows the change.
      await app.gateway?.freshness.follower.poll().catch(() => undefined);
      return rows;
    },
    psqlIn: (module, sql, parameters) => query(serviceUrl(module), sql, parameters),
  };
}

async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  parameters?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, parameters)).rows;
  } finally {
    await client.end();
  }
}

/** An SQL statement with its parameters. */
export interface SentStatement {
  text: string;
  values: unknown[];
}

/** The SQL statements that this process sends while the work runs. */
export async function recordStatements(work: () => Promise<unknown>): Promise<string[]> {
  return (await recordQueries(work)).map(({ text }) => text);
}

/** As recordStatements, with parameters. */
export async function recordQueries(work: () => Promise<unknown>): Promise<SentStatement[]> {
  const sent: SentStatement[] = [];
  const original = pg.Client.prototype.query;
  // biome-ignore lint/suspicious/noExplicitAny: pg's query has eight overloads, which this wrapper passes on
  pg.Client.prototype.query = function (this: pg.Client, ...parameters: any[]) {
    const [first, second] = parameters;
    // A gateway's own statements, such as polls, belong to no request.
    const { connectionParameters } = this as unknown as {
      connectionParameters: { application_name?: string };
    };
    const text = typeof first === 'string' ? first : first.text;
    const isOwnAccount =
      /feed|listener/.test(connectionParameters.application_name ?? '') || text.startsWith(pinMark);
    if (!isOwnAccount) sent.push({ text, values: first.values ?? (Array.isArray(second) ? second : []) });
    return Reflect.apply(original, this, parameters);
  } as typeof original;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = original;
  }
  return sent;
}
