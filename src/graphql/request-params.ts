import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { GraphqlContext } from './context.js';

/**
 * Reads the members of a request as the engine does: unknown members are ignored, because clients send some of their own, and an empty
 * name or document counts as none. Yoga would refuse unknown members, and would look for an operation whose name is empty.
 */
export const readParams: Plugin<GraphqlContext> = {
  onParams({ params, setParams }) {
    // Yoga has the words for what is no object.
    if (typeof params !== 'object' || params === null || Array.isArray(params)) return;
    const { query, variables, extensions } = params;
    const operationName: unknown = params.operationName;
    if (operationName != null && typeof operationName !== 'string')
      throw new GraphQLError('operationName must be a text', {
        extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
      });
    setParams({
      ...(query && { query }),
      ...(operationName && { operationName }),
      ...(variables != null && { variables }),
      ...(extensions != null && { extensions }),
    });
  },
};
