import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/**
 * Structured logs, one JSON object a line, on standard error: standard output belongs to commands' answers. Each line goes
 * through `redact` as it is written: any error's text may repeat a secret that somebody put where it does not belong.
 */
export function openLog(level: string, redact?: (line: string) => string): Log {
  const log = pino({ ...options(level), ...(redact && { hooks: { streamWrite: redact } }) }, standardError());
  if (redact) withoutRedaction.set(log, pino(options(level), standardError()));
  return log;
}

/**
 * The same log without the search for secrets in each line, which takes longer than a request: for lines made only of
 * fields that were checked.
 */
export function safeLinesOf(log: Log): Log {
  return withoutRedaction.get(log) ?? log;
}

const withoutRedaction = new WeakMap<Log, Log>();

function options(level: string) {
  return {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
  };
}

let destination: DestinationStream | undefined;

/**
 * One for the process, so that lines keep their order. Lines are written in the background; pino writes out the rest when
 * the process exits, also by an uncaught error.
 */
function standardError(): DestinationStream {
  destination ??= pino.destination({ dest: 2, sync: false });
  return destination;
}

/** A driver's errors carry their whole connection, with its keys: only what an error says is logged. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = pino.stdSerializers.err(error);
  return { type, message, stack, ...('code' in error && { code: error.code }) };
}
