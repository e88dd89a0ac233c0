import type { FieldRef, SchemaTypes } from '@pothos/core';
import type { Caller } from '../../auth/caller.js';
import { type Action, authorize, authorizeInTenant } from '../../auth/permissions.js';
import { invalidField, type RegistryError } from '../../errors.js';
import { type builder, defaultPageSize, maxPageSize } from '../builder.js';
import type { GraphqlContext } from '../context.js';

type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : SchemaTypes;

/**
 * Authorizes the caller before a connection is resolved. When a query selects only a count or `__typename`, Pothos does not
 * call the connection's resolver, so the check cannot be in there.
 */
export function authorized<Ref extends FieldRef<Types>>(action: Action, connection: Ref): Ref {
  return checked(connection, (caller) => authorize(caller, action));
}

/**
 * The tenant of a row. Payloads of mutations also show rows to callers who may change a tenant and not read it: these get
 * FORBIDDEN. The row must have `tenantId`.
 */
export function tenantOfRow<Ref extends FieldRef<Types>>(relation: Ref): Ref {
  return checked(relation, (caller, row) =>
    authorizeInTenant(caller, 'readTenant', (row as { tenantId: string | null }).tenantId ?? undefined),
  );
}

function checked<Ref extends FieldRef<Types>>(
  field: Ref,
  check: (caller: Caller, row: unknown) => void,
): Ref {
  field.updateConfig(({ resolve, ...config }) => ({
    ...config,
    resolve: (root, args, context, info) => {
      // Pothos types field configurations for any context; this schema has one.
      check((context as GraphqlContext).caller, root);
      return resolve?.(root, args, context, info);
    },
  }));
  return field;
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

/** Options of the arguments of a connection that is read from its start. */
export const forward = {
  first: {
    description: `Number of entries from the start of the list, at most ${maxPageSize}. Default: ${defaultPageSize}.`,
  },
  after: { description: 'Only entries after this cursor. Default: from the first.' },
} as const;

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
  return requireSize('first', first, max);
}

/** Throws VALIDATION_ERROR that names the argument. */
export function requireSize(name: 'first' | 'last', size: number, max: number): number {
  if (size < 0 || size > max) throw invalidField(name, `must be a number from 0 to ${max}`);
  return size;
}
