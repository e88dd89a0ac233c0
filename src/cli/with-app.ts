import { userInfo } from 'node:os';
import { type App, openApp } from '../app.js';
import { operator } from '../auth/caller.js';
import { readConfig } from '../config.js';
import { openLog } from '../log.js';

/** Answers go to standard output, so only problems are logged. */
export async function withApp(
  work: (app: App, caller: ReturnType<typeof operator>) => Promise<void>,
): Promise<void> {
  const app = await openApp(readConfig(process.env), openLog('warn'), { exclusive: false });
  try {
    await work(app, operator(userInfo().username));
  } finally {
    await app.close();
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
