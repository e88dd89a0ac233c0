import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aFile, queryOnce } from '../database/support/temporary-databases.js';
import { legacyRegistry, legacySchema } from '../importing/support/legacy-story.js';
import { pythonRows, pythonTables } from '../importing/support/platform-story.js';
import { createDatabase, createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { aKey, run, serve, start } from '../setup/process.js';

describe('import databases', () => {
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

describe('import databases of a platform', () => {
  let registry: TestDatabase;
  let platform: TestDatabase;
  let env: Record<string, string>;
  beforeAll(async () => {
    registry = await createRegistryDatabase();
    platform = await createDatabase();
    env = { DATABASE_URL: registry.url };
    await queryOnce(
      platform.url,
      `${pythonTables} ${pythonRows}
       CREATE TABLE customers (customer_no text, title text, shoe_size int); INSERT INTO customers VALUES ('kilo', 'Kilo', 46)`,
    );
  });
  afterAll(async () => {
    await registry.drop();
    await platform.drop();
  });

  test('prints what was taken over, with tokens once; the secret itself is nowhere', async () => {
    const from = ['import', 'databases', '--from', platform.url];
    const planned = await run([...from, '--dry-run'], env);
    expect(planned.stdout).toContain('new@africastay.example would be invited again');
    const { code, stdout, stderr } = await run(from, env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ {4}new@africastay\.example is invited with trk_inv_[\w-]{43}, until 20/m);
    expect(stdout).toMatch(
      /^ {4}email\.smtp\.password in tenants in test_\w+ looks like a secret and became \$\{AFRICASTAY_SMTP_PASSWORD\}: set that variable$/m,
    );
    expect(stdout).toMatch(/^safarirun: created, also known as SafariRun$/m);
    expect(stdout).toContain('\nProfiles: 4 created.\n');
    expect(stdout).not.toContain('Zx9#kQ2');
    await queryOnce(platform.url, `UPDATE tenants SET plan = 'enterprise' WHERE id = 'africastay'`);
    await queryOnce(registry.url, `UPDATE tenants SET plan = 'lite' WHERE slug = 'africastay'`);
    const refused = await run(from, env);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/^ {4}plan is "ENTERPRISE" in tenants in test_\w+, "LITE" in registry$/m);
    const preferred = await run([...from, '--prefer', 'table'], env);
    expect(preferred.stdout).toContain('    plan: "LITE" -> "ENTERPRISE"\n');
    expect((await run(from, env)).stdout).toContain('\n0 changes.\n');
  });

  test('--follow tells each change in a line until it is stopped; --finish and --undo rename the tables', async () => {
    const from = ['import', 'databases', '--from', platform.url];
    await using follower = start([...from, '--follow', '--interval', '0.2', '--json'], env);
    const events = () =>
      follower
        .stdout()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    const ofKind = (kind: string) => events().filter((event) => event.kind === kind);
    await expect.poll(() => ofKind('following'), { timeout: 30_000 }).toHaveLength(1);
    await queryOnce(platform.url, `UPDATE tenants SET name = 'AfricaStay Ltd' WHERE id = 'africastay'`);
    await expect
      .poll(() => ofKind('changed'), { timeout: 30_000 })
      .toEqual([
        {
          ...{ at: expect.stringMatching(/Z$/), kind: 'changed', tenant: 'africastay' },
          ...{ path: 'name', before: 'AfricaStay', after: 'AfricaStay Ltd' },
        },
      ]);
    expect(await follower.end('SIGTERM')).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(events().at(-1)).toMatchObject({ kind: 'stopped' });
    const planned = await run([...from, '--finish', '--dry-run'], env);
    expect(planned.stdout).toMatch(
      /^Table public\.tenants in test_\w+ would become tenants_before_registry$/m,
    );
    const finished = await run([...from, '--finish'], env);
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(finished.stdout).toContain(
      '5 tables were renamed. Everything in them was taken over before, except what the lines above say was left out.\n',
    );
    expect(await run([...from, '--finish'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /\n0 changes\.\n[\s\S]*The old tables were renamed before: nothing is left to rename\.\n$/,
      ),
    });
    await queryOnce(registry.url, `UPDATE tenants SET name = 'Edited since' WHERE slug = 'africastay'`);
    const undone = await run([...from, '--undo'], env);
    expect(undone.stdout).toMatch(
      /^africastay: name is "AfricaStay Ltd" in tenants in test_\w+, "Edited since" in registry: it stays as it is in the registry, and the old table keeps what it has$/m,
    );
    expect(undone.stdout).toContain('\n5 tables have their names back, with the rows that they had.');
    expect((await run([...from, '--undo'], env)).stdout).toBe(
      'No table has to be renamed back.\n0 changes.\n',
    );
    expect((await run([...from, '--follow', '--finish'], env)).stderr).toContain(
      "cannot be used with option '--finish'",
    );
  });

  test('--suggest writes a map of columns for another shape, which --columns takes', async () => {
    const file = `${await aFile('')}.columns.yaml`;
    expect(await run(['import', 'databases', '--from', platform.url, '--suggest', file], env)).toMatchObject({
      code: 0,
    });
    const { stdout } = await run(
      ['import', 'databases', '--from', platform.url, '--columns', file, '--json'],
      env,
    );
    expect(JSON.parse(stdout).tenants).toContainEqual(
      expect.objectContaining({ slug: 'kilo', name: 'Kilo', action: 'create' }),
    );
    const again = await run(['import', 'databases', '--from', platform.url, '--suggest', file], env);
    expect(again.stderr).toContain('cannot be written (EEXIST)');
  });
});
