import { createInterface } from 'node:readline/promises';

/** Whether somebody sits there to be asked; `--yes` answers for who does not. */
export function requireConfirmable(what: string, options: { yes?: true }): void {
  if (options.yes || (process.stdin.isTTY && process.stderr.isTTY)) return;
  throw new Error(`${what} has to be confirmed, and there is no terminal to ask at: add --yes`);
}

/** Asks until the line is in; Ctrl-C, Ctrl-D and every answer but the wanted one are a no. */
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
