import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { blockingStatement, blockMigrations } from '../provisioning/support/blocked-migration.js';
import { listSchemas } from '../provisioning/support/catalog.js';
import {
  brokenMigration,
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { readTenant, resolve } from '../provisioning/support/provisioning-calls.js';
import { uniqueName } from '../setup/database.js';
import { openGateway } from '../setup/gateway.js';
import { run } from '../setup/process.js';
import { openTerminal, testWithTerminal } from '../setup/terminal.js';

describe('provision at the command line', { timeout: 120_000 }, () => {
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

  const provision = (slug: string, ...more: string[]) => [
    ...['provision', 'A Tenant', 'admin@example.com', 'alpha, beta', '--slug', slug],
    ...more,
  ];

  test('prints one line per step, and every gateway resolves the tenant when the command ends', async () => {
    const slug = uniqueName('t');
    const { code, stdout, stderr } = await run(provision(slug), env);
    expect(stderr.split('\n').filter((line) => !line.endsWith('running'))).toEqual([
      'create schema of alpha: succeeded',
      'create schema of beta: succeeded',
      'activate route: succeeded',
      '',
    ]);
    expect(code).toBe(0);
    const { id } = await readTenant(testbed.gateway, slug);
    expect(stdout.split('\n')).toEqual([
      `Tenant ${slug} (${id}) is active.`,
      stdout.split('\n')[1],
      ...['alpha', 'beta'].map((name) => {
        const database = new URL(testbed.url(name)).pathname.slice(1);
        return `${name.padEnd(6)}  ${database}  ${name}_${slug}`;
      }),
      expect.stringMatching(/^Token for acceptInvitation, which is not shown again: trk_inv_[\w-]{43}$/),
      '',
    ]);
    for (const name of ['alpha', 'beta'])
      expect(await resolve(testbed.gateway, slug, name)).toBe(`schema ${name}_${slug}`);
    expect(await run(provision(slug), env)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^CONFLICT: Slug .* is taken/),
    });
  });

  test('a failed provisioning names the failed step, leaves nothing behind and can be repeated; an idempotency key returns the first result', async () => {
    const slug = uniqueName('t');
    await testbed.write('beta/0003_broken.sql', brokenMigration);
    onTestFinished(() => testbed.remove('beta/0003_broken.sql').catch(() => undefined));
    const failed = await run(provision(slug, '--json'), env);
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('create schema of beta: failed'),
    });
    expect(failed.stderr).toContain('starts again under the same names');
    const report = JSON.parse(failed.stdout);
    expect(report).toMatchObject({
      tenant: { slug, status: 'FAILED' },
      operation: { status: 'COMPENSATED', error: expect.any(String) },
    });
    expect(await listSchemas(testbed.url('alpha'))).not.toContain(`alpha_${slug}`);

    await testbed.remove('beta/0003_broken.sql');
    const keyed = provision(slug, '--json', '--idempotency-key', slug);
    const first = await run(keyed, env);
    const second = await run(keyed, env);
    expect(JSON.parse(first.stdout)).toMatchObject({
      tenant: { id: report.tenant.id, status: 'ACTIVE' },
      subscriptions: [
        { module: 'alpha', status: 'ACTIVE', schemaName: `alpha_${slug}` },
        { module: 'beta', status: 'ACTIVE', schemaName: `beta_${slug}` },
      ],
      operation: { status: 'SUCCEEDED', error: null },
      revision: expect.stringMatching(/^[0-9a-f]{16}:\d+$/),
    });
    expect([first.code, second.code]).toEqual([0, 0]);
    const { revision: _, invitationToken, ...outcome } = JSON.parse(first.stdout);
    expect(invitationToken).toMatch(/^trk_inv_/);
    expect(JSON.parse(second.stdout)).toMatchObject({ ...outcome, invitationToken: null });
  });

  test('invalid input is refused with the names of the fields before anything is changed', async () => {
    const { code, stdout, stderr } = await run(['provision', ' ', 'nobody', 'alpha,,Beta'], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    for (const field of ['name', 'adminEmail', 'modules.1', 'modules.2'])
      expect(stderr).toContain(`${field}: `);
  });

  testWithTerminal('on a terminal, the steps are redrawn in colour', async () => {
    await using terminal = openTerminal(provision(uniqueName('t')), env);
    const { code, shown } = await terminal.ended;
    expect(code).toBe(0);
    expect(shown).toContain('\x1b[32m✔ activate route');
    expect(shown).toContain('\x1b[3A');
  });

  testWithTerminal(
    'Ctrl-C ends the command between two steps; a worker continues, and so does the same command',
    async () => {
      const slug = uniqueName('t');
      const keyed = provision(slug, '--idempotency-key', slug);
      await testbed.write('alpha/0003_gate.sql', blockingStatement);
      onTestFinished(() => testbed.remove('alpha/0003_gate.sql').catch(() => undefined));
      await using block = await blockMigrations(testbed.url('alpha'));
      await using terminal = openTerminal(keyed, { ...env, NO_COLOR: '1' });
      await block.untilBlocked();
      await terminal.showed('create schema of alpha');
      terminal.type('\x03');
      await terminal.showed('^C');
      await block.release();
      const { code, shown } = await terminal.ended;
      expect(code).toBe(130);
      expect(shown).toContain('\x1b[2K· activate route');
      for (const color of ['32', '33', '2']) expect(shown).not.toContain(`\x1b[${color}m`);
      const [, id] = /Interrupted\. Operation (\S+) continues when a gateway or/.exec(shown) ?? [];
      expect(await resolve(testbed.gateway, slug, 'alpha')).toBe('TENANT_NOT_READY');
      const [left] = await testbed.gateway.psql(
        'SELECT status, worker, heartbeat_at FROM operations WHERE id = $1',
        [id],
      );
      expect(left).toEqual({ status: 'running', worker: null, heartbeat_at: null });

      await using _ = await openGateway({
        sharing: testbed.gateway,
        config: { ...testbed.config, runsWorker: true },
      });
      // Either of the two may run the operation; both see its end.
      expect(await run(keyed, env)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(' is active.'),
      });
      expect((await readTenant(testbed.gateway, slug)).subscriptions[0]?.history).toHaveLength(1);
      expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
    },
  );
});
