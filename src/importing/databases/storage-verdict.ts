import type { FoundStorage } from './found-storage.js';
import type { RegisteredSubscription } from './registered-tenants.js';
import type { Identity } from './tenant-identity.js';
import type { Evidence } from './tenant-match.js';

/** A piece of storage with what says that it is this tenant's. */
export interface Matched {
  storage: FoundStorage;
  evidence: Evidence;
  subscription?: RegisteredSubscription;
}

/** What the registry holds against a tenant or its names. */
export interface TenantFacts {
  own: readonly RegisteredSubscription[];
  claims: ReadonlyMap<string, string>;
  /** Why nothing of this tenant can be taken over. */
  problem: string | undefined;
}

interface Verdict {
  action: 'unchanged' | 'ambiguous' | 'conflict';
  why: string | null;
}

/** What keeps a piece of storage as it is; undefined when it can be taken over. */
export function judge(
  one: Matched,
  identity: Identity,
  siblings: readonly Matched[],
  facts: TenantFacts,
): Verdict | undefined {
  const { storage, subscription } = one;
  if (subscription && !isTakenUpAgain(storage, subscription)) {
    const { status } = subscription;
    return { action: 'unchanged', why: status === 'ACTIVE' ? null : status.toLowerCase() };
  }
  const conflict = findConflict(storage, identity, facts);
  if (conflict !== undefined) return { action: 'conflict', why: conflict };
  return judgeBesides(one, identity, siblings) ?? judgeByModules(one, identity);
}

function findConflict(
  { module, name, owner }: FoundStorage,
  identity: Identity,
  { own, claims, problem }: TenantFacts,
): string | undefined {
  if (problem !== undefined) return problem;
  if (owner && identity.id !== owner.tenantId) return `it was made for tenant ${owner.tenantId}`;
  const claimant = claims.get(`${module.isolation}/${name}`);
  if (claimant !== undefined && claimant !== identity.id)
    return `the name is taken by tenant ${claimant}: names are never given away`;
  const kept = own.find((other) => other.moduleName === module.name && other.name !== name);
  if (kept && (kept.wasActive || !['PENDING', 'FAILED', 'CANCELLED'].includes(kept.status)))
    return `tenant ${identity.slug} keeps its ${module.name} data in ${kept.name} already`;
  return undefined;
}

const strength: Record<Evidence, number> = { registry: 4, version: 3, map: 2, table: 1, name: 0 };

/** A tenant has one storage per module; of two, that one counts for which more speaks. */
function judgeBesides(
  { storage, evidence }: Matched,
  { slug }: Identity,
  siblings: readonly Matched[],
): Verdict | undefined {
  const rivals = siblings.filter(
    (other) =>
      other.storage !== storage &&
      other.storage.module.name === storage.module.name &&
      strength[other.evidence] >= strength[evidence],
  );
  const stronger = rivals.find((other) => strength[other.evidence] > strength[evidence]);
  const rival = stronger ?? rivals[0];
  if (!rival) return undefined;
  return {
    action: stronger ? 'conflict' : 'ambiguous',
    why: `${rival.storage.name} is ${storage.module.name} storage of tenant ${slug} too: say whose this one is in --map`,
  };
}

/** Data of a module that the tenant may not use does not begin to resolve by being taken over. */
function judgeByModules({ storage, evidence }: Matched, { modules, from }: Identity): Verdict | undefined {
  const isSettled = strength[evidence] >= strength.map;
  if (isSettled || !modules || modules.has(storage.module.name)) return undefined;
  const tenant = from === 'registry' ? 'the old table' : from;
  return {
    action: 'ambiguous',
    why: `${tenant} does not list ${storage.module.name} among the tenant's modules: name it in --map to take it over`,
  };
}

/** What an adoption began, or what stands where a creation failed because of it. */
function isTakenUpAgain({ owner }: FoundStorage, subscription: RegisteredSubscription): boolean {
  const { status, wasActive, adoptionFailed } = subscription;
  return status === 'FAILED' && !wasActive && (adoptionFailed || owner === undefined);
}
