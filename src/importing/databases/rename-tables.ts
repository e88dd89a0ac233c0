/** Renames old tables in their database, all or none, while nobody writes to them. */
import { setTimeout as delay } from 'node:timers/promises';
import { type ClientBase, DatabaseError } from 'pg';
import { identifier } from '../../database/identifier.js';
import { findAsideName } from '../../database/migrations/legacy-tables.js';
import { inTransaction } from '../../database/statements/in-transaction.js';
import { RegistryError } from '../../errors.js';
import { requireOwnEventTriggers } from '../../provisioning/fence/foreign-code.js';
import type { OldTable, TablePlace } from './table-places.js';

/** A table with the name that it gets. */
export interface Renaming {
  schema: string;
  name: string;
  to: string;
}

/** Old tables of one database. */
export interface PlacedTables {
  place: TablePlace;
  tables: readonly OldTable[];
}

/**
 * How long one attempt waits for a lock, in milliseconds: less than the second after which PostgreSQL looks for deadlocks. So a transaction
 * of a service that has read a table and then writes to it is never the one that is ended.
 */
const attemptMs = 700;
const attempts = 30;
const pauseMs = 300;

function addressOf({ schema, name }: { schema: string; name: string }): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

function renameSql(renaming: Renaming): string {
  return `ALTER TABLE ${addressOf(renaming)} RENAME TO ${identifier(renaming.to)}`;
}

/** Locks the tables against writers of all databases, does the work, and renames them. The work decides whether they are renamed. */
export async function renameBehind(
  placed: readonly PlacedTables[],
  work: () => Promise<boolean>,
): Promise<{ place: TablePlace; renamings: Renaming[] }[] | undefined> {
  const [first, ...others] = placed;
  if (!first) return (await work()) ? [] : undefined;
  const { place, tables } = first;
  return place.withConnection((client) =>
    inTransaction(client, async () => {
      await requireOwnEventTriggers(client);
      await client.query(`SET LOCAL idle_in_transaction_session_timeout = '15min'`);
      await lock(client, tables, 'SHARE ROW EXCLUSIVE');
      const behind = await renameBehind(others, work);
      if (!behind) return undefined;
      const renamings = await planAside(client, tables);
      await rename(client, renamings);
      return [{ place, renamings }, ...behind];
    }),
  );
}

/** The names that tables get when they are set aside. */
export async function planAside(client: ClientBase, tables: readonly OldTable[]): Promise<Renaming[]> {
  const renamings: Renaming[] = [];
  for (const { schema, name } of tables)
    renamings.push({ schema, name, to: await findAsideName(client, schema, name) });
  return renamings;
}

/** Renames tables in one transaction. */
export async function renameTogether({ withConnection }: TablePlace, renamings: readonly Renaming[]) {
  await withConnection((client) =>
    inTransaction(client, async () => {
      await requireOwnEventTriggers(client);
      await rename(client, renamings);
    }),
  );
}

async function rename(client: ClientBase, renamings: readonly Renaming[]): Promise<void> {
  if (renamings.length === 0) return;
  await lock(client, renamings, 'ACCESS EXCLUSIVE');
  await client.query(renamings.map(renameSql).join('; '));
}

/** Locks tables by short attempts. What was locked before stays locked. */
async function lock(
  client: ClientBase,
  tables: readonly { schema: string; name: string }[],
  mode: 'SHARE ROW EXCLUSIVE' | 'ACCESS EXCLUSIVE',
): Promise<void> {
  const names = tables.map(addressOf).join(', ');
  for (let attempt = 1; ; attempt++) {
    await client.query('SAVEPOINT before_lock');
    try {
      await client.query(`SET LOCAL lock_timeout = '${attemptMs}ms'`);
      await client.query(`LOCK TABLE ${names} IN ${mode} MODE`);
      return;
    } catch (error) {
      if (!(error instanceof DatabaseError) || !['55P03', '40P01'].includes(error.code ?? '')) throw error;
      await client.query('ROLLBACK TO SAVEPOINT before_lock');
      if (attempt === attempts)
        throw new RegistryError(
          'CONFLICT',
          `A transaction has held ${names} for ${Math.round((attempts * (attemptMs + pauseMs)) / 1_000)} s, so nothing was renamed: end it, and run the command again`,
        );
      await delay(pauseMs);
    }
  }
}

/** Why the role of the connection cannot rename these tables, with the SQL for somebody who can; undefined when it can. */
export async function findMissingRight(
  client: ClientBase,
  database: string,
  renamings: readonly Renaming[],
): Promise<{ why: string; sql: string } | undefined> {
  const { rows } = await client.query<{ role: string; schema: string; name: string }>(
    `SELECT current_user::text AS role, nspname::text AS schema, relname::text AS name
     FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
     JOIN unnest($1::text[], $2::text[]) AS wanted (schema, name) ON wanted.schema = nspname AND wanted.name = relname
     WHERE NOT (pg_has_role(relowner, 'USAGE') AND has_schema_privilege(namespace.oid, 'CREATE')) ORDER BY 2, 3`,
    [renamings.map(({ schema }) => schema), renamings.map(({ name }) => name)],
  );
  const [first] = rows;
  if (!first) return undefined;
  const named = rows.map(({ schema, name }) => `${schema}.${name}`).join(', ');
  return {
    why: `The role ${first.role} may not rename ${named} in ${database}: it has to own the tables and to have CREATE on their schema`,
    sql: `BEGIN; ${renamings.map(renameSql).join('; ')}; COMMIT;`,
  };
}
