import type { App } from '../app.js';
import type { Caller } from '../auth/caller.js';
import type { SharedContext } from '../graphql/context.js';
import {
  type GraphqlParameters,
  readGetParameters,
  readPostParameters,
} from '../graphql/engine/parameters.js';
import { type GraphqlHttpAnswer, mediaTypeFor } from '../graphql/result.js';
import type { TrustedDocuments } from '../graphql/trusted-documents.js';
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
  documents: TrustedDocuments;
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
  const given = body === null ? readGetParameters(exchange.queryString) : readPostParameters(body);
  const admitted = options.documents.admit(given, caller);
  const execute = (parameters: GraphqlParameters | undefined) =>
    attempt(done, () => answerAdmitted(exchange, { options, caller, body, done, parameters }));
  if (admitted instanceof Promise) admitted.then(execute, done);
  else execute(admitted);
}

/** Answers a request whose caller may send its document. */
function answerAdmitted(
  exchange: Exchange,
  { options, caller, body, done, parameters }: AnswerOptions & { parameters: GraphqlParameters | undefined },
): void {
  const facts = new GraphqlFacts(exchange, { ...options, caller });
  const answered = options.graphql.engine.answer({
    method: body === null ? 'GET' : 'POST',
    parameters,
    mediaType: mediaTypeFor(exchange.request.headers.accept),
    facts,
  });
  if (answered === undefined) {
    const asked = requestForYoga(exchange, body, parameters);
    answerByYoga(exchange, { graphql: options.graphql, facts, ...asked }).then(() => done(), done);
  } else if (answered instanceof Promise) {
    answered.then((late) => send(exchange, late)).then(() => done(), done);
  } else {
    send(exchange, answered);
    done();
  }
}

/** What was admitted, and not what was sent: Yoga knows no ids, and must read no other document than was checked. */
function requestForYoga(
  { request }: Exchange,
  body: string | null,
  parameters: GraphqlParameters | undefined,
): { url: URL; body: string | null } {
  if (parameters === undefined) return { url: new URL(request.url ?? '/graphql', 'http://gateway'), body };
  const url = new URL('/graphql', 'http://gateway');
  if (body !== null) return { url, body: JSON.stringify(parameters) };
  const { query, operationName, variables } = parameters;
  url.searchParams.set('query', query);
  if (operationName !== undefined) url.searchParams.set('operationName', operationName);
  if (variables !== undefined) url.searchParams.set('variables', JSON.stringify(variables));
  return { url, body };
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
    url,
    body,
  }: Pick<GraphqlDoorOptions, 'graphql'> & { facts: GraphqlFacts; url: URL; body: string | null },
): Promise<void> {
  const { request, response } = exchange;
  const answered = await graphql.yoga.fetch(
    url,
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
