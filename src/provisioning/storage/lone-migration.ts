import { type ClientBase, DatabaseError } from 'pg';
import { identifier } from '../../database/identifier.js';
import { pinnedPath } from '../../database/service-databases.js';
import { inTransaction } from '../../database/statements/in-transaction.js';
import { RegistryError } from '../../errors.js';
import type { SchemaOwner } from '../fence/binding.js';
import { requireOwnCode } from '../fence/foreign-code.js';
import { installGuard } from '../fence/guard.js';
import { recordApplied } from '../fence/schema-version.js';
import { readLoneStatement } from './files/lone-statement.js';
import { beginLone, endLone } from './lone-state.js';
import { type LoneWork, planAbandoned, planLone, planRemains } from './lone-work.js';
import type { ModuleMigration } from './module-migrations.js';
import { asSchemaOwnerAlone, withUndo } from './module-role.js';
import { requireAllowed } from './refused-files.js';

/** The existing schema in which a file runs. */
export interface LonePlace {
  schemaName: string;
  owner: SchemaOwner;
}

export interface LoneOptions {
  /** The module's owner role, as findModuleRoles returns it. */
  role: string | undefined;
  /**
   * How long the statement may wait for one lock, in milliseconds; 0: without a bound. Does not apply where services do not queue behind
   * the wait: CREATE INDEX, DROP INDEX and REINDEX CONCURRENTLY wait for older transactions with a lock that reads and writes ignore.
   */
  lockTimeoutMs: number;
  /** How long the statement may run, in milliseconds; 0: without a bound. */
  statementTimeoutMs: number;
}

/**
 * Runs a file that cannot run inside a transaction, in a schema that exists, and records it as applied. The client must be outside a
 * transaction, and the caller must hold the lock of the storage's name. Can be repeated after any interruption: an index that an
 * interrupted attempt left invalid is dropped and built again, and work that was done is recorded without being repeated.
 */
export async function runLoneMigration(
  client: ClientBase,
  { schemaName, owner }: LonePlace,
  migration: ModuleMigration,
  options: LoneOptions,
): Promise<void> {
  await requireAllowed([migration]);
  const { statement, text } = await readLoneStatement(migration);
  await installGuard(client);
  await requireOwnCode(client, schemaName, options.role);
  let state = await beginLone(client, schemaName, migration, statement);
  if (state.abandonedIndex !== undefined) {
    for (const work of await planAbandoned(client, schemaName, state.abandonedIndex))
      await runAlone(client, schemaName, work, options);
    await endLone(client, schemaName, migration);
    state = await beginLone(client, schemaName, migration, statement);
  }
  for (const work of await planLone(client, { schemaName, statement, text, state }))
    await runAlone(client, schemaName, work, options).catch(async (error) => {
      // An index that could not be built is still kept up to date by every write, and a unique one refuses rows.
      if (isOfServer(error)) await removeRemains();
      throw explain(error, migration.name);
    });
  await inTransaction(client, async () => {
    await recordApplied(client, schemaName, owner, [migration]);
    await endLone(client, schemaName, migration);
  });

  async function removeRemains(): Promise<void> {
    for (const work of await planRemains(client, schemaName, statement))
      await runAlone(client, schemaName, work, options).catch(() => undefined);
  }
}

/** Whether the server has answered, so that the connection can be used. */
function isOfServer(error: unknown): boolean {
  return error instanceof DatabaseError && !/^(08|57P)/.test(error.code ?? '');
}

function explain(error: unknown, file: string): unknown {
  if (!(error instanceof DatabaseError) || error instanceof RegistryError) return error;
  return new Error(`Migration ${file} failed: ${error.message}`, { cause: error });
}

/** Runs one statement as the schema's owner, with search_path set to the schema alone. */
async function runAlone(
  client: ClientBase,
  schema: string,
  { sql, isPatient }: LoneWork,
  { role, lockTimeoutMs, statementTimeoutMs }: LoneOptions,
): Promise<void> {
  const before = await readTimeouts(client);
  const set = (lockTimeout: string, statementTimeout: string) =>
    client.query(`SET lock_timeout = '${lockTimeout}'; SET statement_timeout = '${statementTimeout}'`);
  const run = async () => {
    await set(isPatient ? '0' : `${Math.round(lockTimeoutMs)}ms`, `${Math.round(statementTimeoutMs)}ms`);
    await client.query(`SET search_path = ${identifier(schema)}`);
    await withUndo(
      () => client.query(sql),
      () => client.query(`SET search_path = ${pinnedPath}`),
    );
  };
  await withUndo(
    () => asSchemaOwnerAlone(client, schema, role, run),
    () => set(before.lock, before.statement),
  );
}

async function readTimeouts(client: ClientBase): Promise<{ lock: string; statement: string }> {
  const { rows } = await client.query<{ lock: string; statement: string }>(
    `SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement`,
  );
  return rows[0] ?? { lock: '0', statement: '0' };
}
