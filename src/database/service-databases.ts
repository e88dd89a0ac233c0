import type { Client, ClientBase, Pool } from 'pg';
import type { Log } from '../log.js';
import type { PoolUse } from '../metrics/pool-gauges.js';
import { directVariableOf, isDatabaseVariable, readVariableOf } from '../settings/settings.js';
import { describeServer, readPostgresUrl, withDatabase } from '../urls/postgres-url.js';
import { connectionCounts } from './connections/connection-counts.js';
import { DatabaseClient, pinSqlOf } from './connections/database-client.js';
import { differentDatabases, leadsToSameDatabase } from './connections/direct-database.js';
import { type Kind, type OpenedDatabase, readUseOf } from './connections/opened-database.js';
import { openPool } from './connections/pool.js';
import { adviseDirect } from './connections/pooler.js';
import { notReady, refusePooler, withPooled } from './connections/service-session.js';
import type { SessionBounds } from './connections/session-settings.js';
import { Turnstile } from './connections/turnstile.js';
import { type DatabaseIdentity, isSameDatabase, readDatabaseIdentity } from './servers/database-identity.js';

/** A service database as a module's catalogue entry names it: the environment variable with its URL, and its name. */
export interface DatabaseReference {
  databaseRef: string;
  databaseName: string;
}

/** Connections to the databases of modules, all as the same kind of role. */
export interface ModuleConnections {
  /**
   * Runs the work on a connection to the module's database. Every work gets a clean session, without the locks,
   * settings and temporary objects of earlier work, whose search_path is pg_catalog alone. When all connections are in use, the work waits for its turn
   * without a timeout.
   */
  withConnection<T>(reference: DatabaseReference, work: (client: ClientBase) => Promise<T>): Promise<T>;
  /** Opens a connection beside those that are shared: to another database on the module's server, or to the module's own. */
  connect(reference: DatabaseReference, database: string | undefined): Promise<Client>;
}

/**
 * The service databases of all modules. The registry stores names of environment variables; only this interface turns
 * them into connections. Its own connections are the provisioner's.
 */
export interface ServiceDatabases extends ModuleConnections {
  /** Connections that only examine what exists: as the role of `<MODULE>_DB_READ_URL` where it is set, else as the provisioner. */
  readers: ModuleConnections;
  /** The provisioner's URL of a module's database, with its password. Throws TENANT_NOT_READY. */
  findUrl(reference: DatabaseReference): Promise<string>;
  /** The database name in the variable's URL; undefined when the variable is not set. */
  configuredName(databaseRef: string): string | undefined;
  /** Server and user in the variable's URL, which are not secret; undefined when the variable is not set. */
  configuredServer(databaseRef: string): ConfiguredServer | undefined;
  /** Whether the variable may name a service database, set or not. */
  allows(databaseRef: string): boolean;
  /**
   * Why no database can be used through this variable, with the way out; undefined when nothing is known against it. That it names
   * the registry's own database is known after the first connection.
   */
  findProblem(databaseRef: string): string | undefined;
  /** Whether the provisioner's connections to the module's database are all at work. */
  isBusy(reference: DatabaseReference): boolean;
  /** How the connections to each database are used. */
  readUse(): PoolUse[];
  close(): Promise<void>;
}

interface ConfiguredServer {
  server: string;
  /** undefined: the role depends on the connecting machine. */
  user: string | undefined;
  /** The user of the URL for reading; undefined when it is not set. */
  reader: string | undefined;
}

export interface ServiceDatabaseOptions {
  urls: Readonly<Record<string, string>>;
  /** URLs of the same databases for a role that examines them, by the same variables; default: none. */
  readUrls?: Readonly<Record<string, string>>;
  /** URLs of the same databases without a pooler, by the same variables; default: none. */
  directUrls?: Readonly<Record<string, string>>;
  /** The names in MODULE_DB_VARIABLES; default: none. */
  moduleDbVariables?: readonly string[];
  /**
   * URL of a database of this name in the embedded PostgreSQL, for modules whose variable is not set; undefined when the registry
   * is not embedded: then such modules are not ready.
   */
  fallbackUrl?: ((databaseName: string) => Promise<string>) | undefined;
  /** Connections to the registry's own database, which no module may use. Without it, nothing is compared. */
  registryPool?: Pool;
  log: Log;
}

/**
 * The search_path of every session in a service database. Operators, functions and tables that a service created in schema public
 * are not found, so they cannot run with the rights of this session.
 */
export const pinnedPath = 'pg_catalog, pg_temp';

/** For how long the identity of the registry's own database counts, in milliseconds. */
const ownIdentityMs = 1_000;

const poolSize = connectionCounts.service;

/** Statement timeout. A module's migrations may build large tables, but no statement may run for ever. */
const migrationTimeoutMs = 600_000;

const bounds = {
  searchPath: pinnedPath,
  // A policy that would apply is an error: its functions never run.
  rowSecurity: 'off',
  statementTimeoutMs: migrationTimeoutMs,
  // After this time the locks of a process that froze in the middle of a transaction are released.
  idleTransactionTimeoutMs: 10_000,
} as const satisfies SessionBounds;

export function openServiceDatabases(options: ServiceDatabaseOptions): ServiceDatabases {
  const databases = new Map<string, OpenedDatabase>();

  const { urls, readUrls = {}, directUrls = {}, moduleDbVariables = [], fallbackUrl, registryPool } = options;
  /** Variables of which a connection has shown that they name the registry's database. */
  const ofRegistry = new Set<string>();
  const compared = new WeakSet<ClientBase>();

  const allows = (databaseRef: string) => isDatabaseVariable(databaseRef, moduleDbVariables);

  function findProblem(databaseRef: string): string | undefined {
    if (!allows(databaseRef))
      return `variable ${databaseRef} may not name a service database: use a variable such as FINANCE_DB_URL, or list it in MODULE_DB_VARIABLES`;
    if (urls[databaseRef] === undefined && !fallbackUrl)
      return `variable ${databaseRef} is not set: set it to the URL of the module’s database and restart`;
    if (ofRegistry.has(databaseRef))
      return `variable ${databaseRef} names the registry’s own database: set it to a database of the service and restart`;
    return undefined;
  }

  function requireUsable(databaseRef: string): void {
    const problem = findProblem(databaseRef);
    if (problem !== undefined) throw notReady(problem);
  }

  let own: { identity: Promise<DatabaseIdentity>; readAt: number } | undefined;

  /** Read once for connections that are opened together, and again later: the registry may have moved to another server. */
  function readOwnIdentity(pool: Pool): Promise<DatabaseIdentity> {
    const now = performance.now();
    if (!own || now - own.readAt > ownIdentityMs) {
      const read = { identity: readDatabaseIdentity(pool), readAt: now };
      own = read;
      // The next connection tries again.
      read.identity.catch(() => {
        if (own === read) own = undefined;
      });
    }
    return own.identity;
  }

  /** Pins the session, and refuses a connection to the registry's own database, by whatever host it was reached. */
  async function pin(client: ClientBase, { databaseRef }: DatabaseReference, tenantDatabase?: string) {
    if (!registryPool || compared.has(client)) return void (await client.query(pinSqlOf(client)));
    const other = await readDatabaseIdentity(client, pinSqlOf(client));
    if (!(await isSameDatabase(await readOwnIdentity(registryPool), other))) return void compared.add(client);
    if (tenantDatabase !== undefined)
      throw notReady(`database ${tenantDatabase} is the registry’s own and holds no tenant’s data`);
    ofRegistry.add(databaseRef);
    requireUsable(databaseRef);
  }

  async function findUrl({ databaseRef, databaseName }: DatabaseReference, kind: Kind): Promise<string> {
    requireUsable(databaseRef);
    const ofReader = kind === 'reader' ? readUrls[databaseRef] : undefined;
    const text =
      ofReader ?? directUrls[databaseRef] ?? urls[databaseRef] ?? (await fallbackUrl?.(databaseName));
    if (text === undefined) throw new Error(`no URL for ${databaseRef}`);
    return text;
  }

  /** A direct URL must not lead to another database than the one that services use. */
  async function openChecked(text: string, { databaseRef }: DatabaseReference, kind: Kind): Promise<Pool> {
    const pool = openPool(text, {
      ...bounds,
      max: poolSize,
      applicationName: 'tenant-registry provisioning',
      directAdvice: adviceFor(databaseRef, kind),
      log: options.log,
    });
    const pooled = urls[databaseRef];
    if (pooled === undefined || text !== directUrls[databaseRef]) return pool;
    try {
      if (await leadsToSameDatabase(pool, pooled).catch(refusePooler)) return pool;
      throw notReady(differentDatabases(databaseRef, directVariableOf(databaseRef)));
    } catch (error) {
      await pool.end();
      throw error;
    }
  }

  function databaseOf(reference: DatabaseReference, kind: Kind) {
    const key = keyOf(reference, kind);
    const known = databases.get(key);
    if (known) return known;
    const database: OpenedDatabase = {
      pool: findUrl(reference, kind).then((text) => openChecked(text, reference, kind)),
      turnstile: new Turnstile(poolSize),
      database: reference.databaseRef,
      kind,
    };
    databases.set(key, database);
    database.pool.then(
      (pool) => Object.assign(database, { opened: pool }),
      () => undefined,
    );
    // The next caller tries again to open a database that could not be opened.
    database.pool.catch(() => databases.delete(key));
    return database;
  }

  const connectionsOf = (kind: Kind): ModuleConnections => ({
    async withConnection(reference, work) {
      const { pool, turnstile } = databaseOf(reference, kindFor(reference, kind));
      const opened = await pool;
      // The wait for a turn must not happen in the pool: its timeout is meant for a server that does not answer.
      return turnstile.take(() =>
        withPooled(opened, async (client) => {
          await pin(client, reference);
          return work(client);
        }),
      );
    },
    async connect(reference, database) {
      const url = await findUrl(reference, kind);
      const client = new DatabaseClient({
        connectionString: database === undefined ? url : withDatabase(url, database),
        application_name: 'tenant-registry provisioning',
        connectionTimeoutMillis: 5_000,
        bounds,
        directAdvice: adviceFor(reference.databaseRef, kind),
      });
      client.on('error', (error) => options.log.warn({ err: error }, 'lost a tenant database connection'));
      await client.connect().catch(refusePooler);
      try {
        await pin(client, reference, database);
      } catch (error) {
        await client.end();
        throw error;
      }
      return client;
    },
  });

  /** Without a URL of its own, reading shares the provisioner's connections. */
  const kindFor = ({ databaseRef }: DatabaseReference, kind: Kind): Kind =>
    readUrls[databaseRef] === undefined ? 'provisioner' : kind;

  /** The URL in the variable; undefined when it is not set, or may not name a service database. */
  const configuredUrl = (databaseRef: string) => (allows(databaseRef) ? urls[databaseRef] : undefined);

  return {
    ...connectionsOf('provisioner'),
    readers: connectionsOf('reader'),
    findUrl: (reference) => findUrl(reference, 'provisioner'),
    allows,
    findProblem,
    readUse: () => [...databases.values()].flatMap(readUseOf),
    isBusy: (reference) => databases.get(keyOf(reference, 'provisioner'))?.turnstile.isFull === true,
    configuredName(databaseRef) {
      const text = configuredUrl(databaseRef);
      return text === undefined ? undefined : readPostgresUrl(text).database;
    },
    configuredServer(databaseRef) {
      const text = configuredUrl(databaseRef);
      if (text === undefined) return undefined;
      const target = readPostgresUrl(text);
      const reader = readUrls[databaseRef];
      return {
        server: describeServer(target),
        user: target.user,
        reader: reader === undefined ? undefined : readPostgresUrl(reader).user,
      };
    },
    async close() {
      const opened = await Promise.allSettled([...databases.values()].map(({ pool }) => pool));
      await Promise.all(opened.map((pool) => (pool.status === 'fulfilled' ? pool.value.end() : undefined)));
    },
  };
}

function keyOf({ databaseRef, databaseName }: DatabaseReference, kind: Kind): string {
  return `${kind}/${databaseRef}/${databaseName}`;
}

function adviceFor(databaseRef: string, kind: Kind): string {
  const variable = kind === 'reader' ? readVariableOf(databaseRef) : databaseRef;
  const direct = kind === 'reader' ? variable : directVariableOf(databaseRef);
  return adviseDirect(variable, direct, 'provisioning and doctor');
}
