import type { Difference } from '../structure/compare-structure.js';
import { changePart } from './change-part.js';
import { createPart } from './create-part.js';
import { dropPart } from './drop-part.js';
import { changeDefaultGrants, changeGrants } from './grant-sql.js';
import type { RepairedSchema } from './part-sql.js';

export interface RepairPlan {
  statements: string[];
  /** Whether code of the schema may run, such as the function of a check. */
  runsCode: boolean;
}

/** The statements that make a part as the files do. Throws ManualRepair for what no statement can derive. */
export function planRepair(difference: Difference, schema: RepairedSchema): RepairPlan {
  const { code, kind, expected, found } = difference;
  if (code === 'GRANTS_DIFFER') {
    const statements =
      kind === 'grants'
        ? changeGrants(schema, expected, found)
        : changeDefaultGrants(schema, expected, found);
    return { statements, runsCode: false };
  }
  if (found && !expected) return { statements: dropPart(found, schema), runsCode: false };
  if (expected && !found) return { statements: createPart(expected, schema), runsCode: true };
  return { statements: changePart(difference, schema), runsCode: true };
}
