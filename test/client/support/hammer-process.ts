/** A process of a service in which many work for tenants all the time: forked by hammer.ts, which says where and for whom. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createTenantRegistry, type TenantRegistry } from '../../../src/client/index.js';
import { codeOf } from './client-outcomes.js';
import type { CityTenant } from './killable-gateways.js';

export interface HammerOrder {
  urls: string[];
  key: string;
  databaseUrl: string;
  tenants: CityTenant[];
  clients: number;
  /** How many of them stay inside, with a connection each, and for how many statements. */
  stayers: number;
  stay: number;
  connections: number;
}

/** What was done since the last word, by the place of the tenant in the order. */
export interface HammerWord {
  /** When statements started, by the clock of the database, in microseconds. */
  startedAtUs: number[][];
  /** Rows that were another tenant's. */
  foreign: string[];
  failed: Record<string, number>;
}

/** A statement like any other, which says whose row it has seen and when it was received. */
const statement = `SELECT value #>> '{}' AS owner,
  extract(epoch FROM statement_timestamp())::float8 * 1e6 AS "startedAtUs" FROM settings WHERE key = 'owner'`;

const wordEveryMs = 250;

async function hammer(order: HammerOrder): Promise<void> {
  const pool = new pg.Pool({ connectionString: order.databaseUrl, max: order.connections });
  pool.on('error', () => undefined);
  const { urls: url, key: apiKey, tenants } = order;
  let word = openWord(tenants.length);
  let isOver = false;

  async function visit(client: TenantRegistry, at: number, statements: number): Promise<void> {
    const { id, slug } = tenants[at] as CityTenant;
    await client.withTenant(pool, id, async (tx) => {
      for (let count = 0; count < statements && !isOver; count++) {
        if (count > 1) await delay(Math.random() * 150);
        const { rows } = await tx.query<{ owner: string; startedAtUs: number }>(statement);
        for (const { owner, startedAtUs } of rows) {
          word.startedAtUs[at]?.push(startedAtUs);
          if (owner !== slug) word.foreign.push(`${slug}: ${owner}`);
        }
        if (rows.length !== 1) word.foreign.push(`${slug}: ${rows.length} rows`);
      }
    });
  }

  async function work(statements: number): Promise<void> {
    const client = createTenantRegistry({ url, apiKey, module: 'finance', timeoutMs: 5_000 });
    while (!isOver) {
      const at = Math.floor(Math.random() * tenants.length);
      await visit(client, at, statements).catch((error) => {
        const code = codeOf(error);
        word.failed[code] = (word.failed[code] ?? 0) + 1;
      });
      await delay(Math.random() * 10);
    }
    await client.close();
  }

  const say = () => {
    process.send?.(word);
    word = openWord(tenants.length);
  };
  const timer = setInterval(say, wordEveryMs);
  process.once('message', () => {
    isOver = true;
  });
  const { clients, stayers, stay } = order;
  // Most are brief; some are inside for as long as it takes to be overtaken by a suspend.
  await Promise.all(Array.from({ length: clients }, (_, at) => work(at < stayers ? stay : 2)));
  clearInterval(timer);
  await pool.end();
  say();
  process.disconnect();
}

function openWord(tenants: number): HammerWord {
  return { startedAtUs: Array.from({ length: tenants }, () => []), foreign: [], failed: {} };
}

process.once('message', (order) => void hammer(order as HammerOrder));
