/**
 * The settings of a session that can change a result or end a statement, with the values that the product needs. The server, the
 * database, the role, the URL and the environment can each set them otherwise.
 */

/** What differs between sessions. A time is in milliseconds; undefined means no limit. */
export interface SessionBounds {
  /** Default: the registry's schema. */
  searchPath?: string;
  /** With `off`, a policy that would apply is an error. Default: on. */
  rowSecurity?: 'on' | 'off';
  statementTimeoutMs?: number | undefined;
  lockTimeoutMs?: number | undefined;
  /** The server ends a transaction whose client is idle for longer. */
  idleTransactionTimeoutMs?: number | undefined;
}

/** Parameters that PgBouncer accepts at the start of a connection with its default settings, and keeps for each client. */
export const startupSettings: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  standard_conforming_strings: 'on',
  TimeZone: 'UTC',
};

const fixedSettings: Readonly<Record<string, string>> = {
  ...startupSettings,
  array_nulls: 'on',
  backslash_quote: 'safe_encoding',
  bytea_output: 'hex',
  check_function_bodies: 'on',
  client_min_messages: 'warning',
  default_transaction_deferrable: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  exit_on_error: 'off',
  extra_float_digits: '1',
  gin_fuzzy_search_limit: '0',
  idle_session_timeout: '0',
  IntervalStyle: 'postgres',
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
  xmlbinary: 'base64',
  xmloption: 'content',
};

/** The registry's schema. Temporary objects come last, so that they hide nothing. */
const registryPath = 'public, pg_temp';

/** All settings that a session pins. `serverVersion` is the major version. */
export function pinnedSettings(bounds: SessionBounds, serverVersion: number): Record<string, string> {
  return {
    ...fixedSettings,
    ...(serverVersion >= 17 && { transaction_timeout: '0' }),
    row_security: bounds.rowSecurity ?? 'on',
    search_path: bounds.searchPath ?? registryPath,
    lock_timeout: String(bounds.lockTimeoutMs ?? 0),
    statement_timeout: String(bounds.statementTimeoutMs ?? 0),
    idle_in_transaction_session_timeout: String(bounds.idleTransactionTimeoutMs ?? 0),
  };
}

type Settings = Readonly<Record<string, string>>;

/** SQL: one row, with a column for each setting. `isLocal` is SQL: whether they end with the transaction. */
export function setConfigSql(settings: Settings, isLocal: string): string {
  return Object.entries(settings)
    .map(([name, value]) => `pg_catalog.set_config('${name}', '${value}', ${isLocal})`)
    .join(', ');
}

/**
 * SQL statements that replace the defaults with which a transaction has begun, before its first query. They have no LOCAL,
 * because these settings end with the transaction anyway, and the server would warn outside of BEGIN.
 */
const beginSettings: readonly string[] = [
  "SET transaction_isolation = 'read committed'",
  'SET transaction_read_only = off',
  'SET transaction_deferrable = off',
];

/** The same, and the settings of the transaction, in few statements of the extended protocol. */
export function pinTransactionSql(settings: Settings): string[] {
  return [...beginSettings, `SELECT ${setConfigSql(settings, 'true')}`];
}

/** SQL statements in front of others in one message, which may begin a transaction of any isolation level. */
export function setLocalSql(settings: Settings): string[] {
  const statements = Object.entries(settings).map(
    ([name, value]) =>
      // A quoted search_path would be the name of one schema.
      `SET LOCAL ${name} = ${name === 'search_path' ? value : `'${value}'`}`,
  );
  return [...beginSettings, ...statements];
}
