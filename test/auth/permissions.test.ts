import { describe, expect, test } from 'vitest';
import { createSecret, hashSecret } from '../../src/auth/api-key.js';
import { type Caller, developer, gateway, operator } from '../../src/auth/caller.js';
import { authorize, holds, isScope, may, mayResolve, scopeList } from '../../src/auth/permissions.js';

const aCaller = (...scopes: string[]): Caller => ({
  kind: 'api-key',
  actor: 'api-key:test',
  scopes: new Set(scopes),
});

describe('a scope', () => {
  test.each([
    ...['resolve:*', 'resolve:finance', 'resolve:a', `resolve:${'x'.repeat(31)}`],
    ...[
      'registry:read',
      'registry:write',
      'provision',
      'audit:read',
      'keys:manage',
      'schema:read',
      'documents:any',
    ],
  ])('can be %s', (text) => {
    expect(isScope(text)).toBe(true);
  });

  test.each([
    '',
    '*',
    'resolve',
    'resolve:',
    'resolve:Finance',
    `resolve:${'x'.repeat(32)}`,
    'resolve:**',
    'registry',
    'registry:*',
    'provision ',
    'audit:write',
    'resolve:finance\n',
    'resolve:finance,provision',
  ])('cannot be %j', (text) => {
    expect(isScope(text)).toBe(false);
  });

  test('is in the list that refusals print', () => {
    for (const scope of ['registry:read', 'keys:manage', 'documents:any', 'resolve:<module>'])
      expect(scopeList).toContain(scope);
  });
});

describe('a caller', () => {
  test('with resolve:finance resolves finance and no other module', () => {
    const caller = aCaller('resolve:finance');
    const modules = ['finance', 'operations', 'finance_2', 'fin', '*', '', 'finance '];
    expect(modules.filter((module) => mayResolve(caller, module))).toEqual(['finance']);
  });

  test('with resolve:* may resolve every module and do nothing else', () => {
    const caller = aCaller('resolve:*');
    expect(mayResolve(caller, 'finance')).toBe(true);
    expect(may(caller, 'readRegistry')).toBe(false);
    expect(holds(caller, 'resolve:inventory')).toBe(true);
    expect(holds(caller, 'registry:read')).toBe(false);
  });

  test('with registry:write may not read without registry:read', () => {
    const caller = aCaller('registry:write');
    expect(may(caller, 'registerTenant')).toBe(true);
    expect(may(caller, 'readRegistry')).toBe(false);
    expect(may(caller, 'provisionTenant')).toBe(false);
  });

  test('without scopes may do nothing, and the refusal names the missing scope', () => {
    expect(mayResolve(aCaller(), 'finance')).toBe(false);
    expect(() => authorize(aCaller(), 'readAuditLog')).toThrow(
      expect.objectContaining({ code: 'FORBIDDEN', message: expect.stringContaining('audit:read') }),
    );
  });

  test.each([developer, gateway, operator('root')])(
    'inside the product may do everything: $actor',
    (caller) => {
      expect(may(caller, 'createApiKey')).toBe(true);
      expect(mayResolve(caller, 'anything')).toBe(true);
      expect(holds(caller, 'documents:any')).toBe(true);
    },
  );
});

describe('a secret', () => {
  test('has 256 random bits and a prefix that secret scanners find', () => {
    const secrets = Array.from({ length: 100 }, createSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) {
      expect(secret).toMatch(/^trk_[\w-]{43}$/);
      expect(Buffer.from(secret.slice(4), 'base64url')).toHaveLength(32);
    }
  });

  test('has a deterministic hash of 32 bytes that does not contain it', () => {
    const secret = createSecret();
    expect(hashSecret(secret)).toEqual(hashSecret(secret));
    expect(hashSecret(secret)).toHaveLength(32);
    expect(hashSecret(createSecret())).not.toEqual(hashSecret(secret));
  });
});
