import type { RegistryDatabase } from '../../database/registry-database.js';

/** A number that triggers keep for lists and counts and that is not the one of the tables. */
export interface CountProblem {
  /** "tenants active lite of finance" */
  subject: string;
  kept: number;
  found: number;
}

/** Compares module_tenants, tenant_counts, subscription_counts and tenant_growth with the tables. Reads all tenants. */
export async function listCountProblems({ pool }: Pick<RegistryDatabase, 'pool'>): Promise<CountProblem[]> {
  const { rows } = await pool.query<CountProblem>(
    `SELECT subject, kept::int, found::int FROM registry_count_problems()
     UNION ALL SELECT subject, kept::int, found::int FROM registry_growth_problems() ORDER BY subject`,
  );
  return rows;
}
