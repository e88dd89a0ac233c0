/** The compiled product as a process, with its environment and output. */
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
  stdout(): string;
  stderr(): string;
  /** The log so far; throws for a line that is not a JSON object. */
  log(): LogLine[];
  /** Waits for a log line with this message; throws when the process ends before that. */
  logged(message: string): Promise<LogLine>;
  /** Sends a signal and waits for the end of the process. */
  end(signal: NodeJS.Signals): Promise<Ended>;
  ended: Promise<Ended>;
}

export interface ServingProcess extends StartedProcess {
  /** "http://127.0.0.1:4000" */
  url: string;
  /** Time from the start of the process until it serves. */
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
  // biome-ignore lint/suspicious/noExplicitAny: the query next to the assertion determines the shape of the data
  body: any;
  codes: string[];
  headers: Headers;
}

const project = join(import.meta.dirname, '../..');
const children = new Set<ChildProcess>();
const folders: string[] = [];

/** Processes that a test has left running, for instance because it failed. */
clearAfterFile(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) {
    const pid = await postmasterPid(join(folder, 'data'));
    if (pid) process.kill(pid, 'SIGQUIT');
    while (pid && (await isRunning(pid))) await delay(20);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** An empty folder. Its name lets the next run remove it and its PostgreSQL if this run is killed. */
export async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `tenant-registry-test-${process.pid}-`));
  folders.push(folder);
  // Under root, PostgreSQL runs as another user, who needs access to the folder.
  await chmod(folder, 0o755);
  return folder;
}

/** Path of a data folder that does not exist yet; the product creates it. */
export async function aDataDir(): Promise<string> {
  return join(await aFolder(), 'data');
}

let startedOnce: Promise<string> | undefined;

/** A data folder of an earlier start, for tests that need not wait for a first start, which takes seconds. */
export async function aStartedDataDir(): Promise<string> {
  startedOnce ??= startOnce();
  const [template, dataDir] = [await startedOnce, await aDataDir()];
  // Keeps the owners, because PostgreSQL runs as another user under root.
  await promisify(execFile)('cp', ['-a', template, dataDir]);
  return dataDir;
}

/** Shared by test files; removed after the run. */
async function startOnce(): Promise<string> {
  const folder = await mkdtemp(join(inject('runFolder'), 'started-'));
  await chmod(folder, 0o755);
  const dataDir = join(folder, 'data');
  await (await serve({ DATA_DIR: dataDir })).end('SIGTERM');
  return dataDir;
}

/** A copy of the shipped modules with one more migration in an existing or new module. */
export async function aModulesDir(name: string, sql: string): Promise<string> {
  const modulesDir = join(await aFolder(), 'modules');
  await cp(join(project, 'modules'), modulesDir, { recursive: true });
  await mkdir(join(modulesDir, name), { recursive: true });
  await writeFile(join(modulesDir, name, '9999_last.sql'), sql);
  return modulesDir;
}

/** Starts `tenant-registry` without the variables of the test process that it would read. */
export function start(args: string[], env: Env = {}): StartedProcess {
  const child = spawn(process.execPath, [join(project, 'dist/bundle/main.js'), ...args], {
    cwd: project,
    // On a machine that runs tests every event loop may be late, and every document slow.
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      SHED_DELAY_MS: '0',
      RATE_DOCUMENT_MS: '0',
      ...env,
    },
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
  // Complete lines only; the last one may be partial.
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
    stdout: () => stdout,
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

/** Runs a command and waits for its end. */
export async function run(args: string[], env: Env = {}): Promise<Ended> {
  return await start(args, env).ended;
}

/** Creates a key at the command line and returns its secret. */
export async function aKey(env: Env, scopes: string): Promise<string> {
  const { stdout, stderr } = await run(
    ['keys', 'create', '--name', 'test', '--scopes', scopes, '--json'],
    env,
  );
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout).secret;
}

/** Starts a gateway, on a free port unless PORT is given, and waits until it serves. */
export async function serve(env: Env, args: string[] = []): Promise<ServingProcess> {
  const startedAt = performance.now();
  const gateway = start(['serve', ...args], { PORT: '0', ...env });
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

/** Process id of the PostgreSQL on a data folder; undefined when none runs. */
export async function postmasterPid(dataDir: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '');
  const pid = Math.abs(Number(text.split('\n')[0]));
  return pid && (await isRunning(pid)) ? pid : undefined;
}

/** Whether the process runs; a zombie does not. */
async function isRunning(pid: number): Promise<boolean> {
  const status = promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]);
  const { stdout } = await status.catch(() => ({ stdout: '' }));
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

/** Connects with the parameters of the printed psql command, because psql may not be installed. */
export async function connectByHand(psqlCommand: unknown): Promise<pg.Client> {
  const words = /^PGPASSFILE=(\S+) psql -h (\S+) -p (\d+) -U (\S+) (\S+)$/.exec(String(psqlCommand)) ?? [];
  const [, passwordFile = '', host, port, user, database] = words;
  const password = (await readFile(passwordFile, 'utf8')).trim().split(':')[4];
  const client = new pg.Client({ host, port: Number(port), user, database, password });
  // Tests stop the server of this connection.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Occupies a port until disposed; without a number, a free one. */
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

/** The first query of the README and its answer. */
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
