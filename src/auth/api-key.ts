import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Pool } from 'pg';
import type { Loaded } from '../cache/read-through.js';
import { queryWithin } from '../database/connections/pool.js';

/** Marks a secret as ours for people and secret scanners. */
const secretPrefix = 'trk_';

const randomLength = 28;
const checksumLength = 4;

/**
 * A secret is the prefix and 32 bytes in base64url: 224 random bits and their CRC-32, by which secret scanners and the
 * gateway recognise a secret without a database. It is shown once and stored as a hash.
 */
export function createSecret(): string {
  const random = randomBytes(randomLength);
  return secretPrefix + Buffer.concat([random, checksumOf(random)]).toString('base64url');
}

function checksumOf(random: Uint8Array): Buffer {
  const checksum = Buffer.alloc(checksumLength);
  checksum.writeUInt32BE(crc32(random));
  return checksum;
}

/** A plain hash suffices: 224 random bits cannot be guessed from it. */
export function hashSecret(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}

/** Whether a text can be a secret; refuses misspelt and invented ones before the database is asked. */
export function isSecret(text: string): boolean {
  if (!/^trk_[\w-]{43}$/.test(text)) return false;
  const encoded = text.slice(secretPrefix.length);
  const bytes = Buffer.from(encoded, 'base64url');
  // The last character has two bits that no byte uses.
  if (bytes.toString('base64url') !== encoded) return false;
  return checksumOf(bytes.subarray(0, randomLength)).equals(bytes.subarray(randomLength));
}

/** A key that was found and not revoked. */
export interface KnownKey {
  id: string;
  scopes: string[];
  /** Time of day in milliseconds since 1970; null: never. */
  expiresAt: number | null;
}

/** Keys by the hashes of their secrets, in hexadecimal; null for what opens nothing. One statement, one snapshot. */
export async function loadKeys(
  pool: Pool,
  hashes: readonly string[],
  timeoutMs: number,
): Promise<Loaded<KnownKey | null>> {
  const { rows } = await queryWithin(pool, timeoutMs, { text: keysSql, values: [hashes] });
  const [{ epoch, asOf }] = rows;
  const values = rows.map(({ id, scopes, expiresAt }) =>
    id === null ? null : { id, scopes, expiresAt: expiresAt === null ? null : Number(expiresAt) },
  );
  return { epoch, asOf: BigInt(asOf), values };
}

// The date of last use moves at most once a minute, in the same statement that finds the keys.
const keysSql = `
  WITH head AS MATERIALIZED (
    SELECT registry_epoch() AS epoch, revision FROM registry_head LIMIT 1
  ), found AS MATERIALIZED (
    SELECT key.id, key.scopes, key.expires_at, key.last_used_at, wanted.place
    FROM unnest($1::text[]) WITH ORDINALITY AS wanted (hash, place)
    LEFT JOIN api_keys AS key ON key.secret_hash = decode(wanted.hash, 'hex') AND key.revoked_at IS NULL
  ), used AS (
    UPDATE api_keys SET last_used_at = now() FROM found
    WHERE api_keys.id = found.id AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
  )
  SELECT found.id, found.scopes, extract(epoch FROM found.expires_at) * 1000 AS "expiresAt",
    head.epoch, head.revision AS "asOf"
  FROM found CROSS JOIN head ORDER BY found.place`;
