import { identifier } from '../../database/identifier.js';
import { moduleRole } from '../storage/module-role.js';
import { createObservation, type FindingCode, type Observation, type Subject } from './finding.js';
import type { FoundDatabase } from './found.js';
import { isOutdated } from './session.js';
import type { WantedModule } from './wanted.js';

/** What the registry's session may do in a module's database. */
export function compareGrants(
  module: WantedModule,
  found: FoundDatabase,
  { hasDatabases }: { hasDatabases: boolean },
): Observation[] {
  const { database, user } = found;
  const role = identifier(user);
  const missing: [problem: string, statement: string][] = [];
  if (!found.mayCreateSchemas)
    missing.push(['make schemas', `GRANT CREATE ON DATABASE ${identifier(database)} TO ${role}`]);
  if (hasDatabases && !found.mayCreateDatabases)
    missing.push(['make databases for tenants', `ALTER ROLE ${role} CREATEDB`]);
  if (!found.mayEndSessions)
    missing.push(['end sessions that stay in a suspended tenant', `GRANT pg_signal_backend TO ${role}`]);
  const observe = (code: FindingCode, problem: string, statement: string) =>
    createObservation(
      code,
      { module: module.name, database },
      {
        problem: `Role ${user} may not ${problem} in database ${database}.`,
        remedy: `As an administrator ${statement}; tenant-registry grants --module ${module.name} prints all that is needed.`,
      },
    );
  const owner = moduleRole(module.name);
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
            `act as ${owner}, which should own what it makes`,
            `GRANT ${identifier(owner)} TO ${role}`,
          ),
        ]),
  ];
}

type About = Partial<Subject> & { asOf?: string };

/** The guard of a database that holds tenants: of modules, or a tenant's own. */
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
      `Database ${database} has no guard (schema tenant_guard): nobody can enter, and nobody is kept out.`,
      `Have it made and the schemas bound: ${renew}.`,
    );
  if (!guard.isWhole)
    return observe(
      'GUARD_DAMAGED',
      `The guard of database ${database} lacks its table or one of its functions.`,
      `In database ${database} COMMENT ON SCHEMA tenant_guard IS NULL, so that it counts as old, then ${renew}.`,
    );
  if (isOutdated(guard))
    return observe(
      'GUARD_OUTDATED',
      `The guard of database ${database} is of version ${guard.version}, older than this product's.`,
      `Have it renewed: ${renew}.`,
    );
  if (guard.revokes.length === 0) return [];
  return observe(
    'GUARD_OPEN_TO_OTHERS',
    `The guard of database ${database} is open to roles that the registry did not let in.`,
    `In database ${database} ${guard.revokes.join('; ')}.`,
  );
}

/** Whether registry and services get at the guard as a module's variable and role let them. */
export function compareGuardAccess(found: FoundDatabase, about: About): Observation[] {
  const { guard, database, user, role } = found;
  if (!guard) return [];
  if (!guard.isOurs)
    return [
      createObservation(
        'GUARD_OWNER_WRONG',
        { ...about, database },
        {
          problem: `Schema tenant_guard of database ${database} belongs to role ${guard.owner}, as which ${user} may not act: bindings follow nothing any more.`,
          remedy: `As an administrator GRANT ${identifier(guard.owner)} TO ${identifier(user)}.`,
        },
      ),
    ];
  if (guard.letsRoleIn || role === undefined || !guard.isWhole) return [];
  const to = identifier(role);
  return [
    createObservation(
      'GUARD_GRANT_MISSING',
      { ...about, database },
      {
        problem: `Role ${role} may not ask the guard of database ${database}, so no service can enter.`,
        remedy: `In database ${database} GRANT USAGE ON SCHEMA tenant_guard TO ${to}; GRANT EXECUTE ON FUNCTION tenant_guard.enter(uuid, text, int) TO ${to}.`,
      },
    ),
  ];
}
