import type { Plan, PlanLimits } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import { type RowForm, readJsonRow } from '../../database/statements/row.js';

export interface PlanRecord extends PlanLimits {
  /** Whether the tenants of the plan have its limits, apart from their own. */
  isApplied: boolean;
}

/** The limits of all plans, in the order of the plans. */
export async function listPlanLimits({
  readRows,
}: Pick<RegistryDatabase, 'readRows'>): Promise<PlanRecord[]> {
  const rows = await readRows<Record<string, unknown>>({
    text: `SELECT *, NOT EXISTS (SELECT FROM plan_updates WHERE plan_updates.plan = plans.name) AS is_applied
      FROM plans ORDER BY name`,
  });
  // All columns of the table are fields of the model, which a test compares.
  return rows.map((row) => readJsonRow(planRow, row) as unknown as PlanRecord);
}

const planRow: RowForm = { enums: new Set(['name']), times: ['updatedAt'] };

/** The limits of one plan. */
export async function requirePlanLimits(
  database: Pick<RegistryDatabase, 'readRows'>,
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
