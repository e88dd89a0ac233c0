/** A first start keeps its environment to itself and does not touch the attempts of other starts. */

import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, readlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { isTargetTaken } from '../../../src/database/embedded/postgres-process.js';
import {
  aDataDir,
  anotherProcess,
  clusterOf,
  exists,
  open,
  postmasterPid,
  query,
  readRows,
  storedRows,
  storeRow,
} from '../support/embedded-story.js';

vi.setConfig({ testTimeout: 120_000 });

const attemptsIn = async (dataDir: string) =>
  (await readdir(dataDir).catch(() => [])).filter((name) => name.startsWith('initdb-'));

/** Resolves when an initdb in this folder has begun to write. */
async function initdbWrites(dataDir: string): Promise<void> {
  const hasBegun = async () => {
    const [attempt] = await attemptsIn(dataDir);
    return attempt !== undefined && (await exists(join(dataDir, attempt, 'data/PG_VERSION')));
  };
  await expect.poll(hasBegun, { interval: 5, timeout: 60_000 }).toBe(true);
}

test.each([
  ['ENOTEMPTY', true],
  ['EEXIST', true],
  ['EACCES', false],
  ['ENOSPC', false],
])('a cluster that cannot be renamed with %s was made by another start meanwhile: %s', (code, isSo) => {
  expect(isTargetTaken(Object.assign(new Error(code), { code }))).toBe(isSo);
});

describe('a start beside another first start', () => {
  test('in the same process leaves the folder of the initdb that still runs, and both get one cluster', async () => {
    const dataDir = await aDataDir();
    const first = open(dataDir);
    await initdbWrites(dataDir);
    const guest = await open(dataDir, { exclusive: false });
    const owner = await first;
    expect([owner.freshlyCreated, guest.port]).toEqual([owner.freshlyCreated, owner.port]);
    await storeRow(owner);
    expect(await readRows(guest)).toEqual(storedRows);
    expect(await attemptsIn(dataDir)).toEqual([]);
  });

  test('in another process leaves the folder of the initdb that still runs, and both get one cluster', async () => {
    const dataDir = await aDataDir();
    const { opened } = await anotherProcess(dataDir);
    await initdbWrites(dataDir);
    const guest = await open(dataDir, { exclusive: false });
    const owner = await opened;
    expect(guest.port).toBe(owner.port);
    expect(await attemptsIn(dataDir)).toEqual([]);
  });
});

/** The id of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

test('attempts are removed when their process has ended or they are ten minutes old, and not before', async () => {
  const dataDir = await aDataDir();
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  const attempts = {
    [`initdb-${process.pid}-fresh`]: minutesAgo(0),
    [`initdb-${process.pid}-old`]: minutesAgo(9),
    [`initdb-${process.pid}-stale`]: minutesAgo(11),
    [`initdb-${deadPid()}-dead`]: minutesAgo(0),
    'initdb-notes': minutesAgo(60),
  };
  for (const [name, changedAt] of Object.entries(attempts)) {
    await mkdir(join(dataDir, name, 'data'), { recursive: true });
    await utimes(join(dataDir, name), changedAt, changedAt);
  }
  await open(dataDir);
  expect(await attemptsIn(dataDir)).toEqual(
    [`initdb-${process.pid}-fresh`, `initdb-${process.pid}-old`, 'initdb-notes'].sort(),
  );
});

describe.runIf(process.platform === 'linux')('the gateway’s environment', () => {
  const secrets = {
    DATABASE_URL: 'postgres://registry:database-secret@db.example/registry',
    REDIS_URL: 'rediss://:redis-secret@redis.example',
    ACME_SMTP_PASSWORD: 'smtp-secret',
    NODE_OPTIONS: '--no-deprecation',
    // These would change what PostgreSQL does.
    PGDATA: '/nowhere',
    TZ: 'Africa/Johannesburg',
    LC_ALL: 'de_DE.UTF-8',
  };
  /** PostgreSQL itself removes LC_ALL and adds variables for its children. */
  const allowed =
    /^(PATH=.*|TZ=UTC|LC_\w+=C(\.UTF-8)?|PGDATA=.*|PGSYSCONFDIR=.*|PGLOCALEDIR=.*|PG_OOM_ADJUST_\w+=.*|PG_GRANDPARENT_PID=\d+|PWD=.*|OLDPWD=.*|SHLVL=\d+|_=.*)$/;

  function readEnvironment(text: string): string[] {
    return text.split('\0').filter((line) => line !== '');
  }

  function expectNothingInherited(environment: string[], of: string): void {
    for (const secret of Object.values(secrets)) expect(environment.join('\n'), of).not.toContain(secret);
    expect(
      environment.filter((line) => !allowed.test(line)),
      of,
    ).toEqual([]);
    expect(environment, of).toContain('TZ=UTC');
  }

  /** The processes that work for this data folder, by their program's name. */
  async function environmentsOf(folder: string): Promise<Record<string, string[]>> {
    const found: Record<string, string[]> = {};
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      const [program] = (await read('cmdline')).split('\0');
      const isOurs = (await read('cmdline')).includes(folder);
      const environment = readEnvironment(await read('environ'));
      // A process that has not started its program yet still shows the memory of its parent.
      if (!isOurs || environment.length === 0 || !/\/(initdb|postgres)$/.test(program ?? '')) continue;
      found[(program ?? '').replace(/.*\//, '')] = environment;
    }
    return found;
  }

  test('reaches neither initdb nor PostgreSQL', async () => {
    for (const [name, value] of Object.entries(secrets)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const dataDir = await aDataDir();
    const opening = open(dataDir);
    const seen: Record<string, string[]> = {};
    const sees = async () => {
      Object.assign(seen, await environmentsOf(dataDir));
      return Object.keys(seen);
    };
    await expect.poll(sees, { interval: 5, timeout: 60_000 }).toContain('initdb');
    expectNothingInherited(seen.initdb ?? [], 'initdb');

    const embedded = await opening;
    const pid = await postmasterPid(dataDir);
    expect(await readlink(`/proc/${pid}/cwd`)).toBe(await clusterOf(dataDir));
    expectNothingInherited(readEnvironment(await readFile(`/proc/${pid}/environ`, 'utf8')), 'postmaster');
    // A function in the database could read this and send it elsewhere.
    await query(embedded, `CREATE TABLE environment (line text); COPY environment FROM PROGRAM 'env'`);
    const lines = await query<{ line: string }>(embedded, 'SELECT line FROM environment');
    expectNothingInherited(
      lines.map(({ line }) => line),
      'a program that PostgreSQL starts',
    );
  });
});
