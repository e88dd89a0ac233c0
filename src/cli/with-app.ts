import { userInfo } from 'node:os';
import { type App, openApp } from '../app.js';
import { type Caller, operator } from '../auth/caller.js';
import { readConfig } from '../config.js';
import { openLog } from '../log.js';
import { redactSecrets } from '../registry/values/secret-detector.js';
import type { LogLevel } from '../settings/log-levels.js';
import { printable } from './terminal/printable.js';

interface WithAppOptions {
  readOnly?: boolean;
  /** Whether tables of an older registry in the registry's database may be renamed. Default: they are refused. */
  renamesOldTables?: boolean;
  /** Default: warn. Commands that report their problems themselves set a higher level. */
  logLevel?: LogLevel;
}

/** Opens the app, runs the work as the current operator, and closes the app. Logs problems only, since output is for results. */
export async function withApp<T>(
  work: (app: App, caller: Caller) => Promise<T>,
  { logLevel = 'warn', ...options }: WithAppOptions = {},
): Promise<T> {
  const log = openLog(logLevel, redactSecrets);
  const app = await openApp(readConfig(process.env), log, { exclusive: false, ...options });
  try {
    return await work(app, operator(userInfo().username));
  } finally {
    await app.close();
  }
}

/** Writes to standard output; nothing in the line steers the terminal. */
export function print(line: string): void {
  process.stdout.write(`${printable(line)}\n`);
}
