import { type CommandContext, runCommand } from '../command.js';

/**
 * Writes into the catalogue which database each module's variable names, so that readers of the registry see it too.
 * Under existing subscriptions the name is left alone: their data would not have moved with the variable.
 */
export async function adoptDatabaseNames(context: CommandContext): Promise<void> {
  const modules = await context.database.prisma.module.findMany({
    include: { _count: { select: { subscriptions: true } } },
  });
  for (const { name, databaseRef, databaseName, _count } of modules) {
    const configured = context.serviceDatabases.configuredName(databaseRef);
    if (configured === undefined || configured === databaseName) continue;
    if (_count.subscriptions > 0) {
      context.log.warn(
        { module: name, variable: databaseRef, configured, registered: databaseName },
        'the variable names another database than the one that holds the tenants of this module: is it the right one?',
      );
      continue;
    }
    await runCommand(context, 'adoptDatabaseNames', {}, async (tx) => {
      await tx.module.update({ where: { name }, data: { databaseName: configured } });
      return {};
    });
  }
}
