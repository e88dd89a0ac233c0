import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aFile, queryOnce } from '../database/support/temporary-databases.js';
import { legacyRegistry, legacySchema } from '../importing/support/legacy-story.js';
import { createDatabase, createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { aKey, run, serve } from '../setup/process.js';

describe('import databases', { timeout: 60_000 }, () => {
  const id = randomUUID();
  let registry: TestDatabase;
  let finance: TestDatabase;
  let env: Record<string, string>;
  beforeAll(async () => {
    registry = await createRegistryDatabase();
    finance = await createDatabase();
    env = { DATABASE_URL: registry.url, FINANCE_DB_URL: finance.url };
    await queryOnce(
      finance.url,
      legacySchema('finance_acme') +
        legacySchema('finance_2fast') +
        legacyRegistry([{ id, slug: 'acme', name: 'Acme Ltd', finance: 'finance_acme' }]),
    );
  });
  afterAll(async () => {
    await registry.drop();
    await finance.drop();
  });

  const tenants = () => queryOnce(registry.url, 'SELECT id, slug FROM tenants ORDER BY slug');

  test('--dry-run shows the changes and makes none', async () => {
    const { code, stdout } = await run(['import', 'databases', '--dry-run'], env);
    expect(code).toBe(1);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^TENANT +SLUG +NAME +MODULE +SCHEMA +DATABASE +ID FROM +ACTION$/);
    expect(lines[1]).toMatch(/^– +2fast +2fast +finance +finance_2fast +test_\w+ +new +conflict$/);
    expect(lines[2]).toMatch(/^ {4}slug "2fast" must be .*: give the schema another slug in --map$/);
    expect(lines[3]).toMatch(
      new RegExp(
        `^${id} +acme +Acme Ltd +finance +finance_acme +test_\\w+ +tenant_registry in test_\\w+ +register$`,
      ),
    );
    expect(stdout).toContain('Module dbtools was skipped: DBTOOLS_DB_URL is not set\n');
    expect(stdout).toMatch(/\n1 register, 1 conflict\.\n$/);
    expect(await tenants()).toEqual([]);
    expect(await queryOnce(finance.url, 'SELECT FROM tenant_registry')).toHaveLength(1);
  });

  test('a map with a bad line is refused as a whole', async () => {
    const map = await aFile('schema,id,slug\nfinance_2fast,7,too-fast\n');
    const { code, stdout, stderr } = await run(['import', 'databases', '--map', map], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe('VALIDATION_ERROR: The map has problems: line 2, column id: must be a UUID\n');
    expect(await tenants()).toEqual([]);
    const missing = await run(['import', 'databases', '--map', '/nowhere.csv'], env);
    expect(missing.stderr).toBe('VALIDATION_ERROR: --map: /nowhere.csv cannot be read (ENOENT)\n');
    expect((await run(['import', 'databases', '--module', 'sales'], env)).stderr).toMatch(
      /^MODULE_NOT_FOUND/,
    );
  });

  test('tenants of existing schemas are registered; a second import changes nothing', async () => {
    const map = await aFile('finance_2fast,,too-fast,Too Fast\n');
    const { code, stdout, stderr } = await run(['import', 'databases', '--map', map, '--json'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      done: true,
      entries: [
        { tenantId: id, slug: 'acme', module: 'finance', schema: 'finance_acme', action: 'register' },
        {
          tenantId: expect.stringMatching(/^[\da-f-]{36}$/),
          slug: 'too-fast',
          name: 'Too Fast',
          idFrom: 'new',
        },
      ],
      tables: [
        { table: 'public.tenant_registry', renamedTo: 'tenant_registry_before_registry', problem: null },
      ],
    });
    expect(await tenants()).toHaveLength(2);
    const head = () => queryOnce(registry.url, 'SELECT revision FROM registry_head');
    const before = await head();
    const again = await run(['import', 'databases'], env);
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/\n2 unchanged\.\n$/);
    expect(await head()).toEqual(before);
  });

  test('an imported tenant resolves over HTTP under its earlier id', async () => {
    await using gateway = await serve(env);
    const key = await aKey(env, 'resolve:finance');
    const { body } = await gateway.ask(
      'query ($id: ID!) { tenantSchema(id: $id, module: "finance") { tenantId tenantSlug schemaName searchPath databaseName } }',
      { key, variables: { id } },
    );
    expect(body.data.tenantSchema).toEqual({
      tenantId: id,
      tenantSlug: 'acme',
      schemaName: 'finance_acme',
      searchPath: '"finance_acme"',
      databaseName: finance.name,
    });
  });
});
