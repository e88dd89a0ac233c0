import type { FoundStorage } from './found-storage.js';
import type { Identity } from './identity.js';
import type { RegisteredSubscription } from './registered-tenants.js';
import type { Evidence } from './tenant-match.js';

/** Storage that was matched to a tenant, with the evidence for the match. */
export interface MatchedStorage {
  storage: FoundStorage;
  evidence: Evidence;
  subscription?: RegisteredSubscription;
}

/** The registry's data about a tenant and about taken names. */
export interface TenantFacts {
  own: readonly RegisteredSubscription[];
  claims: ReadonlyMap<string, string>;
  /** The reason why no storage of this tenant can be taken over. */
  problem: string | undefined;
}

interface Verdict {
  action: 'unchanged' | 'ambiguous' | 'conflict';
  why: string | null;
}

/** Returns why storage is left unchanged, or undefined when it can be taken over. */
export function decideStorage(
  one: MatchedStorage,
  identity: Identity,
  siblings: readonly MatchedStorage[],
  facts: TenantFacts,
): Verdict | undefined {
  const { storage, subscription } = one;
  if (subscription && !isTakenUpAgain(storage, subscription)) {
    const { status } = subscription;
    return { action: 'unchanged', why: status === 'ACTIVE' ? null : status.toLowerCase() };
  }
  const conflict = findConflict(storage, identity, facts);
  if (conflict !== undefined) return { action: 'conflict', why: conflict };
  return compareWithOtherStorage(one, identity, siblings) ?? compareWithListedModules(one, identity);
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
    return `the name is taken by tenant ${claimant}: names are never given to another tenant`;
  const kept = own.find((other) => other.moduleName === module.name && other.name !== name);
  if (kept && (kept.wasActive || !['PENDING', 'FAILED', 'CANCELLED'].includes(kept.status)))
    return `tenant ${identity.slug} already has its ${module.name} data in ${kept.name}`;
  return undefined;
}

const strength: Record<Evidence, number> = { registry: 4, version: 3, map: 2, table: 1, name: 0 };

/** A tenant has one storage per module. When two match, the one with the stronger evidence counts. */
function compareWithOtherStorage(
  { storage, evidence }: MatchedStorage,
  { slug }: Identity,
  siblings: readonly MatchedStorage[],
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
    why: `${rival.storage.name} is ${storage.module.name} storage of tenant ${slug} too: assign this one in --map`,
  };
}

/** Storage of a module that the tenant may not use must not become resolvable by the import. */
function compareWithListedModules(
  { storage, evidence }: MatchedStorage,
  { modules, from }: Identity,
): Verdict | undefined {
  const isSettled = strength[evidence] >= strength.map;
  if (isSettled || !modules || modules.has(storage.module.name)) return undefined;
  const tenant = from === 'registry' ? 'the old table' : from;
  return {
    action: 'ambiguous',
    why: `${tenant} does not list ${storage.module.name} among the tenant's modules: name it in --map to take it over`,
  };
}

/**
 * Whether an earlier attempt may be repeated: a failed adoption, or a creation that failed because this storage exists.
 */
function isTakenUpAgain({ owner }: FoundStorage, subscription: RegisteredSubscription): boolean {
  const { status, wasActive, adoptionFailed } = subscription;
  return status === 'FAILED' && !wasActive && (adoptionFailed || owner === undefined);
}
