import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.js';
import { settings } from '../../src/settings/settings.js';
import { runHere } from '../setup/command-line.js';
import { createDatabase, createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { aFolder } from '../setup/process.js';
import { isRedisInstalled, openRedisServer, type RedisServer } from '../setup/redis.js';

let folder: string;
let registry: TestDatabase;
let finance: TestDatabase;
beforeAll(async () => {
  [folder, registry, finance] = [await aFolder(), await createRegistryDatabase(), await createDatabase()];
});
afterAll(async () => {
  await registry.drop();
  await finance.drop();
});

function aFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const withPassword = (url: string) => {
  const secret = new URL(url);
  secret.password = 'sesame';
  return secret.href;
};

describe('a variable X by a file in X_FILE', () => {
  test('has the value of the file, for settings, service databases and variables that are listed', () => {
    const url = 'postgres://a:b@h:1/';
    const config = readConfig({
      DATABASE_URL_FILE: aFile('registry', `${url}registry\n`),
      PORT_FILE: aFile('port', ' 4321 \n'),
      FINANCE_DB_URL_FILE: aFile('finance', `${url}finance`),
      FINANCE_DB_DIRECT_URL_FILE: aFile('direct', `${url}finance?application_name=direct`),
      MODULE_DB_VARIABLES_FILE: aFile('names', 'CRM_PRIMARY_URL'),
      CRM_PRIMARY_URL_FILE: aFile('crm', `${url}crm`),
      // No setting.
      SSH_KEY_FILE: '/nowhere',
    });
    expect(config).toMatchObject({
      databaseUrl: `${url}registry`,
      port: 4321,
      serviceDatabaseUrls: { FINANCE_DB_URL: `${url}finance`, CRM_PRIMARY_URL: `${url}crm` },
      serviceDatabaseDirectUrls: { FINANCE_DB_URL: `${url}finance?application_name=direct` },
    });
  });

  test.each([
    ['both are set', { PORT: '1' }, 'PORT and PORT_FILE are both set: unset one of them'],
    [
      'the file is empty',
      { PORT_FILE: () => aFile('empty', '\n') },
      /^PORT_FILE: file .*empty is empty: write/,
    ],
    [
      'there is no file',
      { PORT_FILE: () => '/nowhere' },
      /^PORT_FILE: file \/nowhere cannot be read \(ENOENT\): name/,
    ],
    ['the value is wrong', { PORT_FILE: () => aFile('wrong', 'x') }, /^PORT is "x": expected a whole number/],
  ])('is refused when %s', (_case, given, message) => {
    const { PORT_FILE = () => aFile('right', '4000'), ...env } = given as { PORT_FILE?: () => string };
    expect(() => readConfig({ ...env, PORT_FILE: PORT_FILE() })).toThrow(message);
  });
});

describe('tenant-registry config check', () => {
  const check = (args: string[], env: Record<string, string> = {}) =>
    runHere(['config', 'check', ...args], env);

  test('shows each setting with its value and where that is from, and no password', async () => {
    const env = {
      DATABASE_URL_FILE: aFile('secret', withPassword(registry.url)),
      FINANCE_DB_URL: withPassword(finance.url),
      PORT: '4444',
      AUDIT_KEY: 'ab'.repeat(32),
    };
    const file = aFile('env', 'HOST=127.0.0.1\nPORT=1\n');
    const { stdout, stderr } = await check(['--json', '--env-file', file], env);
    expect(stderr).toBe('');
    expect(stdout).not.toContain('sesame');
    const { variables } = JSON.parse(stdout) as {
      variables: { name: string; value: string; from: string }[];
    };
    const find = (name: string) => variables.find((one) => one.name === name);
    expect(find('DATABASE_URL')).toMatchObject({
      value: expect.stringMatching(`^database ${registry.name} at `),
      from: env.DATABASE_URL_FILE,
    });
    expect(stdout).not.toContain(env.AUDIT_KEY);
    expect(find('AUDIT_KEY')).toMatchObject({ value: 'set, and not shown' });
    expect(find('PORT')).toEqual({ name: 'PORT', value: '4444', from: 'environment' });
    expect(find('HOST')).toEqual({ name: 'HOST', value: '127.0.0.1', from: file });
    expect(find('LOG_LEVEL')).toEqual({ name: 'LOG_LEVEL', value: 'info', from: 'default' });
    expect(find('FINANCE_DB_URL')).toMatchObject({ from: 'environment' });
    const names = variables.map(({ name }) => name);
    expect(Object.keys(settings).filter((name) => !name.startsWith('<') && !names.includes(name))).toEqual(
      [],
    );
  });

  test('tries every database, and says of each what is wrong', async () => {
    const env = { DATABASE_URL: registry.url, FINANCE_DB_URL: finance.url };
    const good = await check([], env);
    expect(good).toMatchObject({ code: 0, stderr: '' });
    expect(good.stdout).toContain(`ok      DATABASE_URL: database ${registry.name} at `);
    expect(good.stdout).toContain(`ok      FINANCE_DB_URL: database ${finance.name} at `);

    const bad = await check([], { ...env, FINANCE_DB_URL: 'postgres://a:sesame@127.0.0.1:1/finance' });
    expect(bad).toMatchObject({ code: 1 });
    expect(bad.stdout).toContain('failed  FINANCE_DB_URL: database finance at 127.0.0.1:1 as a\n');
    expect(bad.stdout).toContain(
      '        Cannot connect to database "finance" at 127.0.0.1:1 as a: connect ECONNREFUSED 127.0.0.1:1: start the server',
    );
    expect(bad.stdout).not.toContain('sesame');
  });

  test('prints what is wrong with variables, one line each, and shows them all the same', async () => {
    const { code, stdout, stderr } = await check([], { PORT: 'x', LOG_LEVEL: 'loud' });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^PORT +x +environment$/m);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^PORT is "x": expected/),
      expect.stringMatching(/^LOG_LEVEL is "loud": expected/),
    ]);
  });

  test('refuses an env file that is not there', async () => {
    expect(await check(['--env-file', '/nowhere'])).toMatchObject({
      code: 1,
      stderr: '--env-file /nowhere cannot be read (ENOENT): name a file that this user may read\n',
    });
  });

  test.skipIf(!isRedisInstalled && !process.env.CI)('tries Redis, with its password', async () => {
    const redis: RedisServer = await openRedisServer({ password: 'sesame' });
    try {
      const good = await check([], { REDIS_URL: redis.url });
      expect(good).toMatchObject({ code: 0 });
      expect(good.stdout).toContain(`ok      REDIS_URL: Redis at 127.0.0.1:${redis.port}`);
      const bad = await check([], { REDIS_URL: redis.url.replace('sesame', 'wrong') });
      expect(bad).toMatchObject({ code: 1 });
      expect(bad.stdout).toMatch(/Cannot use Redis at .*: correct the user and the password in REDIS_URL/);
      expect(good.stdout + bad.stdout).not.toMatch(/sesame|wrong/);
    } finally {
      await redis[Symbol.asyncDispose]();
    }
  });
});
