import { setFlagsFromString } from 'node:v8';
import { ConfigError } from '../config.js';
import { EmbeddedInUseError } from '../database/embedded/embedded.js';
import { ServerError } from '../database/server-check.js';
import { RegistryError } from '../errors.js';
import { createProgram, findGroup } from './program.js';
import { oneLine } from './terminal/printable.js';

// V8 would optimise the WebAssembly of Prisma's query compiler after a few queries, which takes longer than most commands. This is
// 50 times its usual budget: measured, a command takes half the CPU time, and what a gateway runs often is still optimised.
setFlagsFromString('--wasm-tiering-budget=100000000');

// The reader of a pipe may stop reading, as in "tenant list 2>&1 | head": the command goes on to its end without a complaint.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

try {
  const program = createProgram();
  const group = findGroup(program, process.argv.slice(2));
  if (group) group.outputHelp();
  else await program.parseAsync();
} catch (error) {
  process.stderr.write(`${explain(error).split('\n').map(oneLine).join('\n')}\n`);
  process.exitCode = 1;
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
