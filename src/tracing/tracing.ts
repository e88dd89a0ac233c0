/**
 * Spans of this process. Without OTEL_* variables there are none, and nothing of OpenTelemetry is loaded: each place that
 * makes a span asks whether `tracing` is undefined.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** What a span says besides its name: never a value of a tenant, a caller or a statement. */
export type SpanFacts = Readonly<Record<string, string | number | undefined>>;

/** The span of an HTTP request that is recorded. */
export interface RequestSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Runs the work with this span as the parent of the spans that it makes. */
  run<T>(work: () => T): T;
  /** The same, within a further span for the GraphQL operation. */
  runGraphql<T>(work: () => T): T;
  end(request: EndedRequest): void;
}

/** How a request went. */
export interface EndedRequest {
  method: string;
  /** A known path, such as "/graphql". */
  path: string;
  status: number;
  /** The kind and the name of the GraphQL operation. */
  kind: string | undefined;
  name: string | undefined;
  /** Code of the error with which it was answered. */
  code: string | undefined;
}

export interface Tracing {
  /** Begins the span of a request, below the caller's if the headers name one. Undefined when it is not recorded. */
  openRequest(headers: IncomingHttpHeaders): RequestSpan | undefined;
  /** Runs the work within a span below the present one. Without a present span it only runs the work. */
  within<T>(name: string, facts: SpanFacts, work: () => T): T;
  /** Runs the work within a span that needs no present one: below it, else in the trace of `parent`, else in a trace of its own. */
  continue<T>(name: string, parent: string | null, facts: SpanFacts, work: () => T): T;
  /** Sends a statement within a span. `parameters` are those of the driver's `query`. */
  statement<T>(parameters: unknown[], send: () => T): T;
  /** A function that runs with the span that is present now. */
  bind<F extends (...parameters: never[]) => unknown>(work: F): F;
  /** The present span as a W3C traceparent; undefined when there is none. */
  readonly parent: string | undefined;
  /** Sends what is left, within a bound. */
  close(): Promise<void>;
}

export let tracing: Tracing | undefined;

export function setTracing(given: Tracing | undefined): void {
  tracing = given;
}
