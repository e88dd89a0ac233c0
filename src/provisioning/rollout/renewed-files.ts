import type { Rollout } from '../../database/generated/prisma/client.js';
import { RegistryError } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { requireUsableDatabase } from '../../registry/modules/module.js';
import { moduleNotFound } from '../../registry/resolution/route.js';
import { isSameFile, readModuleMigrations } from '../storage/module-migrations.js';
import { findPendingProblems, refuseFiles } from './plan/rollout-plan.js';
import { whenReachable } from './plan/tenant-judgement.js';
import { listRegisteredTenants, readOwnDatabases, readVersionGroups } from './plan/tenant-versions.js';
import { filesOf, findOther, type RolloutFile, toRolloutFile } from './rollout-files.js';

/**
 * The files of a rollout as they are now: a file that failed is corrected before the retry. Throws CONFLICT for a file that is missing, that
 * the rules refuse, or that was edited after it ran for a tenant.
 */
export async function renewFiles(
  context: CommandContext,
  rollout: Pick<Rollout, 'moduleName' | 'files'>,
): Promise<RolloutFile[]> {
  const module = await context.database.prisma.module.findUnique({ where: { name: rollout.moduleName } });
  if (!module) throw moduleNotFound(rollout.moduleName);
  const present = await readModuleMigrations(context.modulesDir, module.migrationsFolder);
  const files = filesOf(rollout);
  const renewed = files.map((file) => {
    const found = present.find(({ name }) => name === file.name);
    if (!found)
      throw new RegistryError(
        'CONFLICT',
        `MODULES_DIR has no ${file.name}: restore the file, or cancel the rollout and start another`,
      );
    return { file, found, isOther: findOther(file, found) !== undefined };
  });
  const isEdited = ({ file, found }: (typeof renewed)[number]) => !isSameFile(found, file.checksum);
  const now = renewed.map((one) => ({
    ...toRolloutFile(one.found),
    // Line ends of Windows are no edit.
    ...(!isEdited(one) && { checksum: one.file.checksum }),
  }));
  const others = new Set(renewed.filter(({ isOther }) => isOther).map(({ file }) => file.name));
  if (others.size === 0) return now;
  const problems = await findPendingProblems(context, module.migrationsFolder, others);
  if (problems.length > 0) throw refuseFiles(module.name, problems);
  // A check or a verification changes nothing, so it may be corrected at any time.
  const edited = renewed.filter(isEdited).map(({ file }) => file.name);
  if (edited.length === 0) return now;
  requireUsableDatabase(context, module);
  const ran = await whenReachable(module, () => listRan(context, module));
  const wrong = edited.find((name) => ran.has(name));
  if (wrong !== undefined)
    throw new RegistryError(
      'CONFLICT',
      `${wrong} was edited after it ran for tenants of module ${module.name}: restore the file and put the change into a new one`,
    );
  return now;
}

/** The names of the files that ran for at least one tenant of the module. */
async function listRan(
  context: CommandContext,
  module: Parameters<typeof readVersionGroups>[1],
): Promise<Set<string>> {
  const [groups, own] = await Promise.all([
    readVersionGroups(context, module),
    listRegisteredTenants(context, module.name).then((tenants) => readOwnDatabases(context, module, tenants)),
  ]);
  const all = [...groups, ...own.values()].flatMap(({ applied }) => applied.map(({ name }) => name));
  return new Set(all);
}
