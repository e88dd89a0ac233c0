import type { App } from '../app.js';
import type { Caller } from '../auth/caller.js';
import type { SharedContext } from '../graphql/context.js';
import { readGetParameters, readPostParameters } from '../graphql/engine/parameters.js';
import { type GraphqlHttpAnswer, mediaTypeFor } from '../graphql/result.js';
import type { openGraphqlServer } from '../graphql/yoga.js';
import { onBody } from './body.js';
import { type Exchange, GraphqlFacts } from './exchange.js';
import { requireGraphqlRequest } from './request.js';
import { rateHeadersOf, setCommonHeaders } from './send.js';
import { sendStream } from './stream.js';

interface GraphqlDoorOptions {
  app: App;
  shared: SharedContext;
  graphql: ReturnType<typeof openGraphqlServer>;
  findCaller(exchange: Exchange): Caller | Promise<Caller>;
  /** Authenticates the credential of an open stream again. */
  checkCaller(exchange: Exchange): Caller | Promise<Caller>;
}

/**
 * Identifies the caller, reads the GraphQL request and answers it: nothing is read of a stranger's body. The whole way is one of callbacks: when key, document and routes are in memory, a
 * request makes no promise.
 */
export function openGraphqlDoor(options: GraphqlDoorOptions) {
  const { findCaller } = options;

  return (exchange: Exchange, done: (error?: unknown) => void): void => {
    const { request } = exchange;
    requireGraphqlRequest(request);
    const answerAs = (caller: Caller, body: string | null) =>
      attempt(done, () => answer(exchange, { options, caller, body, done }));
    const receiveFrom = (caller: Caller) => {
      if (request.method === 'GET') return answerAs(caller, null);
      onBody(exchange, (error, body) => (error ? done(error) : answerAs(caller, body)));
    };
    const caller = findCaller(exchange);
    if (caller instanceof Promise) caller.then(receiveFrom, done);
    else receiveFrom(caller);
  };
}

function attempt(done: (error: unknown) => void, work: () => void): void {
  try {
    work();
  } catch (error) {
    done(error);
  }
}

interface AnswerOptions {
  options: GraphqlDoorOptions;
  caller: Caller;
  /** Null for GET. */
  body: string | null;
  done: (error?: unknown) => void;
}

function answer(exchange: Exchange, { options, caller, body, done }: AnswerOptions): void {
  const { request } = exchange;
  const facts = new GraphqlFacts(exchange, { ...options, caller });
  const answered = options.graphql.engine.answer({
    method: body === null ? 'GET' : 'POST',
    parameters: body === null ? readGetParameters(exchange.queryString) : readPostParameters(body),
    mediaType: mediaTypeFor(request.headers.accept),
    facts,
  });
  if (answered === undefined) {
    answerByYoga(exchange, { graphql: options.graphql, facts, body }).then(() => done(), done);
  } else if (answered instanceof Promise) {
    answered.then((late) => send(exchange, late)).then(() => done(), done);
  } else {
    send(exchange, answered);
    done();
  }
}

function send(
  { response, requestId, outcome }: Exchange,
  { status, headers, body }: GraphqlHttpAnswer,
): void {
  headers['x-request-id'] = requestId;
  if (outcome.rate) Object.assign(headers, rateHeadersOf(outcome));
  headers['x-content-type-options'] = 'nosniff';
  headers['content-length'] = String(Buffer.byteLength(body));
  response.writeHead(status, headers).end(body);
}

async function answerByYoga(
  exchange: Exchange,
  {
    graphql,
    facts,
    body,
  }: Pick<GraphqlDoorOptions, 'graphql'> & { facts: GraphqlFacts; body: string | null },
): Promise<void> {
  const { request, response } = exchange;
  const answered = await graphql.yoga.fetch(
    new URL(request.url ?? '/graphql', 'http://gateway'),
    {
      method: request.method ?? 'POST',
      headers: { accept: request.headers.accept ?? '*/*', 'content-type': 'application/json' },
      body,
    },
    { facts },
  );
  setCommonHeaders(exchange);
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  if (answered.headers.get('content-type')?.startsWith('text/event-stream') && answered.body)
    return sendStream(answered.body, response, facts.credentialEnded);
  response.end(await answered.text());
}
