/** One measurement: load by wrk where it is there, else by autocannon, and the CPU time that it cost. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Undo } from '../registry/undo.js';
import type { Contestant } from './contestants.js';
import { readCpuUs } from './cpu-time.js';
import { headersOf, type Way } from './questions.js';

export interface Measurement {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** CPU time of the server's processes per request, in microseconds; undefined where there is no /proc. */
  cpuUs: number | undefined;
  /** The same for PostgreSQL. */
  databaseCpuUs: number | undefined;
}

export interface Load {
  contestant: Contestant;
  way: Way;
  folder: string;
}

export const connections = 32;
const run = promisify(execFile);

export async function findTool(): Promise<string> {
  // wrk prints its version with its usage, and ends with 1.
  const found = await run('wrk', ['-v']).catch((error: { stdout?: string; stderr?: string }) => error);
  const version = /^wrk [^ ]+/.exec(`${found.stdout ?? ''}${found.stderr ?? ''}`)?.[0];
  return version ?? 'autocannon';
}

/** The input of the load generator: bodies, headers, and the correct answers. */
export async function prepareLoad(
  contestant: Contestant,
  way: Way,
  answers: string[],
  undo: Undo,
): Promise<Load> {
  const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-bench-'));
  undo.add(() => rm(folder, { recursive: true, force: true }));
  const write = (name: string, lines: string[]) => writeFile(join(folder, name), `${lines.join('\n')}\n`);
  await write(
    'requests',
    way.questions.map(({ body }) => body),
  );
  await write('answers', answers);
  await write(
    'headers',
    Object.entries(headersOf(contestant)).map(([name, value]) => `${name}: ${value}`),
  );
  return { contestant, way, folder };
}

/** Throws when an answer was wrong or missing: then nothing counts. */
export async function measure(
  { contestant, way, folder }: Load,
  { tool, seconds, postgresPid }: { tool: string; seconds: number; postgresPid: number },
): Promise<Measurement> {
  const before = [readCpuUs(contestant.pid), readCpuUs(postgresPid)];
  const { stdout } = tool.startsWith('wrk')
    ? await run('wrk', wrkArguments(contestant.url, folder, seconds))
    : await run(process.execPath, [
        join(import.meta.dirname, '../peers/autocannon.js'),
        ...[contestant.url, folder, String(connections), String(seconds)],
      ]);
  const after = [readCpuUs(contestant.pid), readCpuUs(postgresPid)];
  const line = /^result (.*)$/m.exec(stdout)?.[1];
  if (!line) throw new Error(`The load generator said no result: ${stdout}`);
  const result = JSON.parse(line) as LoadResult;
  if (result.wrong > 0 || result.errors > 0 || result.requests === 0)
    throw new Error(
      `${contestant.title}, ${way.title}: ${result.wrong} wrong answers and ${result.errors} errors in ${result.requests} requests`,
    );
  const perRequest = (at: number) => {
    const [start, end] = [before[at], after[at]];
    return start === undefined || end === undefined ? undefined : (end - start) / result.requests;
  };
  return {
    requestsPerSecond: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuUs: perRequest(0),
    databaseCpuUs: perRequest(1),
  };
}

interface LoadResult {
  requests: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  wrong: number;
  errors: number;
}

function wrkArguments(url: string, folder: string, seconds: number): string[] {
  const script = join(import.meta.dirname, 'load.lua');
  return ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, url, '--', folder];
}
