import type { RegistryDatabase } from '../../database/registry-database.js';
import type { Log } from '../../log.js';

/** Logs a warning when the index of the search by text is missing, because pg_trgm could not be created. */
export async function warnWithoutTextIndex(
  { pool }: Pick<RegistryDatabase, 'pool'>,
  log: Log,
): Promise<void> {
  const { rows } = await pool.query<{ exists: boolean }>(
    `SELECT to_regclass('public.tenants_text_idx') IS NOT NULL AS exists`,
  );
  if (rows[0]?.exists) return;
  log.warn(
    'searches by text read all tenants, because the registry database lacks extension pg_trgm: run SELECT ' +
      'registry_index_text() there as the owner of its tables, with CREATE on the database or after an administrator ' +
      'has run CREATE EXTENSION pg_trgm',
  );
}
