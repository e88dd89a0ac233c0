/**
 * The processes that use the embedded server. Each one holds a shared advisory lock while it uses the server; the lock
 * ends with its process, however that ends. The process that gets the lock exclusively may stop the server.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { DatabaseClient } from '../connections/database-client.js';
import type { Cluster } from './cluster.js';
import { errorCode, isAlive } from './postgres-process.js';
import { findFreePort, findPostmaster, startPostmaster, stopPostmaster } from './postmaster.js';

export interface Membership {
  /** The connection to the database `postgres` that holds the locks. */
  client: pg.Client;
  port: number;
  postmasterPid: number;
}

/** First part of the advisory lock keys. No other program takes advisory locks in that database. */
const lockSpace = 54_329;
const ownerLock = 1;
const inUseLock = 2;

const waitMs = { starting: 60_000, stopping: 15_000, ready: 15_000, absent: 15_000 };
const retryMs = 50;
/** How long PostgreSQL may take to notice that the owner's connection is lost. */
const ownerDeathMs = 3_000;
const wrongPassword = '28P01';

/** Joins the running server, or starts it. While another process starts or stops the server, it waits. */
export async function joinServer(
  cluster: Cluster,
  preferredPort: number,
  signal: AbortSignal,
): Promise<Membership> {
  const since = Date.now();
  for (;;) {
    let started: ChildProcess | undefined;
    let obstacle: string | undefined;
    let seen = await findPostmaster(cluster);
    if (seen.state === 'absent') {
      const start = await startPostmaster(cluster, await findFreePort(preferredPort), seen.impostorPid);
      if ('child' in start) started = start.child;
      else obstacle = start.obstacle;
      seen = await findPostmaster(cluster);
    }
    if (seen.state === 'ready') {
      try {
        const membership = await enter(cluster, seen.port, seen.pid);
        if (membership) return membership;
      } catch (error) {
        if (errorCode(error) === wrongPassword) {
          started?.kill('SIGINT');
          throw new Error(
            `The PostgreSQL in ${cluster.directory} refuses the password in ${cluster.passwordFile}: restore the file with its original password, or remove both to start with an empty database`,
          );
        }
        // The connection was refused or lost because the server stops or died. The next round finds out which.
        obstacle = String(error);
      }
    }
    if (Date.now() - since > waitMs[seen.state]) {
      throw new Error(
        `Cannot join the PostgreSQL in ${cluster.directory} (${obstacle ?? seen.state}): see ${cluster.logFile}`,
      );
    }
    await delay(retryMs, undefined, { signal });
  }
}

/** Returns undefined when the last member is leaving and stops the server. */
async function enter(cluster: Cluster, port: number, postmasterPid: number): Promise<Membership | undefined> {
  const client: pg.Client = new DatabaseClient({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    password: cluster.password,
    ssl: false,
    connectionTimeoutMillis: 5_000,
    bounds: {},
    application_name: `tenant-registry pid=${process.pid}`,
  });
  // A lost connection shows as 'end' and in its queries; an 'error' without a listener would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    const served = rows[0]?.data_directory;
    if (served !== cluster.directory) {
      throw new Error(`The PostgreSQL on port ${port} serves ${served}, not ${cluster.directory}`);
    }
    if (await tryLock(client, 'pg_try_advisory_lock_shared', inUseLock))
      return { client, port, postmasterPid };
  } catch (error) {
    await client.end();
    throw error;
  }
  await client.end();
  return undefined;
}

/** Leaves the server; the last member stops it. */
export async function leaveServer(cluster: Cluster, { client, postmasterPid }: Membership): Promise<void> {
  // This fails only when the connection, and the locks with it, are lost. The next member takes the server over.
  const isLast = await releaseLocks(client).catch(() => false);
  if (isLast) await stopPostmaster(cluster, postmasterPid);
  await client.end();
}

/**
 * Returns whether this member is the last one. When several leave at once, the one that releases last gets the lock
 * exclusively and keeps new members out until the server has stopped.
 */
async function releaseLocks(client: pg.Client): Promise<boolean> {
  await client.query('select pg_advisory_unlock_all()');
  return tryLock(client, 'pg_try_advisory_lock', inUseLock);
}

/**
 * Returns true, or the pid of the process that owns the server. Waits for the end of an owner that was killed, but not
 * for one that is alive.
 */
export async function tryOwnership({ client }: Membership): Promise<true | number | undefined> {
  const since = Date.now();
  for (;;) {
    if (await tryLock(client, 'pg_try_advisory_lock', ownerLock)) return true;
    const owner = await findOwner(client);
    if (owner !== undefined && isAlive(owner)) return owner;
    if (Date.now() - since > ownerDeathMs) return owner;
    await delay(retryMs);
  }
}

async function findOwner(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ application_name: string }>(
    `select application_name from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and classid = $1 and objid = $2 and granted`,
    [lockSpace, ownerLock],
  );
  const pid = /pid=(\d+)$/.exec(rows[0]?.application_name ?? '')?.[1];
  return pid === undefined ? undefined : Number(pid);
}

async function tryLock(
  client: pg.Client,
  lock: 'pg_try_advisory_lock' | 'pg_try_advisory_lock_shared',
  key: number,
): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(`select ${lock}($1, $2) as taken`, [
    lockSpace,
    key,
  ]);
  return rows[0]?.taken === true;
}
