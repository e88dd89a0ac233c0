import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Tree } from './tree.js';

export interface TestRun {
  /** `broken`: no test ran at all, because the set-up of the run failed. */
  outcome: 'passed' | 'failed' | 'timed out' | 'broken';
  /** File and name of each test that failed; a file that does not load stands by its own name. */
  failed: { file: string; test: string; message: string }[];
  /** The files that ran to their end. */
  timesMs: Map<string, number>;
  output: string;
}

interface Report {
  testResults: {
    name: string;
    status: string;
    message: string;
    startTime: number;
    endTime: number;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

const running = new Set<ChildProcess>();

/**
 * One process, because each one loads the product, which costs more than most tests: `--jobs` uses the other cores. Modules that
 * the mutant does not touch come transformed from a cache.
 */
const frugal = ['--maxWorkers=1', '--experimental.fsModuleCache'];

/** Ends every process that a run has started. */
export function stopRuns(): void {
  for (const child of running) signal(child, 'SIGTERM');
}

/** Runs test files in a folder, until the first failure or to the end. */
export async function runTests(
  { folder, testEnv }: Pick<Tree, 'folder' | 'testEnv'>,
  tests: readonly string[],
  { timeoutMs, bail, isWhole = false }: { timeoutMs: number; bail: boolean; isWhole?: boolean },
): Promise<TestRun> {
  const reportFile = join(folder, 'dist/mutants.json');
  rmSync(reportFile, { force: true });
  const reporting = ['--reporter=json', `--outputFile=${reportFile}`, `--bail=${bail ? 1 : 0}`];
  const child = spawn(
    process.execPath,
    [
      join(folder, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...tests,
      ...reporting,
      ...(isWhole ? [] : frugal),
    ],
    // In a group of its own, so that a run that hangs ends with everything that it started.
    {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...testEnv, NO_COLOR: '1' },
    },
  );
  running.add(child);
  let output = '';
  const listen = (data: Buffer) => {
    output = `${output}${data}`.slice(-10_000);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const isLate = await endsInTime(child, timeoutMs);
  running.delete(child);
  // Remaining processes of the group, such as a gateway of a failed test.
  signal(child, 'SIGKILL');
  const report = readReport(reportFile);
  const failed = failuresIn(report, folder);
  const timesMs = new Map(
    report.testResults
      .filter(({ status, assertionResults }) => status === 'passed' && assertionResults.length > 0)
      .map(({ name, startTime, endTime }) => [relative(folder, name), Math.round(endTime - startTime)]),
  );
  if (isLate && failed.length === 0) return { outcome: 'timed out', failed, timesMs, output };
  if (failed.length > 0) return { outcome: 'failed', failed, timesMs, output };
  const hasRun = report.testResults.some(({ assertionResults }) => assertionResults.length > 0);
  if (!hasRun) return { outcome: 'broken', failed, timesMs, output };
  return { outcome: child.exitCode === 0 ? 'passed' : 'failed', failed, timesMs, output };
}

async function endsInTime(child: ChildProcess, timeoutMs: number): Promise<boolean> {
  const ended = once(child, 'close');
  let isLate = false;
  // The run first stops its PostgreSQL, unless it is too stuck for that.
  const term = setTimeout(() => {
    isLate = true;
    signal(child, 'SIGTERM');
  }, timeoutMs);
  const kill = setTimeout(() => signal(child, 'SIGKILL'), timeoutMs + 20_000);
  await ended;
  clearTimeout(term);
  clearTimeout(kill);
  return isLate;
}

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // The whole group has ended.
  }
}

function readReport(file: string): Report {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    // Vitest writes none when it is stopped or its set-up fails.
    return { testResults: [] };
  }
}

function failuresIn({ testResults }: Report, folder: string): TestRun['failed'] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(folder, name);
    const tests = assertionResults.filter((result) => result.status === 'failed');
    if (tests.length === 0 && status === 'failed') return [{ file, test: file, message: firstLine(message) }];
    return tests.map(({ fullName, failureMessages }) => ({
      file,
      test: fullName,
      message: firstLine(failureMessages[0] ?? ''),
    }));
  });
}

function firstLine(text: string): string {
  return (text.split('\n').find((line) => line.trim() !== '') ?? '').slice(0, 200);
}
