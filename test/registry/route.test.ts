import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { openMemoryTier } from '../../src/cache/memory-tier.js';
import { RegistryError } from '../../src/errors.js';
import { createRouteHolder, type HeldRoute, routeName } from '../../src/registry/resolution/held-route.js';
import { decideRoute, type RouteFacts } from '../../src/registry/resolution/route.js';

const key = { reference: 'acme', module: 'finance' };
const read = { revision: { epoch: '0123456789abcdef', number: 42n }, leaseRemainingMs: 4_000 };

const resolvable: RouteFacts = {
  tenantId: '0198aaaa-0000-7000-8000-000000000000',
  tenantSlug: 'acme',
  externalId: null,
  tenantStatus: 'active',
  suspendedReason: null,
  moduleExists: true,
  subscriptionStatus: 'active',
  isolation: 'schema',
  databaseName: 'finance',
  schemaName: 'finance_acme',
  generation: 3,
  migrationVersion: 'finance/0002_invoice_numbering.sql',
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
      externalId: null,
      module: 'finance',
      schemaName: 'finance_acme',
      searchPath: '"finance_acme"',
      databaseName: 'finance',
      isolation: 'SCHEMA',
      generation: 3,
      migrationVersion: 'finance/0002_invoice_numbering.sql',
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

describe('a route that memory holds', () => {
  /** All of them in one tier, where what they have in common is shared. */
  const held = (all: readonly { reference: string; facts: RouteFacts }[]): HeldRoute[] => {
    const tier = openMemoryTier<RouteFacts>({
      maxEntries: all.length,
      ttlMs: 60_000,
      hold: createRouteHolder(),
    });
    const nameOf = (reference: string) => routeName({ ...key, reference });
    const { epoch, number: asOf } = read.revision;
    tier.set(
      all.map(({ reference, facts: value }) => ({
        ...{ key: nameOf(reference), epoch, asOf, readAt: 1_700_000_000_000, value },
      })),
    );
    return all.map(({ reference }) => tier.peek?.(nameOf(reference)) as HeldRoute);
  };
  const fieldsOf = (route: object, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, (route as Record<string, unknown>)[name]]));

  const parts: Partial<RouteFacts>[] = [
    {},
    { isolation: 'database', databaseName: 'finance_tenant_acme', schemaName: 'public' },
    { schemaName: 'a"b', generation: 4 },
    { schemaName: '' },
    { tenantSlug: null },
    ...(['isolation', 'databaseName', 'schemaName', 'generation'] as const).map((part) => ({ [part]: null })),
    { tenantStatus: 'suspended', suspendedReason: 'unpaid' },
    ...[...tenantObstacles, noModule, ...subscriptionObstacles].map(([obstacle]) => obstacle),
  ];
  const all = parts.flatMap((part, at) => {
    const id = `0198aaaa-0000-7000-8000-${String(at).padStart(12, '0')}`;
    const facts = { ...resolvable, tenantId: id, tenantSlug: `acme-${at}`, ...part };
    const externalId = facts.tenantId && `tn_${at}`;
    // Some tenants are asked for by id, by slug and by an external id, some are not there at all.
    return [
      ...[id, `acme-${at}`].map((reference) => ({ reference, facts })),
      { reference: `tn_${at}`, facts: { ...facts, externalId } },
    ];
  });

  test('has the facts that were loaded, whatever other routes have', () => {
    for (const [at, route] of held(all).entries()) {
      const { facts, reference } = all[at] as (typeof all)[number];
      expect(fieldsOf(route.value, Object.keys(facts))).toEqual(facts);
      expect(fieldsOf(route, ['key', 'epoch', 'asOf', 'readAt', 'tier'])).toEqual({
        ...{ key: `${reference}/finance`, epoch: read.revision.epoch, asOf: 42n },
        ...{ readAt: 1_700_000_000_000, tier: 'memory' },
      });
    }
  });

  test('is decided as if it were not held', () => {
    for (const [at, route] of held(all).entries()) {
      const { facts, reference } = all[at] as (typeof all)[number];
      const decided = decideRoute({ ...key, reference }, facts, read);
      const answered = route.route(read.leaseRemainingMs);
      if (decided instanceof RegistryError) expect(answered).toBeUndefined();
      else expect(answered && fieldsOf(answered, Object.keys(decided))).toEqual(decided);
    }
  });

  test('has its own revision and time after it was loaded again', () => {
    const tier = openMemoryTier<RouteFacts>({ maxEntries: 10, ttlMs: 60_000, hold: createRouteHolder() });
    const entry = { key: 'acme/finance', epoch: 'first', asOf: 1n, readAt: 5_000, value: resolvable };
    const look = () => {
      const route = tier.peek?.('acme/finance') as HeldRoute;
      return [route.route(0)?.revision, route.readAt];
    };
    tier.set([entry, { ...entry, key: 'other/finance', readAt: 7_000 }]);
    expect(look()).toEqual(['first:1', 5_000]);
    tier.set([{ ...entry, readAt: 9_000 }]);
    expect(look()).toEqual(['first:1', 9_000]);
    tier.set([{ ...entry, asOf: 2n, readAt: 9_500 }]);
    expect(look()).toEqual(['first:2', 9_500]);
    tier.set([{ ...entry, epoch: 'second', asOf: 1n, readAt: 2 ** 43 }]);
    expect(look()).toEqual(['second:1', 2 ** 43]);
  });
});
