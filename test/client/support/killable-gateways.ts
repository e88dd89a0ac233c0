/** Gateways and PostgreSQL servers that are processes of their own and can be killed. Free of vitest, for bench/. */
import pg from 'pg';
import {
  createTenantRegistry,
  type TenantRegistry,
  type TenantRegistryOptions,
} from '../../../src/client/index.js';
import { migrateRegistry } from '../../../src/database/migrations/migrate.js';
import { allScopes } from '../../outage/support/breakable-gateways.js';
import { findFreePort } from '../../setup/free-port.js';
import { type GatewayProcess, insertKey, startGateway } from '../../setup/gateway-process.js';
import { mutate } from '../../setup/graphql-calls.js';
import { openPostgresServer, type PostgresServer } from '../../setup/postgres-server.js';

export interface ProvisionedTenant {
  id: string;
  /** Its setting "owner" is its slug. */
  slug: string;
}

export type GatewayName = 'A' | 'B';

/** Two gateways with tenants in finance. The registry and finance are on PostgreSQL servers of their own. */
export interface KillableGateways extends AsyncDisposable {
  registry: PostgresServer;
  finance: PostgresServer;
  tenants: ProvisionedTenant[];
  /** URLs of the gateways; a restarted gateway keeps its URL. */
  urls: string[];
  /** An API key with all scopes. */
  key: string;
  gateway(name: GatewayName): GatewayProcess;
  /** Kills a gateway; `start` starts it again. */
  kill(name: GatewayName): Promise<void>;
  /** `folder`: of another version of the project. */
  start(name: GatewayName, folder?: string): Promise<void>;
  /** A client of both gateways, made by `create` of this or another version. */
  connect(options?: Partial<TenantRegistryOptions>, create?: typeof createTenantRegistry): TenantRegistry;
  /** A pool for the finance database. */
  openPool(max: number): pg.Pool;
}

export async function openKillableGateways(options: {
  tenants: number;
  stalenessMs: number;
  /** Migrates the registry at the URL; default: this version does. */
  migrate?: (url: string) => Promise<unknown>;
  /** Folder of another version, whose gateways are started first. */
  folder?: string | undefined;
}): Promise<KillableGateways> {
  const undo: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const servers = await Promise.all([openPostgresServer(), openPostgresServer()]);
    undo.push(...servers.map((server) => () => server.close()));
    const [registry, finance] = servers;
    await registry.query('CREATE DATABASE registry');
    await finance.query('CREATE DATABASE finance');
    await (options.migrate ?? migrateRegistry)(registry.url('registry'));
    const key = await insertKey(registry.url('registry'), ...allScopes);
    const ports = { A: await findFreePort(), B: await findFreePort() };
    const gateways = new Map<GatewayName, GatewayProcess>();
    const gateway = (name: GatewayName) => {
      const running = gateways.get(name);
      if (!running) throw new Error(`gateway ${name} does not run`);
      return running;
    };
    const start = async (name: GatewayName, folder?: string) => {
      const started = await startGateway({
        databaseUrl: registry.url('registry'),
        serviceUrl: () => finance.url('finance'),
        ...{ key, folder },
        env: { STALENESS_BOUND_MS: `${options.stalenessMs}`, PORT: `${ports[name]}` },
      });
      gateways.set(name, started);
    };
    undo.push(() => Promise.all([...gateways.values()].map((running) => running.kill())));
    await start('A', options.folder);
    const [tenants] = await Promise.all([
      addTenants(gateway('A'), finance, options.tenants),
      start('B', options.folder),
    ]);
    const urls = Object.values(ports).map((port) => `http://127.0.0.1:${port}`);
    return {
      ...{ registry, finance, tenants, urls, key, gateway, start },
      kill: (name) => gateway(name).kill(),
      connect(more, create = createTenantRegistry) {
        const client = create({ url: urls, apiKey: key, module: 'finance', ...more });
        undo.push(() => client.close());
        return client;
      },
      openPool(max) {
        const pool = new pg.Pool({ connectionString: finance.url('finance'), max });
        pool.on('error', () => undefined);
        undo.push(() => pool.end());
        return pool;
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Registers tenants with a schema in finance and writes who they are into it. */
export async function addTenants(
  gateway: GatewayProcess,
  finance: PostgresServer,
  count: number,
): Promise<ProvisionedTenant[]> {
  const tenants: ProvisionedTenant[] = [];
  for (let at = 0; at < count; at++) {
    const slug = `tenant-${at}`;
    const registered = await mutate(gateway, 'registerTenant', { name: slug, slug }, 'tenant { id }');
    const { id } = registered.result.tenant;
    await mutate(gateway, 'subscribeTenantToModule', { tenantId: id, module: 'finance' });
    const { data } = await gateway.ask(
      'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { searchPath } }',
      { id },
    );
    await finance.query(
      `INSERT INTO ${data.tenantSchema.searchPath}.settings (key, value) VALUES ('owner', to_jsonb($1::text))`,
      [slug],
      'finance',
    );
    tenants.push({ id, slug });
  }
  return tenants;
}
