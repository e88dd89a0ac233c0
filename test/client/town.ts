import pg from 'pg';
import {
  createTenantRegistry,
  type TenantRegistry,
  type TenantRegistryOptions,
} from '../../src/client/index.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

/** A gateway with tenants in finance, each of which has one setting, "owner": its slug; and what a finance service has. */
export interface Town extends AsyncDisposable {
  gateway: TestGateway;
  tenants: StoryTenant[];
  addTenant(): Promise<StoryTenant>;
  /** A client for finance. */
  connect(options?: Partial<TenantRegistryOptions>): TenantRegistry;
  /** A pool of the finance database; one that a test leaves open is closed at the end. */
  openPool(config?: pg.PoolConfig): pg.Pool;
  close(): Promise<void>;
}

export async function openTown(
  count: number,
  options: Parameters<typeof openGateway>[0] = {},
): Promise<Town> {
  const gateway = await openGateway(options);
  const pools: pg.Pool[] = [];
  const clients: TenantRegistry[] = [];
  const addTenant = async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    const schema = pg.escapeIdentifier(`finance_${tenant.slug}`);
    await gateway.psqlIn(
      'finance',
      `INSERT INTO ${schema}.settings (key, value) VALUES ('owner', to_jsonb($1::text))`,
      [tenant.slug],
    );
    return tenant;
  };
  const tenants: StoryTenant[] = [];
  for (let at = 0; at < count; at++) tenants.push(await addTenant());
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
      // Connections that the server ends while nobody uses them.
      pool.on('error', () => undefined);
      pools.push(pool);
      return pool;
    },
  };
}

/** Whose tables these are. */
export async function ownerOf(tx: Pick<pg.ClientBase, 'query'>): Promise<string> {
  const { rows } = await tx.query<{ owner: string }>(
    `SELECT value #>> '{}' AS owner FROM settings WHERE key = 'owner'`,
  );
  return rows.map(({ owner }) => owner).join();
}
