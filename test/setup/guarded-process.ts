/** A server process that never outlives its test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { until } from './until.js';

export interface GuardedProcess {
  /** Last output of the process after its end. */
  ended: Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Sends a signal and waits for the end of the process. */
  end(name: NodeJS.Signals): Promise<void>;
}

/** Waits until a started server answers. When it ends instead, or does not answer in time, nothing of it stays. */
export async function awaitAnswer(
  running: GuardedProcess,
  { name, isUp, close }: { name: string; isUp: () => Promise<boolean>; close: () => Promise<void> },
): Promise<void> {
  let said: string | undefined;
  running.ended.then((text) => {
    said = text;
  });
  await until(async () => {
    if (said !== undefined) throw new Error(`${name} ended at once: ${said}`);
    return await isUp();
  }).catch(async (error) => {
    if (said === undefined) await close();
    throw error;
  });
}

/** Ends the server when its standard input ends, because the test process may die without cleaning up. A line prevents that. */
const guard = `
  exec 3<&0
  folder=$1; shift
  "$@" 3<&- & pid=$!
  echo $pid >&2
  (read -r _ <&3 || { kill -9 $pid; rm -rf "$folder"; }) &
  wait $pid`;

/** Starts a server with its files in a folder, under another account if one is given. */
export async function spawnGuarded(
  command: string[],
  { folder, account }: { folder: string; account?: { uid: number; gid: number } | undefined },
): Promise<GuardedProcess> {
  // In a new session, so that Ctrl-C reaches the test only, which then closes the server.
  const child = spawn('sh', ['-c', guard, 'sh', folder, ...command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    ...(account && { uid: account.uid, gid: account.gid }),
  });
  let said = '';
  const hear = (text: unknown) => {
    said = `${said}${text}`.slice(-2_000);
  };
  child.stdout.on('data', hear);
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'exit').then(() => said);
  const [line] = (await once(createInterface({ input: child.stderr }), 'line')) as [string];
  child.stderr.on('data', hear);
  const pid = Number(line);
  return {
    ended,
    signal: (name) => void process.kill(pid, name),
    async end(name) {
      child.stdin.write('over\n');
      process.kill(pid, name);
      await ended;
    },
  };
}
