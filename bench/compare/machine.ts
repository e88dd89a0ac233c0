import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';

/** Where a figure was taken: without it the figure says nothing. */
export interface Machine {
  processor: string;
  cores: number;
  memoryGb: number;
  system: string;
  node: string;
  postgres: string;
  /** The commit of the working copy, with "+" when it has changes; undefined outside of a working copy. */
  commit: string | undefined;
}

export async function describeMachine(pool: pg.Pool): Promise<Machine> {
  const { rows } = await pool.query('SHOW server_version');
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() || 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${distribution()} ${type()} ${release()}`.trim(),
    node: process.version,
    postgres: rows[0].server_version,
    commit: describeCommit(),
  };
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

function describeCommit(): string | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8', stdio: 'pipe' });
  try {
    const isChanged = git('status', '--porcelain', '--untracked-files=no').trim() !== '';
    return `${git('rev-parse', '--short', 'HEAD').trim()}${isChanged ? '+' : ''}`;
  } catch {
    return undefined;
  }
}
