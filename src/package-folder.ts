import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of package.json, whose files the product reads. This file's own place depends on the build. */
export const packageFolder = findUpwards(import.meta.dirname);

function findUpwards(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('The package is incomplete: it has no package.json');
  return findUpwards(parent);
}
