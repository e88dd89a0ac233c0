/** Rows of old tables that an earlier import has read and that are gone. A tenant, its settings and its branding stay as they are. */
import { findRemembered, loadTakenStates } from '../../profile/taken/taken-state.js';
import type { CommandContext } from '../../registry/command.js';
import { sourceOf } from '../platform/platform-tables.js';
import type { PlannedEvidence } from '../platform/profile-plan.js';
import type { RowProblem } from '../platform/table-shape.js';
import type { Identities, Identity } from './identity.js';
import type { FoundTables } from './import-findings.js';

/** The names of the tables that were read, by their part of the platform. */
export interface ReadLabels {
  tenants: ReadonlySet<string>;
  profiles: ReadonlySet<string>;
}

export function listLabels({ tenants, others }: FoundTables): ReadLabels {
  const read = others.filter(({ problem }) => problem === null);
  const labelsOf = (tables: readonly { name: string; database: string }[]) =>
    new Set(tables.map((table) => sourceOf(table, table.database)));
  return {
    tenants: labelsOf(tenants),
    profiles: labelsOf(read.filter(({ role }) => role === 'settings' || role === 'branding')),
  };
}

/** The tables of users and invitations in the databases that have a row of the tenant. */
export function listMemberTables({ rows }: Identity, { tenants, others }: FoundTables): Set<string> {
  const own = new Set(rows.map(({ row }) => row));
  const databases = new Set(
    tenants.filter((table) => table.tenants.some(({ row }) => own.has(row))).map(({ database }) => database),
  );
  return new Set(
    others
      .filter(
        ({ role, problem, database }) =>
          (role === 'users' || role === 'invitations') && problem === null && databases.has(database),
      )
      .map((table) => sourceOf(table, table.database)),
  );
}

/** Names the tables that had a row of the tenant. */
export function findGoneRows(
  { slug, state, rows }: PlannedEvidence,
  { tenants, profiles }: ReadLabels,
): RowProblem[] {
  const present = new Set([rows.tenants, rows.settings, rows.branding].flat().map(({ source }) => source));
  return Object.entries(state?.memory?.seen ?? {}).flatMap(([source, digests]) => {
    const wasRead = tenants.has(source) || profiles.has(source);
    if (!wasRead || present.has(source) || Object.keys(digests).length === 0) return [];
    return [describeGone(source, slug)];
  });
}

function describeGone(source: string, slug: string): RowProblem {
  const message =
    'is gone since the last import: the registry keeps what it had; change the tenant there if that is not meant';
  return { source, place: `the row of ${slug}`, column: 'row', message };
}

/** Names the tenants that an earlier import has read in a table and that no table and no file describes any more. */
export async function findGoneTenants(
  { database }: CommandContext,
  { all }: Identities,
  described: ReadonlyMap<Identity, unknown>,
  { tenants }: ReadLabels,
): Promise<RowProblem[]> {
  if (tenants.size === 0) return [];
  const ids = all.flatMap((one) =>
    one.registered && !described.has(one) && ['ACTIVE', 'SUSPENDED'].includes(one.registered.status)
      ? one.registered.id
      : [],
  );
  const states = await loadTakenStates(database, await findRemembered(database, ids));
  return [...states.values()].flatMap(({ tenant, memory }) =>
    Object.keys(memory?.seen ?? {})
      .filter((source) => tenants.has(source))
      .map((source) => describeGone(source, tenant.slug)),
  );
}
