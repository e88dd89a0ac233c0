import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { runCommandLine } from '../../src/cli/command-line.js';

/**
 * The command line in this process, for tests in which the process itself is not the subject: a process costs half a second of CPU.
 * Signals, broken pipes, terminals and the environment of an installed program are tests of real processes (setup/process.ts).
 */

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

let running: Promise<unknown> = Promise.resolve();

/** Runs `tenant-registry` with these arguments and, besides PATH and HOME, this environment. One command at a time. */
export function runHere(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const result = running.then(() => runAlone(args, env));
  running = result.catch(() => undefined);
  return result;
}

async function runAlone(args: string[], env: Record<string, string>): Promise<Ended> {
  const before = { env: process.env, exitCode: process.exitCode };
  const output = { stdout: '', stderr: '' };
  const restore = [
    capture('stdout', output),
    capture('stderr', output),
    captureLog(output),
    // A command that waits for signals would keep this process from being stopped.
    keepListeners('SIGTERM'),
    keepListeners('SIGINT'),
    keepListeners('SIGHUP'),
  ];
  const { PATH, HOME } = process.env;
  process.env = { ...(PATH && { PATH }), ...(HOME && { HOME }), ...env };
  process.exitCode = 0;
  try {
    await runCommandLine(args);
    // The log is written at the end of a turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    return { code: Number(process.exitCode), ...output };
  } finally {
    process.env = before.env;
    process.exitCode = before.exitCode;
    for (const undo of restore) undo();
  }
}

/** The stream is no terminal, as in a script. */
function capture(name: 'stdout' | 'stderr', output: { stdout: string; stderr: string }): () => void {
  const stream = process[name];
  const own = ['write', 'isTTY', 'columns'].map(
    (property) => [property, Object.getOwnPropertyDescriptor(stream, property)] as const,
  );
  const write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    output[name] += chunk.toString();
    const written = rest.at(-1);
    if (typeof written === 'function') process.nextTick(written);
    return true;
  };
  for (const [property, value] of Object.entries({ write, isTTY: false, columns: undefined }))
    Object.defineProperty(stream, property, { value, configurable: true, writable: true });
  return () => {
    for (const [property, descriptor] of own)
      if (descriptor) Object.defineProperty(stream, property, descriptor);
      else Reflect.deleteProperty(stream, property);
  };
}

/** The log goes to the file descriptor of standard error. */
function captureLog(output: { stderr: string }): () => void {
  const { writeSync } = fs;
  fs.writeSync = ((fd: number, data: Uint8Array, ...rest: never[]) => {
    if (fd !== 2) return writeSync(fd, data, ...rest);
    output.stderr += Buffer.from(data).toString();
    return data.length;
  }) as typeof writeSync;
  syncBuiltinESMExports();
  return () => {
    fs.writeSync = writeSync;
    syncBuiltinESMExports();
  };
}

function keepListeners(signal: NodeJS.Signals): () => void {
  const before = process.listeners(signal);
  return () => {
    for (const listener of process.listeners(signal))
      if (!before.includes(listener)) process.off(signal, listener);
  };
}
