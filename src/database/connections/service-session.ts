import type { ClientBase, Pool } from 'pg';
import { RegistryError } from '../../errors.js';
import { PoolerError } from './pooler.js';

/** @param problem why the database cannot be used, with the way out */
export function notReady(problem: string): RegistryError {
  return new RegistryError('TENANT_NOT_READY', `The module’s database cannot be used: ${problem}`, {
    isLasting: true,
  });
}

export function refusePooler(error: unknown): never {
  throw error instanceof PoolerError ? notReady(error.message) : error;
}

/** Runs the work in a session of the pool without locks, settings and temporary objects of earlier work. */
export async function withPooled<T>(pool: Pool, work: (client: ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch(refusePooler);
  let result: T;
  try {
    result = await work(client);
  } catch (error) {
    // Closing the connection rolls back and releases locks, whatever its state is.
    client.release(true);
    throw error;
  }
  // The work has succeeded even if this cleanup fails.
  await client.query('DISCARD ALL').then(
    () => client.release(),
    () => client.release(true),
  );
  return result;
}
