import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../setup/command-line.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';
import { openTerminal, testWithTerminal } from '../setup/terminal.js';

describe('tenant at the command line', () => {
  let gateway: TestGateway;
  let env: Record<string, string>;
  let tenant: StoryTenant;
  let other: StoryTenant;
  beforeAll(async () => {
    gateway = await openGateway();
    env = { DATABASE_URL: gateway.registry.url, ...gateway.app.config.serviceDatabaseUrls };
    tenant = await aTenant({ name: 'A Tenant, 100%' }).subscribedTo('finance').at(gateway);
    other = await aTenant({ slug: uniqueName('a') }).at(gateway);
  });
  afterAll(() => gateway?.close());

  const tenantCommand = (...args: string[]) => runHere(['tenant', ...args], env);
  const listed = async (...args: string[]) => {
    const { code, stdout, stderr } = await tenantCommand('list', '--json', ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout).map(({ slug }: { slug: string }) => slug);
  };

  test('list shows each tenant once over any number of pages, and only the tenants that match', async () => {
    await gateway.psql(
      `INSERT INTO tenants (slug, name) SELECT 'bulk-' || n, 'Bulk' FROM generate_series(1, 1100) AS n`,
    );
    const [slugs] = await gateway.psql<{ slugs: string[] }>(
      `SELECT array_agg(slug ORDER BY slug) AS slugs FROM tenants`,
    );
    expect((await listed()).toSorted()).toEqual(slugs?.slugs.toSorted());
    expect(await listed('--module', 'finance', '--status', 'active,Suspended')).toEqual([tenant.slug]);
    expect(await listed('--module', 'finance', '--plan', 'lite,pro')).toEqual([tenant.slug]);
    expect(await listed('--module', 'finance', '--plan', 'enterprise')).toEqual([]);

    const table = await tenantCommand('list', '--search', '100%');
    expect(table.stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 5))).toEqual([
      ['SLUG', 'NAME', 'STATUS', 'PLAN', 'MODULES'],
      [tenant.slug, 'A Tenant, 100%', 'active', 'lite', 'finance'],
      [''],
      ['1 tenant.'],
      [''],
    ]);
    expect(await tenantCommand('list', '--status', 'green')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^VALIDATION_ERROR: status\.0: must be one of PENDING, /),
    });
  });

  test('add-external-id and remove-external-id change what resolves, and show lists them', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    const externalId = uniqueName('Ext');
    expect(await tenantCommand('add-external-id', slug, externalId)).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: `Tenant ${slug} has the external ids ${externalId}.\n`,
    });
    await gateway.app.gateway?.freshness.follower.poll();
    expect(await resolve(gateway, externalId)).toBe(`finance_${slug}`);
    expect((await tenantCommand('show', externalId)).stdout).toMatch(
      new RegExp(`external ids +${externalId}\\n`),
    );
    expect(await listed('--search', externalId.toLowerCase())).toEqual([slug]);
    const removed = await tenantCommand('remove-external-id', externalId, externalId, '--json');
    expect(JSON.parse(removed.stdout)).toEqual({ id, slug, externalIds: [], revision: expect.any(String) });
    expect((await tenantCommand('show', externalId)).code).toBe(1);
  });

  test('list has an option for each condition of the filter', async () => {
    const a = await aTenant().subscribedTo('finance').at(gateway);
    const b = await aTenant().subscribedTo('finance').at(gateway);
    await mutate(gateway, 'suspendSubscription', { tenantId: b.id, module: 'finance', reason: 'audit' });
    await gateway.psql(
      `INSERT INTO members (tenant_id, email, status) VALUES ($1, 'ann@example.com', 'active')`,
      [a.id],
    );
    await gateway.psql(`UPDATE tenants SET created_at = '2020-01-01Z' WHERE id = $1`, [b.id]);
    await gateway.psql(`UPDATE tenants SET config_source = 'yaml' WHERE id = $1`, [a.id]);
    await gateway.psql(
      `INSERT INTO operations (tenant_id, kind, status, actor, error) VALUES ($1, 'remove_storage', 'needs_attention', 'x', 'y')`,
      [b.id],
    );
    const [version] = await gateway.psql<{ version: string }>(
      'SELECT migration_version AS version FROM module_subscriptions WHERE tenant_id = $1',
      [a.id],
    );
    const finance = ['--module', 'finance'];
    const both = [a.slug, b.slug];
    const cases: [string[], string[]][] = [
      [finance, [a.slug]],
      [[...finance, '--subscription-status', 'suspended'], [b.slug]],
      [[...finance, '--subscription-status', 'active,suspended'], both],
      [[...finance, '--migration', version?.version ?? ''], both],
      [[...finance, '--migration-below', version?.version ?? ''], []],
      [[...finance, '--migration-below', 'finance/9999_last.sql'], both],
      [['--config-source', 'yaml'], [a.slug]],
      [['--created-until', '2020-01-02'], [b.slug]],
      [[...finance, '--created-since', '2020-01-02'], [a.slug]],
      [['--member', 'Ann@example.com'], [a.slug]],
      [['--needs-attention'], [b.slug]],
    ];
    for (const [options, expected] of cases) {
      const found = (await listed(...options)).filter((slug: string) => both.includes(slug));
      expect([options, found]).toEqual([options, expected.toSorted()]);
    }
    for (const option of ['--subscription-status', '--migration', '--migration-below'])
      expect(await tenantCommand('list', option, 'x')).toMatchObject({
        ...{
          code: 1,
          stdout: '',
          stderr: expect.stringMatching(/^VALIDATION_ERROR: --module: is needed with /),
        },
      });
  });

  test('show prints the values of the GraphQL API and the location of the data', async () => {
    const { code, stdout } = await tenantCommand('show', tenant.slug, '--json');
    const { data } = await gateway.ask(
      `query ($id: ID!) { tenant(id: $id) {
         id slug name status plan version timezone currency createdAt
         settings { companyName currency } branding { presetTheme }
         subscriptions { schemaName databaseName isolation status generation migrationVersion }
       } }`,
      { id: tenant.id },
    );
    const shown = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(shown).toMatchObject(data.tenant);
    expect(shown.operations).toMatchObject([{ kind: 'SUBSCRIBE_TENANT', status: 'SUCCEEDED', error: null }]);
    expect(shown.subscriptions[0].module).toBe('finance');

    const asText = await tenantCommand('show', tenant.id);
    expect(asText.code).toBe(0);
    expect(asText.stdout).toMatch(new RegExp(`^A Tenant, 100%  ${tenant.slug}  active\n`));
    expect(asText.stdout).toMatch(
      new RegExp(`  finance  active  \\S+ +finance_${tenant.slug}  1  +finance/\\d`),
    );
    expect(await tenantCommand('show', 'nobody')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'TENANT_NOT_FOUND: No tenant has the id, slug or external id "nobody"\n',
    });
  });

  test('each change of a tenant’s status is visible at the gateway when the command ends', async () => {
    const { slug } = tenant;
    const now = () => resolve(gateway, slug);
    const expectDone = async (status: string, ...args: string[]) => {
      const { code, stdout, stderr } = await tenantCommand(...args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`Tenant ${slug} is ${status}: `);
    };
    await mutate(gateway, 'updateTenant', {
      tenantId: slug,
      isProtected: true,
      internalNote: 'Moves its data',
    });
    await expectDone('suspended', 'suspend', slug, '--reason', 'unpaid', '--until', '2999-12-31T22:30:00Z');
    expect(await now()).toBe('TENANT_SUSPENDED');
    const { stdout: sheet } = await tenantCommand('show', slug);
    for (const line of [
      '  suspended until  2999-12-31 22:30 UTC\n',
      '  protected        yes: it cannot be deleted or purged\n',
      '  note             Moves its data\n',
    ])
      expect(sheet).toContain(line);
    const { data } = await gateway.ask(
      `{ auditLog(tenantId: "${slug}", first: 1) { edges { node { kind actor after } } } }`,
    );
    expect(data.auditLog.edges[0].node).toMatchObject({
      kind: 'TENANT_SUSPENDED',
      actor: expect.stringMatching(/^operator:./),
      after: { suspended_reason: 'unpaid' },
    });
    await mutate(gateway, 'updateTenant', { tenantId: slug, isProtected: false });
    await expectDone('active', 'resume', slug);
    expect(await now()).toBe(`finance_${slug}`);

    // Without a terminal the user can't confirm.
    for (const verb of ['delete', 'purge'])
      expect(await tenantCommand(verb, slug)).toEqual({
        ...{ code: 1, stdout: '' },
        stderr: `"tenant ${verb} ${slug}" needs a confirmation, and there is no terminal: add --yes\n`,
      });
    expect(await now()).toBe(`finance_${slug}`);
    expect(await tenantCommand('purge', slug, '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^CONFLICT: .*delete it first\n$/),
    });
    const deleted = JSON.parse((await tenantCommand('delete', slug, '--yes', '--json')).stdout);
    expect(deleted).toMatchObject({ id: tenant.id, slug, status: 'DELETED' });
    expect(await now()).toBe('TENANT_DELETED');
    await expectDone('active', 'restore', slug);
    expect(await now()).toBe(`finance_${slug}`);
    await mutate(gateway, 'deleteTenant', { tenantId: slug });
    await expectDone('purged', 'purge', slug, '--yes', '--after', 'now');
    expect(await now()).toBe('TENANT_NOT_FOUND');
    expect(
      await gateway.psqlIn('finance', `SELECT FROM pg_namespace WHERE nspname = 'finance_${slug}'`),
    ).toEqual([]);
  });

  testWithTerminal('delete asks for a confirmation: no and Ctrl-C change nothing, yes deletes', async () => {
    const question = `(${other.slug})?`;
    for (const [keys, code, said] of [
      ['n\r', 1, 'Nothing was changed.'],
      ['\x03', 1, 'Nothing was changed.'],
      ['y\r', 0, 'it can be restored until'],
    ] as const) {
      await using terminal = openTerminal(['tenant', 'delete', other.slug], env);
      await terminal.showed(question);
      terminal.type(keys);
      const ended = await terminal.ended;
      expect({ keys, code: ended.code }).toEqual({ keys, code });
      expect(ended.shown).toContain(said);
    }
  });
});
