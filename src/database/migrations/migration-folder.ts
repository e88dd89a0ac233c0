import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageFolder } from '../../package-folder.js';
import { checksumOf } from '../script-checksum.js';

/** One folder of prisma/migrations. Its name and its script never change after a release. */
export interface Migration {
  name: string;
  script: string;
  /** SHA-256 in hex, as Prisma records it. */
  checksum: string;
}

const prismaDir = join(packageFolder, 'prisma');

export const registryMigrationsDir = join(prismaDir, 'migrations');
export const registrySchemaFile = join(prismaDir, 'schema.prisma');

/** Reads the migrations of a folder, in the order in which they are applied. */
export async function readMigrations(dir: string): Promise<Migration[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const script = await readFile(join(dir, name, 'migration.sql'), 'utf8');
      return { name, script, checksum: checksumOf(script) };
    }),
  );
}
