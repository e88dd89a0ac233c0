import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { build } from '../../bin/build.js';

/** A statement with an effect, as test/setup/interrupt-at.js counts them. */
export interface Point {
  database: string;
  sql: string;
  /** Whether its effect is permanent once it is answered: it is a COMMIT, or in no transaction. */
  lasts: boolean;
}

export interface Interruption {
  /** Number of the statement, from 1. */
  at: number;
  /** sent: the statement was sent, and its answer not awaited. */
  moment: 'before' | 'sent' | 'after';
  /** kill ends the process; cut ends the connection of the statement. */
  how: 'kill' | 'cut';
}

/** The work of a victim process. */
export interface Order {
  slug: string;
  /** A command of the product, or `removeWhatIsDue`. */
  command: string;
  input: object;
  interruption?: Interruption | undefined;
  /** Whether the process continues until the tenant has no operation left. */
  goesOn: boolean;
}

/** The last output of a process. */
interface LastWords {
  error?: string;
  points: Point[];
  /** Whether a connection was cut as ordered. */
  isInterrupted: boolean;
}

/** Whether a process was interrupted as ordered. A faster run than the recorded one may end before its statement. */
export function wasInterrupted({ how }: Interruption, words: LastWords | undefined): boolean {
  return how === 'kill' ? words === undefined : words?.isInterrupted === true;
}

/** Starts processes in advance, so that each order finds one ready. */
export interface Victims extends AsyncDisposable {
  /** Resolves with the output of the process; undefined when it was killed. */
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
      return await runOrder(victim, order);
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
  errors: string[];
}

function spawnVictim(env: Record<string, string>): Victim {
  const program = new URL('victim.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [program], { env: { PATH: process.env.PATH, ...env } });
  const errors: string[] = [];
  child.stderr.on('data', (chunk) => errors.push(String(chunk)));
  // The process may be dead when the order is written.
  child.stdin.on('error', () => undefined);
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return { child, errors, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function runOrder({ child, lines, errors }: Victim, order: Order): Promise<LastWords | undefined> {
  const ended = child.exitCode ?? child.signalCode;
  const exited = ended === null ? once(child, 'exit') : Promise.resolve();
  const late = setTimeout(() => child.kill('SIGABRT'), patienceMs);
  const ready = await lines.next();
  if (ready.done) throw new Error(`a process did not start: ${errors.join('')}`);
  child.stdin.write(`${JSON.stringify(order)}\n`);
  const words = await lines.next();
  await exited;
  clearTimeout(late);
  if (!words.done) return JSON.parse(words.value);
  if (child.signalCode === 'SIGKILL') return undefined;
  throw new Error(`a process ended by ${child.signalCode ?? child.exitCode}: ${errors.join('')}`);
}
