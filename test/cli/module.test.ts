import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../setup/command-line.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';

describe('module at the command line', () => {
  let gateway: TestGateway;
  let env: Record<string, string>;
  beforeAll(async () => {
    gateway = await openGateway();
    env = { DATABASE_URL: gateway.registry.url, ...gateway.app.config.serviceDatabaseUrls };
    await aTenant().subscribedTo('finance').at(gateway);
  });
  afterAll(() => gateway?.close());

  const module = (...args: string[]) => runHere(['module', ...args], env);
  const find = async (name: string) => {
    const { stdout } = await module('list', '--json');
    return JSON.parse(stdout).find((one: { name: string }) => one.name === name);
  };

  test('list shows each module with its database, its subscriptions and why it is not ready', async () => {
    const { code, stdout, stderr } = await module('list');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows.map(([name, , isolation]) => [name, isolation])).toEqual([
      ['NAME', 'ISOLATION'],
      ['dbtools', 'database'],
      ['finance', 'schema'],
      ['inventory', 'schema'],
      ['operations', 'schema'],
    ]);
    expect(rows[2]).toEqual(expect.arrayContaining(['finance_', 'FINANCE_DB_URL', '1', '–']));
    const { FINANCE_DB_URL: _, ...without } = env;
    const { stdout: alone } = await runHere(['module', 'list', '--json'], without);
    expect(JSON.parse(alone)[1]).toMatchObject({
      ...{ name: 'finance', subscriptions: { SCHEMA: 1, DATABASE: 0 } },
      problem: expect.stringContaining('FINANCE_DB_URL'),
    });
  });

  test('add registers a module with its defaults or the given fields, and update changes it', async () => {
    const [plain, own] = [uniqueName('m'), uniqueName('m')];
    expect(await module('add', plain)).toEqual({
      code: 0,
      stdout: `Module ${plain} is added.\n`,
      stderr: '',
    });
    expect(await find(plain)).toMatchObject({
      ...{ isolation: 'SCHEMA', databaseRef: `${plain.toUpperCase()}_DB_URL`, migrationsFolder: plain },
    });
    const added = await module(
      ...[
        'add',
        own,
        '--isolation',
        'database',
        '--schema-prefix',
        'own_',
        '--database-ref',
        'FINANCE_DB_URL',
      ],
      ...['--migrations-folder', 'finance', '--description', 'A module', '--json'],
    );
    expect(JSON.parse(added.stdout)).toEqual({ name: own, revision: expect.any(String) });
    expect(await find(own)).toMatchObject({
      ...{ isolation: 'DATABASE', schemaPrefix: 'own_', databaseRef: 'FINANCE_DB_URL' },
      ...{ migrationsFolder: 'finance', description: 'A module', version: 1 },
    });
    expect(await module('update', own, '--description', 'Changed', '--expected-version', '1')).toMatchObject({
      ...{ code: 0, stdout: `Module ${own} is changed.\n` },
    });
    expect(await find(own)).toMatchObject({ description: 'Changed', schemaPrefix: 'own_', version: 2 });
    expect((await module('retire', own)).stdout).toMatch(
      /is retired; "module update --is-retired false" ends that/,
    );
    expect((await module('list')).stdout).toMatch(new RegExp(`^${own} +retired `, 'm'));
    expect((await module('update', own, '--is-retired', 'false')).code).toBe(0);
    expect(await find(own)).toMatchObject({ retiredAt: null });
    expect(await module('update', own, '--description', 'Late', '--expected-version', '1')).toMatchObject({
      ...{
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^VERSION_CONFLICT: Module .* is at version 4/),
      },
    });
  });

  test('remove takes a module out of the list', async () => {
    const name = uniqueName('m');
    await module('add', name);
    expect(await module('remove', name)).toMatchObject({ code: 0, stdout: `Module ${name} is removed.\n` });
    expect(await find(name)).toBeUndefined();
  });

  test.each([
    ['a taken name', ['add', 'finance'], /^CONFLICT: /],
    ['a reserved name', ['add', 'postgres'], /^VALIDATION_ERROR: name: is a reserved name$/],
    [
      'an isolation that is none',
      ['add', 'fresh', '--isolation', 'table'],
      /^VALIDATION_ERROR: isolation: must be /,
    ],
    [
      'a folder that is none',
      ['add', 'fresh', '--migrations-folder', 'none'],
      /^VALIDATION_ERROR: migrationsFolder: /,
    ],
    ['an unknown module', ['update', 'nonsense', '--description', 'x'], /^MODULE_NOT_FOUND: /],
    [
      'another database for data',
      ['update', 'finance', '--database-ref', 'OTHER_DB_URL'],
      /^CONFLICT: Module finance has 1 /,
    ],
    ['a module with data to remove', ['remove', 'finance'], /^CONFLICT: /],
    [
      'a state that is none',
      ['update', 'finance', '--is-retired', 'no'],
      /^error: .* Expected true or false\.$/,
    ],
    ['no name', ['add'], /^error: missing required argument 'name'/],
  ])('%s is refused with a message that names it', async (_what, args, complaint) => {
    const { code, stdout, stderr } = await module(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n')[0]).toMatch(complaint);
  });
});
