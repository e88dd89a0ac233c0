import type { ClientBase } from 'pg';
import { RegistryError } from '../../errors.js';
import type { LoneStatement } from './files/lone-statement.js';
import { isSameFile, type ModuleMigration } from './module-migrations.js';

/** What the state row says about earlier attempts. */
export interface LoneState {
  /** Whether an earlier attempt has begun in this schema. */
  isResumed: boolean;
  /** An index that an attempt with another text of the file may have left. Then nothing is recorded yet. */
  abandonedIndex: string | undefined;
}

/**
 * Records, before the statement, that the work begins; not while an index of an older text is to be dropped first. Throws CONFLICT when something has the name of the index already: only because
 * nothing had it before the row was written does the row prove that an index of that name is the registry's.
 */
export async function beginLone(
  client: ClientBase,
  schema: string,
  migration: ModuleMigration,
  statement: LoneStatement,
): Promise<LoneState> {
  const object = objectOf(statement);
  const { rows } = await client.query<{ checksum: string; object: string }>(
    `SELECT checksum, object FROM tenant_guard.lone_migration WHERE schema_name = $1 AND migration = $2
       AND schema_oid = (SELECT oid FROM pg_namespace WHERE nspname = $1::text)`,
    [schema, migration.name],
  );
  const [begun] = rows;
  const isSame = begun?.object === object && isSameFile(migration, begun.checksum);
  const abandonedIndex = isSame ? undefined : /^index (.*)$/s.exec(begun?.object ?? '')?.[1];
  if (abandonedIndex !== undefined) return { isResumed: false, abandonedIndex };
  const isResumed = begun?.object === object;
  if (!isResumed && statement.kind === 'create index')
    await requireFreeName(client, schema, statement.index, migration.name);
  await client.query(
    `INSERT INTO tenant_guard.lone_migration AS begun (schema_name, schema_oid, migration, checksum, object)
     SELECT $1, oid, $2, $3, $4 FROM pg_namespace WHERE nspname = $1::text
     ON CONFLICT (schema_name, migration) DO UPDATE SET schema_oid = excluded.schema_oid, object = excluded.object,
       checksum = excluded.checksum, attempts = CASE WHEN $5::boolean THEN begun.attempts + 1 ELSE 1 END, started_at = now()`,
    [schema, migration.name, migration.checksum, object, isResumed],
  );
  return { isResumed, abandonedIndex };
}

/** Removes the state row, inside the transaction that records the migration as applied. */
export async function endLone(
  client: ClientBase,
  schema: string,
  { name }: Pick<ModuleMigration, 'name'>,
): Promise<void> {
  await client.query('DELETE FROM tenant_guard.lone_migration WHERE schema_name = $1 AND migration = $2', [
    schema,
    name,
  ]);
}

async function requireFreeName(
  client: ClientBase,
  schema: string,
  index: string,
  file: string,
): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_class WHERE relname = $1 AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $2)`,
    [index, schema],
  );
  if (rowCount === 0) return;
  throw new RegistryError(
    'CONFLICT',
    `Migration ${file} cannot create index ${index} in schema ${schema}, which has a relation of this name that the registry did not make: ` +
      'drop or rename it',
    { isLasting: true },
  );
}

/** In words, so that an operator who reads the row knows what is under way. */
function objectOf(statement: LoneStatement): string {
  switch (statement.kind) {
    case 'create index':
      return `index ${statement.index}`;
    case 'drop index':
      return `dropped index ${statement.index}`;
    case 'reindex':
      return `rebuilt ${statement.of} ${statement.name}`;
    case 'add value':
      return `value ${statement.value} of type ${statement.type}`;
    case 'detach partition':
      return `partition ${statement.partition} of table ${statement.table}`;
    case 'vacuum':
      return 'tables';
  }
}
