import { problemOf } from '../platform/table-shape.js';
import type { Identity } from './identity.js';
import type { Registered } from './registered-tenants.js';

/** Marks identities with the same slug and different ids: it is unknown which id is right. */
export function findSlugConflicts(all: readonly Identity[]): void {
  const bySlug = new Map<string, Identity>();
  for (const one of all) {
    if (one.slug === undefined) continue;
    const other = bySlug.get(one.slug);
    if (!other) {
      bySlug.set(one.slug, one);
      continue;
    }
    const addProblem = (identity: Identity, rival: Identity) => {
      if (!identity.registered && !(isSlugDerived(rival) && !isSlugDerived(identity)))
        identity.problem ??= `slug ${one.slug} is taken by ${rival.id ? `id ${rival.id}` : 'a tenant'} of ${rival.from}: give the schema the right id in --map`;
    };
    addProblem(one, other);
    addProblem(other, one);
  }
}

/** Whether no row states the slug: the tenant that states it keeps it. */
function isSlugDerived({ rows, slug }: Identity): boolean {
  return rows.length > 0 && rows.every((row) => row.slug !== slug && row.id !== slug);
}

/**
 * An old id that is the slug of another tenant would lead to the wrong data, so its tenant is not taken over. One that several
 * tables give to different tenants is kept for none of them.
 */
export function findIdConflicts(all: readonly Identity[], registered: Registered): void {
  const owners = new Map<string, Identity[]>();
  for (const one of all) for (const id of one.externalIds) owners.set(id, [...(owners.get(id) ?? []), one]);
  const slugs = new Map(all.map((one) => [one.slug, one]));
  for (const [externalId, claimants] of owners) {
    const namesake = slugs.get(externalId);
    const taker = registered.externalIds.get(externalId);
    for (const one of claimants) {
      if (namesake && namesake !== one)
        one.problem ??= `its id ${externalId} in ${one.from} is the slug of another tenant (${namesake.from}): rename one of them in its table`;
      else if (taker !== undefined && taker !== one.id)
        one.problem ??= `its id ${externalId} in ${one.from} already means tenant ${taker}`;
      else if (claimants.length > 1) {
        one.externalIds.delete(externalId);
        const [row] = one.rows;
        if (row)
          one.notes.push(
            problemOf(
              row.row,
              'id',
              `${externalId} means several tenants in different tables, so it is kept for none: services must use the slug ${one.slug}`,
            ),
          );
      }
    }
  }
}
