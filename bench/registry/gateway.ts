/** The gateway as its user starts it: bin/tenant-registry.js, an environment, a log in a file. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { askGraphql } from './ask.js';
import type { Undo } from './undo.js';

export interface Gateway {
  /** "http://127.0.0.1:4000/graphql" */
  url: string;
  pid: number;
  /** From the start of the process until it serves. */
  startupMs: number;
  /** One request; throws on any error in the answer. */
  ask(query: string, variables?: object): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

const project = join(import.meta.dirname, '../..');
const command = join(project, 'bin/tenant-registry.js');
const startupLimitMs = 120_000;
/** PATH and HOME alone of our own environment: a gateway must not find settings of the shell it is measured in. */
const { PATH = '', HOME = '' } = process.env;

/** Runs a command of the product to its end and returns what it printed. */
export async function runCommand(args: string[], env: Record<string, string>): Promise<string> {
  const options = { cwd: project, env: { PATH, HOME, ...env }, maxBuffer: 2 ** 26 };
  return (await promisify(execFile)(process.execPath, [command, ...args], options)).stdout;
}

/** `key`: shown with each request of `ask`; not needed in open mode. */
export async function startGateway(undo: Undo, env: Record<string, string>, key?: string): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-bench-'));
  undo.add(() => rm(folder, { recursive: true, force: true }));
  // To a file, as a service manager would do it: a pipe into this process would cost it and the gateway time.
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'a');
  const startedAt = performance.now();
  const child = spawn(process.execPath, [command, 'serve'], {
    cwd: project,
    // Tenants are written by SQL, and their storage is nowhere: no worker is to look for it.
    env: { PATH, HOME, PORT: '0', WORKER: 'none', ...env },
    stdio: ['ignore', 'ignore', log],
  });
  closeSync(log);
  const stop = () => stopProcess(child);
  undo.add(stop);

  let url: string | undefined;
  while (!url) {
    const said = readFileSync(logFile, 'utf8');
    url = /"url":"(http[^"]+\/graphql)".*"msg":"serving"/.exec(said)?.[1];
    if (child.exitCode !== null || performance.now() - startedAt > startupLimitMs)
      throw new Error(`The gateway does not serve. It said:\n${said.slice(-4_000)}`);
    if (!url) await delay(10);
  }
  const at = url;
  const startupMs = performance.now() - startedAt;
  return {
    url,
    pid: child.pid ?? 0,
    startupMs,
    stop,
    ask: (query, variables) => askGraphql(at, query, variables, key),
  };
}

/** SIGTERM, and after ten seconds SIGKILL. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(late);
}
