/**
 * Routes that no gateway has in memory: each tenant is asked for once. Beside a server that sends one prepared SQL query for each
 * request, asked by the same client.
 */
import type pg from 'pg';
import { medianOf } from '../compare/summary.js';
import { askGraphql } from '../registry/ask.js';
import type { Gateway } from '../registry/gateway.js';

export interface ColdFigure {
  name: string;
  /** Per key. */
  ms: number;
}

const oneQuery =
  'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { schemaName searchPath databaseName } }';
const manyQuery = `query ($keys: [TenantSchemaKey!]!) {
  tenantSchemas(keys: $keys) { __typename ... on TenantSchema { schemaName searchPath databaseName } }
}`;

/** `sqlUrl`: bench/peers/sql.js, which reads the id from the variables. */
export async function measureColdReads(
  { gateway, sqlUrl, pool }: { gateway: Gateway; sqlUrl: string; pool: pg.Pool },
  { tenants, sample }: { tenants: number; sample: number },
): Promise<ColdFigure[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM tenants TABLESAMPLE BERNOULLI ($2) WHERE status = 'active' LIMIT $1`,
    [sample, Math.min(100, (150 * sample) / tenants)],
  );
  const ids = rows.map(({ id }) => id);
  // Each part asks for tenants that no part before it has asked for.
  const part = (at: number) => ids.slice((at * ids.length) / 3, ((at + 1) * ids.length) / 3);
  const askSql = (id: string) => askGraphql(sqlUrl, oneQuery, { id });
  const askOne = (id: string) => gateway.ask(oneQuery, { id });
  const askMany = (keys: string[]) =>
    gateway.ask(manyQuery, { keys: keys.map((id) => ({ id, module: 'finance' })) });
  return [
    { name: 'prepared SQL, one at a time', ms: await timeOneByOne(part(0), askSql) },
    { name: 'tenantSchema, one at a time', ms: await timeOneByOne(part(0), askOne) },
    { name: 'prepared SQL, 32 at once', ms: await timeAtOnce(part(1), askSql) },
    { name: 'tenantSchema, 32 at once', ms: await timeAtOnce(part(1), askOne) },
    { name: 'tenantSchemas, 100 keys a request', ms: await timeBatches(part(2), askMany) },
  ];
}

async function timeOneByOne(ids: string[], ask: (id: string) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (const id of ids) {
    const startedAt = performance.now();
    await ask(id);
    times.push(performance.now() - startedAt);
  }
  return medianOf(times);
}

async function timeAtOnce(ids: string[], ask: (id: string) => Promise<unknown>): Promise<number> {
  const waiting = [...ids];
  const startedAt = performance.now();
  const lane = async () => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) await ask(id);
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  return (performance.now() - startedAt) / ids.length;
}

async function timeBatches(ids: string[], ask: (keys: string[]) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  for (let at = 0; at < ids.length; at += 100) await ask(ids.slice(at, at + 100));
  return (performance.now() - startedAt) / ids.length;
}
