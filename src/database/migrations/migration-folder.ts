import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One folder of prisma/migrations. Its name never changes once it was released, nor does its script. */
export interface Migration {
  name: string;
  script: string;
  /** SHA-256 in hex, as Prisma records it. */
  checksum: string;
}

// src and dist lie equally deep below the package root.
const prismaDir = fileURLToPath(new URL('../../../prisma/', import.meta.url));

export const registryMigrationsDir = join(prismaDir, 'migrations');
export const registrySchemaFile = join(prismaDir, 'schema.prisma');

/** The migrations of a folder, in the order in which they are applied. */
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

/** Line endings do not count, here as in Prisma: git rewrites them on some machines. */
export function hasChecksum(migration: Migration, checksum: string): boolean {
  const unix = migration.script.replaceAll('\r\n', '\n');
  return (
    checksum === migration.checksum ||
    checksum === checksumOf(unix) ||
    checksum === checksumOf(unix.replaceAll('\n', '\r\n'))
  );
}

function checksumOf(script: string): string {
  return createHash('sha256').update(script).digest('hex');
}
