import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { runHere } from '../setup/command-line.js';
import { createDatabase, createRegistryDatabase } from '../setup/database.js';
import { aDataDir, postmasterPid, run } from '../setup/process.js';

const work = [
  'serve',
  'worker',
  'migrate',
  'provision',
  'tenant',
  'stats',
  'module',
  'operation',
  'rollout',
  'psql',
  'keys',
  'documents',
  'grants',
  'config',
  'import',
];
const all = [...work, 'doctor', 'export', 'audit', 'help'];
const hint = '(--help lists the arguments and options of a command)\n';

describe('the command line', () => {
  test.each([
    [['--help'], all],
    [['help'], all],
    [
      ['keys', '--help'],
      ['create', 'list', 'rotate', 'revoke', 'help'],
    ],
    [
      ['help', 'keys'],
      ['create', 'list', 'rotate', 'revoke', 'help'],
    ],
  ])('%j lists the commands', async (args, commands) => {
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const explained = [...stdout.matchAll(/^ {2}([a-z]+) .*\S$/gm)].map(([, command]) => command);
    expect(explained).toEqual(commands);
  });

  test('the help of keys create names the scopes', async () => {
    const { stdout } = await runHere(['keys', 'create', '--help']);
    for (const scope of ['resolve:<module>', 'registry:read', 'registry:write', 'provision', 'audit:read'])
      expect(stdout).toContain(scope);
  });

  test.each([
    [['frobnicate'], `error: unknown command 'frobnicate'\n${hint}`],
    [['--frobnicate'], `error: unknown option '--frobnicate'\n${hint}`],
    [['serve', 'twice'], `error: too many arguments for 'serve'. Expected 0 arguments but got 1.\n${hint}`],
    [['keys', 'frobnicate'], `error: unknown command 'frobnicate'\n${hint}`],
  ])('%j is refused with a message that names it', async (args, complaint) => {
    expect(await runHere(args)).toEqual({ code: 1, stdout: '', stderr: complaint });
  });

  test('a reader that stops reading is no error', async () => {
    const registry = await createRegistryDatabase();
    const command = `"${process.execPath}" bin/tenant-registry.js keys list`;
    const { stderr } = await promisify(execFile)('sh', ['-c', `${command} | true; echo ended >&2`], {
      cwd: join(import.meta.dirname, '../..'),
      env: { PATH: process.env.PATH, DATABASE_URL: registry.url },
    });
    expect(stderr).toBe('ended\n');
    await registry.drop();
  });

  test('npx tenant-registry works in the checkout', async () => {
    const registry = await createRegistryDatabase();
    const { stdout } = await promisify(execFile)('npx', ['tenant-registry', 'keys', 'list'], {
      cwd: join(import.meta.dirname, '../..'),
      env: { PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: registry.url },
    });
    expect(stdout).toBe('There are no keys; "tenant-registry keys create" creates one.\n');
    await registry.drop();
  });
});

describe('migrate', () => {
  const done = 'The registry database is up to date.\n';

  test('creates the tables of an empty database, and changes nothing the second time', async () => {
    const registry = await createDatabase();
    const env = { DATABASE_URL: registry.url };
    const first = await run(['migrate'], env);
    expect(first).toMatchObject({ code: 0, stdout: done });
    expect(first.stderr).toContain('"msg":"migrated the registry database"');
    expect(await run(['migrate'], env)).toEqual({ code: 0, signal: null, stdout: done, stderr: '' });
    const client = new pg.Client({ connectionString: registry.url });
    await client.connect();
    const { rows } = await client.query('SELECT count(*)::int AS tenants FROM tenants');
    await client.end();
    expect(rows).toEqual([{ tenants: 0 }]);
    await registry.drop();
  });

  test('works on the embedded database and leaves nothing running', async () => {
    const dataDir = await aDataDir();
    expect(await run(['migrate'], { DATA_DIR: dataDir })).toMatchObject({ code: 0, stdout: done });
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });

  test('refuses a database with tables of another application and names the way out', async () => {
    const database = await createDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('CREATE TABLE customers (id int)');
    await client.end();
    expect(await run(['migrate'], { DATABASE_URL: database.url })).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr:
        'The database holds tables that are not from the registry: give the registry an empty database\n',
    });
    await database.drop();
  });
});
