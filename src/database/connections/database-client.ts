import { Client, type ClientBase, type ClientConfig, DatabaseError } from 'pg';
import { tracing } from '../../tracing/tracing.js';
import { type PostgresTarget, readPostgresUrl } from '../../urls/postgres-url.js';
import { ChannelBinding, driverConfig } from './driver-config.js';
import { PinnedQuery } from './pinned-query.js';
import { requireKeptSession } from './pooler.js';
import {
  pinnedSettings,
  pinTransactionSql,
  type SessionBounds,
  setConfigSql,
  startupSettings,
} from './session-settings.js';

export interface DatabaseClientConfig extends ClientConfig {
  /** What its session pins; undefined: nothing. */
  bounds?: SessionBounds;
  /**
   * For work that needs one session for all its transactions (locks, notifications, migrations): where to find one when the URL goes
   * through a pooler that has none. Without it, every transaction is complete in itself.
   */
  directAdvice?: string;
}

/** Parts of the driver that its types do not have. */
interface Driver {
  binary: boolean;
  password: unknown;
  processID: number | null;
  connectionParameters: { binary: boolean; query_timeout: number | undefined; application_name?: string };
}

/** How long each statement of the comparison of sessions may take, in milliseconds. */
const comparisonMs = 3_000;

/** With the value `replica`, triggers do not fire. */
const triggerSetting = 'session_replication_role';

/** Marks the statement that pins a session. */
export const pinMark = 'SELECT pg_catalog.pg_backend_pid() AS pid';

/**
 * A connection whose statements mean the same on every server. It pins its session, or, behind a pooler that gives each
 * transaction another session, each transaction. Every connection of the product is one.
 */
export class DatabaseClient extends Client {
  readonly #config: DatabaseClientConfig;
  readonly #target: PostgresTarget | undefined;
  readonly #channel: ChannelBinding;
  #settings: Readonly<Record<string, string>> | undefined;
  #serverVersion = 0;
  #pinsTransactions = false;
  #isPooled = false;

  constructor(config: DatabaseClientConfig) {
    const { connectionString, ...rest } = config;
    const target = connectionString === undefined ? undefined : readPostgresUrl(connectionString);
    // The environment gives what the configuration leaves open.
    super({ ...rest, ...(target && driverConfig(target)), client_encoding: 'UTF8' });
    this.#config = config;
    this.#target = target;
    this.#channel = new ChannelBinding(target?.channelBinding ?? 'disable');
    this.connection.on('authenticationSASL', ({ mechanisms }) => this.#channel.offered(mechanisms));
    const driver = this as unknown as Driver;
    driver.binary = false;
    driver.password = this.#channel.guard(driver.password);
    driver.connectionParameters.binary = false;
    driver.connectionParameters.query_timeout = config.query_timeout;
    // Listeners of the caller come after the first statement.
    this.on('error', () => undefined);
    this.connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
      if (parameterName === 'server_version') this.#serverVersion = Number.parseInt(parameterValue, 10);
    });
  }

  /** The driver’s own message has settings that PgBouncer refuses, and PGOPTIONS. */
  getStartupConf(): Record<string, string | undefined> {
    const { application_name } = (this as unknown as Driver).connectionParameters;
    const options = this.#target?.options;
    return {
      user: this.user,
      database: this.database,
      ...(application_name && { application_name }),
      ...(options && { options }),
      ...startupSettings,
    };
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg's connect has two overloads
  override connect(done?: any): any {
    const opened = this.#open();
    if (!done) return opened;
    opened.then(
      () => done(null, this),
      (error) => done(error),
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg's query has eight overloads, which this method passes on
  override query(...parameters: any[]): any {
    return tracing ? tracing.statement(parameters, () => this.#send(parameters)) : this.#send(parameters);
  }

  // biome-ignore lint/suspicious/noExplicitAny: parameters of pg's query
  #send(parameters: any[]): any {
    const [config, values, done] = parameters;
    if (!this.#pinsTransactions || !this.#settings || typeof config.submit === 'function')
      return Reflect.apply(super.query, this, parameters);
    const query = new PinnedQuery(this, this.#settings, [config, values, done]);
    const send = () => super.query(query);
    return query.callback ? send() : query.answer(send);
  }

  /** SQL that pins the session again, after its settings were reset. */
  get pinSql(): string {
    return this.#settings ? `SELECT ${setConfigSql(this.#settings, 'false')}` : '';
  }

  /** Whether all transactions have the same session, and so the same prepared statements. */
  get keepsSession(): boolean {
    return !this.#pinsTransactions;
  }

  /** Whether there is a pooler, so that the server does not see this connection. */
  get isPooled(): boolean {
    return this.#isPooled;
  }

  /** What is sent in front of several statements in one message, for the transaction that they begin. */
  get transactionPins(): readonly string[] {
    const isWithin = /[TE]/.test(this.getTransactionStatus() ?? '');
    return this.#pinsTransactions && this.#settings && !isWithin ? pinTransactionSql(this.#settings) : [];
  }

  async #open(): Promise<this> {
    await super.connect().catch(refuseConnection);
    const { bounds } = this.#config;
    try {
      this.#channel.requireBound();
      if (!bounds) return this;
      await this.#pin(pinnedSettings(bounds, this.#serverVersion));
      return this;
    } catch (error) {
      await this.end().catch(() => undefined);
      throw error;
    }
  }

  async #pin(settings: Record<string, string>): Promise<void> {
    const { processID } = this as unknown as Driver;
    // A pooler has given the connection a number of its own. Its session is left as it is until we know whose it is.
    const isPooled = `pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.<>) ${processID}`;
    const { rows } = await super.query(
      `${pinMark}, pg_catalog.current_setting('${triggerSetting}') AS triggers, ${setConfigSql(settings, isPooled)}`,
    );
    const [row] = rows;
    // Only some roles may set it, so it is set only where an administrator has turned the triggers off.
    const all = row?.triggers === 'origin' ? settings : { ...settings, [triggerSetting]: 'origin' };
    this.#isPooled = row?.pid !== processID;
    if (this.#isPooled) {
      const { directAdvice } = this.#config;
      if (directAdvice === undefined) this.#pinsTransactions = true;
      else {
        await requireKeptSession(directAdvice, () => this.#openOther(), this.#key());
      }
    }
    const isPinned = !this.#isPooled && all === settings;
    if (!isPinned && !this.#pinsTransactions) await super.query(`SELECT ${setConfigSql(all, 'false')}`);
    this.#settings = all;
  }

  #openOther(): DatabaseClient {
    const { bounds, directAdvice, ...config } = this.#config;
    return new DatabaseClient({ ...config, query_timeout: comparisonMs });
  }

  /** Connections with the same key are served by the same pooler in the same way. */
  #key(): string {
    return `${this.user}@${this.host}:${this.port}/${this.database}`;
  }
}

/**
 * A database that accepts no connections has the SQLSTATE of a statement that came too early. At the start of a connection it means
 * that the server refuses the connection.
 */
function refuseConnection(error: unknown): never {
  if (error instanceof DatabaseError && error.code === '55000') error.code = '08004';
  throw error;
}

/** SQL that pins a session again. */
export function pinSqlOf(client: ClientBase): string {
  if (!(client instanceof DatabaseClient)) throw new Error('not a connection of the product');
  return client.pinSql;
}
