import {
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { schema } from '../../../src/graphql/schema.js';

/** A document that selects one field; generated from the schema, so that additions are tested as well. */
export interface Operation {
  kind: 'query' | 'mutation';
  /** "tenants" */
  field: string;
  /** The selected field of the result, such as "totalCount". */
  part: string;
  query: string;
}

/** Every query and mutation of the schema, once for each field of its result. */
export function everyOperation(): Operation[] {
  const roots = [
    { kind: 'query' as const, type: schema.getQueryType() },
    { kind: 'mutation' as const, type: schema.getMutationType() },
  ];
  return roots.flatMap(({ kind, type }) =>
    Object.values(type?.getFields() ?? {}).flatMap((field) =>
      partsOf(field).map(({ part, selection }) => ({
        kind,
        field: field.name,
        part,
        query: `${kind} { answer: ${field.name}${argumentsOf(field)} ${selection} }`,
      })),
    ),
  );
}

/** Rows for test.each, with titles such as "query tenants { totalCount }". */
export function withTitles(operations: readonly Operation[]): [string, Operation][] {
  return operations.map((operation) => [
    `${operation.kind} ${operation.field} { ${operation.part} }`,
    operation,
  ]);
}

function partsOf(field: GraphQLField<unknown, unknown>): { part: string; selection: string }[] {
  const type = getNamedType(field.type);
  if (!isCompositeType(type)) return [{ part: 'value', selection: '' }];
  const parts = [{ part: '__typename', selection: '{ __typename }' }];
  if (!isObjectType(type)) return parts;
  for (const { name, type: partType, args } of Object.values(type.getFields())) {
    if (args.some(isRequiredArgument)) continue;
    const inner = isCompositeType(getNamedType(partType)) ? ' { __typename }' : '';
    parts.push({ part: name, selection: `{ ${name}${inner} }` });
  }
  return parts;
}

function argumentsOf({ args }: GraphQLField<unknown, unknown>): string {
  const required = args.filter(isRequiredArgument).map(({ name, type }) => `${name}: ${literalFor(type)}`);
  return required.length === 0 ? '' : `(${required.join(', ')})`;
}

/** A value that is valid for GraphQL; the registry may still refuse it. */
function literalFor(type: GraphQLInputType): string {
  if (isNonNullType(type)) return literalFor(type.ofType);
  if (isListType(type)) return `[${literalFor(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(isRequiredInputField);
    return `{ ${fields.map(({ name, type: fieldType }) => `${name}: ${literalFor(fieldType)}`).join(', ')} }`;
  }
  const byScalar: Record<string, string> = {
    ID: '"00000000-0000-4000-8000-000000000000"',
    Float: '1.5',
    ModuleName: '"finance"',
    DateTime: '"2099-01-01T00:00:00Z"',
    Int: '1',
    Boolean: 'true',
  };
  return byScalar[type.name] ?? '"text"';
}
