import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RegistryError } from '../../errors.js';
import { type FileProblem, findFileProblems } from './files/file-rules.js';
import { everyModuleFolder, isMigration, isSqlFile, readMigration } from './module-migrations.js';

/**
 * Checks the files of folder _every and of a module as they are on disk, without a database. Returns what a rollout, or a new tenant,
 * would be refused for; [] when the files are right.
 */
export async function checkModuleFiles(modulesDir: string, folder: string): Promise<FileProblem[]> {
  const every = folder === everyModuleFolder ? [] : await checkFolder(modulesDir, everyModuleFolder);
  return [...every, ...(await checkFolder(modulesDir, folder))];
}

async function checkFolder(modulesDir: string, folder: string): Promise<FileProblem[]> {
  const entries = await readdir(join(modulesDir, folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = entries.filter(isSqlFile).sort();
  const found = await Promise.all(
    files
      .filter(isMigration)
      .map(async (file) => [
        ...checkName(`${folder}/${file}`),
        ...(await readMigration({ modulesDir, folder, files }, file).then(findFileProblems, (error) => [
          describeUnreadable(`${folder}/${file}`, error),
        ])),
      ]),
  );
  return [...found.flat(), ...checkNeighbours(folder, entries)];
}

/** Column migration of tenant_guard.schema_version has room for so many characters. */
const longestName = 200;

function checkName(file: string): FileProblem[] {
  if ([...file].length <= longestName) return [];
  return [
    {
      ...{ file, line: null, code: 'NAME_TOO_LONG' },
      problem: `The name of folder and file has more than ${longestName} characters.`,
      remedy: 'Choose a shorter name.',
    },
  ];
}

function describeUnreadable(file: string, error: unknown): FileProblem {
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof RegistryError)
    return {
      ...{ file, line: Number(/ in line (\d+)/.exec(error.message)?.[1] ?? 1), code: 'NOT_UTF8' },
      problem: `${error.message}.`,
      remedy: 'Save the file as UTF-8; an old checksum stays valid when the text stays the same.',
    };
  return {
    ...{ file, line: null, code: 'UNREADABLE' },
    problem: `The file cannot be read (${code}).`,
    remedy: code === 'EISDIR' ? 'Rename the folder.' : 'Let the registry’s user read it.',
  };
}

/** Files that run nothing although they look as if they did. */
function checkNeighbours(folder: string, entries: readonly string[]): FileProblem[] {
  return entries.flatMap((entry) => {
    const file = `${folder}/${entry}`;
    const migration = entry.replace(/\.(check|verify)\.sql$/, '.sql');
    if (isSqlFile(entry) && migration !== entry && !entries.includes(migration))
      return [
        {
          ...{ file, line: null, code: 'CHECK_WITHOUT_MIGRATION' },
          problem: `There is no ${migration} beside this query, so it never runs.`,
          remedy: 'Give it the name of its migration, or remove it.',
        },
      ];
    if (/\.sql$/i.test(entry) && !entry.endsWith('.sql') && !entry.startsWith('.'))
      return [
        {
          ...{ file, line: null, code: 'NAME_NOT_LOWER_CASE' },
          problem: 'The file is ignored, because its name does not end in ".sql" in lower case.',
          remedy: 'Rename it, before a later file runs.',
        },
      ];
    return [];
  });
}
