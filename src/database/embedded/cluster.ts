/** The files of the embedded cluster, which is created completely or not at all, and its password. */
import { randomBytes } from 'node:crypto';
import {
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../log.js';
import { exists, requirePlace, writeOnce } from './cluster-place.js';
import { type PostgresBinaries, requireBinaries } from './postgres-binaries.js';
import { type Account, errorCode, findAccount, isAlive, isTargetTaken, run } from './postgres-process.js';

export interface Cluster {
  /**
   * PostgreSQL's data_directory without symbolic links, in the form in which the kernel reports a process's working
   * directory.
   */
  directory: string;
  account: Account | undefined;
  binaries: PostgresBinaries;
  password: string;
  passwordFile: string;
  logFile: string;
  /** True when this call created the cluster. */
  freshlyCreated: boolean;
}

const staleAttemptMs = 10 * 60_000;

export async function requireCluster(dataDir: string, log: Log): Promise<Cluster> {
  await mkdir(dataDir, { recursive: true });
  const home = await realpath(dataDir);
  const place = await requirePlace(home, log);
  await removeDeadAttempts(place);
  const directory = join(place, 'postgres');
  const existing = await stat(directory).catch(() => undefined);
  const ourUid = process.getuid?.();
  if (existing && ourUid !== undefined && ourUid !== 0 && existing.uid !== ourUid) {
    throw new Error(
      `${directory} belongs to another user (uid ${existing.uid}): start tenant-registry as that user or as root, or set DATA_DIR to another folder`,
    );
  }
  const account = await findAccount(existing);
  const binaries = await requireBinaries(account);
  const isWhole = existing !== undefined && (await exists(join(directory, 'PG_VERSION')));
  const passwordFile = join(home, 'pgpass');
  const password = await requirePassword(passwordFile, isWhole);
  const freshlyCreated = !isWhole && (await createCluster(place, account, binaries.initdb, password));
  const logFile = join(home, 'postgres.log');
  return {
    directory: await realpath(directory),
    account,
    binaries,
    password,
    passwordFile,
    logFile,
    freshlyCreated,
  };
}

/**
 * The file has libpq's format, so that PGPASSFILE works. It is written before the cluster, so that two first starts use
 * the same password.
 */
async function requirePassword(file: string, clusterExists: boolean): Promise<string> {
  if (!clusterExists) {
    await writeOnce(file, `127.0.0.1:*:*:postgres:${randomBytes(24).toString('base64url')}\n`);
  }
  const password = /^127\.0\.0\.1:\*:\*:postgres:(\S+)$/m.exec(
    await readFile(file, 'utf8').catch((error) => {
      if (errorCode(error) === 'ENOENT') return '';
      throw new Error(
        `${file} cannot be read (${errorCode(error)}): start tenant-registry as the user that started it first, or set DATA_DIR to another folder`,
        { cause: error },
      );
    }),
  )?.[1];
  if (password) return password;
  throw new Error(
    `${file} holds no password: restore the file, or remove its folder to start with an empty database`,
  );
}

/**
 * Creates the cluster under another name and renames it, so that neither a kill nor a second start at the same time
 * leaves half a cluster. Returns false when another start was faster.
 */
async function createCluster(
  place: string,
  account: Account | undefined,
  initdb: string,
  password: string,
): Promise<boolean> {
  const attempt = await mkdtemp(join(place, `initdb-${process.pid}-`));
  try {
    const passwordFile = join(attempt, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (account) {
      await chown(passwordFile, account.uid, account.gid);
      await chown(attempt, account.uid, account.gid);
    }
    const data = join(attempt, 'data');
    const { code, output } = await run(
      account,
      initdb,
      [
        `--pgdata=${data}`,
        '--auth=scram-sha-256',
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--encoding=UTF8',
        // Text then sorts the same way on every machine, whatever locales it has.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      attempt,
    );
    if (code !== 0) throw new Error(`initdb failed (${lastLine(output)}): correct that, or set DATABASE_URL`);
    await rename(data, join(place, 'postgres'));
    return true;
  } catch (error) {
    if (isTargetTaken(error)) return false;
    throw error;
  } finally {
    await rm(attempt, { recursive: true, force: true });
  }
}

/**
 * An initdb whose parent was killed may still be writing. A folder that cannot be removed now is removed at the next
 * start.
 */
async function removeDeadAttempts(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    const pid = /^initdb-(\d+)-/.exec(name)?.[1];
    if (pid === undefined) continue;
    const attempt = join(place, name);
    const changed = (await stat(attempt).catch(() => undefined))?.mtimeMs ?? 0;
    if (isAlive(Number(pid)) && Date.now() - changed < staleAttemptMs) continue;
    await rm(attempt, { recursive: true, force: true }).catch(() => undefined);
  }
}

function lastLine(output: string): string {
  return output.split('\n').findLast((line) => /error|fatal|could not/i.test(line)) ?? output.slice(-200);
}
