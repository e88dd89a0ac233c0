/** The location of the embedded cluster when PostgreSQL's account cannot enter the data folder. */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, link, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../log.js';
import { canEnter, errorCode, findAccount, openSharedFolder } from './postgres-process.js';

/**
 * Returns the folder of the cluster. That is the data folder, except when this process is root and PostgreSQL's account
 * cannot enter it: then it is a separate folder, named in `postgres.location` and never used for another data folder.
 */
export async function requirePlace(home: string, log: Log): Promise<string> {
  const pointer = join(home, 'postgres.location');
  if (await exists(join(home, 'postgres', 'PG_VERSION'))) return home;
  const named = await readFile(pointer, 'utf8').catch(() => undefined);
  if (named === undefined) {
    const account = await findAccount();
    if (!account || (await canEnter(account, home))) return home;
    const hash = createHash('sha256').update(home).digest('hex').slice(0, 8);
    const place = await mkdtemp(join(await openSharedFolder(account), `${hash}-`));
    await chmod(place, 0o755);
    await writeFile(join(place, 'belongs-to'), `${home}\n`);
    const reason = `PostgreSQL runs as user ${account.name}, which cannot enter ${home}`;
    if (
      await writeOnce(pointer, `${place}\n${reason}. To start with an empty database, remove both folders.\n`)
    ) {
      log.warn({ place }, `${reason}: the data is kept in ${place}`);
      return place;
    }
    await rm(place, { recursive: true });
    return requirePlace(home, log);
  }
  const place = named.split('\n')[0] ?? '';
  const owner = await readFile(join(place, 'belongs-to'), 'utf8').catch(() => undefined);
  if (owner?.trim() === home) return place;
  throw new Error(
    owner === undefined
      ? `The data folder ${place} does not exist: restore it, or remove ${pointer} to start with an empty database`
      : `The data in ${place} belongs to ${owner.trim()}: write ${home} into ${join(place, 'belongs-to')} if that folder was moved, or remove ${pointer} to start with an empty database`,
  );
}

/**
 * Writes the file completely or not at all; returns false when it exists already. `link` refuses an existing name, so
 * only the first of several writers succeeds.
 */
export async function writeOnce(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft);
  }
}

export async function exists(path: string): Promise<boolean> {
  const found = await stat(path).catch((error) => {
    // A folder that cannot be looked into is not an empty one.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw new Error(
      `${path} cannot be read (${errorCode(error)}): start tenant-registry as the owner of that folder, or set DATA_DIR to another one`,
      { cause: error },
    );
  });
  return found !== undefined;
}
