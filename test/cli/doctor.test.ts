import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../setup/command-line.js';
import { createDatabase } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aDataDir, run } from '../setup/process.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

/** Modules with a schema per tenant. All tests share a server, so databases per tenant may belong to other tests. */
const ownModules = ['--module', 'finance', '--module', 'operations'];

describe('doctor at the command line', () => {
  let gateway: TestGateway;
  let env: Record<string, string>;
  let tenant: StoryTenant;
  beforeAll(async () => {
    gateway = await openGateway();
    env = { DATABASE_URL: gateway.registry.url, ...gateway.app.config.serviceDatabaseUrls };
    tenant = await aTenant().subscribedTo('finance', 'operations').at(gateway);
  });
  afterAll(() => gateway?.close());

  test('a registry without drift is reported with exit code 0', async () => {
    expect(await runHere(['doctor', ...ownModules], env)).toMatchObject({
      ...{ code: 0, stderr: '', stdout: 'All 2 storages of 1 tenant match the registry.\n' },
    });
    expect((await runHere(['doctor', '--module', 'finance'], env)).stdout).toBe(
      'All 1 storage of 1 tenant matches the registry.\n',
    );
  });

  test('warnings alone exit 0, an error exits 1, and each finding names its remedy', async () => {
    await gateway.psqlIn('finance', 'CREATE SCHEMA finance_alien');
    const warned = await runHere(['doctor', ...ownModules], env);
    expect(warned).toMatchObject({ code: 0, stderr: '' });
    expect(warned.stdout).toMatch(
      /^WARNINGS\n {2}SCHEMA_WITHOUT_ROW\n {4}Schema finance_alien .*\n {4}To do: .*\n\n0 errors and 1 warning among 2 storages of 1 tenant\.\n$/,
    );
    await gateway.psqlIn('finance', `DROP SCHEMA finance_${tenant.slug} CASCADE`);
    const failed = await runHere(['doctor', '--tenant', tenant.slug], env);
    expect(failed).toMatchObject({ code: 1, stderr: '' });
    expect(failed.stdout).toMatch(/^ERRORS\n {2}SCHEMA_MISSING\n/);
    expect(failed.stdout).not.toContain('WARNINGS');
    const { code, stdout } = await runHere(['doctor', '--module', 'finance', '--json'], env);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      storages: 1,
      tenants: 1,
      findings: [
        { code: 'SCHEMA_MISSING', severity: 'error', tenantId: tenant.id, module: 'finance' },
        { code: 'SCHEMA_WITHOUT_ROW', severity: 'warning', tenantId: null, schema: 'finance_alien' },
      ],
    });
  });

  test('--structure records what it finds, and repair decides on it', async () => {
    const other = await aTenant().subscribedTo('operations').at(gateway);
    const only = ['--structure', '--tenant', other.slug];
    const look = async () => JSON.parse((await runHere(['doctor', ...only, '--json'], env)).stdout);
    expect(await look()).toMatchObject({ findings: [], decided: 0 });
    const alien = `tenant_${other.slug}.alien`;
    await gateway.psqlIn('operations', `CREATE VIEW ${alien} AS SELECT 1 AS one`);
    await gateway.psqlIn('operations', `CREATE SEQUENCE ${alien}_number`);
    const { findings } = await look();
    expect(findings.map((one: { objectName: string }) => one.objectName).sort()).toEqual([
      'alien',
      'alien_number',
    ]);
    const idOf = (name: string) => findings.find((one: { objectName: string }) => one.objectName === name).id;
    const repair = (name: string, ...more: string[]) =>
      runHere(['doctor', 'repair', idOf(name), ...more], env);
    expect(await repair('alien', '--resolution', 'keep-registry')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('confirm: must be alien'),
    });
    expect(await repair('alien', '--resolution', 'keep-registry', '--confirm', 'alien')).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect((await repair('alien_number', '--resolution', 'ignore', '--json')).code).toBe(0);
    expect(await look()).toMatchObject({ findings: [], decided: 1 });
    expect((await runHere(['doctor', ...only], env)).stdout).toBe(
      'All 1 storage of 1 tenant matches the registry.\n1 finding that somebody ignored or accepted is left out.\n',
    );
  });

  test('audit verifies the log and prints its head, which --expect takes later', async () => {
    const sound = await runHere(['doctor', 'audit'], env);
    expect(sound).toMatchObject({ code: 0, stderr: '' });
    const [, entries, head] =
      /^All (\d+) entries of the audit log are unaltered\.\nHead (\d+:[0-9a-f]{64})\n/.exec(sound.stdout) ??
      [];
    const answer = { entries: Number(entries), head, problems: 0, after: null, findings: [] };
    for (const args of [
      ['doctor', '--json', 'audit'],
      ['doctor', 'audit', '--json', '--expect', String(head)],
    ]) {
      const { code, stdout } = await runHere(args, env);
      expect({ code, answer: JSON.parse(stdout) }).toEqual({ code: 0, answer });
    }
    expect(await runHere(['doctor', 'audit', '--expect', 'mine'], env)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^VALIDATION_ERROR: expect: /),
    });
    expect(await runHere(['doctor', 'audit', '--tenant', tenant.slug], env)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('there is one chain'),
    });

    await gateway.psql(
      `SET session_replication_role = replica; UPDATE registry_change SET actor = 'nobody' WHERE revision = 6 AND position = 0`,
    );
    const found = await runHere(['doctor', 'audit'], env);
    expect(found).toMatchObject({ code: 1, stderr: '' });
    expect(found.stdout).toMatch(/^ {2}ENTRY_ALTERED\n {4}Entry 6\/0 .*\n\n1 problem in an audit log of/);

    await gateway.psql(
      `SET session_replication_role = replica;
       INSERT INTO registry_change
       SELECT revision + n, position, tenant_id, tenant_slug, module, kind, entity_id, actor, database_role, before, after,
         changed_at, '', '' FROM registry_change, generate_series(1, 1200) AS n WHERE revision = 6 AND position = 0
       ON CONFLICT DO NOTHING`,
    );
    const { stdout } = await runHere(['doctor', 'audit'], env);
    expect(stdout.match(/^ {2}[A-Z_]+$/gm)).toHaveLength(1_000);
    const [, more, all] = /^ {2}and (\d+) more\n\n(\d+) problems in/m.exec(stdout) ?? [];
    expect(Number(more)).toBe(Number(all) - 1_000);
    expect(Number(more)).toBeGreaterThan(0);
  });

  test('creates neither a registry nor an embedded PostgreSQL', async () => {
    const dataDir = await aDataDir();
    const { code, stderr } = await run(['doctor'], { DATA_DIR: dataDir });
    expect({ code, stderr }).toEqual({
      ...{
        code: 1,
        stderr: `There is no registry in DATA_DIR (${dataDir}): set DATA_DIR or DATABASE_URL to an existing registry\n`,
      },
    });
    const empty = await createDatabase();
    const unmigrated = await runHere(['doctor'], { DATABASE_URL: empty.url });
    expect(unmigrated).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('run "tenant-registry migrate" first'),
    });
    await empty.drop();
  });
});
