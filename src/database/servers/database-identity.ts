import type { ClientBase, Pool, QueryResult } from 'pg';

type Session = ClientBase | Pool;

/** Facts that tell whether two URLs, perhaps through different hosts, lead to the same database. */
export interface DatabaseIdentity {
  /** OID of the database on its server. */
  oid: string;
  /** When the server started, in seconds with microseconds: different for any two servers, and readable by every role. */
  startedAt: string;
  /** Reads the cluster's system identifier; null where the role may not call pg_control_system(). */
  readSystemId(): Promise<string | null>;
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

/** One round trip, in which `before` is sent first: statements without parameters. */
export async function readDatabaseIdentity(session: Session, before = ''): Promise<DatabaseIdentity> {
  const answer: QueryResult | QueryResult[] = await session.query(`${before};${identitySql}`);
  const row = [answer].flat().at(-1)?.rows[0] as IdentityRow | undefined;
  if (!row) throw new Error('the query of the database identity returned no row');
  const { oid, startedAt, mayReadId } = row;
  return { oid, startedAt, readSystemId: async () => (mayReadId ? await readSystemId(session) : null) };
}

interface IdentityRow {
  oid: string;
  startedAt: string;
  mayReadId: boolean;
}

async function readSystemId(session: Session): Promise<string | null> {
  const { rows } = await session.query<{ systemId: string }>(
    'SELECT system_identifier::text AS "systemId" FROM pg_catalog.pg_control_system()',
  );
  return rows[0]?.systemId ?? null;
}

/**
 * Whether both are the same database. Equal system identifiers also hold for a standby and a copy of the server's files, which
 * must not hold tenants either.
 */
export async function isSameDatabase(one: DatabaseIdentity, other: DatabaseIdentity): Promise<boolean> {
  if (one.oid !== other.oid) return false;
  if (one.startedAt === other.startedAt) return true;
  const systemId = await one.readSystemId();
  return systemId !== null && systemId === (await other.readSystemId());
}
