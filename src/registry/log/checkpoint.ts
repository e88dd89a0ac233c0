import { createHmac, timingSafeEqual } from 'node:crypto';

export interface EntryPosition {
  revision: string;
  position: number;
}

/** The entry up to which the log was pruned: the chain of the rest begins at its hash. */
export interface Checkpoint extends EntryPosition {
  /** In hexadecimal. */
  hash: string;
  /** Time of the entry, as PostgreSQL hashes it: "2027-01-31T23:59:59.123456". */
  changedAt: string;
  /** HMAC-SHA256 in hexadecimal. */
  signature: string;
}

/** SQL: the newest checkpoint. It names schemas, because a check does not trust the search_path. */
export const newestCheckpointSql = `
  SELECT revision::text, position, pg_catalog.encode(hash, 'hex') AS hash, signature,
    pg_catalog.to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS "changedAt"
  FROM public.registry_checkpoints ORDER BY registry_checkpoints.revision DESC LIMIT 1`;

export function signCheckpoint(
  key: string,
  { revision, position, hash, changedAt }: Omit<Checkpoint, 'signature'>,
): string {
  const text = JSON.stringify(['checkpoint of the audit log', revision, position, hash, changedAt]);
  return createHmac('sha256', key).update(text).digest('hex');
}

export function isAuthenticCheckpoint(key: string, checkpoint: Checkpoint): boolean {
  const given = Buffer.from(checkpoint.signature);
  const expected = Buffer.from(signCheckpoint(key, checkpoint));
  return given.length === expected.length && timingSafeEqual(given, expected);
}
