import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from '../../app.js';
import type { Caller } from '../../auth/caller.js';
import { CredentialWatch } from '../../auth/credential-watch.js';
import type { RequestFacts, RequestOutcome, SharedContext } from '../../graphql/context.js';
import { logOf } from '../../log.js';
import type { CommandContext } from '../../registry/command.js';
import { readTraceParent } from '../../tracing/trace-parent.js';
import type { RequestSpan } from '../../tracing/tracing.js';
import { withoutBasePath } from './known-paths.js';
import { readClient, readRequestId } from './request.js';

/** One request on its way through the server. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Without BASE_PATH, the question mark and what follows it. */
  readonly path: string;
  /** The path prefix of the gateway. */
  readonly basePath: string;
  readonly startedAt = performance.now();
  readonly outcome: RequestOutcome = {
    codes: [],
    kind: undefined,
    refusal: undefined,
    mutations: [],
    actor: undefined,
    operationName: undefined,
    variables: undefined,
    fields: undefined,
  };
  /** It was answered or refused; set once. */
  hasEnded = false;
  /** Refused because the gateway is overloaded. */
  isShed = false;
  /** Served although the gateway is overloaded, whatever it asks for. */
  isAdmitted = false;
  /** Undefined unless the request is traced. */
  span: RequestSpan | undefined = undefined;

  constructor(request: IncomingMessage, response: ServerResponse, basePath = '') {
    this.request = request;
    this.response = response;
    this.requestId = readRequestId(request);
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    this.basePath = basePath;
    this.path = withoutBasePath(mark < 0 ? url : url.slice(0, mark), basePath);
  }

  /** The trace that the request belongs to: its own, or one that the caller names. */
  get traceId(): string | undefined {
    return this.span?.traceId ?? readTraceParent(this.request.headers.traceparent)?.traceId;
  }

  get queryString(): string {
    const { url = '' } = this.request;
    const mark = url.indexOf('?');
    return mark < 0 ? '' : url.slice(mark + 1);
  }

  /** HEAD is answered like GET; node:http leaves the body out. */
  get method(): string {
    const { method = 'GET' } = this.request;
    return method === 'HEAD' ? 'GET' : method;
  }

  get durationMs(): number {
    return performance.now() - this.startedAt;
  }
}

/** Called once for each exchange, when it is done; with the error if the request is still to be refused. */
export type Done = (exchange: Exchange, error?: unknown) => void;

/** Answers a request, and calls back. The callback is one for all requests. */
export type Route = (exchange: Exchange, done: Done) => void;

/** The parts of the server that an exchange with a known caller uses; one for all of them. */
export interface GraphqlParts {
  app: App;
  shared: SharedContext;
  /** Authenticates the credential of an open stream again. */
  checkCaller(exchange: Exchange): Caller | Promise<Caller>;
}

/** An exchange whose caller is known, as the GraphQL side sees it. */
export class GraphqlFacts implements RequestFacts {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly #parts: GraphqlParts;
  #watch: CredentialWatch | undefined;
  stream?: NonNullable<RequestFacts['stream']>;

  constructor(exchange: Exchange, caller: Caller, parts: GraphqlParts) {
    this.exchange = exchange;
    this.caller = caller;
    exchange.outcome.actor = caller.actor;
    this.#parts = parts;
  }

  get shared(): SharedContext {
    return this.#parts.shared;
  }

  get requestId(): string {
    return this.exchange.requestId;
  }

  get outcome(): RequestOutcome {
    return this.exchange.outcome;
  }

  openCommands(): CommandContext {
    return commandsFor(this.#parts.app, this.caller, this.requestId);
  }

  readClient(): string | undefined {
    return readClient(this.exchange.request);
  }

  /** Resolves when the credential of the opened stream has ended. */
  get credentialEnded(): Promise<unknown> | undefined {
    return this.#watch?.ended;
  }

  watchCredential(): CredentialWatch | undefined {
    // In open mode a request without a credential has nothing that could end.
    if (this.caller.kind === 'developer') return undefined;
    this.#watch ??= new CredentialWatch(this.caller, {
      identify: () => this.#parts.checkCaller(this.exchange),
      leaseRemainingMs: () => this.shared.follower.leaseRemainingMs,
      stalenessMs: this.#parts.app.config.stalenessMs,
    });
    return this.#watch;
  }
}

/** Everything that commands need to work for the caller; log lines and the audit log bear the request's id. */
export function commandsFor(app: App, caller: Caller, requestId: string): CommandContext {
  return {
    ...app.commandsFor(caller),
    requestId,
    log: logOf(app.log, 'provisioning').child({ requestId, actor: caller.actor }),
  };
}
