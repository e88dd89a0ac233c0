import { RegistryError } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { type FileProblem, findFileProblems } from './files/file-rules.js';
import { checkModuleFiles } from './module-check.js';
import { type ModuleMigration, readModuleMigrations } from './module-migrations.js';

/** How many problems a message names. */
const namedProblems = 3;

/** Throws TENANT_NOT_READY when the rules refuse one of the files. One that ran before may stay as it is. */
export async function requireAllowed(migrations: readonly ModuleMigration[]): Promise<void> {
  const problems = (
    await Promise.all(migrations.filter(({ ranBefore }) => !ranBefore).map(findFileProblems))
  ).flat();
  if (problems.length === 0) return;
  const named = problems.slice(0, namedProblems).map(describeProblem).join(' ');
  const more = problems.length > namedProblems ? ` There are ${problems.length - namedProblems} more.` : '';
  throw new RegistryError('TENANT_NOT_READY', `${named}${more}`, { isLasting: true });
}

/** "finance/0003_dump.sql, line 7: …" */
function describeProblem({ file, line, problem, remedy }: FileProblem): string {
  return `${file}${line === null ? '' : `, line ${line}`}: ${problem} ${remedy}`;
}

/**
 * Marks the refused files that ran for a tenant of the module already, by an older version of the registry. New tenants need the same
 * tables, and the file must not be edited any more, so it goes on running.
 */
export async function markRanBefore(
  { database }: Pick<CommandContext, 'database'>,
  module: string,
  migrations: readonly ModuleMigration[],
): Promise<ModuleMigration[]> {
  const isRefused = await Promise.all(
    migrations.map(async (migration) => (await findFileProblems(migration)).length > 0),
  );
  if (!isRefused.includes(true)) return [...migrations];
  const { rows } = await database.query(
    `SELECT DISTINCT migration_version AS name FROM module_subscriptions
     WHERE module = $1 AND migration_version IS NOT NULL`,
    [module],
  );
  const versions = new Set(rows.map(({ name }: { name: string }) => name));
  // A version says that all files before it ran as well.
  const last = migrations.findLastIndex(({ name }) => versions.has(name));
  return migrations.map((migration, at) =>
    isRefused[at] && at <= last ? { ...migration, ranBefore: true } : migration,
  );
}

interface WrongFile {
  module: string;
  /** File, line, problem and remedy. */
  text: string;
  ranBefore: boolean;
}

/** What the rules refuse in the files of all modules. A file that several modules share is listed for each. */
export async function listWrongFiles(context: CommandContext): Promise<WrongFile[]> {
  const { rows } = await context.database.query(
    'SELECT name, migrations_folder AS folder FROM modules ORDER BY name',
    [],
  );
  const found = await Promise.all(
    rows.map(async ({ name, folder }: { name: string; folder: string }) => {
      const problems = await checkModuleFiles(context.modulesDir, folder);
      if (problems.length === 0) return [];
      // Files that are not UTF-8 cannot be read as migrations.
      const files = await readModuleMigrations(context.modulesDir, folder).catch(() => []);
      const marked = await markRanBefore(context, name, files);
      const ran = new Set(marked.filter(({ ranBefore }) => ranBefore).map((migration) => migration.name));
      return problems.map((problem) => ({
        module: name,
        text: describeProblem(problem),
        ranBefore: ran.has(problem.file),
      }));
    }),
  );
  return found.flat();
}
