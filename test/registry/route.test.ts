import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { RegistryError } from '../../src/errors.js';
import { decideRoute, type RouteFacts } from '../../src/registry/route.js';

const key = { reference: 'acme', module: 'finance' };
const read = { revision: { epoch: '0123456789abcdef', number: 42n }, leaseRemainingMs: 4_000 };

const resolvable: RouteFacts = {
  tenantId: '0198aaaa-0000-7000-8000-000000000000',
  tenantSlug: 'acme',
  tenantStatus: 'active',
  suspendedReason: null,
  moduleExists: true,
  subscriptionStatus: 'active',
  isolation: 'schema',
  databaseName: 'finance',
  schemaName: 'finance_acme',
  generation: 3,
};

function resolve(facts: Partial<RouteFacts> = {}, reference = key.reference) {
  return decideRoute({ ...key, reference }, { ...resolvable, ...facts }, read);
}

function decide(facts: Partial<RouteFacts>): string {
  const resolution = resolve(facts);
  return resolution instanceof RegistryError ? resolution.code : resolution.schemaName;
}

describe('a route', () => {
  test('exists for an active tenant with an active subscription', () => {
    expect(resolve()).toEqual({
      tenantId: resolvable.tenantId,
      tenantSlug: 'acme',
      module: 'finance',
      schemaName: 'finance_acme',
      searchPath: '"finance_acme"',
      databaseName: 'finance',
      isolation: 'SCHEMA',
      generation: 3,
      revision: '0123456789abcdef:42',
      leaseRemainingMs: 4_000,
    });
    expect(resolve({ isolation: 'database' })).toMatchObject({ isolation: 'DATABASE' });
  });

  test('quotes the schema name', () => {
    for (const schemaName of ['a"b', 'a,b', 'Ab', 'select', 'a b'])
      expect(resolve({ schemaName })).toMatchObject({
        searchPath: pg.escapeIdentifier(schemaName),
      });
  });

  test('is refused for a name that PostgreSQL would cut', () => {
    expect(() => decide({ schemaName: 'x'.repeat(64) })).toThrow(RangeError);
    expect(() => decide({ schemaName: 'ä'.repeat(32) })).toThrow(RangeError);
  });
});

/** The reasons for a refusal in the order of the contract: the first match counts. */
const tenantObstacles: [Partial<RouteFacts>, string][] = [
  [{ tenantId: null, tenantSlug: null, tenantStatus: null }, 'TENANT_NOT_FOUND'],
  [{ tenantStatus: 'purged' }, 'TENANT_NOT_FOUND'],
  [{ tenantStatus: 'deleted' }, 'TENANT_DELETED'],
  [{ tenantStatus: 'suspended' }, 'TENANT_SUSPENDED'],
  [{ tenantStatus: 'pending' }, 'TENANT_NOT_READY'],
  [{ tenantStatus: 'provisioning' }, 'TENANT_NOT_READY'],
  [{ tenantStatus: 'failed' }, 'TENANT_NOT_READY'],
  [{ tenantStatus: 'a status of the future' }, 'TENANT_NOT_READY'],
];
const noModule: [Partial<RouteFacts>, string] = [{ moduleExists: false }, 'MODULE_NOT_FOUND'];
const subscriptionObstacles: [Partial<RouteFacts>, string][] = [
  [
    { subscriptionStatus: null, isolation: null, databaseName: null, schemaName: null, generation: null },
    'MODULE_NOT_SUBSCRIBED',
  ],
  [{ subscriptionStatus: 'cancelled' }, 'MODULE_NOT_SUBSCRIBED'],
  [{ subscriptionStatus: 'deprovisioning' }, 'MODULE_NOT_SUBSCRIBED'],
  [{ subscriptionStatus: 'suspended' }, 'TENANT_SUSPENDED'],
  [{ subscriptionStatus: 'migrating' }, 'SCHEMA_MIGRATING'],
  [{ subscriptionStatus: 'pending' }, 'TENANT_NOT_READY'],
  [{ subscriptionStatus: 'provisioning' }, 'TENANT_NOT_READY'],
  [{ subscriptionStatus: 'failed' }, 'TENANT_NOT_READY'],
  [{ subscriptionStatus: 'a status of the future' }, 'TENANT_NOT_READY'],
];

describe('a refusal', () => {
  test.each([...tenantObstacles, noModule, ...subscriptionObstacles])('for %j is %s', (facts, code) => {
    expect(decide(facts)).toBe(code);
  });

  test('about the tenant comes before one about the module, and that before one about the subscription', () => {
    for (const [subscription, own] of subscriptionObstacles) {
      expect(decide({ ...subscription, ...noModule[0] })).toBe('MODULE_NOT_FOUND');
      for (const [tenant, code] of tenantObstacles) {
        expect(decide({ ...subscription, ...tenant })).toBe(code);
        expect(decide({ ...subscription, ...noModule[0], ...tenant })).toBe(code);
      }
      expect(decide(subscription)).toBe(own);
    }
  });

  test('is the result for an active subscription with an incomplete route', () => {
    for (const part of ['isolation', 'databaseName', 'schemaName', 'generation'] as const)
      expect(decide({ [part]: null })).toBe('TENANT_NOT_READY');
  });

  test('names the tenant as the caller gave it, the reason, and the module', () => {
    const messageOf = (facts: Partial<RouteFacts>, reference?: string) => {
      const resolution = resolve(facts, reference);
      return resolution instanceof RegistryError ? resolution.message : '';
    };
    expect(messageOf({ tenantId: null, tenantSlug: null, tenantStatus: null }, 'who')).toContain('"who"');
    expect(messageOf({ tenantStatus: 'suspended', suspendedReason: 'unpaid' })).toMatch(/acme.*unpaid/);
    expect(messageOf({ moduleExists: false })).toContain('"finance"');
    expect(messageOf({ subscriptionStatus: 'pending' })).toMatch(/finance.*acme.*pending/);
  });
});
