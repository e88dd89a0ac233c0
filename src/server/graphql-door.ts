import type { App } from '../app.js';
import type { Caller } from '../auth/caller.js';
import type { SharedContext } from '../graphql/context.js';
import {
  type GraphqlParameters,
  readGetParameters,
  readPostParameters,
} from '../graphql/engine/parameters.js';
import { type GraphqlHttpAnswer, mediaTypeFor, readsEvents } from '../graphql/result.js';
import type { TrustedDocuments } from '../graphql/trusted-documents.js';
import type { openGraphqlServer } from '../graphql/yoga.js';
import { onBody } from './body.js';
import { type Exchange, GraphqlFacts } from './exchange.js';
import { requireGraphqlRequest } from './request.js';
import { rateHeadersOf, setCommonHeaders } from './send.js';
import { sendEvents } from './stream.js';

/** In bytes. Longer ones are not even read for a caller whose documents take too long. */
const shortBody = 10_000;

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
  const { findCaller, shared } = options;
  const { documentTime } = shared.rates;

  return (exchange: Exchange, done: (error?: unknown) => void): void => {
    const { request } = exchange;
    requireGraphqlRequest(request);
    const answerAs = (caller: Caller, body: string | null) =>
      attempt(done, () => answer(exchange, { options, caller, body, done }));
    const receiveFrom = (caller: Caller) => {
      const refusal = documentTime?.refusal(caller);
      if (refusal && Number(request.headers['content-length'] ?? shortBody + 1) > shortBody)
        return done(refusal);
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
  const startedAt = performance.now();
  const given = body === null ? readGetParameters(exchange.queryString) : readPostParameters(body);
  const admitted = options.documents.admit(given, caller);
  const { documentTime } = options.shared.rates;
  const execute = (parameters: GraphqlParameters | undefined, since: number) =>
    attempt(done, () => {
      const refusal = documentTime?.refusal(caller);
      if (refusal && !(parameters && options.graphql.engine.isLight(parameters.query))) throw refusal;
      answerAdmitted(exchange, { options, caller, body, done, parameters });
      measure(exchange, (ms, isRefused) => documentTime?.add(caller, ms, isRefused), since);
    });
  if (admitted instanceof Promise)
    admitted.then((parameters) => execute(parameters, performance.now()), done);
  else execute(admitted, startedAt);
}

/** Measures how long the request held the event loop. What of it is awaited within the same turn, as Yoga does, is included. */
function measure({ outcome }: Exchange, add: (ms: number, isRefused: boolean) => void, since: number): void {
  if (!outcome.isMeasured && !outcome.isRefused) return;
  setImmediate(() => add(performance.now() - since, outcome.isRefused === true));
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
    showsStatus: readsEvents(exchange.request.headers.accept),
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
  const { events, credentialEnded: ended, shared } = facts;
  if (events) return sendEvents(events, response, { ended, turn: shared.changes.turn });
  response.end(await answered.text());
}
