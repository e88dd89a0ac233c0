/** The account and the environment in which PostgreSQL's programs run. They refuse to run as root. */
import { type SpawnOptions, spawn } from 'node:child_process';
import { chmod, lstat, mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The account as which PostgreSQL runs while this process is root. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Returns undefined when this process is not root: then PostgreSQL runs as the same user. */
export async function findAccount(owner?: { uid: number; gid: number }): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => {
    const [name = '', , uid, gid] = line.split(':');
    return { name, uid: Number(uid), gid: Number(gid) };
  });
  // A cluster keeps its owner, even when another user created it before tenant-registry ran as root.
  if (owner && owner.uid !== 0) {
    return { ...owner, name: accounts.find(({ uid }) => uid === owner.uid)?.name ?? `uid ${owner.uid}` };
  }
  const byName = (name: string) => accounts.find((account) => account.name === name);
  const account = byName('postgres') ?? byName('nobody');
  if (!account) {
    throw new Error(
      'PostgreSQL does not run as root, and there is no user postgres or nobody: start tenant-registry as another user, or set DATABASE_URL',
    );
  }
  return account;
}

/**
 * The environment holds only what PostgreSQL needs, without secrets and the PG* variables of the shell. LC_ALL sets the
 * language of its log.
 */
export function spawnOptions(account: Account | undefined, cwd: string): SpawnOptions {
  const { PATH, SystemRoot } = process.env;
  return {
    cwd,
    env: { PATH, SystemRoot, LC_ALL: 'C', TZ: 'UTC' },
    windowsHide: true,
    ...(account && { uid: account.uid, gid: account.gid }),
  };
}

/** Runs a program until it exits. Rejects only when it cannot be started. */
export function run(
  account: Account | undefined,
  program: string,
  args: string[],
  cwd = '/',
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...spawnOptions(account, cwd), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: output.trim() }));
  });
}

/** Tries to enter the folder as that account, so that access lists and mount options count too. */
export async function canEnter(account: Account, folder: string): Promise<boolean> {
  const { code } = await run(account, '/bin/sh', ['-c', 'cd "$0"', folder]);
  return code === 0;
}

/**
 * Returns a folder of root that every account can enter, for files that PostgreSQL's account cannot reach elsewhere.
 */
export async function openSharedFolder(account: Account): Promise<string> {
  const folders = ['/var/lib', tmpdir(), '/tmp'].map((parent) => join(parent, 'tenant-registry'));
  for (const folder of folders) {
    try {
      await mkdir(folder);
      await chmod(folder, 0o755);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') continue;
    }
    // In a folder that everyone can write to, another user may have created it, to give this process other programs or
    // to read its data.
    const found = await lstat(folder);
    const isSafe = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
    if (isSafe && (await canEnter(account, folder))) return folder;
  }
  throw new Error(
    `PostgreSQL runs as user ${account.name}, which can enter none of ${folders.join(', ')}: create one of them as root, or set DATABASE_URL`,
  );
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether a folder was not renamed because the new name is a folder with files: EEXIST on some file systems, such as XFS. */
export function isTargetTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '');
}
