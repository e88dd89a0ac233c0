import { text } from '../../registry/input.js';
import { storageNaming } from '../../registry/modules/isolation.js';
import { findSlugProblem } from '../../registry/slug.js';
import type { FoundStorage } from './found-storage.js';
import type { Identities, Identity } from './identity.js';
import type { Registered, RegisteredSubscription } from './registered-tenants.js';
import { decideStorage, type MatchedStorage, type TenantFacts } from './storage-verdict.js';
import { createMatcher } from './tenant-match.js';

export type Action = 'register' | 'subscribe' | 'unchanged' | 'ambiguous' | 'conflict';

/** One line of the report: a schema or database with its tenant, or a tenant without storage. */
export interface ImportEntry {
  tenantId: string | null;
  slug: string | null;
  name: string | null;
  module: string | null;
  schema: string | null;
  database: string | null;
  /** The source of the id. */
  idFrom: string | null;
  action: Action;
  why: string | null;
}

/** A tenant to take over, with its lines of the report. */
export interface TakeOver {
  identity: Identity;
  tenant: {
    id: string | undefined;
    slug: string;
    name: string;
    suspendedReason: string | undefined;
  };
  storages: { module: string; name: string }[];
  entries: ImportEntry[];
}

export interface Plan {
  entries: ImportEntry[];
  takeOvers: TakeOver[];
}

/** Decides what happens with each finding. Pure: the same findings give the same plan. */
export function planTakeOver(
  storages: readonly FoundStorage[],
  identities: Identities,
  registered: Registered,
  isScanned: (moduleName: string) => boolean,
): Plan {
  const match = createMatcher(identities, registered.subscriptions);
  const plan: Plan = { entries: [], takeOvers: [] };
  // Tenants of old tables are taken over even without storage.
  const groups = new Map<Identity, MatchedStorage[]>(identities.all.map((identity) => [identity, []]));
  for (const storage of storages) {
    const found = match(storage);
    if ('ambiguous' in found) plan.entries.push(entryOf(undefined, storage, 'ambiguous', found.ambiguous));
    else if ('conflict' in found) plan.entries.push(entryOf(undefined, storage, 'conflict', found.conflict));
    else groups.set(found.identity, [...(groups.get(found.identity) ?? []), { ...found, storage }]);
  }
  const takenSlugs = new Map([
    ...registered.externalIds,
    ...registered.tenants.map(({ slug, id }) => [slug, id] as const),
  ]);
  const subscriptionsOf = new Map<string, RegisteredSubscription[]>();
  for (const one of registered.subscriptions)
    subscriptionsOf.set(one.tenantId, [...(subscriptionsOf.get(one.tenantId) ?? []), one]);
  for (const [identity, matched] of groups) {
    const own = subscriptionsOf.get(identity.id ?? '') ?? [];
    const facts = {
      own,
      claims: registered.claims,
      problem: findTenantProblem(identity, takenSlugs),
    };
    const { entries, takeOver } = planTenant(identity, matched, facts);
    plan.entries.push(...entries, ...listMissingStorage(identity, matched, facts, isScanned));
    if (takeOver) plan.takeOvers.push(takeOver);
  }
  return plan;
}

function planTenant(identity: Identity, matched: readonly MatchedStorage[], facts: TenantFacts) {
  const { registered, suspendedReason, id, slug } = identity;
  const entries: ImportEntry[] = [];
  const mine: ImportEntry[] = [];
  const storages: TakeOver['storages'] = [];
  const action = registered === undefined || registered.status === 'FAILED' ? 'register' : 'subscribe';
  for (const one of matched) {
    const verdict = decideStorage(one, identity, matched, facts);
    if (verdict) entries.push(entryOf(identity, one.storage, verdict.action, verdict.why));
    else {
      mine.push(entryOf(identity, one.storage, action, suspendedReason ?? null));
      storages.push({ module: one.storage.module.name, name: one.storage.name });
    }
  }
  // All storage that the table names was taken over already, for another tenant.
  const isDone =
    identity.names.length > 0 &&
    identity.names.every(({ kind, name }) => facts.claims.has(`${kind}/${name}`));
  if (matched.length === 0 && !registered && !isDone) {
    if (facts.problem === undefined) mine.push(entryOf(identity, undefined, action, suspendedReason ?? null));
    else entries.push(entryOf(identity, undefined, 'conflict', facts.problem));
  }
  entries.push(...mine);
  if (mine.length === 0) return { entries };
  const tenant = { id, slug: slug ?? '', name: nameOf(identity), suspendedReason };
  return { entries, takeOver: { identity, tenant, storages, entries: mine } };
}

/** Returns why no storage of this tenant can be taken over. */
function findTenantProblem(identity: Identity, takenSlugs: ReadonlyMap<string, string>): string | undefined {
  const { slug, registered, problem } = identity;
  if (problem !== undefined) return problem;
  if (registered) {
    const { status } = registered;
    if (['ACTIVE', 'SUSPENDED', 'FAILED'].includes(status)) return undefined;
    const wayOut = status === 'DELETED' ? 'restore it with restoreTenant first' : 'wait until it is active';
    return `tenant ${registered.slug} is ${status.toLowerCase()}: ${status === 'PURGED' ? 'give the schema another slug in --map' : wayOut}`;
  }
  if (slug === undefined) return 'its slug is not known: give the schema a slug in --map';
  const slugProblem = findSlugProblem(slug);
  if (slugProblem) return `slug "${slug}" ${slugProblem}: give the schema another slug in --map`;
  const taker = takenSlugs.get(slug);
  if (taker !== undefined)
    return `slug ${slug} is taken by tenant ${taker}: give the schema another slug in --map`;
  const name = text(200).safeParse(nameOf(identity));
  return name.success
    ? undefined
    : `its name ${name.error.issues[0]?.message}: give the schema another name in --map`;
}

/** Lists storage that an old table names and that was not found. */
function listMissingStorage(
  identity: Identity,
  matched: readonly MatchedStorage[],
  { own, claims }: TenantFacts,
  isScanned: (moduleName: string) => boolean,
): ImportEntry[] {
  return identity.names.flatMap(({ module, kind, name }) => {
    if (module === undefined || !isScanned(module) || claims.has(`${kind}/${name}`)) return [];
    if (own.some(({ moduleName }) => moduleName === module)) return [];
    if (matched.some(({ storage }) => storage.module.name === module)) return [];
    const why = 'an old table names it, but it does not exist: restore it, or remove it from that table';
    return [{ ...entryOf(identity, undefined, 'conflict', why), module, schema: name }];
  });
}

function entryOf(
  identity: Identity | undefined,
  storage: FoundStorage | undefined,
  action: Action,
  why: string | null,
): ImportEntry {
  const names = storage && storageNaming[storage.module.isolation].locate(storage.name, storage.module);
  return {
    tenantId: identity?.id ?? null,
    slug: identity?.slug ?? null,
    name: identity ? nameOf(identity) : null,
    module: storage?.module.name ?? null,
    schema: names?.schemaName ?? null,
    database: names?.databaseName ?? null,
    idFrom: identity?.from ?? null,
    action,
    why,
  };
}

/** Derives a name from the slug when no source has one: "acme-trading" → "Acme Trading". */
function nameOf({ name, slug }: Identity): string {
  if (name !== undefined) return name;
  return (slug ?? '').replace(
    /(^|[-_]+)(.?)/g,
    (_match, gap, letter) => (gap ? ' ' : '') + letter.toUpperCase(),
  );
}
