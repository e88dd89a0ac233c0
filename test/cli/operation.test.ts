import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { changeMany, endOf } from '../provisioning/support/bulk-calls.js';
import {
  brokenMigration,
  contacts,
  correctedMigration,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { provision, readTenant, resolve } from '../provisioning/support/provisioning-calls.js';
import { runHere } from '../setup/command-line.js';
import { uniqueName } from '../setup/database.js';
import { openGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';

describe('operation at the command line', () => {
  let testbed: GatewayWithModules;
  let env: Record<string, string>;
  beforeAll(async () => {
    testbed = await openGatewayWithModules(
      { name: 'alpha', migrations: contacts },
      { name: 'beta', migrations: contacts },
    );
    env = {
      DATABASE_URL: testbed.gateway.registry.url,
      MODULES_DIR: testbed.modulesDir,
      ...testbed.config.serviceDatabaseUrls,
    };
  });
  afterAll(() => testbed?.close());

  const operation = (...args: string[]) => runHere(['operation', ...args], env);
  const listed = async (...args: string[]) => {
    const { code, stdout, stderr } = await operation('list', '--json', ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as { id: string; kind: string; status: string; tenantSlug: string }[];
  };

  /** A tenant whose provisioning failed at module beta, whose migration is still broken. */
  async function aFailedTenant() {
    const slug = uniqueName('t');
    await testbed.write('beta/0003_broken.sql', brokenMigration);
    onTestFinished(() => testbed.remove('beta/0003_broken.sql').catch(() => undefined));
    const failed = await provision(testbed.gateway, { slug, modules: ['alpha', 'beta'] });
    expect(failed.operation.status).toBe('COMPENSATED');
    return { slug, id: failed.operation.id };
  }
  const correct = () => testbed.write('beta/0003_broken.sql', correctedMigration);

  test('list shows the newest first, and only those that match', async () => {
    const { slug, id } = await aFailedTenant();
    const { operation: done } = await provision(testbed.gateway, {
      slug: uniqueName('t'),
      modules: ['alpha'],
    });
    const all = (await listed()).map((one) => one.id);
    expect(all.indexOf(done.id)).toBeLessThan(all.indexOf(id));
    const cases: [string[], string[]][] = [
      [['--tenant', slug], [id]],
      [['--tenant', slug, '--status', 'compensated'], [id]],
      [['--tenant', slug, '--status', 'succeeded,failed'], []],
      [['--tenant', slug, '--kind', 'provision-tenant,purge_tenant'], [id]],
      [['--tenant', slug, '--module', 'beta'], [id]],
      [['--tenant', slug, '--needs-attention'], []],
      [['--tenant', slug, '--since', '2999-01-01'], []],
    ];
    for (const [options, ids] of cases)
      expect([options, (await listed(...options)).map((one) => one.id)]).toEqual([options, ids]);

    const table = await operation('list', '--tenant', slug);
    expect(table.stdout.split('\n').map((line) => line.split(/ {2,}/).slice(1, 6))).toEqual([
      ['KIND', 'STATUS', 'TENANT', 'BY', 'ID'],
      ['provision_tenant', 'compensated', slug, 'developer', id],
      [],
      [],
      [],
    ]);
    expect((await operation('list', '--limit', '1')).stdout).toContain(
      'The latest 1 operation; --limit shows more.',
    );
    expect((await operation('list', '--tenant', slug, '--status', 'queued')).stdout).toBe(
      'No operation matches.\n',
    );
  });

  test('show has the steps, their errors and the way out', async () => {
    const { slug, id } = await aFailedTenant();
    const { code, stdout } = await operation('show', id);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^provision tenant {2}compensated\n {2}id {9}${id}\n {2}tenant {5}${slug} `),
    );
    expect(stdout).toContain('correct the error, then "operation retry"');
    expect(stdout).toMatch(/create schema +beta +failed .*\S/);
    const shown = JSON.parse((await operation('show', id, '--json')).stdout);
    expect(shown).toMatchObject({
      ...{ id, kind: 'PROVISION_TENANT', status: 'COMPENSATED', tenantSlug: slug, actor: 'developer' },
      steps: [
        { name: 'CREATE_SCHEMA', module: 'alpha', status: 'COMPENSATED' },
        { name: 'CREATE_SCHEMA', module: 'beta', status: 'FAILED', error: expect.any(String) },
        { name: 'ACTIVATE_ROUTE', module: null, status: 'CANCELLED' },
      ],
    });
  });

  test('show has each attempt: who began and cancelled it, when, and how it ended', async () => {
    const { id } = await aFailedTenant();
    await operation('retry', id, '--no-wait');
    await operation('cancel', id);
    const shown = JSON.parse((await operation('show', id, '--json')).stdout);
    const byOperator = expect.stringMatching(/^operator:./);
    expect(shown.attempts).toMatchObject([
      { number: 2, status: 'CANCELLED', actor: byOperator, cancelRequestedBy: byOperator, requestId: null },
      { number: 1, status: 'COMPENSATED', actor: 'developer', cancelRequestedBy: null },
    ]);
    expect(shown.attempts[1]).toMatchObject({
      ...{ error: expect.any(String), requestId: expect.any(String), finishedAt: expect.any(String) },
    });
    const { stdout } = await operation('show', id);
    expect(stdout).toMatch(/Attempts\n +ATTEMPT +STATUS +REQUESTED +BY +FINISHED +CANCELLED BY +ERROR\n/);
    expect(stdout).toMatch(/\n {2}2 +cancelled +\S+ \S+ UTC +operator:\S+ +\S+ \S+ UTC +operator:\S+/);
    expect(stdout).toMatch(/\n {2}1 +compensated +\S+ \S+ UTC +developer +\S+ \S+ UTC +– +\S/);
  });

  test('show has the progress of an operation on many tenants', async () => {
    const { slug } = await aTenant().at(testbed.gateway);
    const answer = await changeMany(testbed.gateway, 'updateTenants', {
      ...{ tenantIds: [slug, 'no-such-tenant'], maxUsers: 7 },
    });
    const { id } = await endOf(testbed.gateway, answer);
    const { code, stdout } = await operation('show', id);
    expect(code).toBe(0);
    expect(stdout).toContain('1 of 2 changed, 1 failed, 0 cancelled, 0 to do');
    expect(stdout).toMatch(/Tenants that were not changed\n.*\n {2}no-such-tenant +TENANT_NOT_FOUND +\S/);
    const shown = JSON.parse((await operation('show', id, '--json')).stdout);
    expect(shown.progress).toEqual({ total: 2, succeeded: 1, failed: 1, cancelled: 0, remaining: 0 });
  });

  test('retry runs the operation to its end and shows its steps; exit code 0 only when it succeeds', async () => {
    const { slug, id } = await aFailedTenant();
    const again = await operation('retry', id);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('create schema of beta: failed');
    expect(again.stderr).toMatch(
      new RegExp(`Operation ${id} is compensated: .*; see "operation show ${id}"\n$`),
    );

    await correct();
    const done = await operation('retry', id, '--json');
    expect(done.code).toBe(0);
    expect(done.stderr).toContain('activate route: succeeded');
    expect(JSON.parse(done.stdout)).toMatchObject({ id, status: 'SUCCEEDED', revision: expect.any(String) });
    expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
    expect(await operation('retry', id)).toMatchObject({
      ...{ code: 1, stdout: '', stderr: expect.stringMatching(/^CONFLICT: Operation .* is succeeded/) },
    });
  });

  test('--no-wait leaves a retried operation to a worker; until then cancel ends it', async () => {
    const { slug, id } = await aFailedTenant();
    await correct();
    const queued = await operation('retry', id, '--no-wait');
    expect(queued).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('is queued') });
    expect((await listed('--tenant', slug))[0]?.status).toBe('QUEUED');
    const cancelled = await operation('cancel', id);
    expect(cancelled).toMatchObject({ code: 0, stdout: `Operation ${id} is cancelled.\n` });
    expect(await operation('cancel', id)).toMatchObject({
      ...{ code: 1, stdout: '', stderr: expect.stringMatching(/^CONFLICT: .*only a queued or running one/) },
    });
    await operation('retry', id, '--no-wait');
    await using _ = await openGateway({
      sharing: testbed.gateway,
      config: { ...testbed.config, runsWorker: true },
    });
    await expect.poll(async () => (await readTenant(testbed.gateway, slug)).status).toBe('ACTIVE');
  });

  test.each([
    [
      'a status that is none',
      ['list', '--status', 'green'],
      /^VALIDATION_ERROR: filter\.status\.0: must be one of QUEUED/,
    ],
    [
      'a kind that is none',
      ['list', '--kind', 'party'],
      /^VALIDATION_ERROR: filter\.kind\.0: must be one of /,
    ],
    ['an unknown tenant', ['list', '--tenant', 'nobody'], /^TENANT_NOT_FOUND: /],
    ['a date that is none', ['list', '--since', 'monday'], /^error: option '--since <date>'/],
    ['a malformed id', ['show', 'mine'], /^VALIDATION_ERROR: id: must be a UUID$/],
    ['an unknown id', ['show', '00000000-0000-4000-8000-000000000000'], /^NOT_FOUND: /],
    ['an unknown id to retry', ['retry', '00000000-0000-4000-8000-000000000000'], /^NOT_FOUND: /],
    ['an unknown id to cancel', ['cancel', '00000000-0000-4000-8000-000000000000'], /^NOT_FOUND: /],
    ['no id', ['retry'], /^error: missing required argument 'id'/],
  ])('%s is refused with a message that names it', async (_what, args, complaint) => {
    const { code, stdout, stderr } = await operation(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n')[0]).toMatch(complaint);
  });
});
