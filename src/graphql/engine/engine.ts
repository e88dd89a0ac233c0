import { type ExecutionResult, execute, type GraphQLSchema } from 'graphql';
import { may, missingScope } from '../../auth/permissions.js';
import type { RegistryError } from '../../errors.js';
import { admitMutations, RequestContext, type RequestFacts } from '../context.js';
import { refusedResult, translateResult } from '../errors.js';
import { requireSmallAnswer } from '../limits/answer-size.js';
import { requireBudget } from '../limits/budget.js';
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
  /** Whether the HTTP status tells of errors under every media type. */
  showsStatus?: boolean;
  facts: RequestFacts;
}

/**
 * Answers queries and mutations in plain JSON. Never rejects: an error is an answer. Throws RATE_LIMITED before any of a
 * document's mutations runs.
 */
export interface Engine {
  /** Whether the document was read before and asks for no schema: then its request takes little time. */
  isLight(query: string): boolean;
  /** Whether the document was executed before and asks for nothing but routes. */
  readsNoRows(parameters: GraphqlParameters): boolean;
  /** At once when no resolver has to wait. Undefined for what only Yoga answers or has the words to refuse. */
  answer(request: EngineRequest): GraphqlHttpAnswer | Promise<GraphqlHttpAnswer> | undefined;
}

export function openEngine(options: { schema: () => GraphQLSchema; validate: Validate }): Engine {
  const documents = openDocumentCache(options);

  return {
    isLight: (query) => documents.isLight(query),
    readsNoRows: ({ query, operationName }) => documents.readsNoRows(query, operationName),
    answer(request) {
      const { method, parameters, facts } = request;
      const prepared =
        parameters && documents.prepare(parameters.query, parameters.operationName, facts.outcome);
      if (!prepared) {
        facts.outcome.isMeasured = true;
        return undefined;
      }
      if ('errors' in prepared) return finish(prepared, request);
      facts.outcome.kind = prepared.kind;
      facts.outcome.operationName = prepared.name;
      facts.outcome.variables = parameters?.variables;
      facts.outcome.fields = prepared.rootFields;
      if (method === 'GET' && prepared.kind !== 'query') return undefined;
      if (prepared.kind === 'mutation') {
        facts.outcome.mutations = prepared.rootFields;
        admitMutations(facts, prepared.rootFields.filter((name) => !unlimitedMutations.has(name)).length);
      }
      const result = executePrepared(options.schema(), prepared, parameters, facts);
      return result instanceof Promise
        ? result.then((late) => finish(late, request))
        : finish(result, request);
    },
  };
}

function finish(
  result: ExecutionResult,
  { facts, mediaType, showsStatus }: EngineRequest,
): GraphqlHttpAnswer {
  return toHttpAnswer(translateResult(result, facts), mediaType, showsStatus);
}

/** Services send these with their own requests, thousands per second; they lock nothing that others wait for. */
const unlimitedMutations = new Set(['recordUsage', 'recordUsages']);

type Result = ExecutionResult | Promise<ExecutionResult>;

function executePrepared(
  schema: GraphQLSchema,
  prepared: PreparedOperation,
  parameters: GraphqlParameters,
  facts: RequestFacts,
): Result {
  const { asksForSchema, cost } = prepared;
  const { caller, shared } = facts;
  // Per request and not while preparing: the next caller with the same document may not be allowed to.
  if (asksForSchema && !may(caller, 'readSchema')) return refusedResult(missingScope('schema:read'));
  const { variables } = parameters;
  const refused = variables && refuseUnstorable(variables);
  if (refused) return refused;
  try {
    requireBudget(shared.limits.budgets, caller, cost, variables);
  } catch (error) {
    return refusedResult(error as RegistryError);
  }
  if (!prepared.readsRows || prepared.kind !== 'query') return run(schema, prepared, parameters, facts);
  return shared.limits.reads
    .run(caller, () => run(schema, prepared, parameters, facts))
    .then((result) => {
      try {
        requireSmallAnswer(result, shared.limits.answerBytes);
        return result;
      } catch (error) {
        return refusedResult(error as RegistryError);
      }
    });
}

function run(
  schema: GraphQLSchema,
  { document, plan }: PreparedOperation,
  { variables, operationName }: GraphqlParameters,
  facts: RequestFacts,
): Result {
  const contextValue = new RequestContext(facts);
  if (plan) return executePlan(plan, contextValue, variables);
  // Its promise is one of graphql-js itself, so a native one.
  return execute({ schema, document, contextValue, variableValues: variables, operationName }) as Result;
}
