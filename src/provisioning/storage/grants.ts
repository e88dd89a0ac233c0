import { escapeLiteral } from 'pg';
import { identifier } from '../../database/identifier.js';
import { moduleRole } from './module-role.js';

/** A module's database as its variable names it. */
export interface GrantTarget {
  module: string;
  /** "db.internal:5432" */
  server: string;
  database: string;
  /** Role as which the registry connects there. */
  provisioner: string;
  /** Whether tenants of this module have databases of their own. */
  hasDatabases: boolean;
}

/** What an administrator runs in one database. It can be run again. */
export interface DatabaseGrants {
  server: string;
  database: string;
  modules: string[];
  statements: string[];
}

/**
 * The least that provisioning and services need, per database: roles belong to a whole server and to its administrator, so the
 * registry prints this and never runs it. The provisioner needs to be no superuser, and services must not be any:
 * nobody else could end their sessions.
 */
export function planGrants(places: readonly GrantTarget[]): DatabaseGrants[] {
  const planned = new Map<string, DatabaseGrants>();
  for (const place of places) {
    const { server, database, module } = place;
    const key = JSON.stringify([server, database]);
    const grants = planned.get(key) ?? { server, database, modules: [], statements: [] };
    planned.set(key, grants);
    grants.modules.push(module);
    // What two modules in one database both need stands there once.
    const more = statementsFor(place).filter((statement) => !grants.statements.includes(statement));
    grants.statements.push(...more);
  }
  return [...planned.values()];
}

function statementsFor(place: GrantTarget): string[] {
  const provisioner = identifier(place.provisioner);
  const database = identifier(place.database);
  const owner = identifier(moduleRole(place.module));
  const service = identifier(serviceRole(place.module));
  return [
    '-- The provisioner: as whom the registry connects. Its password is set apart from this: \\password',
    createRole(place.provisioner, 'LOGIN'),
    `GRANT CONNECT, CREATE ON DATABASE ${database} TO ${provisioner};`,
    ...(place.hasDatabases ? [`ALTER ROLE ${provisioner} CREATEDB;`] : []),
    '-- It ends the sessions of services that stay in a suspended tenant.',
    `GRANT pg_signal_backend TO ${provisioner};`,
    '-- As in every database made by PostgreSQL 15 or newer.',
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC;',
    `-- For the procedures with which services make schemas by SQL: ensure_<module>_tenant_schema.`,
    `GRANT USAGE, CREATE ON SCHEMA public TO ${provisioner};`,
    `-- Module ${place.module}: who owns its tenants' schemas, databases and tables.`,
    createRole(moduleRole(place.module), 'NOLOGIN'),
    `GRANT ${owner} TO ${provisioner};`,
    `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${owner};`,
    `-- As whom its services connect: ${service} here, or roles of your own.`,
    createRole(serviceRole(place.module), 'LOGIN'),
    `GRANT ${owner} TO ${service};`,
  ];
}

/** A name to begin with; services may connect as whatever role is a member of the module's. */
function serviceRole(module: string): string {
  return `${module}_service`;
}

/** There is no CREATE ROLE IF NOT EXISTS. */
function createRole(name: string, attribute: 'LOGIN' | 'NOLOGIN'): string {
  const body = `BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${escapeLiteral(name)}) THEN CREATE ROLE ${identifier(name)} ${attribute}; END IF; END`;
  return `DO ${escapeLiteral(body)};`;
}
