import { type GraphQLInputObjectType, getNamedType } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.js';

/** The options that a mutation takes, or why it does not take one. */
interface Options {
  wait: true | string;
  idempotencyKey: true | string;
  expectedVersion: true | string;
}

const changesARow: Options = { wait: true, idempotencyKey: true, expectedVersion: true };
const without = (why: string): Options => ({ ...changesARow, expectedVersion: why });

const makesARow = without('it makes a row');
const operation = without('operations have no version: their status decides what can be done');
const usage = without('usage has no version: amounts are added, whatever was recorded before');
const many = without('each of the tenants has a version of its own: expectedCount guards the selection');
const key = without('keys have no version: a revoked key stays revoked, and a rotation makes a new key');

const name = without(
  'external ids have no version: what is there is added, and what is removed is removed, without a change',
);

const table: Record<string, Options> = {
  registerTenant: makesARow,
  provisionTenant: makesARow,
  registerModule: makesARow,
  inviteTenantMember: makesARow,
  subscribeTenantToModule: makesARow,
  createApiKey: makesARow,
  acceptInvitation: without('its caller knows the token of the invitation and not the member'),

  updateTenant: changesARow,
  suspendTenant: changesARow,
  resumeTenant: changesARow,
  deleteTenant: changesARow,
  restoreTenant: changesARow,
  purgeTenant: changesARow,
  addTenantExternalId: name,
  removeTenantExternalId: name,
  updateTenantConfig: changesARow,
  updateTenantSettings: changesARow,
  updateTenantBranding: changesARow,
  updateTenantMember: changesARow,
  removeTenantMember: changesARow,
  revokeInvitation: changesARow,
  unsubscribeTenantFromModule: changesARow,
  suspendSubscription: changesARow,
  resumeSubscription: changesARow,
  provisionModule: changesARow,
  markModuleProvisioned: changesARow,
  updateModule: changesARow,
  retireModule: changesARow,
  removeModule: changesARow,

  updatePlanLimits: changesARow,

  suspendTenants: many,
  resumeTenants: many,
  subscribeTenants: many,
  updateTenants: many,

  recordUsage: usage,
  recordUsages: usage,

  retryOperation: operation,
  cancelOperation: operation,

  startRollout: makesARow,
  pauseRollout: changesARow,
  resumeRollout: changesARow,
  retryRollout: changesARow,
  skipTenantInRollout: changesARow,
  cancelRollout: changesARow,

  repairDrift: operation,
  rotateApiKey: key,
  revokeApiKey: key,
};

const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});

test('the table has every mutation', () => {
  expect(Object.keys(table).toSorted()).toEqual(mutations.map(({ name }) => name).toSorted());
});

test.each(mutations)('$name takes the options that the table says', ({ name, args }) => {
  const input = getNamedType(args[0]?.type) as GraphQLInputObjectType;
  const fields = Object.keys(input.getFields());
  const { wait, idempotencyKey, expectedVersion } = table[name] ?? changesARow;
  const taken = Object.entries({ wait, idempotencyKey, expectedVersion }).map(([option, takes]) => [
    option,
    takes === true,
  ]);
  const found = taken.map(([option]) => [option, fields.includes(String(option))]);
  expect(found).toEqual(taken);
});
