import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of package.json, whose files the product reads. This file's own place depends on the build. */
export const packageFolder = findUpwards(import.meta.dirname);

/** Version of the package, as in package.json. */
export const packageVersion: string = JSON.parse(
  readFileSync(join(packageFolder, 'package.json'), 'utf8'),
).version;

function findUpwards(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('The package is incomplete: it has no package.json');
  return findUpwards(parent);
}
