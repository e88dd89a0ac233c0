import { createInterface } from 'node:readline/promises';

/** Throws when the user can't be asked: without a terminal and without `--yes`. */
export function requireConfirmable(what: string, options: { yes?: true }): void {
  if (options.yes || (process.stdin.isTTY && process.stderr.isTTY)) return;
  throw new Error(`${what} needs a confirmation, and there is no terminal: add --yes`);
}

/** Asks the user. Ctrl-C, Ctrl-D and every answer that does not match `wanted` are a no. */
export async function confirm(question: string, wanted: RegExp): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const over = new AbortController();
  lines.once('SIGINT', () => over.abort());
  lines.once('close', () => over.abort());
  try {
    return wanted.test((await lines.question(question, { signal: over.signal })).trim());
  } catch (error) {
    if (!over.signal.aborted) throw error;
    process.stderr.write('\n');
    return false;
  } finally {
    lines.close();
  }
}
