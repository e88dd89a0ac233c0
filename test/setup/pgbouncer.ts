/** A PgBouncer for one test, with its default settings. In transaction mode each transaction may use a different server connection. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findAccount } from '../../src/database/embedded/postgres-process.js';
import { findFreePort } from './free-port.js';
import { awaitAnswer, spawnGuarded } from './guarded-process.js';

export interface PgBouncer extends AsyncDisposable {
  /** URL of the database through PgBouncer, which accepts every user. */
  url: string;
  /** URL of another database of the same server. */
  urlOf(database: string): string;
  close(): Promise<void>;
}

/** Debian installs it in a folder that only root's PATH contains. */
const program = ['pgbouncer', '/usr/sbin/pgbouncer'].find((name) => spawnSync(name, ['-V']).status === 0);

export const isPgBouncerInstalled = program !== undefined;

/** Starts PgBouncer in front of a server, with `poolSize` connections to each database. */
export async function openPgBouncer(
  databaseUrl: string,
  poolSize: number,
  poolMode: 'transaction' | 'session' = 'transaction',
): Promise<PgBouncer> {
  if (!program) throw new Error('pgbouncer is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-pgbouncer-'));
  const port = await findFreePort();
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, settings(databaseUrl, { port, poolSize, poolMode }));
  await chmod(file, 0o600);
  // PgBouncer refuses to run as root, as PostgreSQL does.
  const account = await findAccount();
  if (account) for (const path of [file, folder]) await chown(path, account.uid, account.gid);
  const running = await spawnGuarded([program, file], { folder, account });
  const urlOf = (database: string) => `postgres://anybody@127.0.0.1:${port}/${database}`;
  const url = urlOf('behind');
  const close = async () => {
    // An immediate stop, because clients may still be connected.
    await running.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  await awaitAnswer(running, { name: 'pgbouncer', isUp: () => answers(url), close });
  return { url, urlOf, close, [Symbol.asyncDispose]: close };
}

function settings(
  databaseUrl: string,
  { port, poolSize, poolMode }: { port: number; poolSize: number; poolMode: string },
): string {
  const { hostname, port: serverPort, username, password, pathname } = new URL(databaseUrl);
  const behind = {
    host: hostname,
    port: serverPort || '5432',
    dbname: pathname.slice(1),
    user: username,
    password,
  };
  const quote = (text: string) => `'${decodeURIComponent(text).replaceAll("'", "''")}'`;
  const place = Object.entries(behind).flatMap(([name, value]) => (value ? `${name}=${quote(value)}` : []));
  return `[databases]
behind = ${place.join(' ')}
* = ${place.filter((part) => !part.startsWith('dbname')).join(' ')}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
max_client_conn = 200
log_connections = 0
log_disconnections = 0
`;
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
