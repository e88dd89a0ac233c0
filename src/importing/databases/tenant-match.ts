import type { FoundStorage } from './found-storage.js';
import { createIdentity, type Identities, type Identity } from './identity.js';
import type { RegisteredSubscription } from './registered-tenants.js';

/**
 * The source of a match, the strongest first: the registry, the guard's table of versions, the map, an old table, the name
 * alone.
 */
export type Evidence = 'registry' | 'version' | 'map' | 'table' | 'name';

/** The tenant of a storage, or the reason why it is not known. */
export type Match =
  | { identity: Identity; evidence: Evidence; subscription?: RegisteredSubscription }
  | { ambiguous: string }
  | { conflict: string };

/**
 * Returns a function that finds the tenant of a storage. The first source that names one decides: the registry, the
 * schema itself, the map, an old table, and last the name alone, which may fit several tenants. Storage that fits none
 * belongs to a new tenant with that name.
 */
export function createMatcher(
  identities: Identities,
  subscriptions: readonly RegisteredSubscription[],
): (storage: FoundStorage) => Match {
  const subscribed = new Map(subscriptions.map((one) => [`${one.moduleName}/${one.name}`, one]));
  const named = new Map<string, Set<Identity>>();
  for (const identity of identities.all)
    for (const { module, name } of identity.names) {
      const key = `${module ?? ''}/${name}`;
      named.set(key, (named.get(key) ?? new Set()).add(identity));
    }
  const derived = new Map<string, Identity>();

  function derive(storage: FoundStorage): Identity {
    const { key, owner } = storage;
    const known = derived.get(owner?.tenantId ?? key);
    const identity =
      known ??
      createIdentity({
        slug: key.replaceAll('_', '-'),
        ...(owner ? { id: owner.tenantId, from: 'schema_version' } : { from: 'new' }),
      });
    derived.set(owner?.tenantId ?? key, identity);
    return identity;
  }

  function matchOwner(
    storage: FoundStorage,
    { tenantId, module }: { tenantId: string; module: string },
  ): Match {
    if (module !== storage.module.name)
      return {
        conflict: `it was made for module ${module}: register that module with its former name and prefix`,
      };
    const identity = identities.byId.get(tenantId) ?? derive(storage);
    const mapped = identities.mapped.get(storage.name);
    if (mapped && mapped.id !== tenantId)
      return {
        conflict: `it was made for tenant ${tenantId}, but the map assigns it to ${mapped.id ?? mapped.slug}: remove it from the map`,
      };
    return { identity, evidence: 'version' };
  }

  return function match(storage) {
    const { module, name, key, owner, rivals, problem } = storage;
    if (problem !== undefined) return { conflict: problem };
    const subscription = subscribed.get(`${module.name}/${name}`);
    const subscriber = subscription && identities.byId.get(subscription.tenantId);
    if (subscriber) return { identity: subscriber, evidence: 'registry', subscription };
    if (rivals.length > 0)
      return {
        ambiguous: `modules ${[module.name, ...rivals].join(' and ')} have this prefix: choose one with --module`,
      };
    if (owner) return matchOwner(storage, owner);
    const mapped = identities.mapped.get(name);
    if (mapped) return { identity: mapped, evidence: 'map' };
    const namers = [...(named.get(`${module.name}/${name}`) ?? named.get(`/${name}`) ?? [])];
    const [namer] = namers;
    if (namer) {
      if (namers.length === 1) return { identity: namer, evidence: 'table' };
      return { ambiguous: `${namers.map(describe).join(' and ')} both name it: assign it in --map` };
    }
    const fitting = identities.byKey.get(key) ?? [];
    const [only] = fitting;
    if (!only) return { identity: derive(storage), evidence: 'name' };
    if (fitting.length === 1) return { identity: only, evidence: 'name' };
    // Two ids for the same slug are a conflict, not an ambiguity between names.
    const doubtful = fitting.find((one) => one.problem !== undefined);
    if (doubtful && new Set(fitting.map((one) => one.slug)).size === 1)
      return { conflict: doubtful.problem ?? '' };
    return { ambiguous: `${fitting.map(describe).join(' and ')} fit: assign it in --map` };
  };
}

function describe({ slug, id, from }: Identity): string {
  return `tenant ${slug ?? id} (${from})`;
}
