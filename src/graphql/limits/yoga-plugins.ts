import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  parse,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { RegistryError } from '../../errors.js';
import type { GraphqlContext } from '../context.js';
import { requireSmallAnswer } from './answer-size.js';
import { requireBudget } from './budget.js';
import { estimateCost } from './cost-estimate.js';
import { requireShortText, requireSimpleDocument } from './document-limits.js';
import { withEnd } from './stream-places.js';

/**
 * Yoga brings an executor of its own, whose errors differ in number where several fields fail at once. Queries that come
 * this way are few, and each of them takes its turn with the queries that read rows.
 */
const executeByGraphqlJs: Plugin<GraphqlContext> = {
  onExecute({ args, setExecuteFn }) {
    const { caller, shared } = args.contextValue;
    const { reads, answerBytes } = shared.limits;
    setExecuteFn((options: ExecutionArgs) =>
      getOperationAST(options.document, options.operationName)?.operation === 'query'
        ? reads
            .run(caller, () => execute(options))
            .then((result) => refusal(() => requireSmallAnswer(result, answerBytes)) ?? result)
        : execute(options),
    );
  },
};

/** For both ways: the engine parses and validates by Yoga. */
const limitDocuments: Plugin<GraphqlContext> = {
  onParse({ params, setParsedDocument }) {
    try {
      requireShortText(String(params.source));
      const document = parse(String(params.source));
      requireSimpleDocument(document);
      setParsedDocument(document);
    } catch (error) {
      throw error instanceof RegistryError
        ? new GraphQLError(error.message, { originalError: error })
        : error;
    }
  },
};

/** The engine checks the same where it executes. */
const limitCost: Plugin<GraphqlContext> = {
  onExecute({ args, setResultAndStopExecution }) {
    const refused = refuseCostly(args);
    if (refused) setResultAndStopExecution(refused);
  },
  onSubscribe({ args, setResultAndStopExecution }) {
    const refused = refuseCostly(args);
    if (refused) setResultAndStopExecution(refused);
  },
};

function refuseCostly({ schema, document, operationName, variableValues, contextValue }: ExecutionArgs) {
  const operation = getOperationAST(document, operationName);
  // Yoga's types leave the context open; it is the one made above.
  const { caller, shared } = contextValue as GraphqlContext;
  return (
    operation &&
    refusal(() =>
      requireBudget(
        shared.limits.budgets,
        caller,
        estimateCost(schema, document, operation),
        variableValues ?? undefined,
      ),
    )
  );
}

function refusal(check: () => unknown): ExecutionResult | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return { errors: [new GraphQLError(error.message, { originalError: error })] };
  }
}

const limitStreams: Plugin<GraphqlContext> = {
  onSubscribe({ args, subscribeFn, setSubscribeFn }) {
    const { caller, shared } = args.contextValue;
    setSubscribeFn(async (options: ExecutionArgs) => {
      let leave = () => {};
      const refused = refusal(() => {
        leave = shared.limits.streams.take(caller);
      });
      if (refused) return refused;
      try {
        const result = await subscribeFn(options);
        if (Symbol.asyncIterator in result) return withEnd(result, leave);
        leave();
        return result;
      } catch (error) {
        leave();
        throw error;
      }
    });
  },
};

/** The limits where Yoga answers. */
export const requestLimitPlugins = [executeByGraphqlJs, limitDocuments, limitCost, limitStreams];
