import type { RegistryDatabase } from '../../database/registry-database.js';
import { applyPlans } from '../plan-limits.js';

/** Portions of tenants and of expired keys in one round; the next round comes soon. */
const portions = 20;
const keysAtOnce = 5_000;

/** The work of a worker on limits and usage. Three short statements when there is nothing to do. */
export async function keepUsage({ database }: { database: RegistryDatabase }): Promise<void> {
  await applyPlans(database, { portions });
  for (let done = 0; done < portions; done++) {
    const { rows } = await database.query('SELECT registry_forget_usage($1)::int AS forgotten', [keysAtOnce]);
    if (rows[0]?.forgotten < keysAtOnce) break;
  }
  await database.query('SELECT registry_measure_quotas()', []);
}
