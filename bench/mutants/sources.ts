import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutant, nameMutants } from './mutation.js';
import { mutateSql } from './sql.js';
import { mutateTypeScript } from './typescript.js';

export const root = join(import.meta.dirname, '../..');

const mutated = ['src/**/*.ts', 'prisma/migrations/**/*.sql', 'modules/**/*.sql'];
const leftOut = ['**/generated/**', 'src/admin/**'];

/** Committed and new files, without what git ignores. */
export function listFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '-z'];
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
    .split('\0')
    .filter((file) => file !== '')
    .sort();
}

const sources = new Map<string, string>();

/** As it was when it was first read: the checkout may change while a long run goes on. */
export function readSource(file: string): string {
  const source = sources.get(file) ?? readFileSync(join(root, file), 'utf8');
  sources.set(file, source);
  return source;
}

function matchesGlob(path: string, glob: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\?]/g, '\\$&')
    .replace(/\*\*\/?|\*/g, (stars) => (stars === '*' ? '[^/]*' : '.*'));
  return new RegExp(`^${pattern}$`).test(path);
}

/** All mutants of the files that match, in the order of the files. */
export function findMutants(files: readonly string[], only = '**'): Mutant[] {
  return files
    .filter((file) => mutated.some((pattern) => matchesGlob(file, pattern)))
    .filter((file) => !leftOut.some((pattern) => matchesGlob(file, pattern)) && matchesGlob(file, only))
    .flatMap((file) => {
      const source = readSource(file);
      const mutations = file.endsWith('.sql') ? mutateSql(source) : mutateTypeScript(source);
      return nameMutants(file, source, mutations);
    });
}
