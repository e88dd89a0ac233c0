/**
 * Who uses the embedded server. Every member holds a shared advisory lock for as long as it is in; locks vanish with
 * their process, however it ends. Taking that lock exclusively is the right to stop the server.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Cluster } from './cluster.js';
import { errorCode, isAlive } from './postgres-process.js';
import { findFreePort, findPostmaster, startPostmaster, stopPostmaster } from './postmaster.js';

export interface Membership {
  /** Connected to the database `postgres`; it holds the locks. */
  client: pg.Client;
  port: number;
  postmasterPid: number;
}

/** Two-part advisory lock keys: the space is ours alone in that database. */
const lockSpace = 54_329;
const ownerLock = 1;
const inUseLock = 2;

const patienceMs = { starting: 60_000, stopping: 15_000, ready: 15_000, absent: 15_000 };
const retryMs = 50;
/** For PostgreSQL to notice that the owner's connection is gone. */
const ownerDeathMs = 3_000;
const wrongPassword = '28P01';

/** Joins the running server, or starts it. Meeting it while it starts or stops, waits for that to be over. */
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
            `The PostgreSQL in ${cluster.directory} refuses the password in ${cluster.passwordFile}: bring back the one it was made with, or remove both to start anew`,
          );
        }
        // Refused or cut: it was just stopping, or died. The next round sees which.
        obstacle = String(error);
      }
    }
    if (Date.now() - since > patienceMs[seen.state]) {
      throw new Error(
        `No way into the PostgreSQL in ${cluster.directory} (${obstacle ?? seen.state}), see ${cluster.logFile}`,
      );
    }
    await delay(retryMs, undefined, { signal });
  }
}

/** `undefined` when the last member is on its way out and stops the server. */
async function enter(cluster: Cluster, port: number, postmasterPid: number): Promise<Membership | undefined> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    password: cluster.password,
    ssl: false,
    connectionTimeoutMillis: 5_000,
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

/** The last one out stops the server. */
export async function leaveServer(cluster: Cluster, { client, postmasterPid }: Membership): Promise<void> {
  // Fails only when the connection is lost, and the locks with it: whoever comes next takes the server over.
  const isLast = await releaseLocks(client).catch(() => false);
  if (isLast) await stopPostmaster(cluster, postmasterPid);
  await client.end();
}

/**
 * Of several that leave at once, the one that releases last gets the lock exclusively. Held until the server has
 * stopped, it keeps newcomers out.
 */
async function releaseLocks(client: pg.Client): Promise<boolean> {
  await client.query('select pg_advisory_unlock_all()');
  return tryLock(client, 'pg_try_advisory_lock', inUseLock);
}

/** `true`, or the pid of the process that owns the server. Waits for an owner that was killed, not for a living one. */
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
