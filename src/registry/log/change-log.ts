import type { RegistryChange } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';

type Rows = Pick<RegistryDatabase, 'rowPool'>;

/** Position of an entry in the change log. */
export interface ChangePosition {
  revision: bigint;
  position: number;
}

/** Conditions on entries; an entry must meet all of them. */
export interface ChangeFilter {
  tenantId?: string | undefined;
  actor?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  /** Full names, without duplicates; undefined: every kind. */
  kinds?: readonly string[] | undefined;
}

interface ChangePage {
  /** The page begins after this entry, or ends before it when `take` is negative. */
  from: ChangePosition | null;
  /** Number of entries: the newest if positive, the oldest if negative. */
  take: number;
}

/** Adds a value to a statement and returns its placeholder. */
type Add = (value: unknown, type: string) => string;

/** A page of entries, newest first. The work does not grow with the log. */
export async function listChanges(
  database: Rows,
  filter: ChangeFilter,
  { from, take }: ChangePage,
): Promise<LoggedChange[]> {
  const range = await findRange(database, filter);
  if (!range) return [];
  const isBackward = take < 0;
  const values: unknown[] = [];
  const add: Add = (value, type) => `$${values.push(value)}::${type}`;
  const limits = [
    ...(from ? [{ operator: isBackward ? '>' : '<', at: from }] : []),
    ...(range.oldest ? [{ operator: '>=', at: range.oldest }] : []),
    ...(range.newest ? [{ operator: '<=', at: range.newest }] : []),
  ];
  const direction = isBackward ? 'ASC' : 'DESC';
  const entries = entriesSql(filter, limits, { direction, count: Math.abs(take) }, add);
  const { rows } = await database.rowPool.query<ChangeRow>({
    text: `SELECT ${columns} FROM (${entries}) AS entry
      ORDER BY revision ${direction}, position ${direction} LIMIT ${add(Math.abs(take), 'int')}`,
    values,
  });
  return rows.map(toChange).sort(byNewest);
}

/**
 * The indexes hold the entries of one kind in order, so those of several kinds are read kind by kind and merged. A tenant has
 * few enough entries to read them in its own order.
 */
function entriesSql(
  { tenantId, actor, kinds }: ChangeFilter,
  limits: { operator: string; at: ChangePosition }[],
  { direction, count }: { direction: 'ASC' | 'DESC'; count: number },
  add: Add,
): string {
  const ofActor = actor === undefined ? [] : [{ column: 'actor', value: add(actor, 'text') }];
  // The columns with which the index begins. They are compared as ranges of one value and ordered by, so that no other index
  // fits: PostgreSQL would take the one of revisions for every condition that it believes to be frequent.
  const leading =
    tenantId !== undefined
      ? [{ column: 'tenant_id', value: add(tenantId, 'uuid') }]
      : [...ofActor, ...(kinds ? [{ column: 'kind', value: 'wanted.kind' }] : [])];
  const names = leading.map(({ column }) => `${column}, `).join('');
  const values = leading.map(({ value }) => `${value}, `).join('');
  const conditions = [
    ...leading.map(({ column, value }) => `${column} >= ${value} AND ${column} <= ${value}`),
    ...limits.map(
      ({ operator, at }) =>
        `(${names}revision, position) ${operator} (${values}${add(String(at.revision), 'bigint')}, ${add(at.position, 'int')})`,
    ),
    ...(tenantId === undefined ? [] : ofActor.map(({ column, value }) => `${column} = ${value}`)),
  ];
  const order = [...leading.map(({ column }) => column), 'revision', 'position'].map(
    (column) => `${column} ${direction}`,
  );
  const entries = (more: string[]) => {
    const all = [...conditions, ...more];
    return `SELECT * FROM registry_change ${all.length > 0 ? `WHERE ${all.join(' AND ')}` : ''}
      ORDER BY ${order.join(', ')} LIMIT ${add(count, 'int')}`;
  };
  if (!kinds) return entries([]);
  const wanted = add(kinds, 'text[]');
  if (tenantId !== undefined) return entries([`kind = ANY (${wanted})`]);
  return `SELECT entry.* FROM unnest(${wanted}) AS wanted (kind) CROSS JOIN LATERAL (${entries([])}) AS entry`;
}

function equalities({ tenantId, actor }: ChangeFilter, add: Add): string[] {
  return [
    ...(tenantId === undefined ? [] : [`tenant_id = ${add(tenantId, 'uuid')}`]),
    ...(actor === undefined ? [] : [`actor = ${add(actor, 'text')}`]),
  ];
}

/**
 * The first and the last entry of the time that the filter asks for; undefined when there is none. The time of an entry is
 * never before that of an earlier one, so between these two lie all entries of that time.
 */
async function findRange(
  { rowPool }: Rows,
  { since, until }: ChangeFilter,
): Promise<{ oldest?: ChangePosition; newest?: ChangePosition } | undefined> {
  const find = async (condition: string, direction: 'ASC' | 'DESC', moment: Date) => {
    const order = ['changed_at', 'revision', 'position'].map((column) => `${column} ${direction}`).join(', ');
    const { rows } = await rowPool.query<{ revision: string; position: number }>({
      text: `SELECT revision, position FROM registry_change WHERE changed_at ${condition} $1 ORDER BY ${order} LIMIT 1`,
      values: [moment.toISOString()],
    });
    return rows[0] && { revision: BigInt(rows[0].revision), position: rows[0].position };
  };
  const oldest = since && (await find('>=', 'ASC', since));
  const newest = until && (await find('<', 'DESC', until));
  if ((since && !oldest) || (until && !newest)) return undefined;
  return { ...(oldest && { oldest }), ...(newest && { newest }) };
}

/** The position, when an entry that meets the filter is there. Its numbers may come from a client. */
export async function findChange(
  { rowPool }: Rows,
  filter: ChangeFilter,
  { revision, position }: { revision: unknown; position: unknown },
): Promise<ChangePosition | null> {
  if (typeof revision !== 'bigint' || !fits(revision, 64)) return null;
  if (typeof position !== 'number' || !Number.isInteger(position) || !fits(BigInt(position), 32)) return null;
  const values: unknown[] = [String(revision), position];
  const add: Add = (value, type) => `$${values.push(value)}::${type}`;
  const { kinds, since, until } = filter;
  const conditions = [
    'revision = $1::bigint AND position = $2::int',
    ...equalities(filter, add),
    ...(kinds ? [`kind = ANY (${add(kinds, 'text[]')})`] : []),
    ...(since ? [`changed_at >= ${add(since.toISOString(), 'timestamptz')}`] : []),
    ...(until ? [`changed_at < ${add(until.toISOString(), 'timestamptz')}`] : []),
  ];
  const { rowCount } = await rowPool.query({
    text: `SELECT FROM registry_change WHERE ${conditions.join(' AND ')}`,
    values,
  });
  return rowCount === 0 ? null : { revision, position };
}

/** All kinds in the log. Jumps from kind to kind in the index; a log of any size has a few dozen kinds. */
export async function listKinds({ rowPool }: Rows): Promise<string[]> {
  const { rows } = await rowPool.query<{ kind: string }>(`
    WITH RECURSIVE known (kind) AS (
      SELECT min(kind) FROM registry_change
      UNION ALL
      SELECT (SELECT min(change.kind) FROM registry_change AS change WHERE change.kind > known.kind)
      FROM known WHERE kind IS NOT NULL)
    SELECT kind FROM known WHERE kind IS NOT NULL`);
  return rows.map(({ kind }) => kind);
}

export const columns = `revision, position, tenant_id AS "tenantId", tenant_slug AS "tenantSlug", module AS "moduleName", kind,
  entity_id AS "entityId", actor, database_role AS "databaseRole", request_id AS "requestId", before, after, changed_at AS "changedAt",
  previous_hash AS "previousHash", hash, (SELECT registry_epoch()) AS epoch`;

/** An entry with the epoch in which it was read, the other half of its revision. */
export type LoggedChange = RegistryChange & { epoch: string };

/** A row as the driver reads it: a bigint is text. */
export type ChangeRow = Omit<LoggedChange, 'revision'> & { revision: string };

export function toChange({ revision, ...row }: ChangeRow): LoggedChange {
  return { revision: BigInt(revision), ...row };
}

function byNewest(one: ChangePosition, other: ChangePosition): number {
  return Number(other.revision - one.revision) || other.position - one.position;
}

/** Whether the number fits into an integer column of that many bits. */
function fits(number: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, number) === number;
}
