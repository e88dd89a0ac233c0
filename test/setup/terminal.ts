import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'vitest';

/** The command line at a pseudo-terminal, which `script` of util-linux creates. */

const version = spawnSync('script', ['--version'], { encoding: 'utf8' });
const isInstalled = version.status === 0 && version.stdout.includes('util-linux');

if (!isInstalled) {
  const advice = 'script of util-linux is not installed (apt-get install bsdutils)';
  if (process.env.CI === 'true') throw new Error(`${advice}; under CI=true these tests must run`);
  process.stderr.write(`\n!!! ${advice}; tests that need a terminal are SKIPPED\n\n`);
}

/** Declares a test that needs a terminal. */
export const testWithTerminal = test.skipIf(!isInstalled);

export interface Terminal extends AsyncDisposable {
  /** All output so far, control sequences included. */
  shown(): string;
  /** Resolves when the text has been printed; throws when the command ends before that. */
  showed(text: string): Promise<void>;
  type(keys: string): void;
  ended: Promise<{ code: number | null; shown: string }>;
}

const project = join(import.meta.dirname, '../..');

/** Runs `tenant-registry` at a terminal with 100 columns. */
export function openTerminal(args: string[], env: Record<string, string>): Terminal {
  const words = [process.execPath, join(project, 'dist/bundle/main.js'), ...args].map(
    (word) => `'${word.replaceAll("'", `'\\''`)}'`,
  );
  const child = spawn('script', ['-qec', `stty cols 100 rows 40; exec ${words.join(' ')}`, '/dev/null'], {
    cwd: project,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  let isOver = false;
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    shown += chunk;
    child.emit('shown');
  });
  const ended = once(child, 'close').then(([code]) => {
    isOver = true;
    child.emit('shown');
    return { code: code as number | null, shown };
  });
  return {
    shown: () => shown,
    ended,
    type: (keys) => void child.stdin.write(keys),
    async showed(text) {
      while (!shown.includes(text)) {
        if (isOver) throw new Error(`ended without showing "${text}":\n${shown}`);
        await once(child, 'shown');
      }
    },
    async [Symbol.asyncDispose]() {
      if (!isOver) child.kill('SIGHUP');
      await ended;
    },
  };
}
