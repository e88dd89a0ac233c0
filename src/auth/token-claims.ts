import type { JWTHeaderParameters, JWTPayload } from 'jose';
import type { IdentityProvider } from '../config.js';
import { RegistryError } from '../errors.js';
import { isScope } from './permissions.js';

export const clockToleranceSeconds = 5;

/** The claims of a token that the registry uses. */
export interface TokenClaims {
  subject: string;
  scopes: ReadonlySet<string>;
  /** Time of day in milliseconds since 1970. */
  expiresAt: number;
}

/** Checks what jose does not: the kind of the token, its lifetime, its audience in another claim. Throws UNAUTHENTICATED. */
export function readClaims(
  header: JWTHeaderParameters,
  payload: JWTPayload,
  provider: IdentityProvider,
): TokenClaims {
  requireAccessToken(header, payload, provider);
  if (provider.audienceClaim === 'client_id' && payload.client_id !== provider.audience)
    throw refuse('unexpected "client_id" claim value');
  const { exp = 0 } = payload;
  requireLifetime(payload, provider.maxLifetimeSeconds);
  return { subject: readSubject(payload.sub), scopes: readScopes(payload, provider), expiresAt: exp * 1_000 };
}

/** Claims that only ID tokens have (OpenID Connect Core, 2 and 3.3.2.11). */
const idTokenClaims = ['nonce', 'at_hash', 'c_hash', 's_hash'];

/**
 * An ID token tells a login page who the user is; whoever holds one may not act for the user. Providers mark it in
 * different ways: by claims of its own, by `token_use` (Cognito), by a claim `typ` (Keycloak).
 */
function requireAccessToken(
  header: JWTHeaderParameters,
  payload: JWTPayload,
  { types }: IdentityProvider,
): void {
  // Without `typ` a token counts as a JWT (RFC 7519, 5.1).
  const given: unknown = header.typ === undefined ? 'JWT' : header.typ;
  const type = typeof given === 'string' ? given.toLowerCase().replace(/^application\//, '') : '';
  if (!types.includes(type)) throw refuse('unexpected "typ" header value');
  const isMarked =
    idTokenClaims.some((claim) => payload[claim] !== undefined) ||
    (payload.token_use !== undefined && payload.token_use !== 'access') ||
    (payload.typ !== undefined && !/^(bearer|jwt|at\+jwt|dpop)$/i.test(String(payload.typ)));
  if (isMarked) throw refuse('it is an ID token or another token that is no access token');
}

function requireLifetime({ exp = 0, iat }: JWTPayload, maxSeconds: number): void {
  const now = Date.now() / 1_000;
  if (iat !== undefined && iat > now + clockToleranceSeconds)
    throw refuse('"iat" claim timestamp check failed (it is in the future)');
  if (exp - Math.min(iat ?? now, now) > maxSeconds)
    throw refuse(`it is valid for longer than ${maxSeconds} seconds`);
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

/** The scopes of all configured claims, each a list or a text with blanks, that tokens may carry. */
function readScopes(payload: JWTPayload, provider: IdentityProvider): Set<string> {
  const { scopeClaims, scopePrefix } = provider;
  const given = scopeClaims.flatMap((name) => {
    const claim: unknown = payload[name];
    if (typeof claim === 'string') return claim.split(' ');
    return Array.isArray(claim) ? claim.filter((one) => typeof one === 'string') : [];
  });
  const own = given
    .filter((text) => text.startsWith(scopePrefix))
    .map((text) => text.slice(scopePrefix.length));
  return new Set(own.filter((scope) => isScope(scope) && isAllowed(scope, provider.scopes)));
}

function isAllowed(scope: string, allowed: readonly string[] | undefined): boolean {
  if (!allowed) return true;
  return allowed.includes(scope) || (scope.startsWith('resolve:') && allowed.includes('resolve:*'));
}

function refuse(reason: string): RegistryError {
  return new RegistryError('UNAUTHENTICATED', `The token does not hold: ${reason}`);
}
