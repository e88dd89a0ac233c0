/** A PostgreSQL server for one test, which can be stopped, started, copied, restored and replaced by a standby. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, chown, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Cluster, requireCluster } from '../../src/database/embedded/cluster.js';
import { spawnOptions } from '../../src/database/embedded/postgres-process.js';
import { openLog } from '../../src/log.js';
import { findFreePort } from './free-port.js';

export interface PostgresServer extends AsyncDisposable {
  port: number;
  url(database?: string): string;
  query<Row extends pg.QueryResultRow>(
    sql: string,
    parameters?: unknown[],
    database?: string,
  ): Promise<Row[]>;
  /** Writes a file in the data folder, as its owner. */
  put(name: string, content: string | Buffer): Promise<void>;
  /** "immediate" is a crash: the server writes nothing more. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
  /** Copies the data folder of the stopped server. */
  copy(): Promise<DataCopy>;
  /** Replaces the data folder of the stopped server by a copy; later writes are lost. */
  restore(copy: DataCopy): Promise<void>;
  /** Starts a standby from a copy of the data folder, for which this server is stopped briefly. */
  openStandby(primary?: { port: number }): Promise<PostgresServer>;
  /** Promotes a standby to primary, which begins a new timeline. */
  promote(): Promise<void>;
  close(): Promise<void>;
}

/** A copy of a stopped server's data folder. */
export interface DataCopy {
  directory: string;
}

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 100,
  shared_buffers: '16MB',
  wal_keep_size: '64MB',
  wal_retrieve_retry_interval: '100ms',
  // Only the server crashes in these tests, not the machine, so fsync is not needed.
  fsync: 'off',
  full_page_writes: 'off',
  // A commit is answered when the operating system has it, so that a crash of the server loses none.
  synchronous_commit: 'on',
};

const startupMs = 30_000;

/** Without arguments, a server with the settings above. */
export async function openPostgresServer(
  more: Readonly<Record<string, string | number>> = {},
): Promise<PostgresServer> {
  // The name lets the next run remove the folder and its server if this run is killed.
  const folder = await mkdtemp(join(tmpdir(), `tenant-registry-test-${process.pid}-`));
  await chmod(folder, 0o755);
  const cluster = await requireCluster(join(folder, 'data'), openLog('error'));
  return await openOn(cluster, cluster.directory, () => rm(folder, { recursive: true, force: true }), more);
}

async function openOn(
  cluster: Cluster,
  directory: string,
  remove: () => Promise<void>,
  more: Readonly<Record<string, string | number>> = {},
): Promise<PostgresServer> {
  const port = await findFreePort();
  let child: ChildProcess | undefined;
  let copies = 0;

  const url = (database = 'postgres') =>
    `postgres://postgres:${cluster.password}@127.0.0.1:${port}/${database}?sslmode=disable`;

  async function start(): Promise<void> {
    const given = Object.entries({ ...settings, ...more, port }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    const started = spawn(cluster.binaries.postgres, ['-D', directory, ...given], {
      ...spawnOptions(cluster.account, directory),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = started;
    let said = '';
    started.stderr?.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-4_000);
    });
    for (const giveUpAt = Date.now() + startupMs; ; await delay(20)) {
      if (started.exitCode !== null) throw new Error(`PostgreSQL did not start: ${said}`);
      const refusal = await ask(url(), 'SELECT').then(
        () => undefined,
        (error) => error,
      );
      if (!refusal) return;
      if (Date.now() > giveUpAt) throw new Error(`PostgreSQL does not answer: ${said}`, { cause: refusal });
    }
  }

  async function stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    const stopping = child;
    child = undefined;
    if (!stopping || stopping.exitCode !== null) return;
    const ended = once(stopping, 'exit');
    stopping.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await ended;
  }

  async function copy(): Promise<DataCopy> {
    if (child) throw new Error('stop the server before its data folder is copied');
    const target = `${directory}.copy${++copies}`;
    await copyFolder(directory, target);
    return { directory: target };
  }

  async function copyFolder(from: string, to: string): Promise<void> {
    await cp(from, to, { recursive: true, preserveTimestamps: true });
    await own(to);
  }

  /** PostgreSQL refuses a data folder that other accounts can read. */
  async function own(target: string): Promise<void> {
    const { account } = cluster;
    await chmod(target, 0o700);
    if (!account) return;
    const chowning = spawn('chown', ['-R', `${account.uid}:${account.gid}`, target], { stdio: 'ignore' });
    await once(chowning, 'exit');
  }

  async function put(name: string, content: string | Buffer): Promise<void> {
    const file = join(directory, name);
    await writeFile(file, content);
    if (cluster.account) await chown(file, cluster.account.uid, cluster.account.gid);
    await chmod(file, 0o600);
  }

  const close = async () => {
    await stop('immediate');
    await remove();
  };

  await start();
  return {
    port,
    url,
    put,
    stop,
    start,
    copy,
    close,
    query: (sql, parameters, database) => ask(url(database), sql, parameters),
    async restore(from) {
      if (child) throw new Error('stop the server before its data folder is replaced');
      await rm(directory, { recursive: true });
      await copyFolder(from.directory, directory);
    },
    async openStandby(primary = { port }) {
      await stop();
      const followed = await copy();
      await start();
      const conninfo = `host=127.0.0.1 port=${primary.port} user=postgres password=${cluster.password} sslmode=disable`;
      await appendFile(
        join(followed.directory, 'postgresql.auto.conf'),
        `primary_conninfo = '${conninfo}'\n`,
      );
      const signal = join(followed.directory, 'standby.signal');
      await writeFile(signal, '');
      if (cluster.account) await chown(signal, cluster.account.uid, cluster.account.gid);
      return await openOn(cluster, followed.directory, () =>
        rm(followed.directory, { recursive: true, force: true }),
      );
    },
    promote: async () => void (await ask(url(), 'SELECT pg_promote(true, 20)')),
    [Symbol.asyncDispose]: close,
  };
}

async function ask<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  parameters?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // The loss of a connection when the server stops must not end the test process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(sql, parameters)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
