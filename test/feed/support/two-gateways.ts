import pg from 'pg';
import { expect } from 'vitest';
import type { Config } from '../../../src/config.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';

/** Two gateways on one registry. */
export interface TwoGateways extends AsyncDisposable {
  one: TestGateway;
  other: TestGateway;
  /** Runs the work while the other gateway's polls are blocked: it neither reads changes nor reports. */
  whileOtherIsBlocked<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openTwoGateways(config: Partial<Config> = {}): Promise<TwoGateways> {
  const one = await openGateway({ config });
  const [first] = await replicasOf(one);
  const other = await openGateway({ sharing: one, config });
  const second = (await replicasOf(one)).find((id) => id !== first);
  const close = async () => {
    await other.close();
    await one.close();
  };
  return {
    one,
    other,
    close,
    [Symbol.asyncDispose]: close,
    // Every poll updates the replica's row, so a lock on that row blocks it.
    whileOtherIsBlocked: (work) => holding(one.registry.url, second, work),
  };
}

export async function replicasOf({ registry }: TestGateway): Promise<string[]> {
  const client = new pg.Client({ connectionString: registry.url });
  await client.connect();
  const { rows } = await client.query<{ id: string }>('SELECT id FROM replicas ORDER BY started_at');
  await client.end();
  return rows.map(({ id }) => id);
}

async function holding<T>(url: string, replica: string | undefined, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT FROM replicas WHERE id = $1 FOR UPDATE', [replica]);
    return await work();
  } finally {
    await client.end();
  }
}

export interface Explanation {
  code: string | null;
  gate: string | null;
  tier: string | null;
  revision: string | null;
  headRevision: string | null;
  ageMs: number | null;
  leaseRemainingMs: number;
  message: string | null;
  route: { schemaName: string; revision: string } | null;
}

export async function explain(
  gateway: Pick<TestGateway, 'ask'>,
  id: string,
  module = 'finance',
  options: { key?: string } = {},
): Promise<Explanation> {
  const { data } = await gateway.ask(
    `query ($id: ID!, $module: ModuleName!) { explainResolution(id: $id, module: $module) {
       code gate tier revision headRevision ageMs leaseRemainingMs message route { schemaName revision }
     } }`,
    { id, module },
    options,
  );
  return data.explainResolution;
}

/** Repeats the request until the answer comes from the gateway's own memory, from where a stale answer would come. */
export async function warm(gateway: TestGateway, ...ids: string[]): Promise<void> {
  for (const id of ids) await expect.poll(async () => (await explain(gateway, id)).tier).toBe('MEMORY');
}
