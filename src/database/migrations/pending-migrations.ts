import { readdir } from 'node:fs/promises';
import type { Pool } from 'pg';
import { registryMigrationsDir } from './migration-folder.js';

let names: Promise<string[]> | undefined;

/** Names of the migrations in the package, which do not change while a process runs. */
async function readNames(): Promise<string[]> {
  const entries = await readdir(registryMigrationsDir, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Which of this version's migrations the registry lacks, as after the restore of an older one. One statement. */
export async function findPendingMigrations(pool: Pool): Promise<string[]> {
  // After a failure, such as too many open files, it is read again.
  names ??= readNames().catch((error) => {
    names = undefined;
    throw error;
  });
  const { rows } = await pool.query<{ pending: string[] }>(
    `SELECT ARRAY(SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (
       SELECT FROM public._prisma_migrations
       WHERE migration_name = name AND finished_at IS NOT NULL AND rolled_back_at IS NULL) ORDER BY name) AS pending
     FROM registry_head`,
    [await names],
  );
  return rows[0]?.pending ?? [];
}
