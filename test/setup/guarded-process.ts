/** A server of a test's own that never outlives it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface GuardedProcess {
  /** What it said at last, when it has ended. */
  ended: Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Sends a signal and waits for the end. */
  end(name: NodeJS.Signals): Promise<void>;
}

/** Ends the server when its standard input ends: this process may die without a chance to clean up. A line calls it off. */
const guard = `
  exec 3<&0
  folder=$1; shift
  "$@" 3<&- & pid=$!
  echo $pid >&2
  (read -r _ <&3 || { kill -9 $pid; rm -rf "$folder"; }) &
  wait $pid`;

/** Starts a server whose files lie in a folder; as another account than ours where one is given. */
export async function spawnGuarded(
  command: string[],
  { folder, account }: { folder: string; account?: { uid: number; gid: number } | undefined },
): Promise<GuardedProcess> {
  // A session of its own: Ctrl-C goes to the test, which closes what it opened.
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
