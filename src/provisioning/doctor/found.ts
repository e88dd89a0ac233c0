import type { ClientBase } from 'pg';
import { type Binding, listBindings } from '../fence/binding.js';
import { readSession, type SessionFacts } from './session.js';
import { readVersions, type VersionTable } from './version-tables.js';

/** What the catalogs of a database say. */
export interface FoundDatabase extends SessionFacts {
  schemas: Map<string, FoundSchema>;
  /** undefined: there is no guard, or this session may not read it. */
  bindings: Map<string, Binding> | undefined;
  /** What of the schemas that were asked for belongs to somebody it should not, by schema. */
  strangers: Map<string, Strangers>;
  /** Of the schemas that were asked for; without those that have none. */
  versions: Map<string, VersionTable>;
}

interface FoundSchema {
  owner: string;
  /** Whether this session may change and drop it. */
  isOurs: boolean;
  /** Whether PUBLIC may make things in it. */
  isOpen: boolean;
}

interface Strangers {
  count: number;
  /** One of them, as ALTER … OWNER TO takes it: 'TABLE acme.invoice'. */
  example: string;
  owner: string;
}

export interface FoundServer {
  databases: Map<string, { owner: string; isOurs: boolean }>;
}

export interface Questions {
  module: string;
  /** Whose contents are looked at. */
  schemas: readonly string[];
  /** Whose version tables are read. */
  versioned: readonly string[];
}

/** A fixed number of statements, whatever the number of schemas, but for the version tables: one per some hundreds. */
export async function lookInto(client: ClientBase, questions: Questions): Promise<FoundDatabase> {
  const session = await readSession(client, questions.module);
  const schemas = await client.query<FoundSchema & { name: string }>(schemasSql);
  const strangers = await client.query<Strangers & { schema: string }>(strangersSql, [
    questions.schemas,
    session.role ?? null,
  ]);
  const bindings = session.guard?.isReadable ? await listBindings(client) : undefined;
  return {
    ...session,
    schemas: new Map(schemas.rows.map(({ name, ...schema }) => [name, schema])),
    bindings: bindings && new Map(bindings.map((binding) => [binding.schemaName, binding])),
    strangers: new Map(strangers.rows.map(({ schema, ...found }) => [schema, found])),
    versions: await readVersions(client, questions.versioned),
  };
}

// public belongs to whoever owns the database.
const schemasSql = `
  SELECT nspname AS name, pg_get_userbyid(owner) AS owner, pg_has_role(owner, 'USAGE') AS "isOurs",
         EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = 0 AND privilege_type = 'CREATE') AS "isOpen"
  FROM pg_namespace, LATERAL (
    SELECT CASE WHEN pg_get_userbyid(nspowner) = 'pg_database_owner'
           THEN (SELECT datdba FROM pg_database WHERE datname = current_database()) ELSE nspowner END AS owner
  ) AS effective
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'tenant_guard')`;

// What an extension brought is the extension's.
const strangersSql = `
  WITH asked AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY ($1)
  ), things AS (
    SELECT nspname AS schema, relowner AS owner, 'pg_class'::regclass AS kind, pg_class.oid,
           CASE relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' WHEN 'S' THEN 'SEQUENCE '
                        WHEN 'f' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END || format('%I.%I', nspname, relname) AS name
    FROM pg_class JOIN asked ON asked.oid = relnamespace WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT nspname, proowner, 'pg_proc'::regclass, pg_proc.oid, 'ROUTINE ' || pg_proc.oid::regprocedure
    FROM pg_proc JOIN asked ON asked.oid = pronamespace
  )
  SELECT schema, count(*)::int AS count, min(name) AS example, min(pg_get_userbyid(owner)) AS owner
  FROM things
  WHERE CASE WHEN $2::name IS NULL THEN NOT pg_has_role(owner, 'USAGE')
             ELSE owner <> (SELECT oid FROM pg_roles WHERE rolname = $2) END
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = kind AND objid = things.oid AND deptype = 'e')
  GROUP BY schema`;

export async function lookAtServer(client: ClientBase): Promise<FoundServer> {
  const { rows } = await client.query<{ name: string; owner: string; isOurs: boolean }>(
    `SELECT datname AS name, pg_get_userbyid(datdba) AS owner, pg_has_role(datdba, 'USAGE') AS "isOurs"
     FROM pg_database WHERE NOT datistemplate`,
  );
  return { databases: new Map(rows.map(({ name, ...database }) => [name, database])) };
}
