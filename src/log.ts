import { writeSync } from 'node:fs';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel, LogLevels, LogPart } from './settings/log-levels.js';

export type Log = Logger;

/**
 * Structured logs, one JSON object a line, on standard error: standard output belongs to commands' answers. Each line goes
 * through `redact` as it is written: any error's text may repeat a secret that somebody put where it does not belong.
 * @param fields of every line
 */
export function openLog(
  levels: LogLevel | LogLevels,
  redact?: (line: string) => string,
  fields?: { worker: number },
): Log {
  const given = typeof levels === 'string' ? { rest: levels, parts: {} } : levels;
  const plain = { ...options(given.rest), base: fields ?? null };
  const log = pino({ ...plain, ...(redact && { hooks: { streamWrite: redact } }) }, standardError());
  if (redact) withoutRedaction.set(log, pino(plain, standardError()));
  parts.set(log, new Map());
  setLevels(log, given);
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

/** The logs of parts, by the log that openLog returned. */
const parts = new WeakMap<Log, Map<LogPart, Log>>();
const levelsOf = new WeakMap<Log, LogLevels>();

/** The log of a part of the product, whose level LOG_LEVEL may name. */
export function logOf(log: Log, part: LogPart): Log {
  const known = parts.get(log);
  const found = known?.get(part);
  if (found) return found;
  const level = levelsOf.get(log)?.parts[part] ?? log.level;
  const made = log.child({}, { level });
  const safe = withoutRedaction.get(log);
  if (safe) withoutRedaction.set(made, safe.child({}, { level }));
  known?.set(part, made);
  return made;
}

/** Gives the log and its parts other levels, at once. Logs for single requests keep theirs. */
export function setLevels(log: Log, levels: LogLevels): void {
  levelsOf.set(log, levels);
  const set = (one: Log, level: LogLevel) => {
    one.level = level;
    const safe = withoutRedaction.get(one);
    if (safe) safe.level = level;
  };
  set(log, levels.rest);
  for (const [part, one] of parts.get(log) ?? []) set(one, levels.parts[part] ?? levels.rest);
}

/** Levels with which everything down to `debug` is written. */
export const debugLevels: LogLevels = { rest: 'debug', parts: {} };

function options(level: string) {
  return {
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
  };
}

let destination: DestinationStream | undefined;

/** More than this is written at once, in characters. */
const maxBufferedLength = 8_192;
/** Pause before the next attempt to write into a full pipe. */
const fullPipeMs = 10;

/**
 * One for the process, so that lines keep their order. The lines of one turn of the event loop are written together at its
 * end, and what is left when the process exits, also by an uncaught error. Writes that go on in the background would be
 * lost there: a process that exits does not wait for them.
 */
function standardError(): DestinationStream {
  destination ??= openStandardError();
  return destination;
}

function openStandardError(): DestinationStream {
  let pending = '';
  let isScheduled = false;
  // The reader of a pipe may go away, as in "serve 2>&1 | head": the process goes on without a log.
  let isUnread = false;
  const flush = () => {
    isScheduled = false;
    let rest: Uint8Array = Buffer.from(pending);
    pending = '';
    while (rest.length > 0 && !isUnread)
      try {
        rest = rest.subarray(writeSync(2, rest));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // The pipe is full: its reader is slow.
        if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipeMs);
        else if (code === 'EPIPE') isUnread = true;
        // These lines are lost, for instance because the disk is full. That is no reason to end a gateway.
        else return;
      }
  };
  process.on('exit', flush);
  return {
    write(line) {
      pending += line;
      if (pending.length >= maxBufferedLength) return flush();
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(flush);
    },
  };
}

/** A driver's errors carry their whole connection, with its keys: only what an error says is logged. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = pino.stdSerializers.err(error);
  return { type, message, stack, ...('code' in error && { code: error.code }) };
}
