import { type ExecutionResult, execute, GraphQLError, type GraphQLSchema } from 'graphql';
import { may, missingScope } from '../../auth/permissions.js';
import { admitMutations, RequestContext, type RequestFacts } from '../context.js';
import { translateResult } from '../errors.js';
import { type GraphqlHttpAnswer, type GraphqlMediaType, toHttpAnswer } from '../result.js';
import { refuseUnstorable } from '../storable-rule.js';
import { openDocumentCache, type PreparedOperation, type Validate } from './document-cache.js';
import { executePlan } from './execute-plan.js';
import type { GraphqlParameters } from './parameters.js';

/** A GraphQL request whose caller is known. */
interface EngineRequest {
  method: 'GET' | 'POST';
  /** Undefined: the request is no plain JSON. */
  parameters: GraphqlParameters | undefined;
  mediaType: GraphqlMediaType;
  facts: RequestFacts;
}

/**
 * Answers queries and mutations in plain JSON. Never rejects: an error is an answer. Throws RATE_LIMITED before any of a
 * document's mutations runs.
 */
export interface Engine {
  /** At once when no resolver has to wait. Undefined for what only Yoga answers or has the words to refuse. */
  answer(request: EngineRequest): GraphqlHttpAnswer | Promise<GraphqlHttpAnswer> | undefined;
}

export function openEngine(options: { schema: () => GraphQLSchema; validate: Validate }): Engine {
  const documents = openDocumentCache(options);

  return {
    answer({ method, parameters, mediaType, facts }) {
      const prepared = parameters && documents.prepare(parameters.query, parameters.operationName);
      if (!prepared || (method === 'GET' && prepared.kind !== 'query')) return undefined;
      if (prepared.kind === 'mutation') {
        facts.outcome.mutations = prepared.rootFields;
        admitMutations(facts, prepared.rootFields.length);
      }
      const finish = (result: ExecutionResult) => toHttpAnswer(translateResult(result, facts), mediaType);
      const result = executePrepared(options.schema(), prepared, parameters, facts);
      return result instanceof Promise ? result.then(finish) : finish(result);
    },
  };
}

function executePrepared(
  schema: GraphQLSchema,
  { document, plan, asksForSchema }: PreparedOperation,
  { variables, operationName }: GraphqlParameters,
  facts: RequestFacts,
): ExecutionResult | Promise<ExecutionResult> {
  // Per request and not while preparing: the next caller with the same document may not be allowed to.
  if (asksForSchema && !may(facts.caller, 'readSchema')) {
    const error = missingScope('schema:read');
    return { errors: [new GraphQLError(error.message, { originalError: error })] };
  }
  const refused = refuseUnstorable(variables);
  if (refused) return refused;
  const contextValue = new RequestContext(facts);
  if (plan) return executePlan(plan, contextValue, variables);
  // Its promise is one of graphql-js itself, so a native one.
  return execute({
    schema,
    document,
    contextValue,
    variableValues: variables,
    operationName,
  }) as ExecutionResult | Promise<ExecutionResult>;
}
