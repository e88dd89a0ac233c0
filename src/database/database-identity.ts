import type { ClientBase, Pool } from 'pg';

/** Facts that tell whether two URLs, perhaps through different hosts, lead to the same database. */
export interface DatabaseIdentity {
  /** OID of the database on its server. */
  oid: string;
  /** When the server started, in seconds with microseconds: different for any two servers, and readable by every role. */
  startedAt: string;
  /** The cluster's system identifier; null where the role may not call pg_control_system(). */
  systemId: string | null;
}

/** SQL: a text that is the same for every address of a server, and different for any other server. Every role may read it. */
export const serverKeySql = 'extract(epoch FROM pg_catalog.pg_postmaster_start_time())::text';

/** SQL: a text that is the same for every URL of the session's database, and different for any other database. */
export const databaseKeySql = `${serverKeySql} || '/' ||
  (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`;

const identitySql = `
  SELECT oid::text AS oid, ${serverKeySql} AS "startedAt",
         pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS "mayReadId"
  FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()`;

export async function readDatabaseIdentity(client: ClientBase | Pool): Promise<DatabaseIdentity> {
  const { rows } = await client.query<{ oid: string; startedAt: string; mayReadId: boolean }>(identitySql);
  const [row] = rows;
  if (!row) throw new Error('the query of the database identity returned no row');
  const { oid, startedAt, mayReadId } = row;
  if (!mayReadId) return { oid, startedAt, systemId: null };
  const control = await client.query<{ systemId: string }>(
    'SELECT system_identifier::text AS "systemId" FROM pg_catalog.pg_control_system()',
  );
  return { oid, startedAt, systemId: control.rows[0]?.systemId ?? null };
}

/**
 * Whether both are the same database. Equal system identifiers also hold for a standby and a copy of the server's files, which
 * must not hold tenants either.
 */
export function isSameDatabase(one: DatabaseIdentity, other: DatabaseIdentity): boolean {
  const isSameCluster = one.systemId !== null && one.systemId === other.systemId;
  return one.oid === other.oid && (isSameCluster || one.startedAt === other.startedAt);
}
