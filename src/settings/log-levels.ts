/** LOG_LEVEL: a level for all log lines, and others for the parts of the product. */

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Parts of the product with a level of their own. */
const logParts = ['requests', 'feed', 'cache', 'database', 'provisioning', 'importing'] as const;

export type LogLevel = (typeof levels)[number];
export type LogPart = (typeof logParts)[number];

export interface LogLevels {
  /** Of all lines of no part with a level of its own. */
  rest: LogLevel;
  parts: Readonly<Partial<Record<LogPart, LogLevel>>>;
}

export const expectedLevels = `one of ${levels.join(', ')}, and for parts such as info,feed=debug one of ${logParts.join(', ')}`;

/** Undefined for text of another form. */
export function readLogLevels(text: string): LogLevels | undefined {
  let rest: LogLevel | undefined;
  const parts: Partial<Record<LogPart, LogLevel>> = {};
  for (const item of text.split(',')) {
    const [name = '', value, ...further] = item.trim().split('=');
    const level = levels.find((one) => one === (value ?? name));
    if (level === undefined || further.length > 0) return undefined;
    if (value === undefined) {
      if (rest !== undefined) return undefined;
      rest = level;
      continue;
    }
    const part = logParts.find((one) => one === name);
    if (part === undefined || parts[part] !== undefined) return undefined;
    parts[part] = level;
  }
  return { rest: rest ?? 'info', parts };
}
