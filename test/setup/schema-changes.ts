import { CriticalityLevel, DiffRule, diff } from '@graphql-inspector/core';
import { type GraphQLSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';

export const wayOut =
  'Keep the element, add the new one beside it, and deprecate the old one with a reason that ends in "Removed after ' +
  '<yyyy-mm-dd>."; a deprecated element may be removed. "npm run codegen -- --accept-breaking" records a breaking change ' +
  'that cannot be avoided; it belongs into CHANGELOG.md.';

/**
 * Changes that break documents or variables that clients send today. A removed type is none by itself: what refers to it is.
 */
export async function findBreakingChanges(before: GraphQLSchema, after: GraphQLSchema): Promise<string[]> {
  const changes = await diff(before, after, [DiffRule.suppressRemovalOfDeprecatedField]);
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ message }) => message);
}

/** Deprecated elements whose reason does not say until when they stay. */
export function findDeprecatedWithoutDate(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    const elements = isEnumType(type)
      ? type.getValues()
      : isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
        ? Object.values(type.getFields()).flatMap((field) => [field, ...('args' in field ? field.args : [])])
        : [];
    return elements
      .filter(
        ({ deprecationReason: reason }) =>
          reason != null && !/\bRemoved after \d{4}-\d\d-\d\d\.$/.test(reason),
      )
      .map(({ name }) => `${type.name}.${name}`);
  });
}
