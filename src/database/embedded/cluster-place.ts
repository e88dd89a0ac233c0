/** Where the embedded cluster lies when PostgreSQL's account cannot enter the data folder. */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, link, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../log.js';
import { canEnter, errorCode, findAccount, openSharedFolder } from './postgres-process.js';

/**
 * The folder that holds the cluster: the data folder, or, when we are root and PostgreSQL's account cannot get
 * there, a folder of its own, named in `postgres.location`. Another data folder never comes to use that one.
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
    const reason = `PostgreSQL runs as user ${account.name}, who cannot enter ${home}`;
    if (await writeOnce(pointer, `${place}\n${reason}. To start anew, remove both folders.\n`)) {
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
      ? `The data in ${place} is gone: bring it back, or remove ${pointer} to start anew`
      : `The data in ${place} belongs to ${owner.trim()}: write ${home} to ${join(place, 'belongs-to')} if that folder was moved, or remove ${pointer} to start anew`,
  );
}

/** Whole or not at all, and only the first of several writers: `link` refuses a name that is taken. */
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
  return (await stat(path).catch(() => undefined)) !== undefined;
}
