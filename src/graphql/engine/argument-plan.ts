import {
  type FieldNode,
  type GraphQLField,
  getArgumentValues,
  isLeafType,
  isNonNullType,
  type ValueNode,
} from 'graphql';

type Values = Record<string, unknown>;

/** The arguments of a field, given the values of the variables. A new object each time: it belongs to the resolver. */
export type ReadArguments = (variables: Values) => Values;

/**
 * Arguments that are plain values or whole variables are read without a look at the document. For all others, and
 * where a variable is missing or null, graphql-js decides each time.
 */
export function planArguments(definition: GraphQLField<unknown, unknown>, node: FieldNode): ReadArguments {
  const given = new Map(node.arguments?.map(({ name, value }) => [name.value, value]));
  if (definition.args.length === 0) return () => ({});
  const slow: ReadArguments = (variables) => getArgumentValues(definition, node, variables);
  const isPlain = definition.args.every(({ name, type }) => {
    const value = given.get(name);
    if (!value || value.kind === 'Variable') return true;
    return isLeafType(isNonNullType(type) ? type.ofType : type) && isConstant(value);
  });
  if (!isPlain) return slow;

  const variableByArgument = [...given].flatMap(([name, value]) =>
    value.kind === 'Variable' ? [[name, value.name.value] as const] : [],
  );
  const constants = readConstants(definition, node);
  if (!constants) return slow;
  if (variableByArgument.length === 0) return () => ({ ...constants });
  // A variable named "constructor" is not given by that of every object.
  if (variableByArgument.some(([, variable]) => variable in Object.prototype)) return slow;
  // Has the place of every argument: adding them to each copy took 2 % of a request.
  const names = definition.args.map(({ name }) => name);
  const isGiven = (name: string) => given.get(name)?.kind === 'Variable' || Object.hasOwn(constants, name);
  const form = Object.fromEntries(names.filter(isGiven).map((name) => [name, constants[name]]));
  return (variables) => {
    const values = { ...form };
    for (const [argument, variable] of variableByArgument) {
      const value = variables[variable];
      if (value === undefined || value === null) return slow(variables);
      values[argument] = value;
    }
    return values;
  };
}

function isConstant({ kind }: ValueNode): boolean {
  return kind !== 'ListValue' && kind !== 'ObjectValue' && kind !== 'Variable';
}

/**
 * Also the defaults of arguments that are left out. Undefined when a value is an object, which a resolver could change for
 * all later requests, or is refused, which each request is told anew.
 */
function readConstants(definition: GraphQLField<unknown, unknown>, node: FieldNode): Values | undefined {
  const constant = (node.arguments ?? []).filter(({ value }) => value.kind !== 'Variable');
  const isGivenByVariable = new Set(
    node.arguments?.filter((argument) => !constant.includes(argument)).map(({ name }) => name.value),
  );
  const args = definition.args.filter(({ name }) => !isGivenByVariable.has(name));
  try {
    const values = getArgumentValues({ ...definition, args }, { ...node, arguments: constant });
    const isShareable = Object.values(values).every((value) => typeof value !== 'object' || value === null);
    return isShareable ? values : undefined;
  } catch {
    return undefined;
  }
}
