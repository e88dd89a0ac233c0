import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { invalidField } from '../../errors.js';
import { checkModuleFiles } from '../../provisioning/storage/module-check.js';
import { listMigrationNames } from '../../provisioning/storage/module-migrations.js';
import { print } from '../with-app.js';

export function addModuleCheck(module: Command): void {
  module
    .command('check <folder>')
    .description('Check the SQL files of a module without a database; exit code 1 says that one is refused.')
    .option('--json', 'print {"files","problems"}')
    .addHelpText('after', examples)
    .action(check);
}

const examples = `
The folder is a path. The files of a folder _every beside it are checked as well. The check is the one that a rollout and a
new tenant pass, so a module's repository can run it in its CI:

  tenant-registry module check modules/finance
  tenant-registry module check modules/finance --json | jq -r '.problems[] | "\\(.file):\\(.line) \\(.problem)"'`;

async function check(path: string, { json }: { json?: true }): Promise<void> {
  const folder = resolve(path);
  const [modulesDir, name] = [dirname(folder), basename(folder)];
  const files = await listMigrationNames(modulesDir, name);
  if (files === undefined)
    throw invalidField('folder', `${path} is not a folder: name the folder with the SQL files of the module`);
  // A wrong path must not pass the CI of a module.
  if (files.length === 0)
    throw invalidField(
      'folder',
      `${path} has no SQL files: name the folder of one module, such as modules/finance`,
    );
  const problems = await checkModuleFiles(modulesDir, name);
  if (problems.length > 0) process.exitCode = 1;
  if (json) return print(JSON.stringify({ files, problems }));
  for (const { file, line, problem, remedy } of problems) {
    print(`${file}${line === null ? '' : `:${line}`}: ${problem}`);
    print(`  ${remedy}`);
  }
  if (problems.length > 0)
    return print(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}.`);
  print(`${files.length} ${files.length === 1 ? 'file is' : 'files are'} right.`);
}
