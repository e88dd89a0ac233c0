import { z } from 'zod';
import type { Operation } from '../../../database/generated/prisma/client.js';
import { OperationKind, OperationStatus } from '../../../database/generated/prisma/enums.js';
import type { RegistryDatabase } from '../../../database/registry-database.js';
import { moduleName, moment, omittable, readInput } from '../../../registry/input.js';
import { type ListPosition, timeSql } from '../../../registry/lists/list-cursor.js';
import { direction, type ListPage, type Statement, Values } from '../../../registry/lists/list-page-sql.js';
import { inDatabase, oneOf } from '../../../registry/lists/tenant-filter.js';

/*
 * The list of operations by time. Each of its parts is read in the order of an index: all operations, those of one tenant, or
 * one range per status and kind, which are merged. The operations of a module are in operation_modules, with the same columns,
 * and those of a tenant also in operation_tenants.
 */

type Rows = Pick<RegistryDatabase, 'readRows'>;

const OperationFilter = z.object({
  status: omittable(z.array(oneOf(OperationStatus))),
  kind: omittable(z.array(oneOf(OperationKind))),
  module: omittable(moduleName),
  needsAttention: omittable(z.boolean()),
  since: omittable(moment),
});

/** Conditions on the operations of a list; an operation must meet all of them. Statuses and kinds are as in the database. */
export interface OperationSelection {
  statuses: readonly string[] | undefined;
  kinds: readonly string[] | undefined;
  tenantId: string | undefined;
  module: string | undefined;
  since: Date | undefined;
}

/** Reads the argument `filter`. Throws VALIDATION_ERROR that names the field. */
export function readOperationSelection(filter: unknown, tenantId: string | undefined): OperationSelection {
  const { filter: conditions } = readInput(z.object({ filter: OperationFilter }), { filter: filter ?? {} });
  const { status, kind, needsAttention, module, since } = conditions;
  const statuses =
    needsAttention === undefined
      ? status
      : (status ?? Object.values(OperationStatus)).filter(
          (one) => (one === 'NEEDS_ATTENTION') === needsAttention,
        );
  return {
    statuses: statuses && inDatabase(statuses),
    kinds: kind && inDatabase(kind),
    tenantId,
    module,
    since,
  };
}

/** The positions of the operations of a page, in the order in which it is read. The work does not grow with their number. */
export function listOperationPositions(
  { readRows }: Rows,
  selection: OperationSelection,
  page: ListPage,
): Promise<ListPosition[]> {
  return readRows<ListPosition>(pageStatement(selection, page));
}

/** The operations with these ids, in any order. `selected` names the columns and relations to read, as Prisma's `select` does. */
export function loadOperations(
  { prisma }: Pick<RegistryDatabase, 'prisma'>,
  ids: readonly string[],
  selected: object,
): Promise<Operation[]> {
  return prisma.operation.findMany({ ...selected, where: { id: { in: [...ids] } } });
}

function pageStatement(selection: OperationSelection, page: ListPage): Statement {
  const values = new Values();
  const order = (of: string) => `ORDER BY ${of}.created_at ${direction(page)}, ${of}.id ${direction(page)}`;
  return {
    text: `SELECT page.id, ${timeSql('page.created_at')} AS value
      FROM (SELECT id, created_at FROM (${listSql(values, selection, page)}) AS list ${order('list')}
        LIMIT ${values.add(page.limit, 'int')}) AS page ${order('page')}`,
    values: values.list,
  };
}

function listSql(values: Values, selection: OperationSelection, page: ListPage): string {
  const { statuses, kinds, tenantId, module } = selection;
  if (tenantId !== undefined) return ofTenantSql(values, selection, page, tenantId);
  if (module === undefined && !statuses && !kinds)
    return partSql(values, selection, page, { table: 'operations', id: 'id', leading: [], conditions: [] });
  const [status, kind] = ['of_status.status', 'of_kind.kind'];
  const part: Part =
    module === undefined
      ? {
          ...{ table: 'operations', id: 'id', conditions: [] },
          leading: [
            { column: 'status', value: status },
            { column: 'kind', value: kind },
          ],
        }
      : {
          // It has one index with times, so no other fits.
          ...{ table: 'operation_modules', id: 'operation_id', leading: [] },
          conditions: [`module = ${values.add(module, 'text')}`, `status = ${status}`, `kind = ${kind}`],
        };
  const named = (all: Record<string, string>) => inDatabase(Object.values(all));
  return `SELECT part.* FROM unnest(${values.add(statuses ?? named(OperationStatus), 'operation_status[]')}) AS of_status (status)
    CROSS JOIN unnest(${values.add(kinds ?? named(OperationKind), 'operation_kind[]')}) AS of_kind (kind)
    CROSS JOIN LATERAL (${partSql(values, selection, page, part)}) AS part`;
}

/** A tenant has few enough operations to read them in its own order; operations on many tenants are in operation_tenants. */
function ofTenantSql(
  values: Values,
  selection: OperationSelection,
  page: ListPage,
  tenantId: string,
): string {
  const { statuses, kinds, module } = selection;
  const leading = [{ column: 'tenant_id', value: values.add(tenantId, 'uuid') }];
  const conditions = [
    ...(statuses ? [`status = ANY (${values.add(statuses, 'operation_status[]')})`] : []),
    ...(kinds ? [`kind = ANY (${values.add(kinds, 'operation_kind[]')})`] : []),
  ];
  const own = partSql(values, selection, page, {
    ...{ table: 'operations', id: 'id', leading },
    conditions: [
      ...conditions,
      ...(module === undefined
        ? []
        : [
            `EXISTS (SELECT FROM operation_modules WHERE operation_id = operations.id AND module = ${values.add(module, 'text')})`,
          ]),
    ],
  });
  // No step of an operation on many tenants works on storage.
  if (module !== undefined) return own;
  const ofMany = partSql(values, selection, page, {
    ...{ table: 'operation_tenants', id: 'operation_id', leading },
    conditions:
      conditions.length === 0
        ? []
        : [`EXISTS (SELECT FROM operations WHERE id = operation_id AND ${conditions.join(' AND ')})`],
  });
  return `(${own}) UNION ALL (${ofMany})`;
}

interface Part {
  table: string;
  id: string;
  /** The columns with which the index begins. */
  leading: { column: string; value: string }[];
  conditions: string[];
}

/**
 * The leading columns are compared as ranges of one value and ordered by, so that no other index fits: PostgreSQL would walk
 * through the one of all operations for every condition that it believes to be frequent.
 */
function partSql(
  values: Values,
  { since }: OperationSelection,
  page: ListPage,
  { table, id, leading, conditions }: Part,
): string {
  const columns = leading.map(({ column }) => `${column}, `).join('');
  const given = leading.map(({ value }) => `${value}, `).join('');
  const beyond = (operator: string, { value, id: last }: ListPosition) =>
    `(${columns}created_at, ${id}) ${operator} (${given}${values.add(value, 'timestamptz')}, ${values.add(last, 'uuid')})`;
  const { after, before, isDescending } = page;
  const all = [
    ...leading.map(({ column, value }) => `${column} >= ${value} AND ${column} <= ${value}`),
    ...(since
      ? [`(${columns}created_at) >= (${given}${values.add(since.toISOString(), 'timestamptz')})`]
      : []),
    ...(after ? [beyond(isDescending ? '<' : '>', after)] : []),
    ...(before ? [beyond(isDescending ? '>' : '<', before)] : []),
    ...conditions,
  ];
  const order = [...leading.map(({ column }) => column), 'created_at', id].map(
    (column) => `${column} ${direction(page)}`,
  );
  return `SELECT ${id} AS id, created_at FROM ${table} ${all.length > 0 ? `WHERE ${all.join(' AND ')}` : ''}
    ORDER BY ${order.join(', ')} LIMIT ${values.add(page.limit, 'int')}`;
}
