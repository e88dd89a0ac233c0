import type pg from 'pg';

/** Objects of a schema that a service notices, without those of `_every` and the provisioner's own table. */
export async function listObjects(client: pg.Client, schema: string, excluded: string[]): Promise<string[]> {
  const { rows } = await client.query<{ object: string }>(
    `WITH relation AS (
       SELECT oid, relname, relkind FROM pg_class WHERE relnamespace = $1::regnamespace AND relname <> ALL ($2::text[]))
     SELECT CASE contype WHEN 'c' THEN 'check ' WHEN 'f' THEN 'reference ' WHEN 'x' THEN 'exclusion ' ELSE 'trigger ' END || conname AS object
       FROM pg_constraint JOIN relation ON relation.oid = conrelid WHERE contype NOT IN ('n', 'p', 'u')
     UNION ALL SELECT 'unique ' || index.relname FROM pg_index JOIN relation ON relation.oid = indrelid
       JOIN pg_class AS index ON index.oid = indexrelid WHERE indisunique
     UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger JOIN relation ON relation.oid = tgrelid
       WHERE NOT tgisinternal AND tgconstraint = 0
     UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = $1::regnamespace
     UNION ALL SELECT 'view ' || relname FROM relation WHERE relkind IN ('v', 'm')
     UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite JOIN relation ON relation.oid = ev_class WHERE rulename <> '_RETURN'
     UNION ALL SELECT 'policy ' || polname FROM pg_policy JOIN relation ON relation.oid = polrelid
     UNION ALL SELECT 'type ' || typname FROM pg_type LEFT JOIN pg_class ON pg_class.oid = typrelid
       WHERE typnamespace = $1::regnamespace AND typelem = 0 AND coalesce(pg_class.relkind, 'c') = 'c'`,
    [schema, excluded],
  );
  return rows.map(({ object }) => object).sort();
}

export interface CatalogColumn {
  name: string;
  type: string;
}

/** Columns of each table, by table. */
export async function listColumns(
  client: pg.Client,
  schema: string,
  excluded: string[],
): Promise<Record<string, CatalogColumn[]>> {
  const { rows } = await client.query<{ table: string; columns: CatalogColumn[] }>(
    `SELECT relname AS table, json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod)) ORDER BY attnum) AS columns
     FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
     WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p') AND relname <> ALL ($2::text[]) GROUP BY relname`,
    [schema, excluded],
  );
  return Object.fromEntries(rows.map(({ table, columns }) => [table, columns]));
}

/** The comment of every table, view, column, function and trigger; null where there is none. */
export async function listComments(
  client: pg.Client,
  schema: string,
): Promise<{ object: string; comment: string | null }[]> {
  const { rows } = await client.query<{ object: string; comment: string | null }>(
    `WITH relation AS (
       SELECT oid, relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p', 'v', 'm'))
     SELECT relname AS object, obj_description(oid, 'pg_class') AS comment FROM relation
     UNION ALL SELECT relname || '.' || attname, col_description(attrelid, attnum) FROM pg_attribute JOIN relation ON relation.oid = attrelid
       WHERE attnum > 0 AND NOT attisdropped
     UNION ALL SELECT 'function ' || proname, obj_description(oid, 'pg_proc') FROM pg_proc WHERE pronamespace = $1::regnamespace
     UNION ALL SELECT 'trigger ' || tgname, obj_description(pg_trigger.oid, 'pg_trigger') FROM pg_trigger JOIN relation ON relation.oid = tgrelid
       WHERE NOT tgisinternal
     ORDER BY 1`,
    [schema],
  );
  return rows;
}
