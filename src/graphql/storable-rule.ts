import {
  type ASTNode,
  type ASTVisitor,
  type ExecutionResult,
  GraphQLError,
  type ValidationContext,
} from 'graphql';
import { invalidFields } from '../errors.js';
import { findUnstorable, isStorable, unstorableText } from '../registry/values/storable-text.js';

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
  const problems = findUnstorable(variables).map(({ field, message }) => ({
    field: belowInput(field),
    message,
  }));
  if (problems.length === 0) return undefined;
  const cause = invalidFields(problems);
  return { errors: [new GraphQLError(cause.message, { originalError: cause })] };
}

/** The argument and the input fields that a text is the value of. */
function namesOf(ancestors: readonly (ASTNode | readonly ASTNode[])[]): string[] {
  const names = ancestors.flatMap((ancestor) =>
    'kind' in ancestor && (ancestor.kind === 'Argument' || ancestor.kind === 'ObjectField')
      ? [ancestor.name.value]
      : [],
  );
  return belowInput(names.join('.')).split('.');
}

/** Fields of a mutation are named by their path in its input, as in every other refusal. */
function belowInput(path: string): string {
  return path.replace(/^input\./, '');
}
