/** A service process in which many clients work for tenants. hammer.ts forks it and sends it its job. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createTenantRegistry, type TenantRegistry } from '../../../src/client/index.js';
import { codeOf } from './client-outcomes.js';
import type { ProvisionedTenant } from './killable-gateways.js';

export interface HammerJob {
  urls: string[];
  key: string;
  databaseUrl: string;
  tenants: ProvisionedTenant[];
  clients: number;
  /** Number of clients that stay in a transaction for `stay` statements, each with a connection. */
  stayers: number;
  stay: number;
  connections: number;
}

/** Results since the last message, by the index of the tenant in the job. */
export interface HammerMessage {
  /** When statements started, by the database's clock, in microseconds. */
  startedAtUs: number[][];
  /** Rows of another tenant. */
  foreign: string[];
  failed: Record<string, number>;
}

/** Returns the owner of the tables and the time at which the server received the statement. */
const statement = `SELECT value #>> '{}' AS owner,
  extract(epoch FROM statement_timestamp())::float8 * 1e6 AS "startedAtUs" FROM settings WHERE key = 'owner'`;

const messageEveryMs = 250;

async function hammer(job: HammerJob): Promise<void> {
  const pool = new pg.Pool({ connectionString: job.databaseUrl, max: job.connections });
  pool.on('error', () => undefined);
  const { urls: url, key: apiKey, tenants } = job;
  let message = emptyMessage(tenants.length);
  let isOver = false;

  async function visit(client: TenantRegistry, at: number, statements: number): Promise<void> {
    const { id, slug } = tenants[at] as ProvisionedTenant;
    await client.withTenant(pool, id, async (tx) => {
      for (let count = 0; count < statements && !isOver; count++) {
        if (count > 1) await delay(Math.random() * 150);
        const { rows } = await tx.query<{ owner: string; startedAtUs: number }>(statement);
        for (const { owner, startedAtUs } of rows) {
          message.startedAtUs[at]?.push(startedAtUs);
          if (owner !== slug) message.foreign.push(`${slug}: ${owner}`);
        }
        if (rows.length !== 1) message.foreign.push(`${slug}: ${rows.length} rows`);
      }
    });
  }

  async function work(statements: number): Promise<void> {
    const client = createTenantRegistry({ url, apiKey, module: 'finance', timeoutMs: 5_000 });
    while (!isOver) {
      const at = Math.floor(Math.random() * tenants.length);
      await visit(client, at, statements).catch((error) => {
        const code = codeOf(error);
        message.failed[code] = (message.failed[code] ?? 0) + 1;
      });
      await delay(Math.random() * 10);
    }
    await client.close();
  }

  const sendMessage = () => {
    process.send?.(message);
    message = emptyMessage(tenants.length);
  };
  const timer = setInterval(sendMessage, messageEveryMs);
  process.once('message', () => {
    isOver = true;
  });
  const { clients, stayers, stay } = job;
  // Most visits are short; long ones are inside when their tenant is suspended.
  await Promise.all(Array.from({ length: clients }, (_, at) => work(at < stayers ? stay : 2)));
  clearInterval(timer);
  await pool.end();
  sendMessage();
  process.disconnect();
}

function emptyMessage(tenants: number): HammerMessage {
  return { startedAtUs: Array.from({ length: tenants }, () => []), foreign: [], failed: {} };
}

process.once('message', (job) => void hammer(job as HammerJob));
