/** A W3C trace context as the header `traceparent` names it. */
export interface TraceParent {
  traceId: string;
  spanId: string;
  /** 1: the caller records the trace. */
  flags: number;
}

const form = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for text of another form, as the specification asks: such a caller has no trace. */
export function readTraceParent(text: unknown): TraceParent | undefined {
  if (typeof text !== 'string' || text.length > 200) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', further] = form.exec(text) ?? [];
  // Later versions may have further fields; the first has none.
  if (version === undefined || (version === '00' && further !== undefined)) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & 1 };
}

export function formatTraceParent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-0${flags & 1}`;
}

const member = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,256}$/;

/** The header `tracestate`; undefined when it is longer than 512 characters or has another form than W3C's. */
export function readTraceState(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > 512) return undefined;
  const members = text.split(',').map((one) => one.trim());
  return members.length <= 32 && members.every((one) => member.test(one)) ? members.join(',') : undefined;
}
