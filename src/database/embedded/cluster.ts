/** The embedded cluster's files: a whole cluster or none, and the one password to it. */
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
import { type Account, errorCode, findAccount, isAlive, run } from './postgres-process.js';

export interface Cluster {
  /** PostgreSQL's data_directory, without symbolic links, as the kernel names a process's working directory. */
  directory: string;
  account: Account | undefined;
  binaries: PostgresBinaries;
  password: string;
  passwordFile: string;
  logFile: string;
  /** This call ran initdb. */
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
      `${directory} belongs to another user (uid ${existing.uid}): start as that user or as root, or set DATA_DIR to another folder`,
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

/** In libpq's format, so that PGPASSFILE works. Written before any cluster, so that two first starts agree on it. */
async function requirePassword(file: string, clusterExists: boolean): Promise<string> {
  if (!clusterExists) {
    await writeOnce(file, `127.0.0.1:*:*:postgres:${randomBytes(24).toString('base64url')}\n`);
  }
  const password = /^127\.0\.0\.1:\*:\*:postgres:(\S+)$/m.exec(
    await readFile(file, 'utf8').catch(() => ''),
  )?.[1];
  if (password) return password;
  throw new Error(`${file} holds no password: bring it back, or remove its folder to start anew`);
}

/**
 * Made aside and renamed into place, so that neither a kill in the middle nor a second start at the same time
 * leaves half a cluster. False when the other start was quicker.
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
        // The same order of text on every machine, whatever locales it has.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      attempt,
    );
    if (code !== 0) throw new Error(`initdb failed (${lastLine(output)}): mend that, or set DATABASE_URL`);
    await rename(data, join(place, 'postgres'));
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(attempt, { recursive: true, force: true });
  }
}

/** An initdb whose parent was killed may still be writing: what resists now is removed at the next start. */
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
