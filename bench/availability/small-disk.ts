/** A disk that can be filled, for the data of one PostgreSQL server. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerFolder } from '../../test/setup/postgres-server.js';

const sizeMb = 400;

export interface SmallDisk extends ServerFolder {
  /** Leaves no room. */
  fill(): Promise<void>;
  empty(): Promise<void>;
}

const mounted = new Set<string>();
const unmount = (path: string) => {
  if (!mounted.delete(path)) return;
  execFileSync('umount', ['--lazy', path], { stdio: 'ignore' });
};
process.on('exit', () => {
  for (const path of mounted) unmount(path);
});

/** Whether this machine lets us mount such a disk. */
export async function mayMount(): Promise<boolean> {
  const disk = await openSmallDisk().catch(() => undefined);
  await disk?.remove();
  return disk !== undefined;
}

export async function openSmallDisk(): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'tenant-registry-disk-'));
  const remove = async () => {
    unmount(path);
    await rm(path, { recursive: true, force: true });
  };
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', path], { stdio: 'ignore' });
    mounted.add(path);
    await chmod(path, 0o755);
  } catch (error) {
    await remove();
    throw error;
  }
  const ballast = join(path, 'ballast');
  return {
    ...{ path, remove },
    async fill() {
      const { bavail, bsize } = await statfs(path);
      await writeFile(ballast, Buffer.alloc(bavail * bsize)).catch((error) => {
        if (error.code !== 'ENOSPC') throw error;
      });
    },
    empty: () => rm(ballast, { force: true }),
  };
}
