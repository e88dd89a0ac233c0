import { LRUCache } from 'lru-cache';
import { openMemoryTier } from '../cache/memory-tier.js';
import { ReadThrough, type Validity } from '../cache/read-through.js';
import type { Answer } from '../cache/tier.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { apiKeysReference } from '../feed/change.js';
import { hashSecret, isSecret, type KnownKey, loadKeys } from './api-key.js';
import type { Caller } from './caller.js';

/** Finds the caller for a secret that came as `Bearer`; undefined when the secret opens nothing. */
export interface FindCaller {
  /** The caller, if it is known at once; undefined means that `find` has to be asked. */
  peek(secret: string): Caller | undefined;
  find(secret: string): Promise<Caller | undefined>;
  /** Whether the secret opened something within the last hour, as far as this gateway knows. */
  isFamiliar(secret: string): boolean;
}

/** A secret that opened something, and what that answer rests on. */
interface PresentedKey {
  answer: Answer<KnownKey | null>;
  key: KnownKey;
  caller: Caller;
}

const maxKeys = 10_000;

/** For how long a secret that opened something is remembered as familiar. */
const familiarMs = 3_600_000;

/** Also bounds how old the date of a key's last use can be. */
const ttlMs = 60_000;

/**
 * Finds callers by their secrets, from memory while the change log proves that no key was made or revoked since: an
 * outage of the database is no outage of authentication before the lease ends. Never in a shared tier.
 */
export function openKeyCache(options: {
  database: Pick<RegistryDatabase, 'pool'>;
  validity: Validity;
  clock: () => number;
  stalenessMs: number;
  /** Called about once a minute for each key in use. */
  onUse?: (key: KnownKey) => void;
}): FindCaller {
  const { validity } = options;
  const keys = new ReadThrough<string, KnownKey | null>({
    ...options,
    tiers: [openMemoryTier<KnownKey | null>({ maxEntries: maxKeys, ttlMs })],
    load: (hashes) => loadKeys(options.database.pool, hashes, options.stalenessMs),
    nameOf: (hash) => hash,
    referenceOf: () => apiKeysReference,
  });
  // By the secret itself, which saves its hash. Secrets that open nothing are not in it: anybody can make those up.
  const presented = new LRUCache<string, PresentedKey>({
    max: maxKeys,
    ttl: ttlMs,
    ttlResolution: 1_000,
    updateAgeOnGet: false,
  });

  const familiar = new LRUCache<string, true>({ max: maxKeys, ttl: familiarMs, ttlResolution: 1_000 });
  const findKey = async (secret: string) => {
    const [answer] = await keys.getMany([{ key: Buffer.from(hashSecret(secret)).toString('hex') }]);
    const key = answer?.value;
    if (!key || hasExpired(key)) familiar.delete(secret);
    else if (answer.tier === 'database') familiar.set(secret, true);
    return key && !hasExpired(key) ? { answer, key } : undefined;
  };

  return {
    isFamiliar: (secret) => familiar.has(secret),
    peek(secret) {
      const held = presented.get(secret);
      if (!held || hasExpired(held.key) || !validity.isCurrent(held.answer, apiKeysReference))
        return undefined;
      return held.caller;
    },
    async find(secret) {
      if (!isSecret(secret)) return undefined;
      const found = await findKey(secret);
      if (!found) return undefined;
      const { answer, key } = found;
      const caller: Caller = {
        kind: 'api-key',
        actor: `api-key:${key.id}`,
        scopes: new Set(key.scopes),
        expiresAt: key.expiresAt ?? undefined,
      };
      if (answer.tier === 'database') options.onUse?.(key);
      // One from memory is as old as its entry there, and so must not begin a time of its own here.
      if (answer.tier === 'database') presented.set(secret, { answer, key, caller });
      return caller;
    },
  };
}

function hasExpired({ expiresAt }: KnownKey): boolean {
  return expiresAt !== null && expiresAt <= Date.now();
}
