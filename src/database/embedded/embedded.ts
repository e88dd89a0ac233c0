/**
 * The embedded PostgreSQL. The first process that needs it starts it, the last one that leaves stops it, and a server
 * whose processes were killed is taken over. One process at a time is its owner (the gateway); any number are guests.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Log } from '../../log.js';
import { type Cluster, requireCluster } from './cluster.js';
import { exists } from './cluster-place.js';
import { joinServer, leaveServer, type Membership, tryOwnership } from './membership.js';
import { errorCode } from './postgres-process.js';

export interface EmbeddedPostgres {
  /**
   * The postgres:// URL of a database in it, with the password. Creates a missing database unless `create` is false.
   */
  databaseUrl(name: string, options?: { create: boolean }): Promise<string>;
  readonly port: number;
  /** True when this call created the cluster. */
  readonly freshlyCreated: boolean;
  /** The shell command that opens psql on a database. It holds no password. */
  psqlCommand(database: string): string;
  /** Leaves the server, and stops it when no other process uses it. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  dataDir: string;
  /** True to become the owner, of which there is one at a time; false to be a guest. */
  exclusive: boolean;
  log: Log;
  /** The preferred port; when it is in use, any free port is taken. */
  preferredPort?: number;
}

export class EmbeddedInUseError extends Error {
  override readonly name = 'EmbeddedInUseError';

  constructor(dataDir: string, pid: number | undefined) {
    super(
      `${dataDir} is in use by another tenant-registry (process ${pid ?? 'unknown'}): stop it, or set DATA_DIR to another folder`,
    );
  }
}

/** Whether the folder holds an embedded PostgreSQL. */
export async function hasEmbedded(dataDir: string): Promise<boolean> {
  const found = [join(dataDir, 'postgres', 'PG_VERSION'), join(dataDir, 'postgres.location')].map(exists);
  return (await Promise.all(found)).includes(true);
}

const defaultPort = 54_329;
const reopenMs = 1_000;

/** Throws EmbeddedInUseError when `exclusive` and another process is the owner. */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log } = options;
  const cluster = await requireCluster(options.dataDir, log);
  const closing = new AbortController();
  let port = options.preferredPort ?? defaultPort;
  let membership = open();
  await membership;
  let closed: Promise<void> | undefined;
  let creating: Promise<unknown> = Promise.resolve();

  async function open(): Promise<Membership> {
    const opened = await joinServer(cluster, port, closing.signal);
    const owner = options.exclusive ? await tryOwnership(opened) : true;
    if (owner !== true) {
      await leaveServer(cluster, opened);
      throw new EmbeddedInUseError(options.dataDir, owner);
    }
    port = opened.port;
    await writePort(options.dataDir, port);
    opened.client.once('end', () => {
      if (!closing.signal.aborted) membership = reopen();
    });
    return opened;
  }

  /** Starts or joins the server again after it died, on the same port if possible, because pools keep their URL. */
  async function reopen(): Promise<Membership> {
    const formerPort = port;
    for (;;) {
      log.warn('Lost the connection to the embedded PostgreSQL: joining or starting it again');
      try {
        const reopened = await open();
        if (port === formerPort) log.info({ port }, 'The embedded PostgreSQL is back');
        else
          log.error(
            { port, formerPort },
            'The embedded PostgreSQL has moved to another port: restart this process',
          );
        return reopened;
      } catch (err) {
        closing.signal.throwIfAborted();
        log.error({ err }, 'The embedded PostgreSQL could not be joined or started; retrying');
      }
      await delay(reopenMs, undefined, { signal: closing.signal });
    }
  }

  return {
    freshlyCreated: cluster.freshlyCreated,
    get port() {
      return port;
    },
    async databaseUrl(name, { create } = { create: true }) {
      if (create) {
        // One after another: the connection carries one statement at a time.
        const created = creating.then(async () => createDatabase((await membership).client, name));
        creating = created.catch(() => undefined);
        await created;
      }
      return `postgres://postgres:${cluster.password}@127.0.0.1:${port}/${encodeURIComponent(name)}?sslmode=disable`;
    },
    psqlCommand: (database) => psqlCommand(cluster, port, database),
    close() {
      closing.abort();
      // The promise rejects only when the server was lost and did not come back; there is nothing to leave then.
      closed ??= membership.then(
        (opened) => leaveServer(cluster, opened),
        () => undefined,
      );
      return closed;
    },
  };
}

/** For programs beside it: the port is another one where the usual one is taken. */
async function writePort(dataDir: string, port: number): Promise<void> {
  const file = join(dataDir, 'postgres.port');
  if ((await readFile(file, 'utf8').catch(() => '')) === `${port}\n`) return;
  // This process may open the database several times at once.
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, `${port}\n`);
  await rename(unfinished, file);
}

async function createDatabase(client: pg.Client, name: string): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
  if (rowCount) return;
  try {
    await client.query(`create database ${pg.escapeIdentifier(name)} template template0`);
  } catch (error) {
    // Another process created it meanwhile: PostgreSQL refuses the name, or, a moment earlier, the catalog's unique
    // index does.
    if (errorCode(error) !== '42P04' && errorCode(error) !== '23505') throw error;
  }
}

function psqlCommand({ passwordFile }: Cluster, port: number, database: string): string {
  const word = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
  return `PGPASSFILE=${word(passwordFile)} psql -h 127.0.0.1 -p ${port} -U postgres ${word(database)}`;
}
