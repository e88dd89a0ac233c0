import type { RegistryDatabase } from '../../database/registry-database.js';
import { applyPlans } from '../tenants/plan-limits.js';

interface Context {
  database: RegistryDatabase;
}

/** Portions of tenants and of expired keys in one round; the next round comes soon. */
const portions = 20;
const keysAtOnce = 5_000;

/** Brings tenants up to changed limits of plans. One short statement when there is nothing to do, as in all work of this file. */
export async function keepLimits({ database }: Context): Promise<void> {
  await applyPlans(database, { portions });
}

/** Deletes expired idempotency keys of usage. */
export async function forgetUsageKeys({ database }: Context): Promise<void> {
  for (let done = 0; done < portions; done++) {
    const { rows } = await database.query('SELECT registry_forget_usage($1)::int AS forgotten', [keysAtOnce]);
    if (rows[0]?.forgotten < keysAtOnce) return;
  }
}

/** Measures the use of quotas in a large registry, when it is due. */
export async function measureQuotas({ database }: Context): Promise<void> {
  await database.query('SELECT registry_measure_quotas()', []);
}
