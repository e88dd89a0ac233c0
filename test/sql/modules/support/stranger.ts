import { uniqueName } from '../../../setup/database.js';
import type { TenantSession } from './tenant-session.js';

/** Reads a view as a role that may read the view but none of its tables. */
export async function readAsStranger({ query, outcome }: TenantSession, view: string): Promise<string> {
  const role = uniqueName('stranger');
  await query(`CREATE ROLE ${role}`);
  await query(`GRANT USAGE ON SCHEMA acme TO ${role}`);
  await query(`GRANT SELECT ON ${view} TO ${role}`);
  await query(`SET LOCAL ROLE ${role}`);
  return await outcome(`SELECT FROM ${view}`);
}

/** Goes on as a service's role with data rights alone, which owns nothing. */
export async function actAsService({ query }: TenantSession): Promise<void> {
  const role = uniqueName('service');
  await query(`CREATE ROLE ${role}`);
  await query(`GRANT USAGE ON SCHEMA acme TO ${role}`);
  await query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA acme TO ${role}`);
  await query(`SET LOCAL ROLE ${role}`);
}
