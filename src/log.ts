import { type Logger, pino } from 'pino';

export type Log = Logger;

/** Structured logs, one JSON object a line, on standard error: standard output belongs to commands' answers. */
export function openLog(level: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}
