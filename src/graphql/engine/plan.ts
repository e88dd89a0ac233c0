import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type GraphQLUnionType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type OperationDefinitionNode,
  TypeNameMetaFieldDef,
} from 'graphql';
import { planArguments, type ReadArguments } from './argument-plan.js';
import { collectFields } from './collect-fields.js';
import { planVariables, type ReadVariables } from './variable-plan.js';

/**
 * A query, prepared: everything that its execution would find out again each time and that depends on neither variables
 * nor data. The execution in execute-plan.ts follows graphql-js step by step.
 */
export interface QueryPlan {
  schema: GraphQLSchema;
  operation: OperationDefinitionNode;
  fragments: Record<string, FragmentDefinitionNode>;
  readVariables: ReadVariables;
  root: ObjectPlan;
}

export interface ObjectPlan {
  kind: 'object';
  type: GraphQLObjectType;
  /** In the order of the answer. */
  fields: readonly FieldPlan[];
}

export interface FieldPlan {
  /** Alias or name: the key of the answer. */
  key: string;
  definition: GraphQLField<unknown, unknown>;
  parentType: GraphQLObjectType;
  /** Several when the selection names the field more than once. */
  nodes: readonly FieldNode[];
  readArguments: ReadArguments;
  value: ValuePlan;
}

/** Turns a resolver's value into a part of the answer; one kind per kind of type. */
export type ValuePlan =
  | { kind: 'non-null'; inner: ValuePlan }
  | { kind: 'list'; item: ValuePlan; isItemNonNull: boolean }
  | { kind: 'leaf'; type: GraphQLLeafType }
  | { kind: 'union'; type: GraphQLUnionType; plans: ReadonlyMap<string, ObjectPlan> }
  | ObjectPlan;

/** Fragments used in many places multiply: beyond this many fields a document is executed as it stands. */
const maxFields = 2_000;

/**
 * Undefined for what graphql-js executes itself: mutations and subscriptions, questions about the schema, directives,
 * interfaces, and keys that a plain object does not take.
 */
export function planQuery(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): QueryPlan | undefined {
  const type = schema.getQueryType();
  if (operation.operation !== 'query' || !type || operation.directives?.length) return undefined;
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null);
  for (const definition of document.definitions)
    if (definition.kind === 'FragmentDefinition') fragments[definition.name.value] = definition;
  const planner = { schema, fragments, fieldsLeft: maxFields };
  const root = planObject(planner, type, [operation]);
  const readVariables = planVariables(schema, operation);
  return root && { schema, operation, fragments, readVariables, root };
}

interface Planner {
  schema: GraphQLSchema;
  fragments: Record<string, FragmentDefinitionNode>;
  fieldsLeft: number;
}

function planObject(
  planner: Planner,
  type: GraphQLObjectType,
  parents: readonly (FieldNode | OperationDefinitionNode)[],
): ObjectPlan | undefined {
  // A check of each value against its type belongs to abstract types that have no better way.
  if (type.isTypeOf) return undefined;
  const collected = collectFields(planner, type, parents);
  if (!collected) return undefined;
  const fields: FieldPlan[] = [];
  for (const [key, nodes] of collected) {
    const field = key === '__proto__' ? undefined : planField(planner, type, { key, nodes });
    if (!field) return undefined;
    fields.push(field);
  }
  return { kind: 'object', type, fields };
}

function planField(
  planner: Planner,
  parentType: GraphQLObjectType,
  { key, nodes }: { key: string; nodes: readonly FieldNode[] },
): FieldPlan | undefined {
  planner.fieldsLeft--;
  const [node] = nodes;
  if (!node || planner.fieldsLeft < 0) return undefined;
  const name = node.name.value;
  const definition = name === '__typename' ? TypeNameMetaFieldDef : parentType.getFields()[name];
  // __schema and __type.
  if (!definition) return undefined;
  const value = planValue(planner, definition.type, nodes);
  return (
    value && { key, definition, parentType, nodes, readArguments: planArguments(definition, node), value }
  );
}

function planValue(
  planner: Planner,
  type: GraphQLOutputType,
  nodes: readonly FieldNode[],
): ValuePlan | undefined {
  if (isNonNullType(type)) {
    const inner = planValue(planner, type.ofType, nodes);
    return inner && { kind: 'non-null', inner };
  }
  if (isListType(type)) {
    const item = planValue(planner, type.ofType, nodes);
    return item && { kind: 'list', item, isItemNonNull: isNonNullType(type.ofType) };
  }
  if (isLeafType(type)) return { kind: 'leaf', type };
  if (isObjectType(type)) return planObject(planner, type, nodes);
  if (isInterfaceType(type) || !type.resolveType) return undefined;
  const plans = new Map<string, ObjectPlan>();
  for (const member of type.getTypes()) {
    const plan = planObject(planner, member, nodes);
    if (!plan) return undefined;
    plans.set(member.name, plan);
  }
  return { kind: 'union', type, plans };
}
