import { identifier } from '../../database/identifier.js';
import { ownerRole } from '../storage/module-role.js';
import { createObservation, type FindingCode, type Observation, type Subject } from './finding.js';
import type { FoundDatabase } from './found-database.js';
import type { RegisteredModule } from './registry-snapshot.js';
import { isOutdated } from './session.js';

/** Checks the rights of the registry's role in a module's database. */
export function compareGrants(
  module: RegisteredModule,
  found: FoundDatabase,
  { hasDatabases }: { hasDatabases: boolean },
): Observation[] {
  const { database, user } = found;
  const role = identifier(user);
  const missing: [problem: string, statement: string][] = [];
  if (!found.mayCreateSchemas)
    missing.push(['create schemas', `GRANT CREATE ON DATABASE ${identifier(database)} TO ${role}`]);
  if (hasDatabases && !found.mayCreateDatabases)
    missing.push(['create databases for tenants', `ALTER ROLE ${role} CREATEDB`]);
  if (!found.mayEndSessions)
    missing.push([
      'end sessions of services inside a suspended tenant',
      `GRANT pg_signal_backend TO ${role}`,
    ]);
  const observe = (code: FindingCode, problem: string, statement: string) =>
    createObservation(
      code,
      { module: module.name, database },
      {
        problem: `Role ${user} may not ${problem} in database ${database}.`,
        remedy: `As an administrator ${statement}; tenant-registry grants --module ${module.name} prints all statements.`,
      },
    );
  const owner = ownerRole(module.name);
  return [
    ...(missing.length > 0
      ? [
          observe(
            'GRANT_MISSING',
            missing.map(([problem]) => problem).join(', nor '),
            missing.map(([, statement]) => statement).join('; '),
          ),
        ]
      : []),
    ...(found.mayActAsRole
      ? []
      : [
          observe(
            'MODULE_ROLE_NOT_GRANTED',
            `act as ${owner}, which should own the storage that it creates`,
            `GRANT ${identifier(owner)} TO ${role}`,
          ),
        ]),
  ];
}

type About = Partial<Subject> & { asOf?: string };

/** Checks the guard of a database that holds tenants. */
export function compareGuard(found: FoundDatabase, modules: readonly string[], about: About): Observation[] {
  const { guard, database } = found;
  const observe = (code: FindingCode, problem: string, remedy: string) => [
    createObservation(code, { ...about, database }, { problem, remedy }),
  ];
  const names = modules.map((name) => `'${name}'`).join(', ');
  const tenant = about.tenantId ? ` AND tenant_id = '${about.tenantId}'` : '';
  const renew = `in the registry's database SELECT registry_enqueue_binding(tenant_id) FROM module_subscriptions WHERE module IN (${names})${tenant}`;
  if (!guard)
    return observe(
      'GUARD_MISSING',
      `Database ${database} has no guard (schema tenant_guard): services cannot enter, and access is not checked.`,
      `Create it and bind the schemas: ${renew}.`,
    );
  if (!guard.isWhole)
    return observe(
      'GUARD_DAMAGED',
      `The guard of database ${database} lacks its table or one of its functions.`,
      `In database ${database} COMMENT ON SCHEMA tenant_guard IS NULL, so that it counts as outdated, then ${renew}.`,
    );
  if (isOutdated(guard))
    return observe(
      'GUARD_OUTDATED',
      `The guard of database ${database} has version ${guard.version}, which is older than this product's.`,
      `Replace it: ${renew}.`,
    );
  if (guard.revokes.length === 0) return [];
  return observe(
    'GUARD_OPEN_TO_OTHERS',
    `The guard of database ${database} grants rights to roles that should not have them.`,
    `In database ${database} ${guard.revokes.join('; ')}.`,
  );
}

/** Checks that the registry may change the guard and that the module's access role may call it. */
export function compareGuardAccess(found: FoundDatabase, about: About): Observation[] {
  const { guard, database, user, access } = found;
  if (!guard) return [];
  if (!guard.isOurs)
    return [
      createObservation(
        'GUARD_OWNER_WRONG',
        { ...about, database },
        {
          problem: `Schema tenant_guard of database ${database} belongs to role ${guard.owner}, not to ${user} or a role that it is a member of: the registry does not use it.`,
          remedy: `As an administrator GRANT ${identifier(guard.owner)} TO ${identifier(user)}.`,
        },
      ),
    ];
  if (guard.roleMayEnter || access === undefined || !guard.isWhole) return [];
  const to = identifier(access);
  return [
    createObservation(
      'GUARD_GRANT_MISSING',
      { ...about, database },
      {
        problem: `Role ${access} may not call the guard of database ${database}, so no service can enter.`,
        remedy: `In database ${database} GRANT USAGE ON SCHEMA tenant_guard TO ${to}; GRANT EXECUTE ON FUNCTION tenant_guard.enter(uuid, text, int) TO ${to}.`,
      },
    ),
  ];
}
