import { escapeLiteral } from 'pg';
import { identifier } from '../../database/identifier.js';
import { accessRole, ownerRole } from './module-role.js';

/** The database of a module, from the URL in its variable. */
export interface GrantTarget {
  module: string;
  /** "db.internal:5432" */
  server: string;
  database: string;
  /** The role that the registry connects as. */
  provisioner: string;
  /** The role of `<MODULE>_DB_READ_URL`; undefined when it is not set. */
  reader?: string | undefined;
  /** Whether tenants of this module have databases of their own. */
  hasDatabases: boolean;
}

/** SQL that an administrator runs in one database. It can be repeated. */
export interface DatabaseGrants {
  server: string;
  database: string;
  /** Modules whose tenants have their data there; empty for the registry's own database. */
  modules: string[];
  statements: string[];
}

/**
 * The least privileges that provisioning and services need, per database. The registry prints them and never runs them, because
 * roles belong to the server's administrator. The provisioner needs no superuser; services must not be superusers, because
 * only a superuser can end the session of another one.
 */
export function planGrants(targets: readonly GrantTarget[]): DatabaseGrants[] {
  const planned = new Map<string, DatabaseGrants>();
  for (const target of targets) {
    const { server, database, module } = target;
    const key = JSON.stringify([server, database]);
    const grants = planned.get(key) ?? { server, database, modules: [], statements: [] };
    planned.set(key, grants);
    grants.modules.push(module);
    // Statements that two modules in one database both need are listed once.
    const more = statementsFor(target).filter((statement) => !grants.statements.includes(statement));
    grants.statements.push(...more);
  }
  return [...planned.values()];
}

function statementsFor(target: GrantTarget): string[] {
  const provisioner = identifier(target.provisioner);
  const database = identifier(target.database);
  const owner = identifier(ownerRole(target.module));
  const access = identifier(accessRole(target.module));
  const service = identifier(serviceRole(target.module));
  return [
    '-- The provisioner: the role that the registry connects as. Set its password separately: \\password',
    createRole(target.provisioner, 'LOGIN'),
    `GRANT CONNECT, CREATE ON DATABASE ${database} TO ${provisioner};`,
    ...(target.hasDatabases ? [`ALTER ROLE ${provisioner} CREATEDB;`] : []),
    '-- To end sessions of services that are still inside a suspended tenant.',
    `GRANT pg_signal_backend TO ${provisioner};`,
    '-- The default since PostgreSQL 15.',
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC;',
    '-- To install the procedures with which services create schemas by SQL: ensure_<module>_tenant_schema.',
    `GRANT USAGE, CREATE ON SCHEMA public TO ${provisioner};`,
    `-- Module ${target.module}: the role that owns the schemas, databases and tables of its tenants. Only the provisioner may act as it.`,
    createRole(ownerRole(target.module), 'NOLOGIN'),
    `GRANT ${owner} TO ${provisioner};`,
    `-- The role that reads and writes their data, and changes no definitions.`,
    createRole(accessRole(target.module), 'NOLOGIN'),
    `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${access};`,
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} REVOKE EXECUTE ON ROUTINES FROM PUBLIC;`,
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${access};`,
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} GRANT USAGE, SELECT ON SEQUENCES TO ${access};`,
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} GRANT EXECUTE ON ROUTINES TO ${access};`,
    `-- The role that its services connect as: ${service}, or any other member of ${accessRole(target.module)}.`,
    createRole(serviceRole(target.module), 'LOGIN'),
    `GRANT ${access} TO ${service};`,
    '-- Of an earlier version: a service that owns the schemas could plant code in them.',
    `REVOKE ${owner} FROM ${service};`,
    ...(target.reader ? statementsForReader(target.reader, database) : []),
  ];
}

/** The reader needs the catalogs, which every role may read, and the guard's tables once the first tenant has made them. */
function statementsForReader(reader: string, database: string): string[] {
  const role = identifier(reader);
  const body =
    `BEGIN IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'tenant_guard') THEN ` +
    `GRANT USAGE ON SCHEMA tenant_guard TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA tenant_guard TO ${role}; END IF; END`;
  return [
    '-- The reader: the role that doctor and import databases log in as. It is a member of no other role. Run the last statement again',
    '-- after the first tenant, and give it SELECT on old tables of tenants before an import.',
    createRole(reader, 'LOGIN'),
    `GRANT CONNECT ON DATABASE ${database} TO ${role};`,
    `DO ${escapeLiteral(body)};`,
  ];
}

/** The name that the printed statements give the role of a service. A service may use another role if it is a member of the module's access role. */
function serviceRole(module: string): string {
  return `${module}_service`;
}

/** There is no CREATE ROLE IF NOT EXISTS. */
export function createRole(name: string, attribute: 'LOGIN' | 'NOLOGIN'): string {
  const body = `BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${escapeLiteral(name)}) THEN CREATE ROLE ${identifier(name)} ${attribute}; END IF; END`;
  return `DO ${escapeLiteral(body)};`;
}
