import type {
  Rollout,
  RolloutTenant,
  RolloutTenantStatus,
} from '../../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../../database/registry-database.js';
import { type RowForm, readJsonRow } from '../../../database/statements/row.js';
import { invalidField } from '../../../errors.js';
import { type ListEntry, type ListPosition, timeSql } from '../../../registry/lists/list-cursor.js';
import { direction, type ListPage, Values } from '../../../registry/lists/list-page-sql.js';

type Rows = Pick<RegistryDatabase, 'readRows'>;

/** The order of the list of rollouts, for its cursors. */
export const rolloutOrder = { list: 'rollouts', field: 'createdAt' } as const;

/** The order of the tenants of a rollout, for their cursors. */
export const rolloutTenantOrder = { list: 'rolloutTenants', field: 'wave' } as const;

const rolloutRow: RowForm = {
  enums: new Set(['status']),
  times: ['heartbeatAt', 'createdAt', 'updatedAt', 'finishedAt'],
  columns: { moduleName: 'module' },
};

/** The rollouts of a page, by time of the start. The work does not grow with their number. */
export async function listRolloutPage(
  { readRows }: Rows,
  { moduleName }: { moduleName: string | undefined },
  page: ListPage,
): Promise<ListEntry<Rollout>[]> {
  const values = new Values();
  const beyond = (operator: string, { value, id }: ListPosition) =>
    `(created_at, id) ${operator} (${values.add(value, 'timestamptz')}, ${values.add(id, 'uuid')})`;
  const conditions = [
    ...(moduleName === undefined ? [] : [`module = ${values.add(moduleName, 'text')}`]),
    ...rangeSql(page, beyond),
  ];
  const order = direction(page);
  const rows = await readRows<ListPosition & { json: Record<string, unknown> }>({
    text: `SELECT id, ${timeSql('created_at')} AS value, row_to_json(rollouts.*) AS json FROM rollouts ${whereSql(conditions)}
      ORDER BY created_at ${order}, id ${order} LIMIT ${values.add(page.limit, 'int')}`,
    values: values.list,
  });
  return rows.map(({ json, ...position }) => ({
    ...position,
    // All columns of the table are fields of the model, which a test compares.
    node: readJsonRow(rolloutRow, json) as unknown as Rollout,
  }));
}

/** The rollouts with these ids, in any order. */
export function loadRollouts(
  { prisma }: Pick<RegistryDatabase, 'prisma'>,
  ids: readonly string[],
): Promise<Rollout[]> {
  return prisma.rollout.findMany({ where: { id: { in: [...ids] } } });
}

/** The newest rollouts, of one module or of all. */
export async function listRollouts(
  database: RegistryDatabase,
  { moduleName, first }: { moduleName: string | undefined; first: number },
): Promise<{ rollouts: Rollout[]; hasMore: boolean }> {
  const found = await database.prisma.rollout.findMany({
    where: { ...(moduleName !== undefined && { moduleName }) },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: first + 1,
  });
  return { rollouts: found.slice(0, first), hasMore: found.length > first };
}

/** Conditions on the tenants of a rollout; a tenant must meet all of them. */
export interface RolloutTenantSelection {
  rolloutId: string;
  /** Undefined: all of them. */
  statuses: readonly RolloutTenantStatus[] | undefined;
  /** Undefined: all of them. */
  wave: number | undefined;
}

/** A tenant of a rollout, with its slug. */
export type RolloutTenantRecord = RolloutTenant & {
  /** Unique among the tenants of all rollouts. */
  id: string;
  tenantSlug: string | null;
};

const rolloutTenantRow: RowForm = { enums: new Set(['status']), times: ['startedAt', 'finishedAt'] };

/** The tenants of a page, by wave and id. With statuses, one range of an index is read for each of them. */
export async function listRolloutTenants(
  { readRows }: Rows,
  { rolloutId, statuses, wave }: RolloutTenantSelection,
  page: ListPage,
): Promise<ListEntry<RolloutTenantRecord>[]> {
  const values = new Values();
  const beyond = (operator: string, { value, id }: ListPosition) => {
    // The cursor is the caller's, who may have written it.
    if (!/^\d{1,9}$/.test(value)) throw invalidField('after', 'must be a cursor of this list');
    return `(wave, tenant_id) ${operator} (${values.add(value, 'int')}, ${values.add(id, 'uuid')})`;
  };
  const conditions = [
    `rollout_id = ${values.add(rolloutId, 'uuid')}`,
    ...(wave === undefined ? [] : [`wave = ${values.add(wave, 'int')}`]),
    ...rangeSql(page, beyond),
  ];
  const order = direction(page);
  const ending = `ORDER BY wave ${order}, tenant_id ${order} LIMIT ${values.add(page.limit, 'int')}`;
  const part = (more: string[]) =>
    `SELECT * FROM rollout_tenants ${whereSql([...conditions, ...more])} ${ending}`;
  const list = statuses
    ? `SELECT part.* FROM unnest(${values.add(
        statuses.map((status) => status.toLowerCase()),
        'rollout_tenant_status[]',
      )}) AS wanted (status) CROSS JOIN LATERAL (${part(['rollout_tenants.status = wanted.status'])}) AS part`
    : part([]);
  const rows = await readRows<Record<string, unknown> & { wave: number; tenant_id: string }>({
    text: `SELECT page.*, tenant.slug AS tenant_slug FROM (SELECT * FROM (${list}) AS list ${ending}) AS page
      LEFT JOIN tenants AS tenant ON tenant.id = page.tenant_id ORDER BY wave ${order}, tenant_id ${order}`,
    values: values.list,
  });
  return rows.map((row) => {
    const { wave: value, tenant_id: id } = row;
    const fields = readJsonRow(rolloutTenantRow, row);
    // All columns of the table are fields of the model, which a test compares.
    const node = { ...fields, id: `${rolloutId}/${id}` } as unknown as RolloutTenantRecord;
    return { value: String(value), id, node };
  });
}

function rangeSql(
  { after, before, isDescending }: ListPage,
  beyond: (operator: string, position: ListPosition) => string,
): string[] {
  return [
    ...(after ? [beyond(isDescending ? '<' : '>', after)] : []),
    ...(before ? [beyond(isDescending ? '>' : '<', before)] : []),
  ];
}

function whereSql(conditions: readonly string[]): string {
  return conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
}
