/** The product as its user has it: a process made of dist/, its environment, and what it says. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { inject } from 'vitest';
import { clearAfterFile } from './leftovers.js';

type Env = Record<string, string>;

interface LogLine {
  level: number;
  msg: string;
  [field: string]: unknown;
}

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

interface StartedProcess extends AsyncDisposable {
  pid: number;
  stderr(): string;
  /** Its log so far; throws on a line that is no JSON object. */
  log(): LogLine[];
  /** Waits for a line of the log with this message; throws when the process ends without. */
  logged(message: string): Promise<LogLine>;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
  ended: Promise<Ended>;
}

export interface ServingProcess extends StartedProcess {
  /** "http://127.0.0.1:4000" */
  url: string;
  /** From its start until it serves. */
  startupMs: number;
  ask(query: string, options?: AskOptions): Promise<HttpAnswer>;
  get(path: string): Promise<HttpAnswer>;
}

interface AskOptions {
  key?: string;
  variables?: object;
  headers?: Record<string, string>;
}

interface HttpAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is the question's, which stands beside the assertion
  body: any;
  codes: string[];
  headers: Headers;
}

const project = join(import.meta.dirname, '../..');
const children = new Set<ChildProcess>();
const folders: string[] = [];

/** Whatever a test left behind, were it because it failed. */
clearAfterFile(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) {
    const pid = await postmasterPid(join(folder, 'data'));
    if (pid) process.kill(pid, 'SIGQUIT');
    while (pid && (await isRunning(pid))) await delay(20);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** Named so that the next run removes it, and its PostgreSQL, should this run be killed. */
export async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `tenant-registry-test-${process.pid}-`));
  folders.push(folder);
  // As root, PostgreSQL runs as another user, who must get in.
  await chmod(folder, 0o755);
  return folder;
}

/** Empty; the product makes it. */
export async function aDataDir(): Promise<string> {
  return join(await aFolder(), 'data');
}

let startedOnce: Promise<string> | undefined;

/** One in which a gateway has served before: for tests of something else than the first start, which takes seconds. */
export async function aStartedDataDir(): Promise<string> {
  startedOnce ??= startOnce();
  const [template, dataDir] = [await startedOnce, await aDataDir()];
  // With owners: PostgreSQL runs as another user under root.
  await promisify(execFile)('cp', ['-a', template, dataDir]);
  return dataDir;
}

/** Outlives the file that needs it first, and goes with the run. */
async function startOnce(): Promise<string> {
  const folder = await mkdtemp(join(inject('runFolder'), 'started-'));
  await chmod(folder, 0o755);
  const dataDir = join(folder, 'data');
  await (await serve({ DATA_DIR: dataDir })).end('SIGTERM');
  return dataDir;
}

/** The shipped modules, and in one of them, or in a new one, a last migration. */
export async function aModulesDir(name: string, sql: string): Promise<string> {
  const modulesDir = join(await aFolder(), 'modules');
  await cp(join(project, 'modules'), modulesDir, { recursive: true });
  await mkdir(join(modulesDir, name), { recursive: true });
  await writeFile(join(modulesDir, name, '9999_last.sql'), sql);
  return modulesDir;
}

/** Starts `tenant-registry` with these arguments, and with nothing of our own environment that it reads. */
export function start(args: string[], env: Env = {}): StartedProcess {
  const child = spawn(process.execPath, [join(project, 'dist/cli/main.js'), ...args], {
    cwd: project,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
    child.emit('said');
  });
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    children.delete(child);
    child.emit('said');
    return { code, signal, stdout, stderr };
  });
  const hasEnded = () => !children.has(child);
  // Whole lines only: the last one may still be on its way.
  const log = () => stderr.split('\n').slice(0, -1).map(readLogLine);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return await ended;
  };
  return {
    pid: child.pid ?? 0,
    ended,
    end,
    log,
    stderr: () => stderr,
    async logged(message) {
      for (;;) {
        const line = stderr.includes(`"msg":"${message}"`) && log().find(({ msg }) => msg === message);
        if (line) return line;
        if (hasEnded()) throw new Error(`ended without saying "${message}":\n${stderr}`);
        await once(child, 'said');
      }
    },
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
    },
  };
}

/** Runs a command to its end. */
export async function run(args: string[], env: Env = {}): Promise<Ended> {
  return await start(args, env).ended;
}

/** Secret of a new key, made at the command line. */
export async function aKey(env: Env, scopes: string): Promise<string> {
  const { stdout, stderr } = await run(
    ['keys', 'create', '--name', 'test', '--scopes', scopes, '--json'],
    env,
  );
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout).secret;
}

/** A gateway that serves, on a port of its own unless PORT is given. */
export async function serve(env: Env): Promise<ServingProcess> {
  const startedAt = performance.now();
  const gateway = start(['serve'], { PORT: '0', ...env });
  const serving = await gateway.logged('serving');
  const startupMs = performance.now() - startedAt;
  const { origin } = new URL(String(serving.url));
  return {
    ...gateway,
    url: origin,
    startupMs,
    ask: async (query, { key, variables = {}, headers } = {}) =>
      await answerOf(
        await fetch(`${origin}/graphql`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(key && { authorization: `Bearer ${key}` }),
            ...headers,
          },
          body: JSON.stringify({ query, variables }),
        }),
      ),
    get: async (path) => await answerOf(await fetch(`${origin}${path}`)),
  };
}

async function answerOf(response: Response): Promise<HttpAnswer> {
  const body = (await response.json()) as { errors?: { extensions?: { code?: string } }[] };
  const codes = (body.errors ?? []).map(({ extensions }) => extensions?.code ?? 'none');
  return { status: response.status, body, codes, headers: response.headers };
}

function readLogLine(line: string): LogLine {
  const parsed: unknown = line.startsWith('{') ? JSON.parse(line) : undefined;
  if (typeof parsed === 'object' && parsed !== null && 'msg' in parsed) return parsed as LogLine;
  throw new Error(`no line of a log: ${line}`);
}

/** The PostgreSQL that runs on a data folder; undefined when none does. */
export async function postmasterPid(dataDir: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '');
  const pid = Math.abs(Number(text.split('\n')[0]));
  return pid && (await isRunning(pid)) ? pid : undefined;
}

/** A zombie that nobody has collected yet does not run. */
async function isRunning(pid: number): Promise<boolean> {
  const status = promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]);
  const { stdout } = await status.catch(() => ({ stdout: '' }));
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

/** A connection as the printed psql command makes it; by its parts, for not every machine has psql. */
export async function connectByHand(psqlCommand: unknown): Promise<pg.Client> {
  const words = /^PGPASSFILE=(\S+) psql -h (\S+) -p (\d+) -U (\S+) (\S+)$/.exec(String(psqlCommand)) ?? [];
  const [, passwordFile = '', host, port, user, database] = words;
  const password = (await readFile(passwordFile, 'utf8')).trim().split(':')[4];
  const client = new pg.Client({ host, port: Number(port), user, database, password });
  // Tests stop its server.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Holds a port until disposed; without a number, a free one. */
export async function takePort(port = 0): Promise<AsyncDisposable & { port: number }> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** What the README promises to the first question. */
export const firstQuery =
  '{ tenantSchema(id: "demo-harbour", module: "finance") { schemaName searchPath databaseName } }';
export const firstAnswer = {
  data: {
    tenantSchema: {
      schemaName: 'finance_demo_harbour',
      searchPath: '"finance_demo_harbour"',
      databaseName: 'finance',
    },
  },
};
