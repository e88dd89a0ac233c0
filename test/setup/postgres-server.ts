/** A PostgreSQL server for one test, which can be stopped, started, copied, restored and replaced by a standby. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, chown, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Cluster, requireCluster } from '../../src/database/embedded/cluster.js';
import { spawnOptions } from '../../src/database/embedded/postgres-process.js';
import { openLog } from '../../src/log.js';
import { findFreePort } from './free-port.js';
import { until } from './until.js';

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
  /** Starts a server that has crashed, or stops and starts it. */
  restart(): Promise<void>;
  /** Copies the data folder of the stopped server. */
  copy(): Promise<DataCopy>;
  /** Replaces the data folder of the stopped server by a copy; later writes are lost. */
  restore(copy: DataCopy): Promise<void>;
  /** Starts a standby from a copy of the data folder, for which this server is stopped briefly. */
  openStandby(primary?: { port: number }): Promise<PostgresServer>;
  /** Starts a standby from a backup of this server, which goes on meanwhile. */
  openStandbyOnline(): Promise<PostgresServer>;
  /** Leads a running standby to another primary; without one it follows nobody, and has stored all that it received. */
  follow(primary: { port: number } | undefined): Promise<void>;
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

/** A folder for the data of a server, which other accounts can enter. */
export interface ServerFolder {
  path: string;
  remove(): Promise<void>;
}

async function openFolder(): Promise<ServerFolder> {
  // The name lets the next run remove the folder and its server if this run is killed.
  const path = await mkdtemp(join(tmpdir(), `tenant-registry-test-${process.pid}-`));
  await chmod(path, 0o755);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

interface OpenOptions {
  /** Settings beside those above. */
  more?: Readonly<Record<string, string | number>>;
  /** Opens the folder of the server, and of standbys that are made from it online. */
  open?: () => Promise<ServerFolder>;
}

/** Without arguments, a server with the settings above. */
export async function openPostgresServer(
  more: Readonly<Record<string, string | number>> = {},
  open = openFolder,
): Promise<PostgresServer> {
  const folder = await open();
  const cluster = await requireCluster(join(folder.path, 'data'), openLog('error'));
  return await openOn(cluster, cluster.directory, folder.remove, { more, open });
}

async function openOn(
  cluster: Cluster,
  directory: string,
  remove: () => Promise<void>,
  { more = {}, open = openFolder }: OpenOptions = {},
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

  /** Copies the data folder of the running server. */
  async function backUp(target: string): Promise<void> {
    const client = new pg.Client({ connectionString: url() });
    await client.connect();
    try {
      await client.query(`SELECT pg_backup_start('standby', fast => true)`);
      await copyWhatStays(directory, target);
      const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)');
      await writeFile(join(target, 'backup_label'), rows[0].labelfile);
    } finally {
      await client.end();
    }
    for (const name of ['postmaster.pid', 'postmaster.opts']) await rm(join(target, name), { force: true });
  }

  const conninfo = (primary: { port: number }) =>
    `host=127.0.0.1 port=${primary.port} user=postgres password=${cluster.password} sslmode=disable`;

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
    async restart() {
      await stop();
      await start();
    },
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
      await becomeStandby(followed.directory, conninfo(primary));
      await own(followed.directory);
      return await openOn(cluster, followed.directory, () =>
        rm(followed.directory, { recursive: true, force: true }),
      );
    },
    async openStandbyOnline() {
      const folder = await open();
      const target = join(folder.path, 'data');
      await backUp(target);
      await becomeStandby(target, conninfo({ port }));
      await own(target);
      return await openOn(cluster, target, folder.remove, { more, open });
    },
    async follow(primary) {
      const value = primary ? conninfo(primary) : '';
      await ask(url(), `ALTER SYSTEM SET primary_conninfo = '${value}'`);
      await ask(url(), 'SELECT pg_reload_conf()');
      const isFollowing = async () => (await ask(url(), 'SELECT FROM pg_stat_wal_receiver')).length > 0;
      if (!primary) await until(async () => !(await isFollowing()));
    },
    promote: async () => void (await ask(url(), 'SELECT pg_promote(true, 20)')),
    [Symbol.asyncDispose]: close,
  };
}

async function becomeStandby(directory: string, conninfo: string): Promise<void> {
  await appendFile(join(directory, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`);
  await writeFile(join(directory, 'standby.signal'), '');
}

/** Copies a folder in which a server writes: a file that vanishes meanwhile is none of the backup. */
async function copyWhatStays(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to]).catch(({ stderr }) => {
    const other = `${stderr}`
      .split('\n')
      .filter((line) => line && !line.includes('No such file or directory'));
    if (other.length > 0) throw new Error(other.join('\n'));
  });
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
