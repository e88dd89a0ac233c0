import type { RegistryDatabase } from '../../database/registry-database.js';
import { listCountProblems } from '../../registry/log/count-check.js';
import { createObservation, type Observation } from './finding.js';

/** Reports lists and counts of tenants that a change without triggers has left behind. */
export async function examineCounts(database: RegistryDatabase): Promise<Observation[]> {
  const problems = await listCountProblems(database);
  const [first] = problems;
  if (!first) return [];
  const { subject, kept, found } = first;
  const others = problems.length > 1 ? `, and ${problems.length - 1} more` : '';
  return [
    createObservation(
      'COUNTS_WRONG',
      { asOf: JSON.stringify(problems) },
      {
        problem: `Lists and counts of tenants are not those of the tables (${subject}: ${kept} instead of ${found}${others}): rows were changed without triggers`,
        remedy:
          'Run SELECT registry_recount(), registry_recount_growth() in the registry database, as the owner of its tables',
      },
    ),
  ];
}
