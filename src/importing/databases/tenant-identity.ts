import { findSlugProblem, isUuid } from '../../registry/slug.js';
import { keyOf } from './found-storage.js';
import type { LegacyTenant, StorageNamed } from './legacy-tenant.js';
import type { Registered, RegisteredTenant } from './registered-tenants.js';
import type { MapRow } from './tenant-map.js';

/**
 * A tenant as one source describes it: the registry, an old table, the map, the schema itself, or only the schema's
 * name.
 */
export interface Identity {
  id: string | undefined;
  slug: string | undefined;
  name: string | undefined;
  /** Source of the id: "registry", "map", "tenant_registry in finance", "schema_version", "new". */
  from: string;
  registered: RegisteredTenant | undefined;
  suspendedReason: string | undefined;
  /** The modules that the tenant may use, if a table lists them. */
  modules: Set<string> | undefined;
  names: StorageNamed[];
  /** The reason why the tenant cannot be taken over, with the way out. */
  problem: string | undefined;
}

export interface Identities {
  all: Identity[];
  /** Identities by the schema or database that the map assigns to them. */
  mapped: Map<string, Identity>;
  byId: Map<string, Identity>;
  byKey: Map<string, Identity[]>;
}

export function createIdentity(fields: Partial<Identity> & Pick<Identity, 'from'>): Identity {
  const { id, slug, name, registered, suspendedReason, modules, names = [], problem, from } = fields;
  return { id, slug, name, registered, suspendedReason, modules, names, problem, from };
}

/** Collects all known tenants, each once. A tenant with contradictory data stays in the list with its problem. */
export function collectIdentities(
  registered: Registered,
  legacy: readonly LegacyTenant[],
  map: readonly MapRow[],
): Identities {
  const known = new Map<string, Identity>();
  for (const tenant of registered.tenants)
    known.set(tenant.id, createIdentity({ ...tenant, from: 'registry', registered: tenant }));
  const registeredBySlug = new Map([...known.values()].map((one) => [one.slug, one]));
  for (const row of legacy) addLegacy(known, registeredBySlug, row);
  const mapped = new Map<string, Identity>();
  for (const row of map) addMapped(known, mapped, row);
  const all = [...known.values()];
  findSlugConflicts(all);

  const byId = new Map(all.flatMap((one) => (one.id === undefined ? [] : [[one.id, one] as const])));
  const byKey = new Map<string, Identity[]>();
  for (const one of all) {
    if (one.slug === undefined) continue;
    const key = keyOf(one.slug);
    byKey.set(key, [...(byKey.get(key) ?? []), one]);
  }
  return { all, mapped, byId, byKey };
}

function addLegacy(
  known: Map<string, Identity>,
  registeredBySlug: ReadonlyMap<string | undefined, Identity>,
  row: LegacyTenant,
): void {
  const { source, id, slug, name, suspendedReason, modules, names } = row;
  // An id that is not a UUID is only valid in its own table. Such a tenant is found by its slug, or gets a new id.
  const key = isUuid(id) ? id : `${source}/${id}`;
  const earlier = isUuid(id) ? known.get(id) : registeredBySlug.get(slug ?? '');
  if (!earlier) {
    const problem = isUuid(id)
      ? slug === undefined
        ? undefined
        : slugProblem(slug, source)
      : `id "${id}" of ${source} is not a UUID: give the schema an id in --map`;
    const fields = { slug, name, from: source, suspendedReason, names, problem };
    known.set(
      key,
      createIdentity({
        ...fields,
        ...(isUuid(id) && { id }),
        ...(modules && { modules: new Set(modules) }),
      }),
    );
    return;
  }
  // A slug that breaks the registry's rules was replaced in an earlier import by the map.
  const isRenamed = earlier.registered && slug !== undefined && findSlugProblem(slug) !== undefined;
  if (slug !== undefined && earlier.slug !== undefined && slug !== earlier.slug && !isRenamed) {
    const problem = `id ${id} is ${slug} in ${source}, but ${earlier.slug} in ${earlier.from}: give the schema its slug in --map`;
    // The registered tenant is unchanged; only the storage that the table names is doubtful.
    if (earlier.registered)
      known.set(`${source}/${id}`, createIdentity({ slug, from: source, names, problem }));
    else earlier.problem ??= problem;
    return;
  }
  earlier.slug ??= slug;
  earlier.name ??= name;
  if (!earlier.registered) earlier.suspendedReason ??= suspendedReason;
  earlier.names.push(...names);
  if (modules) earlier.modules = new Set([...(earlier.modules ?? []), ...modules]);
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

/** Marks identities with the same slug and different ids: it is unknown which id is right. */
function findSlugConflicts(all: readonly Identity[]): void {
  const bySlug = new Map<string, Identity>();
  for (const one of all) {
    if (one.slug === undefined) continue;
    const other = bySlug.get(one.slug);
    if (!other) {
      bySlug.set(one.slug, one);
      continue;
    }
    const addProblem = (identity: Identity, rival: Identity) => {
      if (!identity.registered)
        identity.problem ??= `slug ${one.slug} is taken by ${rival.id ? `id ${rival.id}` : 'a tenant'} of ${rival.from}: give the schema the right id in --map`;
    };
    addProblem(one, other);
    addProblem(other, one);
  }
}
