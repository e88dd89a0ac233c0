import { spawnSync } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ConfigError, readConfig } from '../../src/config.js';
import { explainFullDisk, requireDataFolder } from '../../src/database/embedded/data-folder.js';
import { EmbeddedInUseError } from '../../src/database/embedded/embedded.js';
import type { RegistryDatabase } from '../../src/database/registry-database.js';
import { openServiceDatabases } from '../../src/database/service-databases.js';
import { type Log, openLog } from '../../src/log.js';
import { findMissingFolder, readModuleMigrations } from '../../src/provisioning/storage/module-migrations.js';
import { warnOfWrongClock } from '../../src/registry/log/clock-check.js';
import { findPort } from '../../src/server/server.js';
import { openGatewayWithModules } from '../provisioning/support/gateway-with-own-modules.js';
import { aFolder, takePort } from '../setup/process.js';
import { aTenant } from '../setup/stories.js';

/** What a first user does wrong is told in one line, which names the way out. `test/server/start.test.ts` shows that `serve` prints it. */

/** The message of the error that the work ends with. */
async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  return 'there was no refusal';
}

const config = (env: Record<string, string>) => readConfig({ DATA_DIR: '/nowhere', ...env });

/** Runs the work with the rights of "nobody", where the tests run as root, whom no folder refuses. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

interface Mistake {
  told: () => Promise<string>;
  line: string | RegExp;
}

const mistakes: Record<string, Mistake> = {
  'PORT is taken': {
    async told() {
      await using taken = await takePort();
      const told = await refusal(() => findPort(config({ PORT: `${taken.port}` })));
      return told.replace(`${taken.port}`, '<port>');
    },
    line: 'PORT <port> on 127.0.0.1 is taken: set PORT to a free one',
  },
  'ADMIN_PORT is taken': {
    async told() {
      await using taken = await takePort();
      const told = await refusal(() => findPort(config({ PORT: '0', ADMIN_PORT: `${taken.port}` })));
      return told.replace(`${taken.port}`, '<port>');
    },
    line: 'ADMIN_PORT <port> on 127.0.0.1 is taken: set ADMIN_PORT to a free one',
  },
  'ADMIN_PORT is PORT': {
    told: () => refusal(() => config({ PORT: '4000', ADMIN_PORT: '4000' })),
    line: 'ADMIN_PORT is "4000", which is PORT: set it to another port',
  },
  'the variable of a module is missing': {
    told: async () =>
      String(openServiceDatabases({ urls: {}, log: openLog('silent') }).findProblem('FINANCE_DB_URL')),
    line: 'variable FINANCE_DB_URL is not set: set it to the URL of the module’s database and restart',
  },
  'the migrations folder of a module is missing': {
    async told() {
      const missing = await findMissingFolder('/nowhere', { name: 'crm', migrationsFolder: 'crm' });
      return `${missing?.problem} ${missing?.remedy}`;
    },
    line: /^Module crm has no folder crm in MODULES_DIR \(\/nowhere\), so .*\. Add the folder with its SQL files, or name another folder with updateModule/,
  },
  'MODULES_DIR lacks the folder _every': {
    told: async () => {
      const folder = await aFolder();
      return refusal(() => readModuleMigrations(folder, 'crm'));
    },
    line: 'MODULES_DIR has no _every/*.sql: copy the folder _every of the shipped modules into it',
  },
  'Node.js is too old': {
    async told() {
      const older = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } })`;
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--import', older, 'bin/tenant-registry.js', 'serve'],
        { encoding: 'utf8' },
      );
      return `${status} ${stderr.trimEnd()}`;
    },
    line: '1 tenant-registry needs Node.js 20.19 or newer, and this is 20.18.3: install a newer one from https://nodejs.org',
  },
  'the disk is full': {
    async told() {
      const folder = await aFolder();
      const error = await explainFullDisk(folder, new Error('connect ECONNREFUSED'), Number.MAX_SAFE_INTEGER);
      return String((error as Error).message).replace(folder, '<folder>');
    },
    line: /^The disk of DATA_DIR <folder> is full \(\d+ MB free\): make room on it, or set DATA_DIR to another folder$/,
  },
  'DATA_DIR may only be read': {
    async told() {
      const folder = join(await aFolder(), 'data');
      await mkdir(folder);
      await chmod(folder, 0o555);
      const told = await refusal(() => asNobody(() => requireDataFolder(folder)));
      return told.replace(folder, '<folder>');
    },
    line: 'DATA_DIR <folder> cannot be used (EACCES): set it to another folder',
  },
  'DATA_DIR cannot be created': {
    async told() {
      const folder = await aFolder();
      await chmod(folder, 0o555);
      const told = await refusal(() => asNobody(() => requireDataFolder(join(folder, 'data'))));
      return told.replace(folder, '<folder>');
    },
    line: 'DATA_DIR <folder>/data cannot be used (EACCES): set it to another folder',
  },
  'it is started twice': {
    told: async () => new EmbeddedInUseError('.data', 7).message,
    line: '.data is in use by another tenant-registry (process 7): stop it, or set DATA_DIR to another folder',
  },
  'the clock is wrong': {
    told: async () => (await warnings({ aheadMs: 3_600_000 }))[0] ?? '',
    line: /^The clock of this machine is 3600 s ahead of that of the registry database: set both by NTP\./,
  },
};

test.each(Object.entries(mistakes))('%s: one line names the way out', async (_mistake, { told, line }) => {
  const said = await told();
  expect(said).not.toContain('\n');
  if (typeof line === 'string') expect(said).toBe(line);
  else expect(said).toMatch(line);
});

test('several mistakes in the environment are told together, one a line', () => {
  const wrong = () => config({ PORT: 'http', ADMIN_PORT: '99999', DATABASE_URL: 'mysql://x' });
  expect(wrong).toThrow(ConfigError);
  expect(wrong).toThrow(/^(.+\n){2}.+$/);
});

test('an error of a start stays what it is where there is room, and where the folder is the problem', async () => {
  const error = new Error('other');
  expect(await explainFullDisk(await aFolder(), error, 1)).toBe(error);
  expect(await explainFullDisk('/nowhere', error)).toBe(error);
});

test('storage that is made without a migrations folder is told in the log, and the module goes on', async () => {
  await using testbed = await openGatewayWithModules({ name: 'bare' });
  const warn = vi.spyOn(testbed.gateway.app.log, 'warn');
  onTestFinished(() => warn.mockRestore());
  await aTenant().subscribedTo('bare').at(testbed.gateway);
  expect(warn.mock.calls.map(([message]) => message)).toEqual([
    expect.stringMatching(/^Module bare has no folder bare in MODULES_DIR/),
  ]);
});

/** What is logged when the machine's clock is ahead, or behind, and the database takes some time to answer. */
async function warnings({ aheadMs, answerMs = 20 }: { aheadMs: number; answerMs?: number }) {
  const databaseTime = 1_800_000_000_000;
  const told: string[] = [];
  const log = { warn: (message: string) => told.push(message) } as unknown as Log;
  const pool = { query: async () => ({ rows: [{ now: databaseTime }] }) };
  const readings = [databaseTime + aheadMs - answerMs / 2, databaseTime + aheadMs + answerMs / 2];
  await warnOfWrongClock(
    { pool } as unknown as Pick<RegistryDatabase, 'pool'>,
    log,
    () => readings.shift() ?? 0,
  );
  return told;
}

describe('a clock', () => {
  test.each([
    [0, 20, false],
    [4_000, 20, false],
    [-4_000, 20, false],
    [7_000, 20, true],
    [-7_000, 20, true],
    // Who waits long for the answer knows less.
    [7_000, 10_000, false],
    [-7_000, 10_000, false],
  ])(
    'that is %d ms ahead, as far as an answer after %d ms tells: warned of, %s',
    async (aheadMs, answerMs, warned) => {
      const told = await warnings({ aheadMs, answerMs });
      expect(told.length).toBe(warned ? 1 : 0);
      if (warned) expect(told[0]).toContain(aheadMs > 0 ? 's ahead of' : 's behind that');
    },
  );
});
