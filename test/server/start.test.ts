import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  aDataDir,
  aModulesDir,
  aStartedDataDir,
  connectByHand,
  firstAnswer,
  firstQuery,
  postmasterPid,
  run,
  type ServingProcess,
  serve,
  takePort,
} from '../setup/process.js';
import { demo, tenantsOf } from './support/demo-tenants.js';

const registerKept = 'mutation { registerTenant(input: { name: "Kept", slug: "kept" }) { revision } }';

describe('the gateway on an empty folder', () => {
  test('answers the first question of the README, keeps what it is told, and adds no second demo', async () => {
    const dataDir = await aDataDir();
    const first = await serve({ DATA_DIR: dataDir });
    expect((await first.ask(firstQuery)).body).toEqual(firstAnswer);
    expect(await tenantsOf(first)).toEqual(demo);
    await first.ask(registerKept);
    expect(await first.end('SIGTERM')).toMatchObject({ code: 0, stdout: '' });

    const second = await serve({ DATA_DIR: dataDir });
    expect((await second.ask(firstQuery)).body).toEqual(firstAnswer);
    expect(await tenantsOf(second)).toEqual([
      ...demo,
      { slug: 'kept', status: 'ACTIVE', modulesSubscribed: [] },
    ]);
    expect(second.log().map(({ msg }) => msg)).not.toContain('added a demo tenant');
    expect(second.startupMs).toBeLessThan(20_000);
    const seconds = (gateway: ServingProcess) => `${(gateway.startupMs / 1000).toFixed(1)} s`;
    process.stderr.write(`first start ${seconds(first)}, second start ${seconds(second)}\n`);
    await second.end('SIGTERM');
  });

  test('takes the data up again after a kill -9 of itself, and of PostgreSQL with it', async () => {
    const dataDir = await aStartedDataDir();
    const first = await serve({ DATA_DIR: dataDir });
    await first.ask(registerKept);
    await first.end('SIGKILL');
    const second = await serve({ DATA_DIR: dataDir });
    expect((await second.ask(firstQuery)).body).toEqual(firstAnswer);
    const pid = (await postmasterPid(dataDir)) ?? 0;
    await second.end('SIGKILL');
    process.kill(pid, 'SIGKILL');
    const third = await serve({ DATA_DIR: dataDir });
    expect((await third.ask(firstQuery)).body).toEqual(firstAnswer);
    expect((await tenantsOf(third)).map(({ slug }) => slug)).toEqual([
      'demo-harbour',
      'demo-savanna',
      'kept',
    ]);
    expect(await third.end('SIGTERM')).toMatchObject({ code: 0 });
  });
});

describe('what is in the way of a start', () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await aStartedDataDir();
  });

  /** The output besides the log. */
  const complaints = (stderr: string) => stderr.split('\n').filter((line) => line && !line.startsWith('{'));

  test('a gateway on the same folder: one line and exit 1, and the first goes on', async () => {
    await using first = await serve({ DATA_DIR: dataDir });
    expect(await run(['serve'], { PORT: '0', DATA_DIR: dataDir })).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: `${dataDir} is in use by another tenant-registry (process ${first.pid}): stop it, or set DATA_DIR to another folder\n`,
    });
    expect((await first.ask(firstQuery)).body).toEqual(firstAnswer);
    await first.end('SIGTERM');
  });

  test('another program on the port of PostgreSQL: it takes another, and prints a psql command that works', async () => {
    // Where a gateway of the person's own has the port, that is what is in the way.
    await using _taken = await takePort(54_329).catch(() => undefined);
    await using gateway = await serve({ DATA_DIR: dataDir });
    const { psql } = await gateway.logged('look into the embedded PostgreSQL');
    expect(psql).not.toContain(' 54329 ');
    const finance = await connectByHand(psql);
    const { rows } = await finance.query(
      `SELECT current_setting('data_directory') AS "at", to_regclass('finance_demo_harbour.ar_invoice') AS "table"`,
    );
    await finance.end();
    expect(rows).toEqual([{ at: `${dataDir}/postgres`, table: 'finance_demo_harbour.ar_invoice' }]);
    expect((await gateway.ask(firstQuery)).body).toEqual(firstAnswer);
    await gateway.end('SIGTERM');
  });

  test.each([
    ['PORT', 'one process', []],
    ['PORT', 'workers', ['--workers', '2']],
    ['ADMIN_PORT', 'one process', []],
  ])(
    'another program on %s, for %s: one line and exit 1, before a database is made',
    async (variable, _who, args) => {
      await using taken = await takePort();
      const emptyDir = await aDataDir();
      const env = { PORT: '0', [variable]: String(taken.port), DATA_DIR: emptyDir };
      expect(await run(['serve', ...args], env)).toEqual({
        ...{ code: 1, signal: null, stdout: '' },
        stderr: `${variable} ${taken.port} on 127.0.0.1 is taken: set ${variable} to a free one\n`,
      });
      await expect(access(emptyDir)).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );

  test('HOST=0.0.0.0: it prints an address that a browser can open, and the port of PostgreSQL is in the data folder', async () => {
    await using gateway = await serve({ DATA_DIR: dataDir, HOST: '0.0.0.0' });
    expect((await gateway.logged('serving')).url).toMatch(/^http:\/\/localhost:\d+\/graphql$/);
    const { psql } = await gateway.logged('look into the embedded PostgreSQL');
    const port = (await readFile(join(dataDir, 'postgres.port'), 'utf8')).trim();
    expect(psql).toContain(` -p ${port} `);
    await gateway.end('SIGTERM');
  });

  test('a reader of the log that goes away: it serves on, and stops at a signal', async () => {
    const gateway = spawn(process.execPath, ['dist/bundle/main.js', 'serve'], {
      env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir, LOG_REQUESTS: 'all' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      let said = '';
      while (!said.includes('"msg":"serving"')) said += (await once(gateway.stderr, 'data'))[0];
      gateway.stderr.destroy();
      const url = /"url":"([^"]+)"/.exec(said)?.[1] ?? '';
      for (let asked = 0; asked < 3; asked++)
        expect((await fetch(`${url}?query={__typename}`)).status).toBe(200);
      gateway.kill('SIGTERM');
      const [code] = await once(gateway, 'exit');
      expect(code).toBe(0);
    } finally {
      gateway.kill('SIGKILL');
    }
  });

  test.each([
    [
      'HOST',
      '192.0.2.1',
      'HOST 192.0.2.1 is no address of this machine: set HOST to one that is, such as 127.0.0.1',
    ],
    [
      'MODULES_DIR',
      '/nonexistent',
      'MODULES_DIR /nonexistent cannot be used (ENOENT): set it to another folder',
    ],
    [
      'CLIENTS_DIR',
      '/nonexistent',
      'CLIENTS_DIR /nonexistent cannot be used (ENOENT): set it to another folder',
    ],
    ['DATA_DIR', '/etc/passwd', 'DATA_DIR /etc/passwd cannot be used (EEXIST): set it to another folder'],
  ])('%s=%s: one line and exit 1', async (variable, value, complaint) => {
    const { code, stdout, stderr } = await run(['serve'], {
      PORT: '0',
      DATA_DIR: dataDir,
      [variable]: value,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(complaints(stderr)).toEqual([complaint]);
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });

  test('a module whose migration fails: it serves, and says why a tenant of the demo is missing', async () => {
    const modulesDir = await aModulesDir('finance', 'CREATE TABLE half_way (id nothing);');
    await using gateway = await serve({ DATA_DIR: await aDataDir(), MODULES_DIR: modulesDir });
    expect(await gateway.logged('could not add a demo tenant; the next start tries again')).toMatchObject({
      level: 40,
      tenant: 'demo-harbour',
      error: expect.stringContaining('Migration finance/9999_last.sql failed'),
    });
    expect(await tenantsOf(gateway)).toMatchObject([{ status: 'FAILED' }, { status: 'ACTIVE' }]);
    await gateway.end('SIGTERM');
  });
});
