import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isIntrospectionType,
  isListType,
  isObjectType,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  type ValueNode,
} from 'graphql';
import {
  defaultPageSize,
  fieldCosts,
  introspectionCost,
  introspectionSizes,
  leafCosts,
  listArguments,
  listSizes,
  maxPageSize,
  unknownListSize,
  workArguments,
} from './list-sizes.js';

type Variables = Readonly<Record<string, unknown>>;

/** A number of entries: known with the document, or read from the variables of a request. */
type Size = number | ((variables: Variables) => number);

/** An estimate of the objects that an operation reads: a sum, and products with sizes that depend on variables. */
export interface CostEstimate {
  fixed: number;
  products: readonly { size: (variables: Variables) => number; of: CostEstimate }[];
}

const workLists = new Set(Object.values(workArguments).map(({ list }) => list));

const nothing: CostEstimate = { fixed: 0, products: [] };

/** The estimate for the variables of one request. */
export function costOf({ fixed, products }: CostEstimate, variables: Variables): number {
  let cost = fixed;
  for (const { size, of } of products) cost += size(variables) * costOf(of, variables);
  return cost;
}

/**
 * Estimates a validated document: one for each object, times the lengths of the lists around it, and the work of fields
 * that cost more than their objects. `first`, `last` and `keys` count as they are given, other lists by list-sizes.ts. Both sides of @skip and @include count.
 */
export function estimateCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): CostEstimate {
  const root = schema.getRootType(operation.operation);
  if (!root) return nothing;
  return new Estimator(schema, document, operation).ofSelections(root, [operation.selectionSet], undefined);
}

class Estimator {
  readonly #schema: GraphQLSchema;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  /** Default values of variables that are plain numbers. */
  readonly #defaults = new Map<string, number>();

  constructor(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) {
    this.#schema = schema;
    for (const definition of document.definitions)
      if (definition.kind === 'FragmentDefinition') this.#fragments.set(definition.name.value, definition);
    for (const { variable, defaultValue } of operation.variableDefinitions ?? [])
      if (defaultValue?.kind === 'IntValue')
        this.#defaults.set(variable.name.value, Number(defaultValue.value));
  }

  /** `page` is the length of the page when the type is a connection. */
  ofSelections(type: GraphQLObjectType, sets: readonly SelectionSetNode[], page: Size | undefined) {
    const fields = new Map<string, FieldNode[]>();
    const visited = new Set<string>();
    for (const set of sets) this.#collect(type, set, fields, visited);
    return sum([...fields.values()].map((nodes) => this.#ofField(type, nodes, page)));
  }

  #ofField(parent: GraphQLObjectType, nodes: readonly FieldNode[], page: Size | undefined): CostEstimate {
    const [node] = nodes as [FieldNode];
    const definition = fieldOf(parent, node.name.value);
    const type = definition && getNamedType(definition.type);
    if (!type || !isCompositeType(type)) return { ...nothing, fixed: leafCosts[node.name.value] ?? 0 };
    const weight = isIntrospectionType(type) ? introspectionCost : 1;
    const size = this.#sizeOf(parent, definition, node, page);
    const isList = isListType(getNullableType(definition.type));
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const below = this.#possibleTypes(type).map((one) =>
      this.ofSelections(one, sets, isList ? undefined : size),
    );
    const one = sum([{ ...nothing, fixed: weight }, largest(below)]);
    const coordinate = `${parent.name}.${definition.name}`;
    const own = { ...nothing, fixed: fieldCosts[coordinate] ?? 0 };
    const work = workArguments[coordinate] ? times(size, { ...nothing, fixed: 1 }) : nothing;
    return sum([own, work, isList ? times(size, one) : one]);
  }

  #possibleTypes(type: GraphQLOutputType): readonly GraphQLObjectType[] {
    if (isAbstractType(type)) return this.#schema.getPossibleTypes(type);
    return isObjectType(type) ? [type] : [];
  }

  #sizeOf(
    parent: GraphQLObjectType,
    definition: GraphQLField<unknown, unknown>,
    node: FieldNode,
    page: Size | undefined,
  ): Size {
    const coordinate = `${parent.name}.${definition.name}`;
    if (page !== undefined && (definition.name === 'edges' || workLists.has(coordinate))) return page;
    const byArgument = listArguments[coordinate] ?? workArguments[coordinate];
    const argument = (name: string) => node.arguments?.find((one) => one.name.value === name)?.value;
    if (byArgument) {
      const [name, ...within] = byArgument.argument;
      return this.#lengthOf(argument(name), within, byArgument.max);
    }
    const length = definition.args.find(({ name }) => name === 'first' || name === 'last');
    if (length) {
      const usual = typeof length.defaultValue === 'number' ? length.defaultValue : defaultPageSize;
      const given = ['first', 'last'].map((name) => argument(name)).filter((value) => value !== undefined);
      return given.length === 0 ? usual : largestSize(given.map((value) => this.#numberOf(value, usual)));
    }
    const known = isIntrospectionType(parent) ? introspectionSizes[definition.name] : listSizes[coordinate];
    return known ?? unknownListSize;
  }

  #numberOf(value: ValueNode, usual: number): Size {
    const bounded = (count: unknown) =>
      typeof count === 'number' && count >= 0 ? Math.min(count, maxPageSize) : usual;
    if (value.kind === 'IntValue') return bounded(Number(value.value));
    if (value.kind !== 'Variable') return usual;
    const name = value.name.value;
    const byDefault = this.#defaults.get(name);
    return (variables) => bounded(Object.hasOwn(variables, name) ? variables[name] : byDefault);
  }

  /** `within` are the names of fields on the way from the value to the list. */
  #lengthOf(value: ValueNode | undefined, within: readonly string[], max: number): Size {
    const [field, ...below] = within;
    if (value?.kind === 'ObjectValue' && field !== undefined)
      return this.#lengthOf(value.fields.find((one) => one.name.value === field)?.value, below, max);
    if (value?.kind === 'ListValue') return Math.min(value.values.length, max);
    if (value?.kind !== 'Variable') return 1;
    const path = [value.name.value, ...within];
    return (variables) => {
      const list = path.reduce<unknown>(readField, variables);
      // A single value counts as a list of one. A list in the default of a variable is at most as long as the document.
      return Array.isArray(list) ? Math.min(list.length, max) : list === undefined ? max : 1;
    };
  }

  #collect(
    type: GraphQLObjectType,
    { selections }: SelectionSetNode,
    fields: Map<string, FieldNode[]>,
    visited: Set<string>,
  ): void {
    for (const selection of selections) {
      if (selection.kind === 'Field') {
        const key = (selection.alias ?? selection.name).value;
        const nodes = fields.get(key);
        if (nodes) nodes.push(selection);
        else fields.set(key, [selection]);
        continue;
      }
      const fragment =
        selection.kind === 'InlineFragment' ? selection : this.#enter(selection.name.value, visited);
      if (fragment && this.#applies(fragment.typeCondition?.name.value, type))
        this.#collect(type, fragment.selectionSet, fields, visited);
    }
  }

  #enter(name: string, visited: Set<string>): FragmentDefinitionNode | undefined {
    if (visited.has(name)) return undefined;
    visited.add(name);
    return this.#fragments.get(name);
  }

  #applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const named = this.#schema.getType(condition);
    return isAbstractType(named) && this.#schema.isSubType(named, type);
  }
}

function readField(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function fieldOf(parent: GraphQLObjectType, name: string): GraphQLField<unknown, unknown> | undefined {
  if (name === '__schema') return SchemaMetaFieldDef;
  if (name === '__type') return TypeMetaFieldDef;
  return parent.getFields()[name];
}

function sum(estimates: readonly CostEstimate[]): CostEstimate {
  return {
    fixed: estimates.reduce((total, { fixed }) => total + fixed, 0),
    products: estimates.flatMap(({ products }) => products),
  };
}

function times(size: Size, of: CostEstimate): CostEstimate {
  if (typeof size === 'function') return { fixed: 0, products: [{ size, of }] };
  return {
    fixed: size * of.fixed,
    products: of.products.map((product) => ({
      size: (variables) => size * product.size(variables),
      of: product.of,
    })),
  };
}

/** Of the types of a union an object is only one; the sum would be too much. */
function largest(estimates: readonly CostEstimate[]): CostEstimate {
  const [first = nothing, ...others] = estimates;
  if (others.length === 0) return first;
  if (estimates.every(({ products }) => products.length === 0))
    return { ...nothing, fixed: Math.max(...estimates.map(({ fixed }) => fixed)) };
  return sum(estimates);
}

function largestSize(sizes: readonly Size[]): Size {
  const [only] = sizes;
  if (only !== undefined && sizes.length === 1) return only;
  return (variables) => Math.max(...sizes.map((size) => (typeof size === 'number' ? size : size(variables))));
}
