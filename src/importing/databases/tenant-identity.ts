import { findExternalIdProblem } from '../../registry/external-id.js';
import { text } from '../../registry/input.js';
import { deriveSlug, findSlugProblem, isSlug, isUuid } from '../../registry/slug.js';
import { problemOf } from '../platform/table-shape.js';
import { keyOf } from './found-storage.js';
import { createIdentity, type Identities, type Identity } from './identity.js';
import { findIdConflicts, findSlugConflicts } from './identity-conflicts.js';
import type { LegacyTenant, PlacedTenant } from './legacy-tenant.js';
import type { Registered } from './registered-tenants.js';
import type { MapRow } from './tenant-map.js';

/** Collects all known tenants, each once. A tenant with contradictory data stays in the list with its problem. */
export function collectIdentities(
  registered: Registered,
  legacy: readonly PlacedTenant[],
  map: readonly MapRow[],
): Identities {
  const known = new Map<string, Identity>();
  for (const tenant of registered.tenants)
    known.set(tenant.id, createIdentity({ ...tenant, from: 'registry', registered: tenant }));
  const names = new NamedIdentities(known, registered.externalIds);
  // Rows with a UUID first: a row with another id may mean the same tenant by its slug.
  for (const row of legacy.toSorted((a, b) => Number(isUuid(b.id)) - Number(isUuid(a.id)))) {
    if (isUuid(row.id)) addLegacy(known, names, row, row.slug);
    else addText(known, names, row);
  }
  const mapped = new Map<string, Identity>();
  for (const row of map) addMapped(known, mapped, row);
  const all = [...known.values()];
  findSlugConflicts(all);
  findIdConflicts(all, registered);

  const byId = new Map(all.flatMap((one) => (one.id === undefined ? [] : [[one.id, one] as const])));
  const byKey = new Map<string, Identity[]>();
  for (const one of all) {
    if (one.slug === undefined) continue;
    const key = keyOf(one.slug);
    byKey.set(key, [...(byKey.get(key) ?? []), one]);
  }
  return { all, mapped, byId, byKey };
}

/** Adds a row. Returns its identity, or undefined when it contradicts what is known. */
function addLegacy(
  known: Map<string, Identity>,
  names: NamedIdentities,
  row: PlacedTenant,
  slug: string | undefined,
): Identity | undefined {
  const { source, id, suspendedReason, modules, names: storages } = row;
  // A name that the registry does not accept is reported with the values of the row.
  const name = text(200).safeParse(row.name).success ? row.name : undefined;
  // An id that is a number is only valid in its own table; any other is an id of the whole platform.
  const key = isUuid(id) ? id : /^\d+$/.test(id) ? `${source}/${id}` : `text/${id}`;
  const earlier = known.get(key) ?? (isUuid(id) ? undefined : names.find(row, slug));
  if (!earlier) {
    const made = createIdentity({
      ...{ slug, name, from: source, suspendedReason, names: [...storages], rows: [row] },
      ...{ isDeleted: row.isDeleted, problem: problemOfSlug(row, slug) },
      ...(isUuid(id) && { id }),
      ...(modules && { modules: new Set(modules) }),
    });
    known.set(key, made);
    names.add(made);
    return made;
  }
  // A slug that breaks the registry's rules was replaced in an earlier import by the map.
  const isRenamed = earlier.registered && row.slug !== undefined && findSlugProblem(row.slug) !== undefined;
  if (row.slug !== undefined && earlier.slug !== undefined && row.slug !== earlier.slug && !isRenamed) {
    const problem = `id ${id} is ${row.slug} in ${source}, but ${earlier.slug} in ${earlier.from}: give the schema its slug in --map`;
    // The registered tenant is unchanged; only the storage that the table names is doubtful.
    if (earlier.registered)
      known.set(
        `${source}/${id}`,
        createIdentity({ slug: row.slug, from: source, names: [...storages], problem }),
      );
    else earlier.problem ??= problem;
    return undefined;
  }
  earlier.slug ??= slug;
  earlier.name ??= name;
  if (!earlier.registered) earlier.suspendedReason ??= suspendedReason;
  earlier.isDeleted ||= row.isDeleted;
  earlier.names.push(...storages);
  earlier.rows.push(row);
  if (modules) earlier.modules = new Set([...(earlier.modules ?? []), ...modules]);
  return earlier;
}

/** Adds a row whose id is no UUID: its id becomes the slug where it has the form of one, and an external id otherwise. */
function addText(known: Map<string, Identity>, names: NamedIdentities, row: PlacedTenant): void {
  const identity = addLegacy(known, names, row, slugOf(row));
  for (const old of [row.id, row.slug]) {
    if (!identity || old === undefined || old === identity.slug || isUuid(old)) continue;
    const problem = findExternalIdProblem(old);
    if (problem === undefined) identity.externalIds.add(old);
    else
      identity.notes.push(
        problemOf(
          row.row,
          'id',
          `"${old}" cannot be kept as an external id: it ${problem}; services must use the slug`,
        ),
      );
  }
}

/** The slug of a row with a text id: its own, its id, or one that is derived from them or from its name. */
function slugOf({ id, slug, name }: LegacyTenant): string | undefined {
  const stated = [slug, id].find((one) => one !== undefined && isSlug(one));
  if (stated !== undefined) return stated;
  for (const one of [slug, /^\d+$/.test(id) ? undefined : id, name]) {
    if (one === undefined) continue;
    try {
      return deriveSlug(one);
    } catch {
      // The next one may do.
    }
  }
  return undefined;
}

function problemOfSlug(
  { id, slug: stated, source }: LegacyTenant,
  slug: string | undefined,
): string | undefined {
  if (isUuid(id)) return stated === undefined ? undefined : slugProblem(stated, source);
  return slug === undefined
    ? `no slug can be made of id "${id}" of ${source}: name a column with slugs in --columns, or give its schema a slug in --map`
    : undefined;
}

/** The identities by slug and external id. Of several with one slug the first counts. */
class NamedIdentities {
  readonly #bySlug = new Map<string, Identity>();
  readonly #byExternalId = new Map<string, Identity>();

  constructor(known: ReadonlyMap<string, Identity>, externalIds: ReadonlyMap<string, string>) {
    for (const one of known.values()) this.add(one);
    for (const [externalId, id] of externalIds) {
      const identity = known.get(id);
      if (identity) this.#byExternalId.set(externalId, identity);
    }
  }

  add(identity: Identity): void {
    const { slug } = identity;
    if (slug !== undefined && !this.#bySlug.has(slug)) this.#bySlug.set(slug, identity);
  }

  /** The identity of a row whose id is no UUID. A slug that was only derived may be that of another tenant. */
  find(row: LegacyTenant, slug: string | undefined): Identity | undefined {
    const { id, name } = row;
    const kept = this.#byExternalId.get(id);
    if (kept || slug === undefined) return kept;
    const namesake = this.#bySlug.get(slug);
    if (slug === row.slug || slug === id) return namesake;
    // An earlier import could not keep the id.
    const isSame = namesake?.registered !== undefined && namesake.name === name;
    return isSame && findExternalIdProblem(id) !== undefined ? namesake : undefined;
  }
}

function slugProblem(slug: string, source: string): string | undefined {
  const problem = findSlugProblem(slug);
  return problem && `slug "${slug}" of ${source} ${problem}: give the schema another slug in --map`;
}

/** Adds a row of the map. The map overrides old tables, but it cannot change the id of a tenant that has one. */
function addMapped(known: Map<string, Identity>, mapped: Map<string, Identity>, row: MapRow): void {
  if (row.id === undefined && row.slug === undefined) return;
  const namesakes = [...known.values()].filter((one) => row.slug !== undefined && one.slug === row.slug);
  const base =
    (row.id === undefined ? namesakes.find((one) => one.id !== undefined) : known.get(row.id)) ??
    namesakes.find((one) => one.id === undefined);
  if (base?.registered) {
    const isSame = row.slug === undefined || row.slug === base.slug;
    const problem = `line ${row.line} of the map gives id ${base.id} the slug ${row.slug}, but it is ${base.slug} in the registry`;
    mapped.set(row.schema, isSame ? base : { ...base, problem });
    return;
  }
  const id = row.id ?? base?.id;
  const rival = namesakes.find((one) => one.id !== undefined && one.id !== id);
  const identity: Identity = {
    ...(base ?? createIdentity({ from: 'new' })),
    id,
    slug: row.slug ?? base?.slug,
    name: row.name ?? base?.name,
    from: id === undefined ? 'new' : id === base?.id ? base.from : 'map',
    problem: undefined,
  };
  if (rival && row.id === undefined)
    identity.problem = `slug ${row.slug} has several ids in old tables: give the right one in --map`;
  else if (rival && base?.id === undefined)
    identity.problem = `line ${row.line} of the map gives ${row.slug} the id ${id}, but it has id ${rival.id} in ${rival.from}: use that id, because ids do not change`;
  // The new identity replaces all others with this slug.
  const replaced = [...namesakes, ...(base ? [base] : [])].filter((one) => !one.registered);
  for (const [key, one] of known) if (replaced.includes(one)) known.delete(key);
  for (const [schema, one] of mapped) if (replaced.includes(one)) mapped.set(schema, identity);
  known.set(id ?? `map/${row.slug}`, identity);
  mapped.set(row.schema, identity);
}
