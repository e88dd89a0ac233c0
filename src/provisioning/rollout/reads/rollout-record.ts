import DataLoader from 'dataloader';
import type { Rollout, RolloutTenantStatus } from '../../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../../database/registry-database.js';

/** Rollouts for doors to show; the process that leads one works in lead-rollout.ts. */
type Rows = Pick<RegistryDatabase, 'prisma'>;

export function findRollout({ prisma }: Rows, id: string): Promise<Rollout | null> {
  return prisma.rollout.findUnique({ where: { id } });
}

/** Numbers of tenants by status. */
export type StatusCounts = Record<RolloutTenantStatus, number> & { total: number };

/** Numbers of tenants of a rollout by status, of all of them and of each wave that has some. */
export interface RolloutCounts extends StatusCounts {
  waves: (StatusCounts & { wave: number })[];
}

export type RolloutCountsLoader = DataLoader<string, RolloutCounts>;

/** Loads the numbers of tenants with one statement for any number of rollouts. The key is the id of the rollout. */
export function createRolloutCountsLoader({
  readRows,
}: Pick<RegistryDatabase, 'readRows'>): RolloutCountsLoader {
  return new DataLoader(async (ids) => {
    const rows = await readRows<{ id: string; wave: number; status: RolloutTenantStatus; count: number }>({
      text: countsSql,
      values: [ids],
    });
    return ids.map((id) => countTenants(rows.filter((row) => row.id === id)));
  });
}

/** Numbers of tenants of one rollout by status. */
export function countRolloutTenants(database: RegistryDatabase, id: string): Promise<RolloutCounts> {
  return createRolloutCountsLoader(database).load(id);
}

const countsSql = `
  SELECT rollout_id AS id, wave, upper(status::text) AS status, count(*)::int AS count
  FROM rollout_tenants WHERE rollout_id = ANY ($1::uuid[]) GROUP BY 1, 2, 3 ORDER BY 1, 2`;

function countTenants(
  rows: readonly { wave: number; status: RolloutTenantStatus; count: number }[],
): RolloutCounts {
  const counts: RolloutCounts = { ...noTenants(), waves: [] };
  for (const { wave, status, count } of rows) {
    let ofWave = counts.waves.at(-1);
    if (ofWave?.wave !== wave) {
      ofWave = { wave, ...noTenants() };
      counts.waves.push(ofWave);
    }
    for (const each of [counts, ofWave]) {
      each[status] += count;
      each.total += count;
    }
  }
  return counts;
}

function noTenants(): StatusCounts {
  return { QUEUED: 0, RUNNING: 0, SUCCEEDED: 0, FAILED: 0, BLOCKED: 0, SKIPPED: 0, total: 0 };
}

/**
 * The number of failed tenants at which the rollout pauses; undefined without a budget. A person who lets the rollout go on
 * accepts those that have failed until then.
 */
export function failureLimit(
  rollout: Pick<Rollout, 'errorBudgetCount' | 'errorBudgetPercent' | 'acceptedFailures'>,
  tenants: number,
): number | undefined {
  const { errorBudgetCount, errorBudgetPercent, acceptedFailures } = rollout;
  const limits = [
    errorBudgetCount ?? undefined,
    errorBudgetPercent === null ? undefined : Math.floor((tenants * errorBudgetPercent) / 100),
  ].filter((limit) => limit !== undefined);
  return limits.length === 0 ? undefined : Math.min(...limits) + 1 + acceptedFailures;
}
