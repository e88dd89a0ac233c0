import type { ClientBase } from 'pg';
import { type Binding, listBindings } from '../fence/binding.js';
import { listForeignParts } from '../fence/foreign-code.js';
import { listMissingAccess } from './missing-access.js';
import { readVersions, type SchemaVersions } from './schema-versions.js';
import { readSession, type SessionFacts } from './session.js';

/** The state of a service database, from its catalogs. */
export interface FoundDatabase extends SessionFacts {
  schemas: Map<string, FoundSchema>;
  /** By schema; undefined when there is no guard or this session may not read it. */
  bindings: Map<string, Binding> | undefined;
  /** Tables, routines and types of the requested schemas that belong to a wrong role, by schema. */
  foreignObjects: Map<string, ForeignObjects>;
  /** The migrations that ran in the requested schemas, by schema; undefined when this session may not read them. */
  versions: Map<string, SchemaVersions> | undefined;
  /** Rights and code by which other roles could run code in the requested schemas, by schema. */
  foreignParts: Map<string, string[]>;
  /** The rights that the access role lacks in the requested schemas, by schema. */
  missingAccess: Map<string, string[]>;
}

interface FoundSchema {
  owner: string;
  /** Whether this session may change and drop it. */
  isOurs: boolean;
  /** Whether PUBLIC may create objects in it. */
  isOpen: boolean;
}

interface ForeignObjects {
  count: number;
  /** One of them, in the form that ALTER … OWNER TO takes: 'TABLE acme.invoice'. */
  example: string;
  owner: string;
}

export interface FoundServer {
  databases: Map<string, { owner: string; isOurs: boolean }>;
}

/** The schemas whose owners, rights and versions are read. */
export interface SchemaSelection {
  module: string;
  schemas: readonly string[];
}

/** Sends a fixed number of statements. Rights are the provisioner's; undefined means the session's own role. */
export async function readDatabase(
  client: ClientBase,
  selection: SchemaSelection,
  provisioner: string | undefined,
): Promise<FoundDatabase> {
  const session = await readSession(client, selection.module, provisioner);
  const schemas = await client.query<FoundSchema & { name: string }>(schemasSql, [session.user]);
  const foreignObjects = await client.query<ForeignObjects & { schema: string }>(strangersSql, [
    selection.schemas,
    session.role ?? null,
    session.user,
  ]);
  const parts = await listForeignParts(client, selection.schemas, session.role);
  const missing = await listMissingAccess(client, selection.schemas, session.access);
  const bindings = session.guard?.isReadable ? await listBindings(client) : undefined;
  return {
    ...session,
    schemas: new Map(schemas.rows.map(({ name, ...schema }) => [name, schema])),
    bindings: bindings && new Map(bindings.map((binding) => [binding.schemaName, binding])),
    foreignObjects: new Map(foreignObjects.rows.map(({ schema, ...found }) => [schema, found])),
    versions: session.guard?.hasVersions ? await readVersions(client, selection.schemas) : undefined,
    // Wrong owners, and schemas that are open to PUBLIC, are findings of their own.
    foreignParts: groupWhat(parts.filter(({ kind }) => kind === 'right' || kind === 'code')),
    missingAccess: groupWhat(missing),
  };
}

function groupWhat(found: readonly { schema: string; what: string }[]): Map<string, string[]> {
  const bySchema = new Map<string, string[]>();
  for (const { schema, what } of found) bySchema.set(schema, [...(bySchema.get(schema) ?? []), what]);
  return bySchema;
}

// The owner of schema public is by default pg_database_owner, which stands for the owner of the database.
const schemasSql = `
  SELECT nspname AS name, pg_get_userbyid(owner) AS owner, pg_has_role($1::name, owner, 'USAGE') AS "isOurs",
         EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = 0 AND privilege_type = 'CREATE') AS "isOpen"
  FROM pg_namespace, LATERAL (
    SELECT CASE WHEN pg_get_userbyid(nspowner) = 'pg_database_owner'
           THEN (SELECT datdba FROM pg_database WHERE datname = current_database()) ELSE nspowner END AS owner
  ) AS effective
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'tenant_guard')`;

// Objects of extensions (deptype 'e') are left out: their owner is the role that created the extension.
const strangersSql = `
  WITH requested AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY ($1)
  ), objects AS (
    SELECT nspname AS schema, relowner AS owner, 'pg_class'::regclass AS kind, pg_class.oid,
           CASE relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' WHEN 'S' THEN 'SEQUENCE '
                        WHEN 'f' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END || format('%I.%I', nspname, relname) AS name
    FROM pg_class JOIN requested ON requested.oid = relnamespace WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT nspname, proowner, 'pg_proc'::regclass, pg_proc.oid, 'ROUTINE ' || pg_proc.oid::regprocedure
    FROM pg_proc JOIN requested ON requested.oid = pronamespace
    UNION ALL
    SELECT nspname, typowner, 'pg_type'::regclass, pg_type.oid, 'TYPE ' || format('%I.%I', nspname, typname)
    FROM pg_type JOIN requested ON requested.oid = typnamespace
    WHERE typtype IN ('d', 'e', 'r') OR typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c')
  )
  SELECT schema, count(*)::int AS count, min(name) AS example, min(pg_get_userbyid(owner)) AS owner
  FROM objects
  WHERE CASE WHEN $2::name IS NULL THEN NOT pg_has_role($3::name, owner, 'USAGE')
             ELSE owner <> (SELECT oid FROM pg_roles WHERE rolname = $2) END
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = kind AND objid = objects.oid AND deptype = 'e')
  GROUP BY schema`;

export async function readServer(client: ClientBase, provisioner: string | undefined): Promise<FoundServer> {
  const { rows } = await client.query<{ name: string; owner: string; isOurs: boolean }>(
    `SELECT datname AS name, pg_get_userbyid(datdba) AS owner, pg_has_role(coalesce($1::name, current_user), datdba, 'USAGE') AS "isOurs"
     FROM pg_database WHERE NOT datistemplate`,
    [provisioner ?? null],
  );
  return { databases: new Map(rows.map(({ name, ...database }) => [name, database])) };
}
