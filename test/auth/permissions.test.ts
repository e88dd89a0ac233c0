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
  ])('is %s', (text) => {
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
  ])('is not %j', (text) => {
    expect(isScope(text)).toBe(false);
  });

  test('can be read about in every refusal: all of them are in the list', () => {
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

  test('with resolve:* resolves every module and may do nothing else', () => {
    const caller = aCaller('resolve:*');
    expect(mayResolve(caller, 'finance')).toBe(true);
    expect(may(caller, 'readRegistry')).toBe(false);
    expect(holds(caller, 'resolve:inventory')).toBe(true);
    expect(holds(caller, 'registry:read')).toBe(false);
  });

  test('who may write may not read for that', () => {
    const caller = aCaller('registry:write');
    expect(may(caller, 'registerTenant')).toBe(true);
    expect(may(caller, 'readRegistry')).toBe(false);
    expect(may(caller, 'provisionTenant')).toBe(false);
  });

  test('without scopes may do nothing, and is told what is missing', () => {
    expect(mayResolve(aCaller(), 'finance')).toBe(false);
    expect(() => authorize(aCaller(), 'readAuditLog')).toThrow(
      expect.objectContaining({ code: 'FORBIDDEN', message: expect.stringContaining('audit:read') }),
    );
  });

  test.each([developer, gateway, operator('root')])('of the house may do everything: $actor', (caller) => {
    expect(may(caller, 'createApiKey')).toBe(true);
    expect(mayResolve(caller, 'anything')).toBe(true);
    expect(holds(caller, 'documents:any')).toBe(true);
  });
});

describe('a secret', () => {
  test('has 256 random bits and a mark by which scanners know it', () => {
    const secrets = Array.from({ length: 100 }, createSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) {
      expect(secret).toMatch(/^trk_[\w-]{43}$/);
      expect(Buffer.from(secret.slice(4), 'base64url')).toHaveLength(32);
    }
  });

  test('becomes the same 32 bytes each time, which do not lead back', () => {
    const secret = createSecret();
    expect(hashSecret(secret)).toEqual(hashSecret(secret));
    expect(hashSecret(secret)).toHaveLength(32);
    expect(hashSecret(createSecret())).not.toEqual(hashSecret(secret));
  });
});
