import type { PostgresServer } from '../../setup/postgres-server.js';

/** Has the fence of finance let everybody into the schema that is asked for: what the proofs must find out. */
export async function openTheFence(finance: PostgresServer): Promise<void> {
  await finance.query(
    `CREATE OR REPLACE FUNCTION tenant_guard.enter(tenant uuid, schema_name text, generation int) RETURNS text
     LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
     AS $$ SELECT quote_ident(schema_name) $$`,
    [],
    'finance',
  );
}
