/**
 * Finds, starts and stops the server process of the embedded cluster. The server survives when this process is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, readlink } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import { isAlive, spawnOptions } from './postgres-process.js';

/** The content of `postmaster.pid`, checked against the process it names. */
export type Postmaster =
  | { state: 'ready'; pid: number; port: number }
  | { state: 'starting' | 'stopping'; pid: number }
  /** `impostorPid`: the file is stale, and another program's process has that pid now. */
  | { state: 'absent'; impostorPid?: number };

const startupMs = 60_000;
const fastStopMs = 10_000;
const pollMs = 20;
const maxLogBytes = 10 * 1024 * 1024;

export async function findPostmaster({ directory }: Cluster): Promise<Postmaster> {
  const text = await readFile(join(directory, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pidLine, , startedAtS, portLine, , , , status] = text.split('\n');
  const pid = Math.abs(Number(pidLine));
  if (!pid || !isAlive(pid)) return { state: 'absent' };
  if (!(await isPostmaster(pid, directory, Number(startedAtS)))) return { state: 'absent', impostorPid: pid };
  if (status?.trim() === 'ready') return { state: 'ready', pid, port: Number(portLine) };
  return { state: status?.trim() === 'stopping' ? 'stopping' : 'starting', pid };
}

/**
 * After a crash or a reboot the pid may belong to any process. The working directory of a postmaster is its cluster's
 * directory.
 */
async function isPostmaster(pid: number, directory: string, startedAtS: number): Promise<boolean> {
  if (process.platform !== 'linux') return startedAtS > Date.now() / 1000 - uptime();
  return (await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) === directory;
}

/**
 * Obstacles that pass: another start was faster, the port was taken meanwhile, or child processes of the last server
 * are still ending.
 */
const passingObstacle = /already exists|lock file .* is empty|could not bind|still in use/;

/** Resolves with the process when it accepts connections, or with the obstacle when that will pass. */
export async function startPostmaster(
  cluster: Cluster,
  port: number,
  impostorPid?: number,
): Promise<{ child: ChildProcess } | { obstacle: string }> {
  const log = await open(cluster.logFile, 'a+', 0o600);
  try {
    if ((await log.stat()).size > maxLogBytes) await log.truncate(0);
    // Root may start the server today and the cluster's owner tomorrow.
    if (cluster.account) await log.chown(cluster.account.uid, cluster.account.gid);
    const logStart = (await log.stat()).size;
    const { child, failure } = spawnPostmaster(cluster, port, log.fd, impostorPid);
    const giveUpAt = Date.now() + startupMs;
    while (child.exitCode === null && child.signalCode === null && !failure.error) {
      const seen = await findPostmaster(cluster);
      if (seen.state === 'ready' && seen.pid === child.pid) return { child };
      if (Date.now() > giveUpAt) {
        throw new Error(
          `PostgreSQL is still recovering after ${startupMs / 1000} s (see ${cluster.logFile}): start tenant-registry again`,
        );
      }
      await delay(pollMs);
    }
    const newLines = (await readFile(cluster.logFile)).subarray(logStart).toString();
    const reason =
      failure.error?.message ?? /FATAL: +(.*)/.exec(newLines)?.[1] ?? 'it ended without a message';
    if (passingObstacle.test(newLines)) return { obstacle: reason };
    throw new Error(`PostgreSQL did not start (${reason}): see ${cluster.logFile}`);
  } finally {
    await log.close();
  }
}

/** The server gets its own process group, so that Ctrl-C in the terminal does not stop it before this process. */
function spawnPostmaster(cluster: Cluster, port: number, logFd: number, impostorPid: number | undefined) {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    // Enough for 16 workers of `serve --workers` with all their pools in use.
    max_connections: 1_000,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const options = spawnOptions(cluster.account, cluster.directory);
  // PostgreSQL assumes that a living pid in its lock file is a server, except this one. It still looks for a server's
  // shared memory.
  if (impostorPid) options.env = { ...options.env, PG_GRANDPARENT_PID: String(impostorPid) };
  const child = spawn(cluster.binaries.postgres, ['-D', cluster.directory, ...args], {
    ...options,
    detached: true,
    stdio: ['ignore', logFd, logFd],
  });
  const failure: { error?: Error } = {};
  child.once('error', (error) => {
    failure.error = error;
  });
  child.unref();
  return { child, failure };
}

/**
 * Stops the server by signals as pg_ctl does: fast, then immediate. The end is the removal of the lock file, which is
 * the last thing PostgreSQL does; the process may remain as a zombie where no parent waits for it.
 */
export async function stopPostmaster(cluster: Cluster, pid: number): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', fastStopMs],
    ['SIGQUIT', fastStopMs],
  ] as const) {
    if (isAlive(pid)) process.kill(pid, signal);
    const giveUpAt = Date.now() + waitMs;
    while (Date.now() < giveUpAt) {
      const seen = await findPostmaster(cluster);
      if (seen.state === 'absent' || seen.pid !== pid) return;
      await delay(pollMs);
    }
  }
  throw new Error(`PostgreSQL (process ${pid}) does not stop: see ${cluster.logFile}`);
}

/** Returns the preferred port, or another free one when it is in use. */
export async function findFreePort(preferredPort: number): Promise<number> {
  for (const port of [preferredPort, 0]) {
    const found = await new Promise<number | undefined>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(undefined));
      server.listen(port, '127.0.0.1', () => {
        const { port: opened } = server.address() as AddressInfo;
        server.close(() => resolve(opened));
      });
    });
    if (found !== undefined) return found;
  }
  throw new Error('There is no free port on 127.0.0.1 for PostgreSQL');
}
