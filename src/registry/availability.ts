import type { RegistryDatabase } from '../database/registry-database.js';
import { within } from '../within.js';

/** Reads one row of the registry; throws when the database fails or does not answer in time. */
export async function requireRegistryAnswer({ pool }: RegistryDatabase, timeoutMs: number): Promise<void> {
  await within(timeoutMs, pool.query('SELECT revision FROM registry_head'), () => {
    throw new Error(`no answer within ${timeoutMs} ms`);
  });
}
