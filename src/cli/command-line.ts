import { CommanderError } from 'commander';
import { ConfigError } from '../config.js';
import { EmbeddedInUseError } from '../database/embedded/embedded.js';
import { ServerError } from '../database/servers/server-check.js';
import { RegistryError } from '../errors.js';
import { createProgram, findGroup } from './program.js';
import { oneLine } from './terminal/printable.js';

/** Runs one command. It writes to the standard streams and sets the exit code of the process; it does not throw. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  try {
    const program = createProgram();
    const group = findGroup(program, args);
    if (group) group.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // It has written its message, or the help that was asked for.
    if (error instanceof CommanderError) {
      if (error.exitCode !== 0) process.exitCode = error.exitCode;
      return;
    }
    process.stderr.write(`${explain(error).split('\n').map(oneLine).join('\n')}\n`);
    process.exitCode = 1;
  }
}

/** One line per problem; a stack trace only for unexpected errors, with LOG_LEVEL=debug. */
function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof EmbeddedInUseError || error instanceof ServerError)
    return error.message;
  if (error instanceof RegistryError) return oneLine(`${error.code}: ${error.message}`);
  if (error instanceof Error)
    return process.env.LOG_LEVEL === 'debug' ? (error.stack ?? error.message) : error.message;
  return String(error);
}
