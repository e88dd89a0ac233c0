import { type Logger, pino } from 'pino';

export type Log = Logger;

/**
 * Structured logs, one JSON object a line, on standard error: standard output belongs to commands' answers. Each line goes
 * through `redact` as it is written: what somebody put where it does not belong may come back in any error's text.
 */
export function openLog(level: string, redact: (line: string) => string = (line) => line): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      hooks: { streamWrite: redact },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** Of an error only what it says: a driver's errors carry their whole connection, with its keys. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = pino.stdSerializers.err(error);
  return { type, message, stack, ...('code' in error && { code: error.code }) };
}
