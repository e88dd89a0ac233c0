import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTenants } from '../provisioning/support/bulk-calls.js';
import { runHere } from '../setup/command-line.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { openTerminal, testWithTerminal } from '../setup/terminal.js';

describe('tenant …-many at the command line', () => {
  let gateway: TestGateway;
  let env: Record<string, string>;
  beforeAll(async () => {
    gateway = await openGateway({ config: { runsWorker: true } });
    env = { DATABASE_URL: gateway.registry.url, ...gateway.app.config.serviceDatabaseUrls };
  });
  afterAll(() => gateway?.close());

  const tenantCommand = (...args: string[]) => runHere(['tenant', ...args], env);
  const statuses = ['active', 'active', 'suspended'];
  /** Tenants that only this prefix selects by --search. */
  const three = async () => {
    const prefix = uniqueName('t');
    return { prefix, tenants: await makeTenants(gateway, statuses, { prefix }) };
  };
  const statusesOf = async (prefix: string) =>
    (
      await gateway.psql<{ status: string }>(
        `SELECT status::text FROM tenants WHERE slug LIKE $1 || '-%' ORDER BY slug`,
        [prefix],
      )
    ).map(({ status }) => status);

  test('--preview counts and changes nothing', async () => {
    const { prefix } = await three();
    const args = ['suspend-many', '--search', prefix, '--reason', 'trial ended', '--preview'];
    expect(await tenantCommand(...args)).toEqual({
      ...{ code: 0, stderr: '' },
      stdout:
        '3 tenants are selected: 2 would be changed, 0 have the values already, 1 would be refused with CONFLICT.\n',
    });
    expect(JSON.parse((await tenantCommand(...args, '--json')).stdout)).toMatchObject({
      ...{ selected: 3, changed: 2, refused: [{ code: 'CONFLICT', count: 1 }] },
    });
    expect(await statusesOf(prefix)).toEqual(statuses);
  });

  test('suspends those that a condition selects; the refused ones are told, with exit code 1', async () => {
    const { prefix } = await three();
    const ended = await tenantCommand('suspend-many', '--search', prefix, '--reason', 'trial ended', '--yes');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('3 of 3 tenants: failed\n');
    const [, id = ''] = /see "operation show (\S+)"\n$/.exec(ended.stderr) ?? [];
    expect(ended.stderr).toContain(`Operation ${id} is failed: 1 of 3 tenants were not changed`);
    expect(await statusesOf(prefix)).toEqual(['suspended', 'suspended', 'suspended']);
    const { stdout } = await runHere(['operation', 'show', id], env);
    expect(stdout).toContain(`  ${prefix}-3`);
  });

  test('resumes and updates those that are named, with JSON', async () => {
    const { prefix, tenants } = await three();
    const resumed = await tenantCommand('resume-many', tenants[2]?.slug ?? '', '--yes');
    expect(resumed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Operation \S+ is succeeded\.\n$/),
    });
    const slugs = tenants.map(({ slug }) => slug);
    const updated = await tenantCommand(
      ...['update-many', ...slugs, '--set-plan', 'pro', '--set-max-users', '9', '--yes', '--json'],
    );
    expect(JSON.parse(updated.stdout)).toMatchObject({
      ...{ kind: 'UPDATE_TENANTS', status: 'SUCCEEDED', revision: expect.any(String) },
      progress: { total: 3, succeeded: 3 },
    });
    expect(await statusesOf(prefix)).toEqual(['active', 'active', 'active']);
    const rows = await gateway.psql(
      `SELECT DISTINCT plan::text, max_users FROM tenants WHERE slug = ANY ($1)`,
      [slugs],
    );
    expect(rows).toEqual([{ plan: 'pro', max_users: 9 }]);
  });

  test('subscribes, and waits for the storage that a worker makes', async () => {
    const { tenants } = await three();
    const [slug = ''] = tenants.map((one) => one.slug);
    const ended = await tenantCommand('subscribe-many', slug, '--to', 'finance', '--yes');
    expect(ended).toMatchObject({ code: 0 });
    const [{ status } = { status: '' }] = await gateway.psql<{ status: string }>(
      `SELECT s.status::text FROM module_subscriptions s JOIN tenants t ON t.id = s.tenant_id WHERE t.slug = $1`,
      [slug],
    );
    expect(status).toBe('active');
  });

  test.each<[string, string[], RegExp]>([
    ['nothing that selects', ['resume-many', '--yes'], /^Name the tenants, or give conditions/],
    ['both', ['resume-many', 'acme', '--status', 'active', '--yes'], /^Name the tenants, or give conditions/],
    ['no reason', ['suspend-many', 'acme', '--yes'], /^error: required option '--reason <text>'/],
    ['no change', ['update-many', 'acme', '--yes'], /^VALIDATION_ERROR: plan: name a change/],
    [
      'another number than expected',
      ['update-many', 'acme', '--set-plan', 'pro', '--expected-count', '2', '--yes'],
      /\nCONFLICT: 1 tenants are selected, not 2/,
    ],
    [
      'no terminal',
      ['resume-many', 'acme'],
      /^"tenant resume-many" needs a confirmation, and there is no terminal/,
    ],
  ])('%s is refused, and no operation is made', async (_what, args, complaint) => {
    const count = async () => (await gateway.psql('SELECT FROM operations')).length;
    const before = await count();
    const { code, stdout, stderr } = await tenantCommand(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(complaint);
    expect(await count()).toBe(before);
  });

  testWithTerminal('a no changes nothing, and a yes begins', async () => {
    const { prefix, tenants } = await three();
    const args = ['tenant', 'resume-many', tenants[2]?.slug ?? ''];
    for (const [keys, code, status] of [
      ['n\r', 1, 'suspended'],
      ['y\r', 0, 'active'],
    ] as const) {
      await using terminal = openTerminal(args, env);
      await terminal.showed('Begin?');
      terminal.type(keys);
      expect((await terminal.ended).code).toBe(code);
      expect((await statusesOf(prefix))[2]).toBe(status);
    }
  });
});
