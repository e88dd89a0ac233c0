import type { InputFieldBuilder, SchemaTypes } from '@pothos/core';
import { builder } from '../builder.js';

export type MutationInputFields = InputFieldBuilder<
  typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : SchemaTypes,
  'InputObject'
>;

/** Input field of mutations that a client may repeat when it received no answer. */
export function idempotencyKeyField(t: MutationInputFields) {
  return t.string({
    description:
      'Text chosen by the client, at most 200 characters. Within 24 hours, the same key with the same ' +
      'input returns the first result, a failed operation included, without doing the work again; with a ' +
      'different input it is refused with IDEMPOTENCY_KEY_REUSED.',
  });
}

const WaitFor = builder.enumType('WaitFor', {
  description:
    'Point at which a mutation returns. A mutation never waits longer than the staleness bound, 5 seconds by default.',
  values: {
    COMMITTED: { description: 'The change is committed. Caches follow within the staleness bound.' },
    GATEWAYS: { description: 'No gateway serves the state before the change any more.' },
    EVERYWHERE: {
      description:
        'As GATEWAYS; in addition, no client with a lease uses the state before the change, and the guards ' +
        'in the service databases have been updated by the `operation` of the result.',
    },
  } as const,
});

const waiting =
  'Point at which the mutation returns. Default: GATEWAYS; for suspendTenant, suspendTenants and suspendSubscription EVERYWHERE, ' +
  'for createApiKey COMMITTED.';

/** Input field of mutations that change results of resolution. */
export function waitField(t: MutationInputFields, description = waiting) {
  return t.field({ type: WaitFor, description });
}

/** Input field of mutations that must not overwrite a concurrent change. */
export function expectedVersionField(t: MutationInputFields) {
  return t.int({
    description:
      'The `version` on which the change is based. When the current version is a different one, the ' +
      'mutation is refused with VERSION_CONFLICT.',
  });
}

export function tenantIdField(t: MutationInputFields) {
  return t.id({ required: true, description: 'UUID, slug or external id of the tenant.' });
}
