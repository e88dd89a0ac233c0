import pg from 'pg';
import {
  createTenantRegistry,
  type TenantRegistry,
  type TenantRegistryOptions,
} from '../../../src/client/index.js';
import { uniqueName } from '../../setup/database.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';

/** A gateway with tenants in finance, and what a finance service has. Each tenant's setting "owner" is its slug. */
export interface GatewayWithTenants extends AsyncDisposable {
  gateway: TestGateway;
  tenants: StoryTenant[];
  addTenant(): Promise<StoryTenant>;
  /** A client for module finance. */
  connect(options?: Partial<TenantRegistryOptions>): TenantRegistry;
  /** A pool for the finance database. Pools still open are closed with the gateway. */
  openPool(config?: pg.PoolConfig): pg.Pool;
  close(): Promise<void>;
}

export async function openGatewayWithTenants(
  count: number,
  options: Parameters<typeof openGateway>[0] = {},
): Promise<GatewayWithTenants> {
  const gateway = await openGateway(options);
  const pools: pg.Pool[] = [];
  const clients: TenantRegistry[] = [];
  const addTenant = async () =>
    (await provisionTenants([uniqueName('t')], gateway, gateway.serviceUrl('finance')))[0] as StoryTenant;
  const slugs = Array.from({ length: count }, () => uniqueName('t'));
  const tenants = await provisionTenants(slugs, gateway, gateway.serviceUrl('finance'));
  const close = async () => {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(pools.filter(({ ended }) => !ended).map((pool) => pool.end()));
    await gateway.close();
  };
  return {
    gateway,
    tenants,
    addTenant,
    close,
    [Symbol.asyncDispose]: close,
    connect(more) {
      const client = createTenantRegistry({ url: gateway.url, module: 'finance', ...more });
      clients.push(client);
      return client;
    },
    openPool(config) {
      const pool = new pg.Pool({ connectionString: gateway.serviceUrl('finance'), ...config });
      // Ignores the loss of idle connections.
      pool.on('error', () => undefined);
      pools.push(pool);
      return pool;
    },
  };
}

/** Number of tenants provisioned at the same time. */
const tenantsAtOnce = 4;

/** Provisions a tenant in finance for each slug and writes its setting "owner". */
export async function provisionTenants(
  slugs: readonly string[],
  gateway: Pick<TestGateway, 'ask'>,
  financeUrl: string,
): Promise<StoryTenant[]> {
  const pool = new pg.Pool({ connectionString: financeUrl, max: 1 });
  const tenants: StoryTenant[] = [];
  const left = slugs.entries();
  const work = async () => {
    for (const [at, slug] of left) {
      tenants[at] = await aTenant({ slug }).subscribedTo('finance').at(gateway);
      const schema = pg.escapeIdentifier(`finance_${slug}`);
      await pool.query(`INSERT INTO ${schema}.settings (key, value) VALUES ('owner', to_jsonb($1::text))`, [
        slug,
      ]);
    }
  };
  try {
    await Promise.all(Array.from({ length: tenantsAtOnce }, work));
  } finally {
    await pool.end();
  }
  return tenants;
}

/** Returns the slug of the tenant whose tables the transaction sees. */
export async function ownerOf(tx: Pick<pg.ClientBase, 'query'>): Promise<string> {
  const { rows } = await tx.query<{ owner: string }>(
    `SELECT value #>> '{}' AS owner FROM settings WHERE key = 'owner'`,
  );
  return rows.map(({ owner }) => owner).join();
}
