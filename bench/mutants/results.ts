import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * `refused`: no test found it, but the compiler does; or PostgreSQL does not take the SQL at all.
 * `equivalent`: judged by hand to change nothing that anybody could notice.
 */
export type Verdict = 'killed' | 'timed out' | 'survived' | 'refused' | 'equivalent';

export interface Result {
  id: string;
  file: string;
  line: number;
  operator: string;
  change: string;
  verdict: Verdict;
  /** The test that failed, the type error, or the reason for the equivalence. */
  because?: string;
  /** The test files that were run, in this order. */
  tests: string[];
  /** Whether all test files were run. */
  againstAll?: boolean;
}

export interface Results {
  seed: number;
  sample: number;
  only: string;
  /** The mutants of the sample, so that the rest of it is known when the sources have changed meanwhile. */
  ids: string[];
  results: Result[];
  /** How long test files took when they ran last. */
  timesMs: Record<string, number>;
}

/** The results so far; none when the file does not exist yet. */
export function readResults(file: string): Results | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Error(`${file} holds no results: ${error}`);
  }
}

export function writeResults(file: string, results: Results): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

/** Percentage of the killed among those that a test could kill. */
export function killedShare(results: readonly Result[]): number {
  const counted = results.filter(({ verdict }) => verdict !== 'equivalent' && verdict !== 'refused');
  const killed = counted.filter(({ verdict }) => verdict !== 'survived');
  return counted.length === 0 ? 100 : (100 * killed.length) / counted.length;
}
