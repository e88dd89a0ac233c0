import type { ServerResponse } from 'node:http';
import type { App } from '../app.js';
import type { Caller } from '../auth/caller.js';
import type { SharedContext } from '../graphql/context.js';
import { readGetParameters, readPostParameters } from '../graphql/engine/parameters.js';
import { type GraphqlHttpAnswer, mediaTypeFor, readsEvents } from '../graphql/result.js';
import type { openGraphqlServer } from '../graphql/yoga.js';
import { onBody } from './body.js';
import { type Exchange, GraphqlFacts } from './exchange.js';
import { requireGraphqlRequest } from './request.js';
import { sendStream } from './stream.js';

interface GraphqlDoorOptions {
  app: App;
  shared: SharedContext;
  graphql: ReturnType<typeof openGraphqlServer>;
  findCaller(exchange: Exchange): Caller | Promise<Caller>;
}

/**
 * Reads a GraphQL request and answers it. The whole way is one of callbacks: when key, document and routes are in memory, a
 * request makes no promise.
 */
export function openGraphqlDoor(options: GraphqlDoorOptions) {
  const { findCaller } = options;

  return (exchange: Exchange, done: (error?: unknown) => void): void => {
    const { request } = exchange;
    requireGraphqlRequest(request);
    const answerAs = (caller: Caller, body: string | null) =>
      attempt(done, () => answer(exchange, { options, caller, body, done }));
    const identify = (body: string | null) =>
      attempt(done, () => {
        const caller = findCaller(exchange);
        if (caller instanceof Promise) caller.then((found) => answerAs(found, body), done);
        else answerAs(caller, body);
      });
    if (request.method === 'GET') identify(null);
    else onBody(request, (error, body) => (error ? done(error) : identify(body)));
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
  const { request, response } = exchange;
  const facts = new GraphqlFacts(exchange, { ...options, caller });
  const answered = options.graphql.engine.answer({
    method: body === null ? 'GET' : 'POST',
    parameters: body === null ? readGetParameters(exchange.queryString) : readPostParameters(body),
    mediaType: mediaTypeFor(request.headers.accept),
    showsStatus: readsEvents(request.headers.accept),
    facts,
  });
  if (answered === undefined) {
    answerByYoga(exchange, { graphql: options.graphql, facts, body }).then(() => done(), done);
  } else if (answered instanceof Promise) {
    answered.then((late) => send(response, exchange.requestId, late)).then(() => done(), done);
  } else {
    send(response, exchange.requestId, answered);
    done();
  }
}

function send(
  response: ServerResponse,
  requestId: string,
  { status, headers, body }: GraphqlHttpAnswer,
): void {
  headers['x-request-id'] = requestId;
  headers['content-length'] = String(Buffer.byteLength(body));
  response.writeHead(status, headers).end(body);
}

async function answerByYoga(
  { request, response, requestId }: Exchange,
  {
    graphql,
    facts,
    body,
  }: Pick<GraphqlDoorOptions, 'graphql'> & { facts: GraphqlFacts; body: string | null },
): Promise<void> {
  response.setHeader('x-request-id', requestId);
  const answered = await graphql.yoga.fetch(
    new URL(request.url ?? '/graphql', 'http://gateway'),
    {
      method: request.method ?? 'POST',
      headers: { accept: request.headers.accept ?? '*/*', 'content-type': 'application/json' },
      body,
    },
    { facts },
  );
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  if (answered.headers.get('content-type')?.startsWith('text/event-stream') && answered.body)
    return sendStream(answered.body, response, facts.credentialEnded);
  response.end(await answered.text());
}
