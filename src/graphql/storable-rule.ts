import {
  type ASTNode,
  type ASTVisitor,
  type ExecutionResult,
  GraphQLError,
  type ValidationContext,
} from 'graphql';
import { invalidFields } from '../errors.js';
import { isStorable, requireStorable, unstorableText } from '../registry/storable-text.js';

/**
 * Refuses documents with a text that cannot be stored, whichever scalar it is for. Texts in variables are checked for
 * each request, by refuseUnstorable.
 */
export function storableTextRule(context: ValidationContext): ASTVisitor {
  return {
    StringValue(node, _key, parent, _path, ancestors) {
      if (isStorable(node.value)) return;
      const cause = invalidFields([unstorableText(namesOf(parent ? [...ancestors, parent] : ancestors))]);
      context.reportError(new GraphQLError(cause.message, { nodes: node, originalError: cause }));
    },
  };
}

/** The refusal of variables with such a text; undefined for all others. */
export function refuseUnstorable(variables: unknown): ExecutionResult | undefined {
  try {
    requireStorable(variables);
    return undefined;
  } catch (error) {
    return { errors: [new GraphQLError((error as Error).message, { originalError: error as Error })] };
  }
}

/** The argument and the input fields that a text is the value of. */
function namesOf(ancestors: readonly (ASTNode | readonly ASTNode[])[]): string[] {
  return ancestors.flatMap((ancestor) =>
    'kind' in ancestor && (ancestor.kind === 'Argument' || ancestor.kind === 'ObjectField')
      ? [ancestor.name.value]
      : [],
  );
}
