import type { Caller } from '../auth/caller.js';
import { RegistryError } from '../errors.js';
import {
  type GraphqlParameters,
  readGetParameters,
  readPostParameters,
} from '../graphql/engine/parameters.js';
import { refusedResult, translateResult } from '../graphql/errors.js';
import { type GraphqlHttpAnswer, mediaTypeFor, readsEvents, toHttpAnswer } from '../graphql/result.js';
import type { TrustedDocuments } from '../graphql/trusted-documents.js';
import type { openGraphqlServer } from '../graphql/yoga.js';
import type { Metrics } from '../metrics/metrics.js';
import type { RateLimited } from '../rates/rate-limited.js';
import { rateHeadersOf, setCommonHeaders } from './answers/send.js';
import { sendEvents } from './answers/stream.js';
import type { LoadShedding } from './overload/load-shedding.js';
import { answerShed } from './overload/overload.js';
import { onBody } from './requests/body.js';
import {
  type Done,
  type Exchange,
  GraphqlFacts,
  type GraphqlParts,
  type Route,
} from './requests/exchange.js';
import { isShortRequest, requireGraphqlRequest } from './requests/request.js';

interface GraphqlDoorOptions extends GraphqlParts {
  graphql: ReturnType<typeof openGraphqlServer>;
  documents: TrustedDocuments;
  shedding: LoadShedding;
  metrics: Metrics;
  findCaller(exchange: Exchange): Caller | Promise<Caller>;
}

/**
 * Identifies the caller, reads the GraphQL request and answers it: nothing is read of a stranger's body. The whole way is
 * one of callbacks: when key, document and routes are in memory, a request makes no promise and one closure.
 */
export function openGraphqlDoor(options: GraphqlDoorOptions): Route {
  return (exchange, done) => {
    requireGraphqlRequest(exchange);
    const caller = options.findCaller(exchange);
    if (caller instanceof Promise)
      caller.then(
        (found) => receive(new GraphqlFacts(exchange, found, options), options, done),
        (error) => done(exchange, error),
      );
    else receive(new GraphqlFacts(exchange, caller, options), options, done);
  };
}

function receive(facts: GraphqlFacts, options: GraphqlDoorOptions, done: Done): void {
  const { exchange, caller } = facts;
  const { method, request } = exchange;
  if (method === 'GET') return void answer({ facts, options, body: null, done });
  const refusal = options.shared.rates.documentTime?.refusal(caller);
  // It is not even read for a caller whose documents take too long.
  if (refusal && !isShortRequest(request)) return void refuseLate(exchange, done, refusal, options);
  onBody(exchange, (error, body) => {
    if (error) done(exchange, error);
    else answer({ facts, options, body, done });
  });
}

/** A client that does not heed Retry-After would send thousands of requests per second, each of them to be received and refused. */
function refuseLate(
  exchange: Exchange,
  done: Done,
  refusal: RateLimited,
  { metrics }: Pick<GraphqlDoorOptions, 'metrics'>,
): void {
  metrics.rateLimited(refusal.state.rule.name);
  setTimeout(done, 100, exchange, refusal);
}

/** A request that was received. */
interface Received {
  facts: GraphqlFacts;
  options: GraphqlDoorOptions;
  /** Null for GET. */
  body: string | null;
  done: Done;
}

function answer(received: Received): void {
  const { span } = received.facts.exchange;
  // The parts of a body arrive outside of what the request began with.
  if (span) span.runGraphql(() => answerNow(received));
  else answerNow(received);
}

function answerNow(received: Received): void {
  const { facts, options, body } = received;
  const { exchange, caller } = facts;
  try {
    const startedAt = performance.now();
    const given = body === null ? readGetParameters(exchange.queryString) : readPostParameters(body);
    const admitted = options.documents.admit(given, caller);
    if (admitted instanceof Promise)
      admitted.then(
        (parameters) => execute(received, parameters, performance.now()),
        (error) => refuse(received, error),
      );
    else execute(received, admitted, startedAt);
  } catch (error) {
    refuse(received, error);
  }
}

/** Clients with Automatic Persisted Queries expect an answer of GraphQL, whose status depends on its media type. */
function refuse({ facts, done }: Received, error: unknown): void {
  const { exchange } = facts;
  if (!(error instanceof RegistryError) || error.code !== 'PERSISTED_QUERY_NOT_SUPPORTED')
    return void done(exchange, error);
  const result = translateResult(refusedResult(error), facts);
  send(exchange, toHttpAnswer(result, mediaTypeFor(exchange.request.headers.accept)));
  done(exchange);
}

/** Answers a request whose caller may send its document. */
function execute(received: Received, parameters: GraphqlParameters | undefined, since: number): void {
  const { facts, options, done } = received;
  const { exchange, caller } = facts;
  const { engine } = options.graphql;
  const { documentTime } = options.shared.rates;
  try {
    const refusal = documentTime?.refusal(caller);
    if (refusal && !(parameters && engine.isLight(parameters.query)))
      return void refuseLate(exchange, done, refusal, options);
    if (options.shedding.isActive && !exchange.isAdmitted) {
      const goesFirst = parameters !== undefined && engine.readsNoRows(parameters);
      if (!goesFirst && !options.shedding.admitsOther()) {
        answerShed(exchange, done, options.metrics);
        return;
      }
    }
    answerAdmitted(received, parameters);
    const { outcome } = exchange;
    // How long the request held the event loop. What of it is awaited within the same turn, as Yoga does, is included.
    if (outcome.isMeasured || outcome.isRefused)
      setImmediate(() => {
        if (outcome.isRefused) documentTime?.add(caller, performance.now() - since);
      });
  } catch (error) {
    done(exchange, error);
  }
}

function answerAdmitted(
  { facts, options, body, done }: Received,
  parameters: GraphqlParameters | undefined,
): void {
  const { exchange } = facts;
  const { accept } = exchange.request.headers;
  const answered = options.graphql.engine.answer({
    method: body === null ? 'GET' : 'POST',
    parameters,
    mediaType: mediaTypeFor(accept),
    showsStatus: readsEvents(accept),
    facts,
  });
  if (answered !== undefined && !(answered instanceof Promise)) {
    send(exchange, answered);
    return void done(exchange);
  }
  const sent =
    answered === undefined
      ? answerByYoga(exchange, {
          graphql: options.graphql,
          facts,
          ...requestForYoga(exchange, body, parameters),
        })
      : answered.then((late) => send(exchange, late));
  sent.then(
    () => done(exchange),
    (error) => done(exchange, error),
  );
}

/** What was admitted, and not what was sent: Yoga knows no ids, and must read no other document than was checked. */
function requestForYoga(
  { queryString }: Exchange,
  body: string | null,
  parameters: GraphqlParameters | undefined,
): { url: URL; body: string | null } {
  const url = new URL('http://gateway/graphql');
  if (parameters === undefined) {
    url.search = queryString;
    return { url, body };
  }
  if (body !== null) return { url, body: JSON.stringify(parameters) };
  const { query, operationName, variables } = parameters;
  url.searchParams.set('query', query);
  if (operationName !== undefined) url.searchParams.set('operationName', operationName);
  if (variables !== undefined) url.searchParams.set('variables', JSON.stringify(variables));
  return { url, body };
}

/** Names and values of headers in one list: measured, node:http sends an answer with 2 % less CPU time than with an object. */
function send(
  { response, requestId, outcome }: Exchange,
  { status, headers, body }: GraphqlHttpAnswer,
): void {
  const list = ['x-request-id', requestId, 'x-content-type-options', 'nosniff'];
  list.push('content-length', String(Buffer.byteLength(body)));
  // Both may say when to try again, and then the limit does.
  const others = outcome.rate ? { ...headers, ...rateHeadersOf(outcome) } : headers;
  for (const name in others) list.push(name, others[name] as string);
  response.writeHead(status, list).write(body);
  // Alone it is one plain write of the socket; with the end, which is an empty one, it is a costlier writev.
  response.socket?.uncork();
  response.end();
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
      method: exchange.method,
      headers: { accept: request.headers.accept ?? '*/*', 'content-type': 'application/json' },
      body,
    },
    { facts },
  );
  setCommonHeaders(exchange);
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  const { stream, credentialEnded: ended, shared } = facts;
  if (stream && request.method === 'HEAD') await stream.events.return?.();
  else if (stream) {
    const { events, form } = stream;
    return sendEvents(events, response, { form, ended, turn: shared.changes.turn });
  }
  response.end(await answered.text());
}
