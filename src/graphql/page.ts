import type { FieldRef, SchemaTypes } from '@pothos/core';
import { type Action, authorize } from '../auth/permissions.js';
import { invalidField, type RegistryError } from '../errors.js';
import { type builder, defaultPageSize, maxPageSize } from './builder.js';
import type { GraphqlContext } from './context.js';

type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : SchemaTypes;

/**
 * Authorizes the caller before a connection is resolved. When a query selects only a count or `__typename`, Pothos does not
 * call the connection's resolver, so the check cannot be in there.
 */
export function authorized<Ref extends FieldRef<Types>>(action: Action, connection: Ref): Ref {
  connection.updateConfig(({ resolve, ...config }) => ({
    ...config,
    resolve: (root, args, context, info) => {
      // Pothos types field configurations for any context; this schema has one.
      authorize((context as GraphqlContext).caller, action);
      return resolve?.(root, args, context, info);
    },
  }));
  return connection;
}

export interface PageArguments {
  first?: number | null | undefined;
  last?: number | null | undefined;
  after?: string | null | undefined;
  before?: string | null | undefined;
}

/** Number of entries of the page, and whether they are the last ones. Throws VALIDATION_ERROR. */
export function readPageSize(page: PageArguments): { size: number; isFromEnd: boolean } {
  requireOneEnd(page);
  const { first, last, before } = page;
  for (const [name, size] of Object.entries({ first, last }))
    if (size != null && size < 0) throw invalidField(name, 'must not be negative');
  return {
    size: Math.min(first ?? last ?? defaultPageSize, maxPageSize),
    isFromEnd: last != null || (first == null && before != null),
  };
}

/** Throws VALIDATION_ERROR for `first` together with `last`; Pothos would ignore one of them. */
export function requireOneEnd({ first, last }: PageArguments): void {
  if (first != null && last != null) throw invalidField('last', 'must not be combined with first');
}

/** Error for a readable cursor that names no entry of this list, such as the cursor of another list. */
export function foreignCursor({ before }: PageArguments): RegistryError {
  return invalidField(before == null ? 'after' : 'before', 'must be a cursor of this list');
}

/** Options of the argument `first` of a list that is not a connection. */
export function firstOptions({ usual, max }: { usual: number; max: number }) {
  return {
    required: true,
    defaultValue: usual,
    description: `Number of entries from the start of the list, 0 to ${max}.`,
  } as const;
}

/** Throws VALIDATION_ERROR. */
export function requireFirst(first: number, max: number): number {
  if (first < 0 || first > max) throw invalidField('first', `must be a number from 0 to ${max}`);
  return first;
}
