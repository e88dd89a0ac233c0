import { type CommandContext, runCommand } from '../command.js';

/**
 * Writes the database name of each module's variable into the catalogue, so that readers of the registry see it too.
 * The name stays unchanged when the module has subscriptions: their data does not move with the variable.
 */
export async function adoptDatabaseNames(context: CommandContext): Promise<void> {
  const modules = await context.database.prisma.module.findMany({
    include: { _count: { select: { subscriptions: true } } },
  });
  const renamed = modules.flatMap(({ name, databaseRef, databaseName, _count }) => {
    const configured = context.serviceDatabases.configuredName(databaseRef);
    if (configured === undefined || configured === databaseName) return [];
    if (_count.subscriptions > 0) {
      context.log.warn(
        { module: name, variable: databaseRef, configured, registered: databaseName },
        'the variable names another database than the one with the tenants of this module: check the variable',
      );
      return [];
    }
    return { name, configured };
  });
  if (renamed.length === 0) return;
  await runCommand(context, 'adoptDatabaseNames', {}, async (tx) => {
    for (const { name, configured } of renamed)
      await tx.module.update({ where: { name }, data: { databaseName: configured } });
    return {};
  });
}
