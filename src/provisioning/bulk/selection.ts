import { z } from 'zod';
import type { Transaction } from '../../database/registry-database.js';
import type { Parameter } from '../../database/statements/batch.js';
import { invalidField } from '../../errors.js';
import { readConfigCondition } from '../../profile/config/matching-configs.js';
import { isTenantReference } from '../../registry/external-id.js';
import { omittable, tenantReference } from '../../registry/input.js';
import type { ListPosition } from '../../registry/lists/list-cursor.js';
import { readTenantSelection, type TenantSelection } from '../../registry/lists/tenant-filter.js';
import {
  countTenants,
  listTenantPositions,
  type Rows,
  type TenantCount,
} from '../../registry/lists/tenant-pages.js';
import {
  keyOf,
  matchNames,
  type NamedTenant,
  namedTenantsSql,
} from '../../registry/tenants/named-tenants.js';
import type { SelectedTenant } from '../operations/reads/operation-tenants.js';

/** How many tenants a request may name, and how many a filter may select. */
export const maxNamed = 10_000;
export const maxSelected = 100_000;

const pageSize = 1_000;

/** Input fields that select tenants. `filter` is the one of the list of tenants. */
export const selectionFields = {
  tenantIds: omittable(z.array(tenantReference).max(maxNamed, `must be at most ${maxNamed}`)),
  filter: omittable(z.record(z.string(), z.unknown())),
};

/** A selection of tenants, before the tenants are read. */
export type BulkSelection =
  | { kind: 'named'; references: readonly string[] }
  | { kind: 'filtered'; selection: TenantSelection; hasCondition: boolean };

/** Reads the selection of a request. Throws VALIDATION_ERROR that names the field. */
export function readBulkSelection(input: {
  tenantIds: string[] | undefined;
  filter: Record<string, unknown> | undefined;
}): BulkSelection {
  const { tenantIds, filter } = input;
  if ((tenantIds === undefined) === (filter === undefined))
    throw invalidField('tenantIds', 'give either tenantIds or filter');
  if (filter !== undefined) {
    const { config, ...conditions } = filter;
    const selection = readTenantSelection(conditions, readConfigCondition(config));
    const hasCondition = Object.values(filter).some(isCondition);
    return { kind: 'filtered', selection, hasCondition };
  }
  const references = tenantIds ?? [];
  if (references.length === 0) throw invalidField('tenantIds', 'must name at least one tenant');
  const wrong = references.findIndex((reference) => !isTenantReference(reference));
  if (wrong >= 0) throw invalidField(`tenantIds.${wrong}`, 'must be a tenant id, slug or external id');
  return { kind: 'named', references };
}

/** Whether a field of a filter can leave a tenant out: null, an empty text, an empty list and an empty object do not, or not always. */
function isCondition(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return false;
  return typeof value !== 'object' || value instanceof Date || Object.keys(value).length > 0;
}

/** The first tenants of the selection now, each once; a reference to no tenant stays without an id. */
export async function selectTenants(
  database: Rows,
  wanted: BulkSelection,
  limit: number,
): Promise<SelectedTenant[]> {
  if (wanted.kind === 'named') return (await findNamed(database, wanted.references)).slice(0, limit);
  const selected: SelectedTenant[] = [];
  for (let after: ListPosition | undefined; selected.length < limit; ) {
    const length = Math.min(pageSize, limit - selected.length);
    const page = await listTenantPositions(database, wanted.selection, {
      ...{ field: 'slug', isDescending: false, after, before: undefined, limit: length, isFromEnd: false },
    });
    selected.push(...page.map(({ id, value }) => ({ tenantId: id, reference: value })));
    after = page.at(-1);
    if (page.length < length) break;
  }
  return selected;
}

/** As selectTenants, without a limit, in a transaction. Throws VALIDATION_ERROR when a filter selects too many. */
export async function selectAllTenants(tx: Transaction, wanted: BulkSelection): Promise<SelectedTenant[]> {
  const selected = await selectTenants(rowsOf(tx), wanted, maxSelected + 1);
  if (selected.length <= maxSelected) return selected;
  throw invalidField(
    'filter',
    `selects more than ${maxSelected} tenants: add conditions, and change them in parts`,
  );
}

/** How many tenants the selection has; when `isCapped`, it has more than a change may select. */
export async function countSelected(database: Rows, wanted: BulkSelection): Promise<TenantCount> {
  if (wanted.kind === 'filtered') {
    const listed = await countTenants(database, wanted.selection);
    if (!listed.isCapped) return listed;
  }
  const { length } = await selectTenants(database, wanted, maxSelected + 1);
  return { total: Math.min(length, maxSelected), isCapped: length > maxSelected };
}

/** The statements of lists, sent in a transaction, with rows as JSON has them. */
function rowsOf(tx: Transaction): Rows {
  return {
    async readRows({ text, values }) {
      const statement = `SELECT row_to_json(part.*) AS part FROM (${text}) AS part`;
      const [answer] = await tx.send({ text: statement, values: (values ?? []) as Parameter[] });
      return answer?.rows.map(({ part }) => part) ?? [];
    },
  };
}

async function findNamed({ readRows }: Rows, references: readonly string[]): Promise<SelectedTenant[]> {
  const named = matchNames(references, await readRows<NamedTenant>(namedTenantsSql(references)));
  // The same tenant may be named more than once, such as by its id and by its slug.
  const distinct = new Map(named.map((one) => [one.tenantId ?? keyOf(one.reference), one]));
  return [...distinct.values()];
}
