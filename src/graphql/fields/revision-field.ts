import type { ObjectFieldBuilder, SchemaTypes } from '@pothos/core';
import type { builder } from '../builder.js';

type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : SchemaTypes;

/** The builder of a payload's fields. */
export type PayloadFields<Shape> = ObjectFieldBuilder<Types, Shape>;

export function revisionField<Shape extends { revision: string }>(t: PayloadFields<Shape>) {
  return t.field({
    type: 'Revision',
    description:
      'The registry’s revision that contains the change. Pass it as `minRevision` to get an answer at least that new.',
    resolve: ({ revision }) => revision,
  });
}
