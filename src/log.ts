import { type Logger, pino } from 'pino';

export type Log = Logger;

/** Structured logs, one JSON object a line, on standard error: standard output belongs to commands' answers. */
export function openLog(level: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: describeError } },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** Of an error only what it says: a driver's errors carry their whole connection, with its keys. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = pino.stdSerializers.err(error);
  return { type, message, stack, ...('code' in error && { code: error.code }) };
}
