import { type ExecutionResult, GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { may, missingScope } from '../auth/permissions.js';
import type { CommandContext } from '../registry/command.js';
import { createGraphqlContext, type GraphqlContext, type SharedContext } from './context.js';
import { toGraphqlError } from './errors.js';
import { asksForSchema } from './introspection.js';
import { toHttpAnswer } from './result.js';
import { schema } from './schema.js';

/** What the HTTP reader found out about a request before any of it is executed. */
export interface RequestFacts {
  requestId: string;
  commands: CommandContext;
  shared: SharedContext;
  /** Who the client says it is, for its lease. */
  client: string | undefined;
}

/** The GraphQL engine, without its own idea of GraphiQL, CORS, health pages and error masking. */
export function openGraphqlServer() {
  return createYoga<RequestFacts, GraphqlContext>({
    schema,
    graphqlEndpoint: '/graphql',
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    logging: false,
    context: ({ commands, shared, client }) => createGraphqlContext(commands, shared, client),
    maskedErrors: false,
    plugins: [guardIntrospection, refuseUnreadableStreams, translateErrors, writeAnswers],
  });
}

const guardIntrospection: Plugin<GraphqlContext> = {
  onExecute({ args, setResultAndStopExecution }) {
    if (!asksForSchema(args.document) || may(args.contextValue.caller, 'readSchema')) return;
    const error = missingScope('schema:read');
    setResultAndStopExecution({
      errors: [new GraphQLError(error.message, { originalError: error })],
    });
  },
};

/** Yoga would answer a client that can't read events with an empty page. */
const refuseUnreadableStreams: Plugin<GraphqlContext, RequestFacts> = {
  async onResultProcess({ request, result, setResult }) {
    if (
      !(Symbol.asyncIterator in result) ||
      /event-stream|multipart\/mixed/.test(request.headers.get('accept') ?? '')
    )
      return;
    await result[Symbol.asyncIterator]().return?.();
    const message = 'A subscription is answered as Server-Sent Events: send "Accept: text/event-stream"';
    setResult({ errors: [new GraphQLError(message)] });
  },
};

const translateErrors: Plugin<GraphqlContext, RequestFacts> = {
  onResultProcess({ result, setResult, serverContext }) {
    const { requestId, commands } = serverContext;
    const options = { requestId, log: commands.log, showsSchema: may(commands.caller, 'readSchema') };
    const translate = (one: ExecutionResult): ExecutionResult =>
      one.errors ? { ...one, errors: one.errors.map((error) => toGraphqlError(error, options)) } : one;
    if (Symbol.asyncIterator in result) setResult(translateEach(result, translate));
    else if ('errors' in result) setResult(translate(result as ExecutionResult));
  },
};

/** Not an async generator: whoever leaves while it waits for the next event would have to wait for it as well. */
function translateEach(
  events: AsyncIterable<ExecutionResult>,
  translate: (event: ExecutionResult) => ExecutionResult,
): AsyncIterableIterator<ExecutionResult> {
  const source = events[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await source.next();
      return done ? { done, value } : { done: false, value: translate(value) };
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

const writeAnswers: Plugin = {
  onResultProcess({ request, result, setResultProcessor }) {
    // Streams go out as Yoga sends them.
    if (Symbol.asyncIterator in result) return;
    const accepted = request.headers.get('accept') ?? '';
    const mediaType = accepted.includes('application/graphql-response+json')
      ? 'application/graphql-response+json'
      : 'application/json';
    setResultProcessor((result, fetchApi) => {
      const { status, headers, body } = toHttpAnswer(result as ExecutionResult, mediaType);
      return new fetchApi.Response(body, { status, headers });
    }, mediaType);
  },
};
