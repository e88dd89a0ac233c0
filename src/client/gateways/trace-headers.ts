/** Returns the headers of the present trace, as a propagator of W3C Trace Context writes them into a carrier. */
export type TraceHeaders = () => Readonly<Record<string, string | undefined>>;

/** The headers of the trace that may be sent; none when the service's own function fails: a trace is no reason to have no route. */
export function readTraceHeaders(read: TraceHeaders | undefined): Record<string, string> {
  if (!read) return {};
  try {
    const { traceparent, tracestate } = read();
    if (!isHeader(traceparent)) return {};
    return { traceparent, ...(isHeader(tracestate) && { tracestate }) };
  } catch {
    return {};
  }
}

function isHeader(value: unknown): value is string {
  return typeof value === 'string' && /^[\x20-\x7e]{1,512}$/.test(value);
}
