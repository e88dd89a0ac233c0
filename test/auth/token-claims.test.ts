import { describe, expect, test } from 'vitest';
import { readClaims } from '../../src/auth/token-claims.js';
import type { IdentityProvider } from '../../src/config.js';

const provider: IdentityProvider = {
  issuer: 'https://login.example',
  audience: 'tenant-registry',
  audienceClaim: 'aud',
  jwksUrl: undefined,
  types: ['jwt', 'at+jwt'],
  maxLifetimeSeconds: 3_600,
  scopes: undefined,
  scopeClaims: ['scope'],
  scopePrefix: '',
};
const now = () => Math.floor(Date.now() / 1_000);

function read(claims: object, rules: Partial<IdentityProvider> = {}, typ: unknown = 'JWT') {
  const payload = { sub: 'service', iat: now(), exp: now() + 300, ...claims };
  return readClaims({ alg: 'ES256', typ: typ as string }, payload, { ...provider, ...rules });
}
const scopesOf = (claims: object, rules?: Partial<IdentityProvider>) =>
  [...read(claims, rules).scopes].toSorted();

describe('the scopes of a token', () => {
  test.each<[string, object, Partial<IdentityProvider>, string[]]>([
    ['a text', { scope: 'registry:read provision' }, {}, ['provision', 'registry:read']],
    ['a list', { scope: ['registry:read', 'provision'] }, {}, ['provision', 'registry:read']],
    ['scp as a list (Okta)', { scp: ['registry:read'] }, { scopeClaims: ['scp'] }, ['registry:read']],
    ['scp as a text (Entra)', { scp: 'registry:read' }, { scopeClaims: ['scp'] }, ['registry:read']],
    ['permissions (Auth0)', { permissions: ['provision'] }, { scopeClaims: ['permissions'] }, ['provision']],
    [
      'several claims together',
      { scope: 'registry:read', roles: ['provision'] },
      { scopeClaims: ['scope', 'roles'] },
      ['provision', 'registry:read'],
    ],
    [
      'a prefix (Cognito)',
      { scope: 'registry/registry:read openid other/provision provision' },
      { scopePrefix: 'registry/' },
      ['registry:read'],
    ],
    [
      'an allow-list',
      { scope: 'registry:read keys:manage' },
      { scopes: ['registry:read'] },
      ['registry:read'],
    ],
    [
      'an allow-list with resolve:*',
      { scope: 'resolve:finance resolve:* keys:manage' },
      { scopes: ['resolve:*'] },
      ['resolve:*', 'resolve:finance'],
    ],
    [
      'an allow-list with one module',
      { scope: 'resolve:finance resolve:*' },
      { scopes: ['resolve:finance'] },
      ['resolve:finance'],
    ],
    ['a claim that is not configured', { scp: 'provision', roles: ['provision'] }, {}, []],
    [
      'values of other types',
      { scope: ['registry:read', 7, null, ['provision'], { a: 1 }] },
      {},
      ['registry:read'],
    ],
    ['an object', { scope: { 'registry:read': true } }, {}, []],
    ['the scope of the developer', { scope: '* resolve: admin' }, {}, []],
  ])('are read from %s', (_what, claims, rules, scopes) => {
    expect(scopesOf(claims, rules)).toEqual(scopes);
  });
});

describe('a token', () => {
  const unauthenticated = expect.objectContaining({ code: 'UNAUTHENTICATED' });

  test.each(['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', undefined])(
    'of type %s is accepted',
    (typ) => {
      expect(read({}, {}, typ).subject).toBe('service');
    },
  );

  test.each(['id+jwt', 'JWS', '', 7, null, ['JWT']])('of type %j is refused', (typ) => {
    expect(() => read({}, {}, typ)).toThrow(unauthenticated);
  });

  test('of type JWT, or of none, is refused where only at+jwt is accepted', () => {
    const strict = { types: ['at+jwt'] };
    expect(read({}, strict, 'at+jwt').subject).toBe('service');
    for (const typ of ['JWT', undefined]) expect(() => read({}, strict, typ)).toThrow(unauthenticated);
  });

  test('of Cognito is accepted by its client_id, and its ID token is not', () => {
    const rules = { audienceClaim: 'client_id' as const };
    expect(read({ client_id: 'tenant-registry', token_use: 'access' }, rules, undefined).subject).toBe(
      'service',
    );
    for (const claims of [
      { client_id: 'another', token_use: 'access' },
      { aud: 'tenant-registry', token_use: 'id' },
      { client_id: 'tenant-registry', token_use: 'id' },
      { aud: 'tenant-registry' },
    ])
      expect(() => read(claims, rules, undefined)).toThrow(unauthenticated);
  });

  test('is accepted up to the longest lifetime and refused beyond it', () => {
    expect(read({ exp: now() + 3_600 }).expiresAt).toBe((now() + 3_600) * 1_000);
    for (const claims of [
      { exp: now() + 3_602 },
      { iat: undefined, exp: now() + 3_602 },
      { iat: now() - 3_500, exp: now() + 200 },
    ])
      expect(() => read(claims)).toThrow(unauthenticated);
  });

  test('of Keycloak is accepted as Bearer', () => {
    expect(read({ typ: 'Bearer' }).subject).toBe('service');
    for (const typ of ['ID', 'Refresh', 'Logout']) expect(() => read({ typ })).toThrow(unauthenticated);
  });
});
