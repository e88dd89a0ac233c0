import pg from 'pg';
import {
  createTenantRegistry,
  type TenantRegistry,
  type TenantRegistryOptions,
} from '../../../src/client/index.js';
import { uniqueName } from '../../setup/database.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';

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
  const addTenant = async () =>
    (await settle([uniqueName('t')], gateway, gateway.serviceUrl('finance')))[0] as StoryTenant;
  const slugs = Array.from({ length: count }, () => uniqueName('t'));
  const tenants = await settle(slugs, gateway, gateway.serviceUrl('finance'));
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

/** How many are provisioned at a time. */
const settlersAtOnce = 4;

/** Tenants in finance with these slugs, each with its setting. */
export async function settle(
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
    await Promise.all(Array.from({ length: settlersAtOnce }, work));
  } finally {
    await pool.end();
  }
  return tenants;
}

/** Whose tables these are. */
export async function ownerOf(tx: Pick<pg.ClientBase, 'query'>): Promise<string> {
  const { rows } = await tx.query<{ owner: string }>(
    `SELECT value #>> '{}' AS owner FROM settings WHERE key = 'owner'`,
  );
  return rows.map(({ owner }) => owner).join();
}
