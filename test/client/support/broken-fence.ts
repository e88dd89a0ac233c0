import type { PostgresServer } from '../../setup/postgres-server.js';

/** Makes the fence of finance admit everyone to the requested schema. The checks of the hammers must report it. */
export async function disableFence(finance: PostgresServer): Promise<void> {
  await finance.query(
    `CREATE OR REPLACE FUNCTION tenant_guard.enter(tenant uuid, schema_name text, generation int) RETURNS text
     LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
     AS $$ SELECT quote_ident(schema_name) $$`,
    [],
    'finance',
  );
}
