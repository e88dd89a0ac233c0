import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';
import type { LoneStatement } from './files/lone-statement.js';
import type { LoneState } from './lone-state.js';

/** A statement to run outside a transaction. */
export interface LoneWork {
  sql: string;
  /** Whether no other session queues behind its waits, so that lock_timeout would only make it fail. */
  isPatient: boolean;
}

interface LonePlan {
  schemaName: string;
  statement: LoneStatement;
  /** As the file has it. */
  text: string;
  state: LoneState;
}

/** The statements that are left to do, by what stands in the schema. Reads only catalogs. [] when an earlier attempt has done all. */
export async function planLone(client: ClientBase, plan: LonePlan): Promise<LoneWork[]> {
  const { schemaName, statement, text, state } = plan;
  if (!state.isResumed) return [{ sql: text, isPatient: isPatient(statement) }];
  const whole = { sql: text, isPatient: isPatient(statement) };
  switch (statement.kind) {
    case 'create index': {
      const found = await findIndex(client, schemaName, statement.index);
      if (found?.isValid && found.table === statement.table) return [];
      return found ? [dropIndex(statement.index), whole] : [whole];
    }
    case 'drop index':
      return (await findIndex(client, schemaName, statement.index)) ? [whole] : [];
    case 'reindex':
      return [...(await planRemains(client, schemaName, statement)), whole];
    case 'add value':
      return (await hasValue(client, schemaName, statement)) ? [] : [whole];
    case 'detach partition': {
      const { partition, table } = statement;
      const isPending = await findDetaching(client, schemaName, partition);
      if (isPending === undefined) return [];
      const finalize = `ALTER TABLE ${identifier(table)} DETACH PARTITION ${identifier(partition)} FINALIZE`;
      return isPending ? [{ sql: finalize, isPatient: false }] : [whole];
    }
    case 'vacuum':
      return [whole];
  }
}

/** Drops invalid indexes that a failed or interrupted attempt of the statement has left. */
export async function planRemains(
  client: ClientBase,
  schema: string,
  statement: LoneStatement,
): Promise<LoneWork[]> {
  if (statement.kind === 'create index') {
    const found = await findIndex(client, schema, statement.index);
    return found && !found.isValid ? [dropIndex(statement.index)] : [];
  }
  if (statement.kind !== 'reindex') return [];
  const { rows } = await client.query<{ name: string }>(
    // PostgreSQL names them after the index that they were to replace, or had replaced.
    `SELECT made.relname AS name FROM pg_index JOIN pg_class AS made ON made.oid = indexrelid
     JOIN pg_class AS class ON class.oid = indrelid
     WHERE made.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND NOT indisvalid
       AND made.relname ~ '_cc(new|old)[0-9]*$'
       AND CASE $2 WHEN 'table' THEN class.relname = $3
           ELSE indrelid = (SELECT named.indrelid FROM pg_index AS named JOIN pg_class AS index ON index.oid = named.indexrelid
                            WHERE index.relname = $3 AND index.relnamespace = made.relnamespace) END`,
    [schema, statement.of, statement.name],
  );
  return rows.map(({ name }) => dropIndex(name));
}

/** Drops the index of an older text of the file, valid or not. */
export async function planAbandoned(client: ClientBase, schema: string, index: string): Promise<LoneWork[]> {
  return (await findIndex(client, schema, index)) ? [dropIndex(index)] : [];
}

function dropIndex(name: string): LoneWork {
  return { sql: `DROP INDEX CONCURRENTLY ${identifier(name)}`, isPatient: true };
}

/** These hold a lock that only other changes of the table's definition wait for. */
function isPatient({ kind }: LoneStatement): boolean {
  return kind === 'create index' || kind === 'drop index' || kind === 'reindex';
}

async function findIndex(
  client: ClientBase,
  schema: string,
  name: string,
): Promise<{ table: string; isValid: boolean } | undefined> {
  const { rows } = await client.query<{ table: string; isValid: boolean }>(
    `SELECT class.relname AS table, indisvalid AND indisready AND indislive AS "isValid"
     FROM pg_index JOIN pg_class AS made ON made.oid = indexrelid JOIN pg_class AS class ON class.oid = indrelid
     WHERE made.relname = $1 AND made.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $2)`,
    [name, schema],
  );
  return rows[0];
}

async function hasValue(
  client: ClientBase,
  schema: string,
  { type, value }: Extract<LoneStatement, { kind: 'add value' }>,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_enum JOIN pg_type AS type ON type.oid = enumtypid
     WHERE enumlabel = $1 AND typname = $2 AND typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $3)`,
    [value, type, schema],
  );
  return rowCount === 1;
}

/** Whether the detachment of a partition is pending; undefined when it is no partition any more. */
async function findDetaching(
  client: ClientBase,
  schema: string,
  partition: string,
): Promise<boolean | undefined> {
  const { rows } = await client.query<{ isPending: boolean }>(
    `SELECT inhdetachpending AS "isPending" FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE relname = $1 AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $2)`,
    [partition, schema],
  );
  return rows[0]?.isPending;
}
