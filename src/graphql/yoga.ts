import { type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { may, missingScope } from '../auth/permissions.js';
import { type GraphqlContext, plainContext, RequestContext, type RequestFacts } from './context.js';
import { openEngine } from './engine/engine.js';
import { translateResult } from './errors.js';
import { asksForSchema } from './introspection.js';
import { requestLimitPlugins } from './limits/yoga-plugins.js';
import { readParams } from './request-params.js';
import { mediaTypeFor, readsEvents, toHttpAnswer } from './result.js';
import { schema } from './schema.js';
import { refuseUnstorable, storableTextRule } from './storable-rule.js';
import { isFrames, type StreamPiece } from './streams/event-frames.js';
import { shareEvents } from './streams/shared-events.js';
import { endWithCredential } from './streams/stream-end.js';
import { streamFormFor } from './streams/stream-form.js';

/** In one property, because Yoga copies what it is given and loses an object's methods. */
interface YogaRequest {
  facts: RequestFacts;
}

/**
 * Two ways to the same answers: the engine for queries and mutations in plain JSON, and Yoga for subscriptions and for
 * refusing what is no GraphQL request.
 */
export function openGraphqlServer() {
  const yoga = openYoga();
  // Yoga's own rules and limits, its plugins' included: a document that passes here passes there.
  const validate = (schema: GraphQLSchema, query: string) => {
    const enveloped = yoga.getEnveloped();
    try {
      const document = enveloped.parse(query);
      const errors: readonly GraphQLError[] = enveloped.validate(schema, document);
      return errors.length > 0 ? { errors } : { document };
    } catch (error) {
      return { errors: [error as GraphQLError] };
    }
  };
  return { yoga, engine: openEngine({ schema: () => schema, validate }) };
}

/** Without Yoga's own GraphiQL, CORS, health pages, error masking and limit for bodies, which the server sees to. */
function openYoga() {
  return createYoga<YogaRequest, GraphqlContext>({
    schema,
    graphqlEndpoint: '/graphql',
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    logging: false,
    maxRequestBodySize: false,
    // The engine keeps documents, within a bound for their size, which Yoga's cache has not.
    parserAndValidationCache: false,
    context: ({ facts }) => plainContext(new RequestContext(facts)),
    maskedErrors: false,
    plugins: [
      readParams,
      shareEvents(),
      ...requestLimitPlugins,
      refuseUnstorableText,
      guardIntrospection,
      refuseUnreadableStreams,
      translateErrors,
      writeAnswers,
    ],
  });
}

/** The engine checks the same where it executes. */
const refuseUnstorableText: Plugin<GraphqlContext> = {
  onValidate({ addValidationRule }) {
    addValidationRule(storableTextRule);
  },
  onSubscribe({ args, setResultAndStopExecution }) {
    const refused = refuseUnstorable(args.variableValues);
    if (refused) setResultAndStopExecution(refused);
  },
  onExecute({ args, setResultAndStopExecution }) {
    const refused = refuseUnstorable(args.variableValues);
    if (refused) setResultAndStopExecution(refused);
  },
};

const guardIntrospection: Plugin<GraphqlContext> = {
  onExecute({ args, setResultAndStopExecution }) {
    if (!asksForSchema(args.document) || may(args.contextValue.caller, 'readSchema')) return;
    const error = missingScope('schema:read');
    setResultAndStopExecution({
      errors: [new GraphQLError(error.message, { originalError: error })],
    });
  },
};

/** Without this, a client that cannot read events would get an empty response. */
const refuseUnreadableStreams: Plugin<GraphqlContext, YogaRequest> = {
  async onResultProcess({ request, result, setResult }) {
    if (!(Symbol.asyncIterator in result) || streamFormFor(request.headers.get('accept'))) return;
    await result[Symbol.asyncIterator]().return?.();
    const message =
      'A subscription is answered as Server-Sent Events: send "Accept: text/event-stream", or ' +
      '"multipart/mixed;subscriptionSpec=1.0" as Apollo Client does';
    setResult({ errors: [new GraphQLError(message)] });
  },
};

const translateErrors: Plugin<GraphqlContext, YogaRequest> = {
  onResultProcess({ result, setResult, serverContext }) {
    const { facts } = serverContext;
    if (Symbol.asyncIterator in result) {
      const watch = facts.watchCredential();
      const events: AsyncIterable<StreamPiece> = watch ? endWithCredential(result, watch) : result;
      // Yoga's type knows results alone.
      const translated = translateEach(events, (event) => translateResult(event, facts));
      setResult(translated as AsyncIterable<ExecutionResult>);
    } else if ('errors' in result) setResult(translateResult(result as ExecutionResult, facts));
  },
};

/** Not an async generator: a client that disconnects during a wait would keep it open until the next event. */
function translateEach(
  events: AsyncIterable<StreamPiece>,
  translate: (event: ExecutionResult) => ExecutionResult,
): AsyncIterableIterator<StreamPiece> {
  const source = events[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await source.next();
      if (done) return { done, value };
      return { done: false, value: isFrames(value) ? value : translate(value) };
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const writeAnswers: Plugin<GraphqlContext, YogaRequest> = {
  onResultProcess({ request, result, setResultProcessor, serverContext }) {
    const accept = request.headers.get('accept');
    if (Symbol.asyncIterator in result) {
      const form = streamFormFor(accept);
      if (!form) return;
      setResultProcessor((stream, fetchApi) => {
        // The server writes it to the connection: a body between them would cost more than the events.
        const events = (stream as AsyncIterable<StreamPiece>)[Symbol.asyncIterator]();
        serverContext.facts.stream = { events, form };
        serverContext.facts.outcome.kind = 'subscription';
        return new fetchApi.Response(null, { headers: form.headers });
      }, 'text/event-stream');
      return;
    }
    const mediaType = mediaTypeFor(accept);
    setResultProcessor((result, fetchApi) => {
      const { status, headers, body } = toHttpAnswer(
        result as ExecutionResult,
        mediaType,
        readsEvents(accept),
      );
      // Its Response adds a length to the headers that it is given.
      return new fetchApi.Response(body, { status, headers: { ...headers } });
    }, mediaType);
  },
};
