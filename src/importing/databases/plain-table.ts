import type { ClientBase } from 'pg';
import { identifier } from '../../database/identifier.js';
import { inTransaction } from '../../database/in-transaction.js';
import { RegistryError } from '../../errors.js';

/**
 * Reads columns of a table that a service owns, without running code of the service. The table must be plain: a view calls
 * functions, and so do row security and the planning of a query on a table with an index or statistics on an expression. Values
 * are not cast, because a cast to text or JSON may be the service's own; output functions belong to PostgreSQL.
 * All values are returned as text, null for NULL.
 */
export async function readPlainTable(
  client: ClientBase,
  { schema, name }: { schema: string; name: string },
  columns: readonly string[],
): Promise<Record<string, string | null>[]> {
  const table = `${identifier(schema)}.${identifier(name)}`;
  return inTransaction(client, async () => {
    // The lock keeps the table as it is between the check and the reading.
    await client.query(`SET LOCAL lock_timeout = '5s'; LOCK TABLE ONLY ${table} IN ACCESS SHARE MODE`);
    const { rows: parts } = await client.query<{ what: string }>(unsafeSql, [schema, name]);
    const [unsafe] = parts;
    if (unsafe)
      throw new RegistryError(
        'CONFLICT',
        `Table ${schema}.${name} was not read, because that could run code of its owner: it ${unsafe.what}. Copy its rows into a plain table, or drop that part`,
      );
    const { rows } = await client.query<Record<string, string | null>>({
      text: `SELECT ${columns.map(identifier).join(', ')} FROM ONLY ${table}`,
      types: { getTypeParser: () => (value: unknown) => value },
    });
    return rows;
  });
}

const unsafeSql = `
  WITH tab AS (
    SELECT class.* FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
    WHERE nspname = $1 AND relname = $2
  )
  SELECT 'is a view or partitioned' AS what FROM tab WHERE relkind <> 'r' OR relispartition
  UNION ALL SELECT 'has row security' FROM tab WHERE relrowsecurity
  UNION ALL SELECT 'has the rule ' || rulename FROM pg_rewrite JOIN tab ON tab.oid = ev_class
  UNION ALL SELECT 'has the index ' || indexrelid::regclass::text || ' on an expression' FROM pg_index
    JOIN tab ON tab.oid = indrelid WHERE indexprs IS NOT NULL OR indpred IS NOT NULL
  UNION ALL SELECT 'has the statistics ' || stxname || ' on an expression' FROM pg_statistic_ext
    JOIN tab ON tab.oid = stxrelid WHERE stxexprs IS NOT NULL
  UNION ALL SELECT 'has the generated column ' || attname FROM pg_attribute
    JOIN tab ON tab.oid = attrelid WHERE attgenerated = 'v' AND NOT attisdropped`;
