import type { InputFieldBuilder, SchemaTypes } from '@pothos/core';
import { builder } from './builder.js';

export type MutationInputFields = InputFieldBuilder<
  typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : SchemaTypes,
  'InputObject'
>;

/** For mutations that a client may repeat after a lost answer. */
export function idempotencyKeyField(t: MutationInputFields) {
  return t.string({
    description:
      'Any text chosen by the client, at most 200 characters. The same key with the same input within 24 hours is ' +
      'answered again without being done again, an operation that failed included; with another input it is refused as ' +
      'IDEMPOTENCY_KEY_REUSED.',
  });
}

const WaitFor = builder.enumType('WaitFor', {
  description:
    'Whom a mutation waits for before it is answered; never longer than the staleness bound D, 5 s by default.',
  values: {
    COMMITTED: { description: 'Nobody: the change is committed, caches follow within D.' },
    GATEWAYS: { description: 'Every gateway: none of them answers from before the change any more.' },
    EVERYWHERE: {
      description:
        'Every gateway, every client that holds a lease, and the guards in the service databases, which follow by the ' +
        'payload’s `operation`.',
    },
  } as const,
});

/** For mutations that change what resolution answers. */
export function waitField(t: MutationInputFields) {
  return t.field({
    type: WaitFor,
    description: 'Whom to wait for; default GATEWAYS, for suspendTenant EVERYWHERE.',
  });
}

/** For mutations on a row that somebody else may have changed meanwhile. */
export function expectedVersionField(t: MutationInputFields) {
  return t.int({
    description: 'The `version` the change was based on; another one is refused as VERSION_CONFLICT.',
  });
}

export function tenantIdField(t: MutationInputFields) {
  return t.id({ required: true, description: 'UUID or slug of the tenant.' });
}
