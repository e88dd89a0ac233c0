import { randomUUID } from 'node:crypto';
import { type App, openApp } from '../../../src/app.js';
import { readConfig } from '../../../src/config.js';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { openLog } from '../../../src/log.js';
import { openServer } from '../../../src/server/server.js';
import type { Answer } from '../../setup/gateway.js';
import { type GatewayProcess, insertKey, startGateway } from '../../setup/gateway-process.js';
import { openPostgresServer, type PostgresServer } from '../../setup/postgres-server.js';
import { openTcpProxy, type TcpProxy } from '../../setup/tcp-proxy.js';

/** The environment of a test of outages: a PostgreSQL of its own, behind a proxy that can be broken. */
export interface BreakableEnvironment extends AsyncDisposable {
  postgres: PostgresServer;
  /** The proxy between the gateways and PostgreSQL. */
  network: TcpProxy;
  /** An API key with all scopes. */
  key: string;
  /** A gateway process with this staleness bound. */
  gateway(env?: Record<string, string>): Promise<GatewayProcess>;
  /** Opens a gateway in this process, whose memory the test can inspect. */
  localGateway(): Promise<{ url: string; app: App }>;
  /** Runs SQL directly, without the proxy. */
  psql(sql: string, parameters?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Registers something to close after the gateways and before the servers. */
  undo(step: () => Promise<unknown>): void;
}

export const allScopes = ['resolve:*', 'registry:read', 'registry:write', 'provision', 'keys:manage'];

export async function openBreakableEnvironment(): Promise<BreakableEnvironment> {
  const undo: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const postgres = await openPostgresServer();
    undo.push(() => postgres.close());
    for (const name of ['registry', 'service']) await postgres.query(`CREATE DATABASE ${name}`);
    await migrateRegistry(postgres.url('registry'));
    const network = await openTcpProxy(postgres.port);
    undo.push(() => network.close());
    const key = await insertKey(postgres.url('registry'), ...allScopes);
    const through = (database: string) =>
      postgres.url(database).replace(`:${postgres.port}/`, `:${network.port}/`);
    return {
      postgres,
      network,
      key,
      async gateway(env = {}) {
        const started = await startGateway({
          databaseUrl: through('registry'),
          serviceUrl: () => through('service'),
          key,
          env,
        });
        undo.push(() => started.kill());
        return started;
      },
      async localGateway() {
        // Rows that tests insert by SQL have no storage, so nothing must look for it.
        const nowhere = { DATA_DIR: '/dev/null/nowhere', WORKER: 'none' };
        const env = { DATABASE_URL: through('registry'), PORT: '0', ...nowhere };
        const app = await openApp(readConfig(env), openLog('silent'), { exclusive: true });
        undo.push(() => app.close());
        const server = await openServer(app);
        undo.push(() => server.close());
        return { url: server.url, app };
      },
      psql: (sql, parameters) => postgres.query(sql, parameters, 'registry'),
      undo: (step) => void undo.push(step),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Inserts tenants with a route each by SQL: resolving needs no storage. */
export async function addTenants(
  environment: Pick<BreakableEnvironment, 'psql'>,
  count: number,
): Promise<{ id: string; slug: string }[]> {
  const tenants = Array.from({ length: count }, (_, at) => ({ id: randomUUID(), slug: `tenant-${at}` }));
  for (const { id, slug } of tenants) {
    await environment.psql(`INSERT INTO tenants (id, slug, name) VALUES ($1, $2, 'Tenant')`, [id, slug]);
    await environment.psql(
      `INSERT INTO module_subscriptions (tenant_id, module, status) VALUES ($1, 'finance', 'active')`,
      [id],
    );
  }
  return tenants;
}

export interface Asked {
  /** The name of the schema, or the code of the refusal. */
  answer: string;
  status: number;
  retryAfter: string | null;
  revision: string | undefined;
  ms: number;
}

/** Resolves one route; returns the result with its HTTP status. */
export async function ask(
  gateway: Pick<GatewayProcess, 'ask'>,
  id: string,
  options: { minRevision?: string; key?: string } = {},
): Promise<Asked> {
  const startedAt = performance.now();
  const { minRevision = null, key } = options;
  const answer: Answer<undefined> = await gateway.ask(
    `query ($id: ID!, $minRevision: Revision) {
       tenantSchema(id: $id, module: "finance", minRevision: $minRevision) { schemaName revision }
     }`,
    { id, minRevision },
    { accept: 'application/graphql-response+json', ...(key && { key }) },
  );
  return {
    answer: answer.data?.tenantSchema?.schemaName ?? answer.codes.join(),
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    revision: answer.data?.tenantSchema?.revision,
    ms: performance.now() - startedAt,
  };
}
