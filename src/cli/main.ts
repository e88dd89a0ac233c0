import { setFlagsFromString } from 'node:v8';
import { runCommandLine } from './command-line.js';

// V8 would optimise the WebAssembly of Prisma's query compiler after a few queries, which takes longer than most commands. This is
// 50 times its usual budget: measured, a command takes half the CPU time, and what a gateway runs often is still optimised.
setFlagsFromString('--wasm-tiering-budget=100000000');

// The reader of a pipe may stop reading, as in "tenant list 2>&1 | head": the command goes on to its end without a complaint.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

await runCommandLine(process.argv.slice(2));
