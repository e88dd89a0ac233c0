import type { Isolation, Module } from '../../database/generated/prisma/client.js';
import type { RegistryDatabase } from '../../database/registry-database.js';
import type { ServiceDatabases } from '../../database/service-databases.js';

export interface ModuleRecord extends Module {
  /** Number of subscriptions, cancelled ones included, by isolation. */
  subscriptions: Record<Isolation, number>;
}

/** All modules by name. */
export async function listModules({ prisma }: RegistryDatabase): Promise<ModuleRecord[]> {
  const [modules, counts] = await Promise.all([
    prisma.module.findMany({ orderBy: { name: 'asc' } }),
    prisma.moduleSubscription.groupBy({ by: ['moduleName', 'isolation'], _count: true }),
  ]);
  return modules.map((module) => {
    const subscriptions: Record<Isolation, number> = { SCHEMA: 0, DATABASE: 0 };
    for (const { moduleName, isolation, _count } of counts)
      if (moduleName === module.name) subscriptions[isolation] = _count;
    return { ...module, subscriptions };
  });
}

/** The modules whose database cannot be used, each with the reason. */
export async function listModulesNotReady(
  { pool }: RegistryDatabase,
  serviceDatabases: ServiceDatabases,
): Promise<{ name: string; reason: string }[]> {
  const { rows } = await pool.query<{ name: string; databaseRef: string }>(
    'SELECT name, database_ref AS "databaseRef" FROM modules ORDER BY name',
  );
  return rows.flatMap(({ name, databaseRef }) => {
    const reason = serviceDatabases.findProblem(databaseRef);
    return reason === undefined ? [] : [{ name, reason }];
  });
}
