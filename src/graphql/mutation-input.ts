import type { InputFieldBuilder, SchemaTypes } from '@pothos/core';
import type { builder } from './builder.js';

type Fields = InputFieldBuilder<
  typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : SchemaTypes,
  'InputObject'
>;

/** For mutations that a client may repeat after a lost answer. */
export function idempotencyKeyField(t: Fields) {
  return t.string({
    description:
      'Any text chosen by the client, at most 200 characters. The same key with the same input within 24 hours is ' +
      'answered again without being done again; with another input it is refused as IDEMPOTENCY_KEY_REUSED.',
  });
}

/** For mutations on a row that somebody else may have changed meanwhile. */
export function expectedVersionField(t: Fields) {
  return t.int({
    description: 'The `version` the change was based on; another one is refused as VERSION_CONFLICT.',
  });
}

export function tenantIdField(t: Fields) {
  return t.id({ required: true, description: 'UUID or slug of the tenant.' });
}
