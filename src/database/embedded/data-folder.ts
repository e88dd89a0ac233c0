import { access, constants, mkdir, mkdtemp, rmdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from './postgres-process.js';

/** Creates the folder, unless it exists. Throws one line when this process cannot write into it. */
export async function requireDataFolder(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true }).catch(async (error) => {
      // On a file system that is read-only, mkdir reports that a folder is missing.
      await access(dirname(dataDir), constants.W_OK);
      throw error;
    });
    await rmdir(await mkdtemp(join(dataDir, 'writable-')));
  } catch (cause) {
    throw new Error(`DATA_DIR ${dataDir} cannot be used (${errorCode(cause)}): set it to another folder`, {
      cause,
    });
  }
}

/** Room for two segments of the write-ahead log. Without it PostgreSQL ends, and its clients report unrelated errors. */
const leastBytes = 32 * 1024 * 1024;

/** Returns the error of a start, or one that names its cause: a full disk. */
export async function explainFullDisk(dataDir: string, error: unknown, least = leastBytes): Promise<unknown> {
  const free = await access(dataDir, constants.W_OK)
    .then(() => statfs(dataDir))
    .then(
      ({ bavail, bsize }) => bavail * bsize,
      // There is another cause.
      () => Number.POSITIVE_INFINITY,
    );
  if (free >= least) return error;
  const megabytes = Math.floor(free / 1024 / 1024);
  return new Error(
    `The disk of DATA_DIR ${dataDir} is full (${megabytes} MB free): make room on it, or set DATA_DIR to another folder`,
    { cause: error },
  );
}
