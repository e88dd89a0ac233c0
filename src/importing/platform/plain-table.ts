import { type ClientBase, DatabaseError } from 'pg';
import { identifier } from '../../database/identifier.js';
import { inTransaction } from '../../database/statements/in-transaction.js';
import { RegistryError } from '../../errors.js';

/**
 * Reads columns of a table that a service owns, without running code of the service. The table must be plain: a view calls
 * functions, and so does the planning of a query on a table with an index or statistics on an expression that has one. Row
 * security is off, so that a policy that would apply is an error before it runs. Values are not cast, because a cast to text or
 * JSON may be the service's own; output functions belong to PostgreSQL. All values are returned as text, null for NULL.
 */
export async function readPlainTable(
  client: ClientBase,
  table: { schema: string; name: string },
  columns: readonly string[],
): Promise<Record<string, string | null>[]> {
  return inPlainTable(client, table, async (address) => {
    const { rows } = await client.query<Record<string, string | null>>({
      text: `SELECT ctid AS ${identifier(placeColumn)}, ${columns.map(identifier).join(', ')} FROM ONLY ${address}`,
      types: { getTypeParser: () => (value: unknown) => value },
    });
    return rows;
  });
}

/**
 * Returns a text that differs once a row was inserted, updated or deleted. It reads no values: each version of a row has another
 * transaction or another place. Rewriting a table changes it, too, which costs no more than another look.
 */
export async function stampPlainTable(
  client: ClientBase,
  table: { schema: string; name: string },
): Promise<string> {
  return inPlainTable(client, table, async (address) => {
    const { rows } = await client.query<{ stamp: string }>(
      `SELECT count(*) || '/' || coalesce(sum(hashtextextended(ctid::text || '/' || xmin::text, 0)), 0) AS stamp FROM ONLY ${address}`,
    );
    return rows[0]?.stamp ?? '';
  });
}

/** Reads a table in a transaction in which nothing of the table's owner runs. Throws CONFLICT. */
async function inPlainTable<T>(
  client: ClientBase,
  { schema, name }: { schema: string; name: string },
  read: (address: string) => Promise<T>,
): Promise<T> {
  const table = `${identifier(schema)}.${identifier(name)}`;
  const reading = inTransaction(client, async () => {
    // The lock keeps the table as it is between the check and the reading.
    await client.query(
      `SET LOCAL lock_timeout = '5s'; SET LOCAL row_security = off; LOCK TABLE ONLY ${table} IN ACCESS SHARE MODE`,
    );
    const { rows: parts } = await client.query<{ what: string }>(unsafeSql, [schema, name]);
    const [unsafe] = parts;
    if (unsafe)
      throw new RegistryError(
        'CONFLICT',
        `Table ${schema}.${name} was not read, because that could run code of its owner: it ${unsafe.what}. Copy its rows into a plain table, or drop that part`,
      );
    return read(table);
  });
  return reading.catch((error: unknown) => {
    if (!(error instanceof DatabaseError) || error.code !== '42501') throw error;
    throw new RegistryError(
      'CONFLICT',
      `Table ${schema}.${name} was not read: ${error.message}. Grant the role SELECT on the table, and BYPASSRLS where the table has row security`,
      { cause: error },
    );
  });
}

/** The column of a row's place in its table, by which a row without an id is named: no column of a table has this name. */
export const placeColumn = 'ctid';

/** A dependency is recorded only on what PostgreSQL itself did not create. Enums are compared by PostgreSQL's own functions. */
const unsafeSql = `
  WITH tab AS (
    SELECT class.* FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
    WHERE nspname = $1 AND relname = $2
  )
  SELECT 'is a view or partitioned' AS what FROM tab WHERE relkind <> 'r' OR relispartition
  UNION ALL SELECT 'has the rule ' || rulename FROM pg_rewrite JOIN tab ON tab.oid = ev_class
  UNION ALL SELECT 'has the index ' || indexrelid::regclass::text || ' with a function, operator or type of its own' FROM pg_index
    JOIN tab ON tab.oid = indrelid WHERE (indexprs IS NOT NULL OR indpred IS NOT NULL) AND EXISTS (
      SELECT FROM pg_depend LEFT JOIN pg_type AS type ON refclassid = 'pg_type'::regclass AND type.oid = refobjid
      LEFT JOIN pg_type AS element ON element.oid = type.typelem
      WHERE classid = 'pg_class'::regclass AND objid = indexrelid
        AND (refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) OR coalesce(element.typtype, type.typtype) <> 'e'))
  UNION ALL SELECT 'has the statistics ' || stxname || ' on an expression' FROM pg_statistic_ext
    JOIN tab ON tab.oid = stxrelid WHERE stxexprs IS NOT NULL
  UNION ALL SELECT 'has the generated column ' || attname FROM pg_attribute
    JOIN tab ON tab.oid = attrelid WHERE attgenerated = 'v' AND NOT attisdropped`;
