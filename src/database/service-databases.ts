import { Client, type ClientBase, type Pool } from 'pg';
import type { Log } from '../log.js';
import { openPool } from './pool.js';

/** A place that a module's catalogue entry names: the variable with the URL, and the database behind it. */
export interface DatabaseReference {
  databaseRef: string;
  databaseName: string;
}

/** The databases of the modules. The registry stores variables' names; only here do they become connections. */
export interface ServiceDatabases {
  /** Name of the database that the variable's URL holds; undefined when the variable is not set. */
  configuredName(databaseRef: string): string | undefined;
  /** Server and user of the variable's URL, which are no secrets; undefined when the variable is not set. */
  configuredServer(databaseRef: string): { server: string; user: string } | undefined;
  /**
   * Work on a connection to the module's database. The session is as new for each: what the one before locked, set or
   * made temporary is gone. More work than connections waits for its turn, as long as it takes.
   */
  withConnection<T>(reference: DatabaseReference, work: (client: ClientBase) => Promise<T>): Promise<T>;
  /** A connection to another database on the module's server, for modules with a database per tenant. */
  connect(reference: DatabaseReference, database: string): Promise<Client>;
  close(): Promise<void>;
}

export interface ServiceDatabaseOptions {
  urls: Readonly<Record<string, string>>;
  /** Where modules live whose variable is not set: a database of that name in the embedded PostgreSQL. */
  fallbackUrl(databaseName: string): Promise<string>;
  log: Log;
}

const poolSize = 5;

/** A module's migrations may build large tables; still no statement may hang for ever. */
const migrationTimeoutMs = 600_000;

/** A process that was frozen in the middle of a transaction keeps its locks from others no longer. */
const idleTransactionTimeoutMs = 10_000;

export function openServiceDatabases(options: ServiceDatabaseOptions): ServiceDatabases {
  const places = new Map<string, { pool: Promise<Pool>; turns: Turns }>();

  async function url({ databaseRef, databaseName }: DatabaseReference): Promise<string> {
    return options.urls[databaseRef] ?? (await options.fallbackUrl(databaseName));
  }

  function placeOf(reference: DatabaseReference) {
    const key = `${reference.databaseRef}/${reference.databaseName}`;
    const place = places.get(key) ?? {
      pool: url(reference).then((text) =>
        openPool(text, {
          max: poolSize,
          applicationName: 'tenant-registry provisioning',
          statementTimeoutMs: migrationTimeoutMs,
          idleTransactionTimeoutMs,
          log: options.log,
        }),
      ),
      turns: createTurns(poolSize),
    };
    places.set(key, place);
    // A database that could not be opened is tried anew by the next caller.
    place.pool.catch(() => places.delete(key));
    return place;
  }

  return {
    configuredName(databaseRef) {
      const text = options.urls[databaseRef];
      return text === undefined ? undefined : decodeURIComponent(new URL(text).pathname.slice(1));
    },
    configuredServer(databaseRef) {
      const text = options.urls[databaseRef];
      if (text === undefined) return undefined;
      const { hostname, port, username } = new URL(text);
      return { server: `${hostname}:${port || '5432'}`, user: decodeURIComponent(username) };
    },
    async withConnection(reference, work) {
      const { pool, turns } = placeOf(reference);
      const opened = await pool;
      // Waiting in the pool itself would end with the deadline that is meant for a server that does not answer.
      return turns.take(() => withPooled(opened, work));
    },
    async connect(reference, database) {
      const place = new URL(await url(reference));
      place.pathname = `/${encodeURIComponent(database)}`;
      const client = new Client({
        connectionString: place.href,
        application_name: 'tenant-registry provisioning',
        connectionTimeoutMillis: 5_000,
        statement_timeout: migrationTimeoutMs,
        idle_in_transaction_session_timeout: idleTransactionTimeoutMs,
      });
      client.on('error', (error) => options.log.warn({ err: error }, 'lost a tenant database connection'));
      await client.connect();
      return client;
    },
    async close() {
      const opened = await Promise.allSettled([...places.values()].map(({ pool }) => pool));
      await Promise.all(opened.map((pool) => (pool.status === 'fulfilled' ? pool.value.end() : undefined)));
    },
  };
}

async function withPooled<T>(pool: Pool, work: (client: ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let result: T;
  try {
    result = await work(client);
  } catch (error) {
    // Closing the connection rolls back and gives locks back, whatever state it is in.
    client.release(true);
    throw error;
  }
  // When that fails the work is done all the same.
  await client.query('DISCARD ALL').then(
    () => client.release(),
    () => client.release(true),
  );
  return result;
}

interface Turns {
  /** Does the work when it is its turn, in the order of asking. */
  take<T>(work: () => Promise<T>): Promise<T>;
}

function createTurns(atOnce: number): Turns {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return {
    async take(work) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free++;
      }
    },
  };
}
