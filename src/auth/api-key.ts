import { createHash, randomBytes } from 'node:crypto';
import type { RegistryDatabase } from '../database/registry-database.js';
import type { Caller } from './caller.js';

/** Marks a secret as ours for people and secret scanners. */
const secretPrefix = 'trk_';

/** 256 random bits; shown once, kept as a hash. */
export function createSecret(): string {
  return secretPrefix + randomBytes(32).toString('base64url');
}

/** A plain hash suffices: what has 256 random bits cannot be guessed from it. */
export function hashSecret(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}

/** The caller a secret belongs to; undefined when it is unknown, revoked or expired. One SQL statement. */
export async function findCallerBySecret(
  database: RegistryDatabase,
  secret: string,
): Promise<Caller | undefined> {
  if (!/^trk_[\w-]{43}$/.test(secret)) return undefined;
  // The date of last use moves at most once a minute, in the same statement that finds the key.
  const { rows } = await database.pool.query<{ id: string; scopes: string[] }>(
    `WITH found AS (
       SELECT id, scopes, last_used_at FROM api_keys
       WHERE secret_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
     ), used AS (
       UPDATE api_keys SET last_used_at = now() FROM found
       WHERE api_keys.id = found.id AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
     )
     SELECT id, scopes FROM found`,
    [hashSecret(secret)],
  );
  const key = rows[0];
  return key && { kind: 'api-key', actor: `api-key:${key.id}`, scopes: new Set(key.scopes) };
}
