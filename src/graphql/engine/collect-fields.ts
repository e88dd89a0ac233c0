import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

interface Selected {
  schema: GraphQLSchema;
  fragments: Record<string, FragmentDefinitionNode>;
}

/**
 * The fields that a type answers for these selections, by their key in the answer, fragments included (CollectFields in
 * the specification). Undefined when a directive decides about it, which depends on variables.
 */
export function collectFields(
  selected: Selected,
  type: GraphQLObjectType,
  parents: readonly (FieldNode | OperationDefinitionNode)[],
): Map<string, FieldNode[]> | undefined {
  const found = new Map<string, FieldNode[]>();
  const visited = new Set<string>();
  for (const { selectionSet } of parents)
    if (selectionSet && !collect(selected, type, selectionSet, { found, visited })) return undefined;
  return found;
}

function collect(
  selected: Selected,
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  result: { found: Map<string, FieldNode[]>; visited: Set<string> },
): boolean {
  return selections.every((selection) => {
    if (selection.directives?.length) return false;
    if (selection.kind === 'Field') {
      const key = selection.alias?.value ?? selection.name.value;
      const nodes = result.found.get(key);
      if (nodes) nodes.push(selection);
      else result.found.set(key, [selection]);
      return true;
    }
    if (selection.kind === 'InlineFragment') {
      const condition = selection.typeCondition?.name.value;
      return (
        !applies(selected.schema, condition, type) || collect(selected, type, selection.selectionSet, result)
      );
    }
    const name = selection.name.value;
    const fragment = selected.fragments[name];
    if (!fragment || result.visited.has(name)) return true;
    result.visited.add(name);
    if (fragment.directives?.length) return false;
    const condition = fragment.typeCondition.name.value;
    return (
      !applies(selected.schema, condition, type) || collect(selected, type, fragment.selectionSet, result)
    );
  });
}

function applies(schema: GraphQLSchema, condition: string | undefined, type: GraphQLObjectType): boolean {
  if (condition === undefined || condition === type.name) return true;
  const named = schema.getType(condition);
  return isAbstractType(named) && schema.isSubType(named, type);
}
