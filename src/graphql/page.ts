import type { FieldRef, SchemaTypes } from '@pothos/core';
import { type Action, authorize } from '../auth/permissions.js';
import { invalidField, type RegistryError } from '../errors.js';
import type { builder } from './builder.js';
import type { GraphqlContext } from './context.js';

type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : SchemaTypes;

/**
 * Checks who may ask in front of a connection: asked for a count or `__typename` alone, Pothos answers without calling
 * the resolver.
 */
export function authorized<Ref extends FieldRef<Types>>(action: Action, connection: Ref): Ref {
  connection.updateConfig(({ resolve, ...config }) => ({
    ...config,
    resolve: (root, args, context, info) => {
      // Pothos types configurations for any context; ours is the only one.
      authorize((context as GraphqlContext).caller, action);
      return resolve?.(root, args, context, info);
    },
  }));
  return connection;
}

interface PageArguments {
  first?: number | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}

/** Given both ends, Pothos would quietly answer with one of them. */
export function requireOneEnd({ first, last }: PageArguments): void {
  if (first != null && last != null) throw invalidField('last', 'must not come together with first');
}

/** For a cursor that can be read but names no entry of this list: one of another list, or made up. */
export function foreignCursor({ before }: PageArguments): RegistryError {
  return invalidField(before == null ? 'after' : 'before', 'is no cursor of this list');
}
