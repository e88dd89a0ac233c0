import { z } from 'zod';
import type { DriftFinding } from '../../../database/generated/prisma/client.js';
import { FindingStatus } from '../../../database/generated/prisma/enums.js';
import type { RegistryDatabase } from '../../../database/registry-database.js';
import { moduleName, omittable, readInput } from '../../../registry/input.js';
import { type ListPosition, timeSql } from '../../../registry/lists/list-cursor.js';
import { direction, type ListPage, Values } from '../../../registry/lists/list-page-sql.js';
import { inDatabase, oneOf } from '../../../registry/lists/tenant-filter.js';
import { findingCodes } from '../finding.js';

type Rows = Pick<RegistryDatabase, 'readRows'>;

const DriftFilter = z.object({
  module: omittable(moduleName),
  code: omittable(
    z.array(
      z
        .string()
        .refine(
          (code) => findingCodes.some((known) => known === code),
          'must be codes of findings, such as STRUCTURE_MISSING',
        ),
    ),
  ),
  severity: omittable(oneOf({ ERROR: 'ERROR', WARNING: 'WARNING' } as const)),
  status: omittable(z.array(oneOf(FindingStatus))),
});

/** Conditions on findings; a finding must meet all of them. Values are as in the database. */
export interface DriftSelection {
  tenantId: string | undefined;
  module: string | undefined;
  codes: readonly string[] | undefined;
  severity: string | undefined;
  statuses: readonly string[];
}

/** Reads the argument `filter`; without statuses only open findings are selected. Throws VALIDATION_ERROR that names the field. */
export function readDriftSelection(filter: unknown, tenantId: string | undefined): DriftSelection {
  const { filter: conditions } = readInput(z.object({ filter: DriftFilter }), { filter: filter ?? {} });
  const { module, code, severity, status = ['OPEN'] } = conditions;
  return { tenantId, module, codes: code, severity: severity?.toLowerCase(), statuses: inDatabase(status) };
}

/** The positions of the findings of a page, in the order in which it is read. */
export function listDriftPositions(
  { readRows }: Rows,
  selection: DriftSelection,
  page: ListPage,
): Promise<ListPosition[]> {
  const values = new Values();
  const beyond = (operator: string, { value, id }: ListPosition) =>
    `(first_seen_at, id) ${operator} (${values.add(value, 'timestamptz')}, ${values.add(id, 'uuid')})`;
  const { after, before, isDescending } = page;
  const conditions = [
    ...conditionsOf(values, selection),
    ...(after ? [beyond(isDescending ? '<' : '>', after)] : []),
    ...(before ? [beyond(isDescending ? '>' : '<', before)] : []),
  ];
  const text = `SELECT id, ${timeSql('first_seen_at')} AS value FROM drift_findings WHERE ${conditions.join(' AND ')}
    ORDER BY first_seen_at ${direction(page)}, id ${direction(page)} LIMIT ${values.add(page.limit, 'int')}`;
  return readRows<ListPosition>({ text, values: values.list });
}

export async function countDrift({ readRows }: Rows, selection: DriftSelection): Promise<number> {
  const values = new Values();
  const text = `SELECT count(*)::int AS count FROM drift_findings WHERE ${conditionsOf(values, selection).join(' AND ')}`;
  const [row] = await readRows<{ count: number }>({ text, values: values.list });
  return row?.count ?? 0;
}

/** The findings with these ids, in any order. `selected` names the columns to read, as Prisma's `select` does. */
export function loadFindings(
  { prisma }: Pick<RegistryDatabase, 'prisma'>,
  ids: readonly string[],
  selected: object,
): Promise<DriftFinding[]> {
  return prisma.driftFinding.findMany({ ...selected, where: { id: { in: [...ids] } } });
}

function conditionsOf(
  values: Values,
  { tenantId, module, codes, severity, statuses }: DriftSelection,
): string[] {
  return [
    `status = ANY (${values.add(statuses, 'finding_status[]')})`,
    ...(tenantId === undefined ? [] : [`tenant_id = ${values.add(tenantId, 'uuid')}`]),
    ...(module === undefined ? [] : [`module = ${values.add(module, 'text')}`]),
    ...(codes === undefined ? [] : [`code = ANY (${values.add(codes, 'text[]')})`]),
    ...(severity === undefined ? [] : [`severity = ${values.add(severity, 'text')}`]),
  ];
}
