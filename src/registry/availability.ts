import type { Pool } from 'pg';
import { findPendingMigrations } from '../database/migrations/pending-migrations.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { within } from '../within.js';

/** Names of pending migrations. Reads the registry; throws when the database fails or does not answer in time. */
export async function requireRegistryAnswer(
  { pool }: RegistryDatabase,
  timeoutMs: number,
): Promise<string[]> {
  return within(timeoutMs, findPendingMigrations(pool), () => {
    throw new Error(`no answer within ${timeoutMs} ms`);
  });
}

/**
 * Takes, for a moment, the locks that every command takes; changes nothing. Throws when another session keeps them, or the database
 * is read-only. Waits for half the time, because commands of other gateways hold them for milliseconds.
 */
export async function requireWritableRegistry(
  { rowPool }: RegistryDatabase,
  timeoutMs: number,
): Promise<void> {
  await within(timeoutMs, takeLocks(rowPool, Math.ceil(timeoutMs / 2)), () => {
    throw new Error(`no answer within ${timeoutMs} ms`);
  });
}

async function takeLocks(pool: Pool, lockTimeoutMs: number): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`BEGIN; SET LOCAL lock_timeout = ${lockTimeoutMs};
      LOCK TABLE tenants, modules, module_subscriptions, operations, registry_change IN ROW EXCLUSIVE MODE;
      SELECT FROM registry_head FOR SHARE; ROLLBACK`);
  } catch (error) {
    client.release(true);
    throw error;
  }
  client.release();
}
