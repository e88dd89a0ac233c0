import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { build } from '../../bin/build.js';

/** Statements with an effect, as test/setup/interrupt-at.js counts them. */
export interface Point {
  database: string;
  sql: string;
  /** Whether its effect is there when it is answered: it commits, or is in no transaction. */
  lasts: boolean;
}

export interface Interruption {
  /** Number of the statement, from 1. */
  at: number;
  /** sent: it was, and nobody waited for the answer. */
  moment: 'before' | 'sent' | 'after';
  /** The whole process, or the connection that the statement goes by. */
  how: 'kill' | 'cut';
}

/** What a process is to do. */
export interface Order {
  slug: string;
  /** A command of the product, or `removeWhatIsDue`. */
  command: string;
  input: object;
  interruption?: Interruption | undefined;
  /** Whether it lives on until nothing of the tenant is left to be done. */
  goesOn: boolean;
}

/** What a process said at its end; undefined when it was killed before. */
interface LastWords {
  error?: string;
  points: Point[];
}

/** Processes that wait for their order, so that none has to be waited for. */
export interface Victims extends AsyncDisposable {
  send(order: Order): Promise<LastWords | undefined>;
}

const patienceMs = 60_000;

export function openVictims(env: Record<string, string>): Victims {
  if (!build(['server'])) throw new Error('the server does not compile');
  let next = spawnVictim(env);
  return {
    async send(order) {
      const victim = next;
      next = spawnVictim(env);
      return await obey(victim, order);
    },
    async [Symbol.asyncDispose]() {
      const exited = once(next.child, 'exit');
      next.child.kill('SIGKILL');
      await exited;
    },
  };
}

interface Victim {
  child: ChildProcessWithoutNullStreams;
  lines: AsyncIterator<string>;
  complaints: string[];
}

function spawnVictim(env: Record<string, string>): Victim {
  const program = new URL('victim.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [program], { env: { PATH: process.env.PATH, ...env } });
  const complaints: string[] = [];
  child.stderr.on('data', (chunk) => complaints.push(String(chunk)));
  // An order may come too late for one that was killed.
  child.stdin.on('error', () => undefined);
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return { child, complaints, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function obey({ child, lines, complaints }: Victim, order: Order): Promise<LastWords | undefined> {
  const ended = child.exitCode ?? child.signalCode;
  const exited = ended === null ? once(child, 'exit') : Promise.resolve();
  const late = setTimeout(() => child.kill('SIGABRT'), patienceMs);
  const ready = await lines.next();
  if (ready.done) throw new Error(`a process did not start: ${complaints.join('')}`);
  child.stdin.write(`${JSON.stringify(order)}\n`);
  const words = await lines.next();
  await exited;
  clearTimeout(late);
  if (!words.done) return JSON.parse(words.value);
  if (child.signalCode === 'SIGKILL') return undefined;
  throw new Error(`a process ended by ${child.signalCode ?? child.exitCode}: ${complaints.join('')}`);
}
