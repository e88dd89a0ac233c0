/** Another version of the project, built from its commit. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const project = join(import.meta.dirname, '../..');
const run = (folder: string, command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 30 });

export function findLastTag(): string {
  return run(project, 'git', 'describe', '--tags', '--abbrev=0').toString().trim();
}

/** Builds another version in a folder of its own, which goes with this process. */
export function checkOut(version: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenant-registry-older-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const archive = join(folder, 'archive.tar');
  run(project, 'git', 'archive', '--output', archive, version);
  run(folder, 'tar', 'xf', archive);
  rmSync(archive);
  const lockOf = (at: string) => readFileSync(join(at, 'package-lock.json'), 'utf8');
  if (lockOf(folder) === lockOf(project))
    symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
  else {
    // npm installs only what differs.
    cpSync(join(project, 'node_modules'), join(folder, 'node_modules'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--no-save');
  }
  run(folder, process.execPath, 'bin/build.js');
  return folder;
}

/** Migrates a registry to a version. */
export async function migrateWith(folder: string, url: string): Promise<void> {
  execFileSync(process.execPath, ['dist/bundle/main.js', 'migrate'], {
    cwd: folder,
    env: { PATH: process.env.PATH, DATABASE_URL: url },
  });
}

/** The client package of a version. */
export async function loadClient(folder: string): Promise<typeof import('../../src/client/index.js')> {
  return await import(pathToFileURL(join(folder, 'dist/client/index.js')).href);
}
