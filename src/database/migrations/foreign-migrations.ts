import { resolve } from 'node:path';
import type pg from 'pg';
import type { MigrationPlan } from './migration-history.js';

/**
 * Refuses a database that has migrations but none of this version: an unreleased version with other migrations, or
 * another program, created it. Nothing has been changed at this point. `dataDir` is the data folder of the embedded
 * PostgreSQL.
 */
export function refuseForeignMigrations(
  { host, port, database }: pg.Client,
  { newer, pending }: MigrationPlan,
  folderSize: number,
  dataDir: string | undefined,
): void {
  const [foreign] = newer;
  if (foreign === undefined || pending.length < folderSize) return;
  const folder = dataDir && resolve(dataDir);
  const [registry, wayOut] = folder
    ? [`The registry in ${folder}`, `delete or move the folder ${folder}`]
    : [`The database "${database}" at ${host}:${port}`, 'set DATABASE_URL to an empty database'];
  throw new Error(
    `${registry} was made by migrations that this version does not have, such as ${foreign}, and cannot be upgraded: ${wayOut} and start anew`,
  );
}
