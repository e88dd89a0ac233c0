import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { Pool } from 'pg';
import type { IdentityProvider } from '../config.js';
import { queryWithin } from '../database/pool.js';
import { messageOf, RegistryError } from '../errors.js';
import type { Caller, MemberRole } from './caller.js';
import { isScope } from './permissions.js';

/** Three parts in base64url: a JWS in its compact form (RFC 7515). */
export function isToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

/** Signed by the provider's private key; never what the token itself says of a secret both sides would know. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

const clockToleranceSeconds = 5;
const fetchTimeoutMs = 3_000;

/**
 * Finds callers by tokens (RFC 7519): scopes from the claim `scope` (RFC 9068), tenants from the members that are bound to
 * its `sub`, read for each request: a member that was removed is out at once. Throws UNAUTHENTICATED for a token that does not
 * hold, REGISTRY_UNAVAILABLE when that cannot be told.
 */
export function openIdentities(options: {
  provider: IdentityProvider;
  pool: Pool;
  timeoutMs: number;
}): (token: string) => Promise<Caller> {
  const { issuer, audience, jwksUrl } = options.provider;
  const keys = createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: fetchTimeoutMs });
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      requiredClaims: ['sub', 'exp'],
      clockTolerance: clockToleranceSeconds,
    }).catch((error) => {
      throw explain(error, jwksUrl);
    });
    const subject = readSubject(payload.sub);
    const scope = typeof payload.scope === 'string' ? payload.scope : '';
    return {
      kind: 'identity',
      actor: `subject:${subject}`,
      scopes: new Set(scope.split(' ').filter(isScope)),
      identity: { subject, roles: await loadRoles(options.pool, subject, options.timeoutMs) },
    };
  };
}

const maxSubjectLength = 255;

/** Whether a text can be the claim `sub` (OpenID Connect Core, 2): it is a key in the registry and a name in its log. */
export function isSubject(text: string): boolean {
  return new RegExp(`^[\\x21-\\x7e]{1,${maxSubjectLength}}$`).test(text);
}

function readSubject(subject: unknown): string {
  if (typeof subject === 'string' && isSubject(subject)) return subject;
  throw new RegistryError(
    'UNAUTHENTICATED',
    `The token’s "sub" must be 1 to ${maxSubjectLength} ASCII characters without blanks`,
  );
}

async function loadRoles(pool: Pool, subject: string, timeoutMs: number): Promise<Map<string, MemberRole>> {
  const { rows } = await queryWithin(pool, timeoutMs, {
    text: `SELECT tenant_id, upper(role::text) AS role FROM members WHERE subject = $1 AND status = 'active'`,
    values: [subject],
  });
  return new Map(rows.map(({ tenant_id, role }) => [tenant_id, role]));
}

/** What is wrong with the answer of the provider, and not with the token. */
const providerFailures = new Set<string>([
  errors.JOSEError.code,
  errors.JWKSTimeout.code,
  errors.JWKSInvalid.code,
]);

/** What jose says of a token names claims and algorithms, and repeats nothing of it. */
function explain(error: unknown, jwksUrl: string): RegistryError {
  if (error instanceof errors.JOSEError && !providerFailures.has(error.code))
    return new RegistryError('UNAUTHENTICATED', `The token does not hold: ${error.message}`);
  return new RegistryError(
    'REGISTRY_UNAVAILABLE',
    `The identity provider’s keys cannot be read from ${jwksUrl}: ${messageOf(error)}`,
    { cause: error },
  );
}
