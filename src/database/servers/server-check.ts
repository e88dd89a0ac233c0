/** What a server must offer: asked in one statement, and judged before anything is made on it. */
import type { ClientBase } from 'pg';
import { identifier } from '../identifier.js';

/** What the server says about itself, the database and the session's role. */
export interface ServerFacts {
  /** 150004 is 15.4. */
  version: number;
  isStandby: boolean;
  isReadOnly: boolean;
  role: string;
  database: string;
  hasPublic: boolean;
  mayUsePublic: boolean;
  mayCreateInPublic: boolean;
  mayCreateSchemas: boolean;
  mayEndSessions: boolean;
  maySeeStandbys: boolean;
  /** PostgreSQL's synchronous_commit. */
  synchronousCommit: string;
  /** Owner of the registry's tables; null when there are none. */
  owner: string | null;
  /** Whether the role has the rights of that owner. */
  ownsTables: boolean;
  isSuperuser: boolean;
  maxConnections: number;
  /** Connections that are kept for administrators. */
  reserved: number;
  /** -1: no limit. */
  roleLimit: number;
  databaseLimit: number;
}

/** What the product will do there. */
export interface ServerUse {
  /** Whose data it is. */
  of: 'registry' | 'service';
  /** Whether nothing is changed there. */
  isRead: boolean;
  /** Whether the role is about to create tables or procedures in schema public. */
  creates: boolean;
  /** Connections that this process opens at most; 0 where a pooler is between. */
  connections: number;
  /** Whether gateways serve only with synchronous standbys. Default: false. */
  requiresStandbys?: boolean;
}

interface ServerCheck {
  /** Whether it is needed to read, too. */
  forReading?: true;
  /** Whether something is missing. */
  isMissing: (facts: ServerFacts, use: ServerUse) => boolean;
  problem: (facts: ServerFacts, use: ServerUse) => string;
  /** SQL for an administrator, or what to do where no SQL mends it. */
  mend: (facts: ServerFacts, use: ServerUse) => string;
}

const oldestVersion = 15;

const role = (facts: ServerFacts) => identifier(facts.role);
const database = (facts: ServerFacts) => identifier(facts.database);

/** How many connections of this role the server accepts. */
function accepted({ maxConnections, reserved, roleLimit, databaseLimit, isSuperuser }: ServerFacts): number {
  if (isSuperuser) return maxConnections;
  const limits = [roleLimit, databaseLimit].filter((limit) => limit >= 0);
  return Math.min(maxConnections - reserved, ...limits);
}

/** Whether a commit is answered before a standby has it. */
export function waitsForNoStandby(synchronousCommit: string): boolean {
  return ['off', 'local'].includes(synchronousCommit);
}

const serverChecks: readonly ServerCheck[] = [
  {
    forReading: true,
    isMissing: ({ version }) => version < oldestVersion * 10_000,
    problem: ({ version }) => `The server is PostgreSQL ${Math.floor(version / 10_000)}`,
    mend: () => `use PostgreSQL ${oldestVersion} or newer`,
  },
  {
    isMissing: ({ isStandby }) => isStandby,
    problem: () => 'The server is a standby, which accepts no changes',
    mend: () => 'set the URL to the primary server',
  },
  {
    isMissing: ({ isStandby, isReadOnly }) => isReadOnly && !isStandby,
    problem: ({ database }) => `Database ${database} is read-only`,
    mend: () => 'set the URL to the primary server, or end the read-only mode of the hosted service',
  },
  {
    isMissing: ({ hasPublic }) => !hasPublic,
    problem: ({ database }) => `Database ${database} has no schema public`,
    mend: (facts) => `CREATE SCHEMA public; GRANT USAGE, CREATE ON SCHEMA public TO ${role(facts)}`,
  },
  {
    isMissing: ({ hasPublic, mayUsePublic, mayCreateInPublic }, { creates }) =>
      hasPublic && !(mayUsePublic && (mayCreateInPublic || !creates)),
    problem: ({ role, database }, { of }) =>
      `Role ${role} may not create ${of === 'registry' ? 'tables' : 'the procedures for services'} in schema public of database ${database}`,
    mend: (facts) => `GRANT USAGE, CREATE ON SCHEMA public TO ${role(facts)}`,
  },
  {
    forReading: true,
    isMissing: ({ owner, ownsTables }, { of }) => of === 'registry' && owner !== null && !ownsTables,
    problem: ({ role, owner, database }) =>
      `Role ${role} is not the owner of the registry’s tables in database ${database}, which is ${owner}`,
    mend: (facts) => `GRANT ${identifier(facts.owner ?? '')} TO ${role(facts)}`,
  },
  {
    isMissing: ({ mayCreateSchemas }, { of }) => of === 'service' && !mayCreateSchemas,
    problem: ({ role, database }) => `Role ${role} may not create schemas in database ${database}`,
    mend: (facts) => `GRANT CREATE ON DATABASE ${database(facts)} TO ${role(facts)}`,
  },
  {
    isMissing: ({ mayEndSessions }, { of }) => of === 'service' && !mayEndSessions,
    problem: ({ role }) =>
      `Role ${role} may not end sessions of services, so a suspension waits until they have left the tenant’s schema`,
    mend: (facts) => `GRANT pg_signal_backend TO ${role(facts)}`,
  },
  {
    isMissing: ({ maySeeStandbys }, { requiresStandbys = false }) => requiresStandbys && !maySeeStandbys,
    problem: ({ role }) => `Role ${role} may not see the standbys, which REQUIRE_SYNC_STANDBYS asks for`,
    mend: (facts) => `GRANT pg_read_all_stats TO ${role(facts)}, or set REQUIRE_SYNC_STANDBYS=0`,
  },
  {
    isMissing: ({ synchronousCommit }, { requiresStandbys = false }) =>
      requiresStandbys && waitsForNoStandby(synchronousCommit),
    problem: ({ role, synchronousCommit }) =>
      `Commits of role ${role} wait for no standby (synchronous_commit = ${synchronousCommit}), so a failover loses changes that were acknowledged`,
    mend: (facts) => `ALTER ROLE ${role(facts)} SET synchronous_commit = 'on'`,
  },
  {
    isMissing: (facts, { connections }) => accepted(facts) < connections,
    problem: (facts, { connections }) =>
      `The server accepts ${accepted(facts)} connections of role ${facts.role} to database ${facts.database}, and this process opens up to ${connections}`,
    mend(facts, { connections }) {
      const statements = [
        ...(facts.roleLimit >= 0 && facts.roleLimit < connections
          ? [`ALTER ROLE ${role(facts)} CONNECTION LIMIT -1`]
          : []),
        ...(facts.databaseLimit >= 0 && facts.databaseLimit < connections
          ? [`ALTER DATABASE ${database(facts)} CONNECTION LIMIT -1`]
          : []),
        ...(facts.maxConnections - facts.reserved < connections
          ? [`ALTER SYSTEM SET max_connections = ${connections + facts.reserved + 20} and restart the server`]
          : []),
      ];
      return `${statements.join('; ')}, or set the URL to a pooler such as PgBouncer`;
    },
  },
];

/** One line per problem, with what mends it. */
export function judgeServer(facts: ServerFacts, use: ServerUse): string[] {
  return serverChecks
    .filter((check) => (check.forReading || !use.isRead) && check.isMissing(facts, use))
    .map((check) => `${check.problem(facts, use)}: ${check.mend(facts, use)}`);
}

// to_regnamespace and the like need no rights on the object. A right on a schema that does not exist is null.
const factsSql = `
  SELECT current_setting('server_version_num')::int AS version,
         pg_is_in_recovery() AS "isStandby",
         current_setting('transaction_read_only') = 'on' AS "isReadOnly",
         own.rolname AS role, here.datname AS database, public.oid IS NOT NULL AS "hasPublic",
         coalesce(has_schema_privilege(public.oid, 'USAGE'), false) AS "mayUsePublic",
         coalesce(has_schema_privilege(public.oid, 'CREATE'), false) AS "mayCreateInPublic",
         has_database_privilege(here.oid, 'CREATE') AS "mayCreateSchemas",
         pg_has_role('pg_signal_backend', 'USAGE') AS "mayEndSessions",
         pg_has_role('pg_read_all_stats', 'USAGE') AS "maySeeStandbys",
         current_setting('synchronous_commit') AS "synchronousCommit",
         pg_get_userbyid(history.relowner) AS owner,
         coalesce(pg_has_role(history.relowner, 'USAGE'), true) AS "ownsTables",
         own.rolsuper AS "isSuperuser", own.rolconnlimit AS "roleLimit", here.datconnlimit AS "databaseLimit",
         current_setting('max_connections')::int AS "maxConnections",
         current_setting('superuser_reserved_connections')::int
           + coalesce(nullif(current_setting('reserved_connections', true), '')::int, 0) AS reserved
  FROM pg_catalog.pg_database AS here
  JOIN pg_catalog.pg_roles AS own ON own.rolname = current_user
  LEFT JOIN pg_catalog.pg_namespace AS public ON public.nspname = 'public'
  LEFT JOIN pg_catalog.pg_class AS history ON history.relnamespace = public.oid AND history.relname = '_prisma_migrations'
  WHERE here.datname = current_database()`;

export async function readServerFacts(session: Pick<ClientBase, 'query'>): Promise<ServerFacts> {
  const { rows } = await session.query<ServerFacts>(factsSql);
  const [facts] = rows;
  if (!facts) throw new Error('the query of the server’s facts returned no row');
  return facts;
}

/** All problems of servers, one per line. */
export class ServerError extends Error {
  override readonly name = 'ServerError';

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
  }
}
