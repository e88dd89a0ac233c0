import { openMemoryTier } from '../cache/memory-tier.js';
import { ReadThrough, type Validity } from '../cache/read-through.js';
import type { RegistryDatabase } from '../database/registry-database.js';
import { apiKeysReference } from '../feed/change.js';
import { hashSecret, isSecret, type KnownKey, loadKeys } from './api-key.js';
import type { Caller } from './caller.js';

/** Who stands behind what came as `Bearer`; undefined: nobody. */
export type FindCaller = (secret: string) => Promise<Caller | undefined>;

const maxKeys = 10_000;

/** Also how old the date of a key's last use can be. */
const ttlMs = 60_000;

/**
 * Finds callers by their secrets, from memory while the change log proves that no key was made or revoked since: an
 * outage of the database is no outage of authentication before the lease ends. Never in a shared tier.
 */
export function openKeyCache(options: {
  database: RegistryDatabase;
  validity: Validity;
  clock: () => number;
  stalenessMs: number;
}): FindCaller {
  const keys = new ReadThrough<string, KnownKey | null>({
    ...options,
    tiers: [openMemoryTier<KnownKey | null>({ maxEntries: maxKeys, ttlMs })],
    load: (hashes) => loadKeys(options.database.pool, hashes, options.stalenessMs),
    nameOf: (hash) => hash,
    referenceOf: () => apiKeysReference,
  });
  return async (secret) => {
    if (!isSecret(secret)) return undefined;
    const [answer] = await keys.getMany([{ key: Buffer.from(hashSecret(secret)).toString('hex') }]);
    const key = answer?.value;
    if (!key || (key.expiresAt !== null && key.expiresAt <= Date.now())) return undefined;
    return { kind: 'api-key', actor: `api-key:${key.id}`, scopes: new Set(key.scopes) };
  };
}
