/** Spans by OpenTelemetry. Loaded only where OTEL_* variables ask for it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import {
  type Attributes,
  type Context,
  createTraceState,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { Log } from '../log.js';
import { within as withinMs } from '../within.js';
import { summarizeStatement } from './statement-summary.js';
import { formatTraceParent, readTraceParent, readTraceState } from './trace-parent.js';
import { type EndedRequest, type RequestSpan, type SpanFacts, setTracing, type Tracing } from './tracing.js';

/** A collector that does not answer must not hold up the end of the process. */
const closingMs = 2_000;
const warningPauseMs = 60_000;

const present = new AsyncLocalStorage<Span | undefined>();

/**
 * Begins to make spans, and sends them to the collector of OTEL_EXPORTER_OTLP_ENDPOINT or prints them on standard output. The
 * sampler, the headers, the resource and the limits are read from the environment by OpenTelemetry itself.
 */
export function openTracing({ exporter }: { exporter: 'otlp' | 'console' }, log: Log): Tracing {
  warnOfFailures(log);
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'tenant-registry' }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      exporter === 'otlp'
        ? new BatchSpanProcessor(new OTLPTraceExporter())
        : new SimpleSpanProcessor(new ConsoleSpanExporter()),
    ],
  });
  const tracing = makeTracing(provider.getTracer('tenant-registry'), async () => {
    await withinMs(
      closingMs,
      provider.shutdown().catch(() => undefined),
      () => undefined,
    );
    setTracing(undefined);
  });
  setTracing(tracing);
  return tracing;
}

/** A collector that is down fails every few seconds. */
function warnOfFailures(log: Log): void {
  let warnedAt = Number.NEGATIVE_INFINITY;
  const warn = (message: string) => {
    if (performance.now() - warnedAt < warningPauseMs) return;
    warnedAt = performance.now();
    log.warn(
      { reason: message },
      'spans could not be sent: check OTEL_EXPORTER_OTLP_ENDPOINT and the collector',
    );
  };
  const ignore = () => undefined;
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
}

function makeTracing(tracer: Tracer, close: () => Promise<void>): Tracing {
  const begin = (name: string, kind: SpanKind, facts: SpanFacts, parent: Context) =>
    tracer.startSpan(name, { kind, attributes: facts as Attributes }, parent);
  const below = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);

  return {
    openRequest(headers) {
      const server = begin('HTTP', SpanKind.SERVER, {}, parentOf(headers));
      return server.isRecording()
        ? openRequestSpan(server, (name) => begin(name, SpanKind.INTERNAL, {}, below(server)))
        : undefined;
    },
    within(name, facts, work) {
      const span = present.getStore();
      return span ? runIn(begin(name, SpanKind.INTERNAL, facts, below(span)), work) : work();
    },
    continue(name, parent, facts, work) {
      const span = present.getStore();
      const context = span ? below(span) : parentOf({ traceparent: parent ?? undefined });
      return runIn(begin(name, SpanKind.INTERNAL, facts, context), work);
    },
    statement(parameters, send) {
      const parent = present.getStore();
      if (!parent) return send();
      const [query] = parameters as [string | { text?: string }];
      const summary = summarizeStatement((typeof query === 'string' ? query : query.text) ?? '');
      const facts = { 'db.system.name': 'postgresql', 'db.query.summary': summary };
      return observe(begin(summary, SpanKind.CLIENT, facts, below(parent)), parameters, send);
    },
    bind: (work) => AsyncLocalStorage.bind(work),
    get parent() {
      const context = present.getStore()?.spanContext();
      return context && formatTraceParent({ ...context, flags: context.traceFlags });
    },
    close,
  };
}

/** The caller's trace, of valid headers only. */
function parentOf({ traceparent, tracestate }: IncomingHttpHeaders): Context {
  const parent = readTraceParent(traceparent);
  if (!parent) return ROOT_CONTEXT;
  const state = readTraceState(tracestate);
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: parent.traceId,
    spanId: parent.spanId,
    traceFlags: parent.flags,
    isRemote: true,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  });
}

/** Runs the work with the span present, and ends the span with the work. */
function runIn<T>(span: Span, work: () => T): T {
  // A span that is not recorded makes no children.
  const store = span.isRecording() ? span : undefined;
  try {
    const result = present.run(store, work);
    if (result instanceof Promise)
      result.then(
        () => span.end(),
        (error) => fail(span, error),
      );
    else span.end();
    return result;
  } catch (error) {
    fail(span, error);
    throw error;
  }
}

/** Sends a statement. The driver answers by a promise, or by a callback that is the last parameter or belongs to the query. */
function observe<T>(span: Span, parameters: unknown[], send: () => T): T {
  const [query] = parameters as [{ callback?: unknown }];
  const wrap = (done: (...answer: unknown[]) => unknown) =>
    function observed(this: unknown, ...answer: unknown[]) {
      const failed = answer[0] ?? (answer[1] as { error?: unknown } | undefined)?.error;
      if (failed) fail(span, failed);
      else span.end();
      return Reflect.apply(done, this, answer);
    };
  const last = parameters.length - 1;
  const isLast = typeof parameters[last] === 'function';
  if (isLast) parameters[last] = wrap(parameters[last] as never);
  else if (typeof query.callback === 'function') query.callback = wrap(query.callback as never);
  const result = send();
  if (result instanceof Promise)
    result.then(
      () => span.end(),
      (error) => fail(span, error),
    );
  // A cursor, whose end nobody reports.
  else if (!isLast && typeof query.callback !== 'function') span.end();
  return result;
}

/** The code alone: the message of an error may name a tenant, and that of PostgreSQL has values. */
function fail(span: Span, error: unknown): void {
  const { code, name } = error as { code?: unknown; name?: unknown };
  const type = typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : String(name ?? 'Error');
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function openRequestSpan(server: Span, begin: (name: string) => Span): RequestSpan {
  let graphql: Span | undefined;
  return {
    traceId: server.spanContext().traceId,
    run: (work) => present.run(server, work),
    runGraphql(work) {
      graphql = begin('GraphQL');
      return present.run(graphql, work);
    },
    end(request) {
      if (graphql) endGraphql(graphql, request);
      const { method, path, status, code } = request;
      server.updateName(`${method} ${path}`);
      server.setAttributes({
        'http.request.method': method,
        'http.route': path,
        'http.response.status_code': status,
      });
      if (status >= 500) {
        server.setAttribute('error.type', code ?? String(status));
        server.setStatus({ code: SpanStatusCode.ERROR });
      }
      server.end();
    },
  };
}

function endGraphql(span: Span, { kind, name, code }: EndedRequest): void {
  span.updateName(['GraphQL', kind, name].filter((part) => part !== undefined).join(' '));
  if (kind !== undefined) span.setAttribute('graphql.operation.type', kind);
  if (name !== undefined) span.setAttribute('graphql.operation.name', name);
  if (code !== undefined) {
    span.setAttribute('error.type', code);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
