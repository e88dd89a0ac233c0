import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { build } from '../../bin/build.js';

/** A process that runs `tenant-registry worker`. */
export interface WorkerProcess extends AsyncDisposable {
  /** Sends SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** Resolves when the worker polls for operations. */
export async function startWorker(env: Record<string, string>): Promise<WorkerProcess> {
  if (!build(['server'])) throw new Error('the server does not compile');
  const program = new URL('../../dist/bundle/main.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, 'worker'], {
    env: { PATH: process.env.PATH, ...env, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  ended.then(() => process.off('exit', end));
  const output: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      output.push(line);
      if (line.includes('"msg":"working"')) resolve();
    });
    ended.then(() => reject(new Error(`the worker ended: ${output.join('\n')}`)));
  });
  const signal = async (name: NodeJS.Signals) => {
    child.kill(name);
    await ended;
    return child.exitCode;
  };
  return {
    stop: () => signal('SIGTERM'),
    kill: async () => void (await signal('SIGKILL')),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => void (await signal('SIGKILL')),
  };
}
