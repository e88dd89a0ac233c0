import { errors, type JWTVerifyResult, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Pool } from 'pg';
import { openMemoryTier } from '../cache/memory-tier.js';
import { type Loaded, ReadThrough, type Validity } from '../cache/read-through.js';
import type { IdentityProvider } from '../config.js';
import { queryWithin } from '../database/connections/pool.js';
import { RegistryError } from '../errors.js';
import { membersReference } from '../feed/change.js';
import type { Log } from '../log.js';
import { AuthenticationFailure } from './authentication-failure.js';
import type { Caller, MemberRole } from './caller.js';
import { ProviderKeyStore, type ProviderKeys } from './provider-keys.js';
import { clockToleranceSeconds, readClaims, type TokenClaims } from './token-claims.js';

/** Three parts in base64url: a JWS in its compact form (RFC 7515). */
export function isToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

/** Asymmetric algorithms only: the provider's public key must never serve as a shared secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** A token without `kid` is tried with at most so many keys. */
const maxTries = 20;
const maxTokenLength = 8_192;
const maxTokens = 2_000;
const maxSubjects = 10_000;
const ttlMs = 60_000;

export interface IdentityOptions {
  provider: IdentityProvider;
  pool: Pool;
  validity: Validity;
  clock: () => number;
  stalenessMs: number;
  log: Log;
}

type Roles = ReadonlyMap<string, MemberRole>;

/**
 * Finds callers by tokens (RFC 7519). The tenants of a caller are those of the members that are bound to the token's `sub`,
 * from memory while the change log proves that no member changed. Throws UNAUTHENTICATED for a token that is not valid,
 * REGISTRY_UNAVAILABLE when that cannot be decided.
 */
export function openIdentities(options: IdentityOptions): {
  find(token: string): Promise<Caller>;
  /** Whether the token's signature was found good before, and the token has not expired. */
  isFamiliar(token: string): boolean;
} {
  const { provider, pool, stalenessMs } = options;
  const store = new ProviderKeyStore(options);
  const memberships = new ReadThrough<string, Roles>({
    ...options,
    tiers: [openMemoryTier<Roles>({ maxEntries: maxSubjects, ttlMs })],
    load: (subjects) => loadRoles(pool, subjects, stalenessMs),
    nameOf: (subject) => subject,
    referenceOf: () => membersReference,
  });
  // Tokens whose signature was checked. Tokens that are not valid are not in it, because anybody can invent those.
  const verified = new LRUCache<string, { version: number; claims: TokenClaims }>({ max: maxTokens });

  const find = async (token: string): Promise<Caller> => {
    if (token.length > maxTokenLength) throw refuse('it has more than 8192 characters');
    const keys = await store.current();
    let known = verified.get(token);
    if (known?.version !== keys.version || known.claims.expiresAt <= Date.now()) {
      known = await verify(token, keys, store, provider);
      verified.set(token, known);
    }
    const { subject, scopes, expiresAt } = known.claims;
    const [answer] = await memberships.getMany([{ key: subject }]);
    return {
      kind: 'identity',
      actor: `subject:${subject}`,
      scopes,
      expiresAt,
      identity: { subject, roles: answer?.value ?? new Map() },
    };
  };
  return {
    find,
    isFamiliar: (token) => (verified.get(token)?.claims.expiresAt ?? 0) > Date.now(),
  };
}

async function verify(
  token: string,
  keys: ProviderKeys,
  store: ProviderKeyStore,
  provider: IdentityProvider,
) {
  try {
    return readResult(await verifyBy(token, keys, provider), keys, provider);
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw explain(error);
  }
  // The key may be newer than the last read.
  const newer = await store.newerThan(keys);
  if (!newer) throw refuse('no key of the identity provider matches it');
  try {
    return readResult(await verifyBy(token, newer, provider), newer, provider);
  } catch (error) {
    throw explain(error);
  }
}

function readResult(result: JWTVerifyResult, { version }: ProviderKeys, provider: IdentityProvider) {
  return { version, claims: readClaims(result.protectedHeader, result.payload, provider) };
}

async function verifyBy(
  token: string,
  { find }: ProviderKeys,
  provider: IdentityProvider,
): Promise<JWTVerifyResult> {
  const options = {
    issuer: provider.issuer,
    ...(provider.audienceClaim === 'aud' && { audience: provider.audience }),
    algorithms,
    requiredClaims: ['sub', 'exp'],
    clockTolerance: clockToleranceSeconds,
  };
  try {
    return await jwtVerify(token, find, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tries = 0;
    for await (const key of error) {
      if (++tries > maxTries) break;
      try {
        return await jwtVerify(token, key, options);
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

async function loadRoles(pool: Pool, subjects: readonly string[], timeoutMs: number): Promise<Loaded<Roles>> {
  const { rows } = await queryWithin(pool, timeoutMs, { text: rolesSql, values: [subjects] });
  const [{ epoch, asOf }] = rows;
  const values = rows.map(
    ({ roles }) => new Map(Object.entries((roles ?? {}) as Record<string, MemberRole>)),
  );
  return { epoch, asOf: BigInt(asOf), values };
}

const rolesSql = `
  SELECT head.epoch, head.revision AS "asOf", (
    SELECT json_object_agg(tenant_id, upper(role::text)) FROM members
    WHERE subject = wanted.subject AND status = 'active'
  ) AS roles
  FROM (SELECT registry_epoch() AS epoch, revision FROM registry_head LIMIT 1) AS head
  CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS wanted (subject, place)
  ORDER BY wanted.place`;

/** jose's messages name claims and algorithms, and repeat nothing of the token. */
function explain(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  if (error instanceof errors.JWTExpired)
    return new AuthenticationFailure('token_expired', `The token does not hold: ${error.message}`);
  if (error instanceof errors.JOSEError) return refuse(error.message);
  // WebCrypto rejects some malformed signatures and keys with errors of its own.
  return new RegistryError('UNAUTHENTICATED', 'The token does not hold: it cannot be verified', {
    cause: error,
  });
}

function refuse(reason: string): RegistryError {
  return new RegistryError('UNAUTHENTICATED', `The token does not hold: ${reason}`);
}
