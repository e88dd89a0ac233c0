import type { Plan, PlanLimits } from '../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../database/registry-database.js';

export interface PlanRecord extends PlanLimits {
  /** Whether the tenants of the plan have its limits, apart from their own. */
  isApplied: boolean;
}

/** The limits of all plans, in the order of the plans. */
export async function listPlanLimits({ prisma }: Pick<RegistryDatabase, 'prisma'>): Promise<PlanRecord[]> {
  const [plans, updates] = await Promise.all([
    prisma.planLimits.findMany({ orderBy: { name: 'asc' } }),
    prisma.planUpdate.findMany({ select: { plan: true } }),
  ]);
  return plans.map((limits) => ({ ...limits, isApplied: !updates.some(({ plan }) => plan === limits.name) }));
}

/** The limits of one plan. */
export async function requirePlanLimits(
  database: Pick<RegistryDatabase, 'prisma'>,
  plan: Plan,
): Promise<PlanRecord> {
  const found = (await listPlanLimits(database)).find(({ name }) => name === plan);
  if (!found) throw new Error(`plan ${plan} has no row in plans: the database is damaged, restore it`);
  return found;
}

/** Tenants that are looked at in one transaction. */
const portion = 500;

/**
 * Brings tenants up to the limits of changed plans, a portion at a time, each in a transaction of its own. A statement when there is
 * nothing to do. Several processes may do this at the same time.
 */
export async function applyPlans(
  { query }: Pick<RegistryDatabase, 'query'>,
  { portions }: { portions: number },
): Promise<void> {
  for (let done = 0; done < portions; done++) {
    const { rows } = await query('SELECT registry_apply_plans($1) AS "hasMore"', [portion]);
    if (!rows[0]?.hasMore) return;
  }
}
