import type { ClientBase } from 'pg';

/**
 * The parts of a schema in the order in which they can be dropped one by one, so that no statement locks many tables: foreign keys first,
 * because a table may have thousands of references to it, then views, tables without children, tables with some, and what tables use.
 * Within a kind the newest comes first, because it may depend on older ones. Parts of extensions, and of other parts, are not listed.
 */
const partsSql = `
  WITH relation AS (
    SELECT class.oid, relkind, relowner, relispartition, format('%I.%I', nspname, relname) AS name
    FROM pg_class AS class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace WHERE nspname = $1
  ), part (rank, class, oid, statement) AS (
    SELECT 1, 'pg_constraint'::regclass, con.oid, format('ALTER TABLE IF EXISTS %s DROP CONSTRAINT IF EXISTS %I', name, conname)
    FROM pg_constraint AS con JOIN relation ON relation.oid = conrelid
    -- The owner of the schema may drop its tables, but change only its own.
    WHERE contype = 'f' AND conparentid = 0 AND relkind = 'r' AND pg_has_role(relowner, 'USAGE')
    UNION ALL
    SELECT CASE WHEN relkind IN ('v', 'm') THEN 2 WHEN relkind = 'S' THEN 5
             WHEN EXISTS (SELECT FROM pg_inherits WHERE inhparent = relation.oid) THEN 4 ELSE 3 END, 'pg_class', oid,
           format('DROP %s IF EXISTS %s CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
             WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, name)
    FROM relation WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
    UNION ALL
    SELECT 6, 'pg_proc', proc.oid, format('DROP ROUTINE IF EXISTS %s CASCADE', (pg_identify_object('pg_proc'::regclass, proc.oid, 0)).identity)
    FROM pg_proc AS proc JOIN pg_namespace AS namespace ON namespace.oid = pronamespace WHERE nspname = $1
    UNION ALL
    SELECT 7, 'pg_type', type.oid, format('DROP TYPE IF EXISTS %I.%I CASCADE', nspname, typname)
    FROM pg_type AS type JOIN pg_namespace AS namespace ON namespace.oid = typnamespace
    WHERE nspname = $1 AND (typtype IN ('d', 'e', 'r') OR typrelid IN (SELECT oid FROM relation WHERE relkind = 'c'))
  )
  SELECT statement FROM part
  WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = part.class AND objid = part.oid AND deptype IN ('i', 'e'))
  ORDER BY rank, oid DESC LIMIT $2`;

/**
 * Drops parts of the schema inside the caller's transaction, unless fewer than `size` are left. Returns the statement that was the first;
 * undefined when the rest can be dropped with the schema.
 */
export async function dropPortion(
  client: ClientBase,
  schema: string,
  size: number,
): Promise<string | undefined> {
  const { rows } = await client.query<{ statement: string }>(partsSql, [schema, size]);
  if (rows.length < size) return undefined;
  await client.query(rows.map(({ statement }) => statement).join('; '));
  return rows[0]?.statement;
}
