import type { RegistryChange } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';

type Rows = Pick<RegistryDatabase, 'readRows'>;

/** Position of an entry in the change log. */
export interface ChangePosition {
  revision: bigint;
  position: number;
}

/** Conditions on entries; an entry must meet all of them. */
export interface ChangeFilter {
  tenantId?: string | undefined;
  actor?: string | undefined;
  module?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  /** Full names, without duplicates; undefined: every kind. */
  kinds?: readonly string[] | undefined;
}

interface ChangePage {
  /** The page begins after this entry, or ends before it when `take` is negative. Its numbers may come from a client. */
  from: Record<keyof ChangePosition, unknown> | undefined;
  /** Number of entries: the newest if positive, the oldest if negative. */
  take: number;
}

/** Adds a value to a statement and returns its placeholder. */
type Add = (value: unknown, type: string) => string;

/** A page of entries, newest first; undefined when `from` is no entry of the list. The work does not grow with the log. */
export async function listChanges(
  database: Rows,
  filter: ChangeFilter,
  { from: position, take }: ChangePage,
): Promise<LoggedChange[] | undefined> {
  const { module, tenantId } = filter;
  // Indexes by module have its entries kind by kind. A tenant's are read in its own order.
  const isByKind = module !== undefined && tenantId === undefined && !filter.kinds;
  const [from, range, kinds = filter.kinds] = await Promise.all([
    position && findChange(database, filter, position),
    findRange(database, filter),
    isByKind ? listKinds(database, module) : undefined,
  ]);
  if (from === null) return undefined;
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
  const entries = entriesSql({ ...filter, kinds }, limits, { direction, count: Math.abs(take) }, add);
  const rows = await database.readRows<ChangeRow>({
    text: `SELECT ${columns} FROM (${entries}) AS entry
      ORDER BY entry.revision ${direction}, entry.position ${direction} LIMIT ${add(Math.abs(take), 'int')}`,
    values,
  });
  return rows.map(readChange).sort(byNewest);
}

/**
 * The indexes hold the entries of one kind in order, so those of several kinds are read kind by kind and merged. A tenant has
 * few enough entries to read them in its own order.
 */
function entriesSql(
  { tenantId, module, actor, kinds }: ChangeFilter,
  limits: { operator: string; at: ChangePosition }[],
  { direction, count }: { direction: 'ASC' | 'DESC'; count: number },
  add: Add,
): string {
  const named = [
    ...(module === undefined ? [] : [{ column: 'module', value: add(module, 'text') }]),
    ...(actor === undefined ? [] : [{ column: 'actor', value: add(actor, 'text') }]),
  ];
  // The columns with which the index begins. They are compared as ranges of one row and ordered by, so that no other index
  // fits: PostgreSQL would take the one of revisions for every condition that it believes to be frequent, and sort the entries of
  // a shorter index where it believes that few meet several conditions.
  const leading =
    tenantId !== undefined
      ? [{ column: 'tenant_id', value: add(tenantId, 'uuid') }]
      : [...named, ...(kinds ? [{ column: 'kind', value: 'wanted.kind' }] : [])];
  const names = leading.map(({ column }) => `${column}, `).join('');
  const values = leading.map(({ value }) => `${value}, `).join('');
  const [columns, row] = [names, values].map((list) => `(${list.slice(0, -2)})`);
  const conditions = [
    ...(leading.length > 0 ? [`${columns} >= ${row} AND ${columns} <= ${row}`] : []),
    // Which entries the partial indexes have; PostgreSQL does not conclude it from a comparison of rows.
    ...(module === undefined ? [] : ['module IS NOT NULL']),
    ...limits.map(
      ({ operator, at }) =>
        `(${names}revision, position) ${operator} (${values}${add(String(at.revision), 'bigint')}, ${add(at.position, 'int')})`,
    ),
    ...(tenantId === undefined ? [] : named.map(({ column, value }) => `${column} = ${value}`)),
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

function equalities({ tenantId, module, actor }: ChangeFilter, add: Add): string[] {
  return [
    ...(module === undefined ? [] : [`module = ${add(module, 'text')}`]),
    ...(tenantId === undefined ? [] : [`tenant_id = ${add(tenantId, 'uuid')}`]),
    ...(actor === undefined ? [] : [`actor = ${add(actor, 'text')}`]),
  ];
}

/**
 * The first and the last entry of the time that the filter asks for; undefined when there is none. The time of an entry is
 * never before that of an earlier one, so between these two lie all entries of that time.
 */
async function findRange(
  { readRows }: Rows,
  { since, until }: ChangeFilter,
): Promise<{ oldest?: ChangePosition; newest?: ChangePosition } | undefined> {
  const find = async (condition: string, direction: 'ASC' | 'DESC', moment: Date) => {
    const order = ['changed_at', 'revision', 'position']
      .map((column) => `registry_change.${column} ${direction}`)
      .join(', ');
    const rows = await readRows<{ revision: string; position: number }>({
      text: `SELECT revision::text, position FROM registry_change WHERE changed_at ${condition} $1 ORDER BY ${order} LIMIT 1`,
      values: [moment.toISOString()],
    });
    return rows[0] && { revision: BigInt(rows[0].revision), position: rows[0].position };
  };
  const [oldest, newest] = await Promise.all([
    since && find('>=', 'ASC', since),
    until && find('<', 'DESC', until),
  ]);
  if ((since && !oldest) || (until && !newest)) return undefined;
  return { ...(oldest && { oldest }), ...(newest && { newest }) };
}

/** The position, when an entry that meets the filter is there. */
async function findChange(
  { readRows }: Rows,
  filter: ChangeFilter,
  { revision, position }: Record<keyof ChangePosition, unknown>,
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
  const rows = await readRows({
    text: `SELECT FROM registry_change WHERE ${conditions.join(' AND ')}`,
    values,
  });
  return rows.length === 0 ? null : { revision, position };
}

/** All kinds in the log, or among the entries of a module. Jumps from kind to kind in an index; a log of any size has a few dozen kinds. */
export async function listKinds({ readRows }: Rows, module?: string): Promise<string[]> {
  const [order, values] = module === undefined ? ['kind', []] : ['module, kind', [module]];
  // A range of one value, as in entriesSql.
  const ofModule = module === undefined ? [] : ['module >= $1 AND module <= $1'];
  const first = (more: string[]) => {
    const conditions = [...ofModule, ...more];
    return `SELECT change.kind FROM registry_change AS change ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
      ORDER BY ${order} LIMIT 1`;
  };
  const rows = await readRows<{ kind: string }>({
    text: `
    WITH RECURSIVE known (kind) AS (
      SELECT (${first([])})
      UNION ALL
      SELECT (${first(['change.kind > known.kind'])}) FROM known WHERE known.kind IS NOT NULL)
    SELECT kind FROM known WHERE kind IS NOT NULL`,
    values,
  });
  return rows.map(({ kind }) => kind);
}

export const columns = `revision::text, position, tenant_id AS "tenantId", tenant_slug AS "tenantSlug", module AS "moduleName", kind,
  entity_id AS "entityId", actor, database_role AS "databaseRole", request_id AS "requestId", before, after, changed_at AS "changedAt",
  encode(previous_hash, 'hex') AS "previousHash", encode(hash, 'hex') AS hash, (SELECT registry_epoch()) AS epoch`;

/** An entry with the epoch in which it was read, the other half of its revision. */
export type LoggedChange = RegistryChange & { epoch: string };

type TextFields = 'revision' | 'changedAt' | 'previousHash' | 'hash';

/** A row with the columns, as JSON. */
export type ChangeRow = Omit<LoggedChange, TextFields> & Record<TextFields, string>;

export function readChange({ revision, changedAt, previousHash, hash, ...row }: ChangeRow): LoggedChange {
  return {
    ...row,
    revision: BigInt(revision),
    changedAt: new Date(changedAt),
    previousHash: Buffer.from(previousHash, 'hex'),
    hash: Buffer.from(hash, 'hex'),
  };
}

function byNewest(one: ChangePosition, other: ChangePosition): number {
  return Number(other.revision - one.revision) || other.position - one.position;
}

/** Whether the number fits into an integer column of that many bits. */
function fits(number: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, number) === number;
}
