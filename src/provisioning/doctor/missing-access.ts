import type { ClientBase } from 'pg';

/** The rights that the module's access role lacks in these schemas; none when the server has no such role. */
export async function listMissingAccess(
  client: ClientBase,
  schemas: readonly string[],
  access: string | undefined,
): Promise<{ schema: string; what: string }[]> {
  if (access === undefined) return [];
  const { rows } = await client.query<{ schema: string; what: string }>(missingSql, [schemas, access]);
  return rows;
}

// Trigger functions need no right of the role that fires them.
const missingSql = `
  WITH place AS (SELECT oid, nspname::text AS schema FROM pg_namespace WHERE nspname = ANY ($1))
  SELECT schema, 'USAGE on schema ' || schema AS what FROM place WHERE NOT has_schema_privilege($2, oid, 'USAGE')
  UNION ALL
  SELECT schema, right_name || ' on table ' || relname FROM pg_class AS class JOIN place ON place.oid = relnamespace,
         unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_name
  WHERE relkind IN ('r', 'p', 'v') AND NOT has_table_privilege($2, class.oid, right_name)
  UNION ALL
  SELECT schema, 'USAGE on sequence ' || relname FROM pg_class AS class JOIN place ON place.oid = relnamespace
  -- CASE, because the function fails for other relations.
  WHERE CASE relkind WHEN 'S' THEN NOT has_sequence_privilege($2, class.oid, 'USAGE') END
  UNION ALL
  SELECT schema, 'EXECUTE on routine ' || proname FROM pg_proc AS proc JOIN place ON place.oid = pronamespace
  WHERE prorettype <> 'trigger'::regtype AND NOT has_function_privilege($2, proc.oid, 'EXECUTE')
  ORDER BY 1, 2`;
