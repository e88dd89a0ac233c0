import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
import { runHere } from '../setup/command-line.js';
import { uniqueName } from '../setup/database.js';
import { openGateway } from '../setup/gateway.js';
import { aFolder } from '../setup/process.js';
import { openTerminal, testWithTerminal } from '../setup/terminal.js';

describe('provision at the command line', () => {
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
    const { code, stdout, stderr } = await runHere(provision(slug), env);
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
    expect(await runHere(provision(slug), env)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^CONFLICT: Slug .* is taken/),
    });
  });

  test('a failed provisioning names the failed step, leaves nothing behind and can be repeated; an idempotency key returns the first result', async () => {
    const slug = uniqueName('t');
    await testbed.write('beta/0003_broken.sql', brokenMigration);
    onTestFinished(() => testbed.remove('beta/0003_broken.sql').catch(() => undefined));
    const failed = await runHere(provision(slug, '--json'), env);
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
    const first = await runHere(keyed, env);
    const second = await runHere(keyed, env);
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
    const { code, stdout, stderr } = await runHere(['provision', ' ', 'nobody', 'alpha,,Beta'], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    for (const field of ['name', 'adminEmail', 'modules.1', 'modules.2'])
      expect(stderr).toContain(`${field}: `);
  });

  test('every field of a tenant can be given, as an option or in a file, and an option goes first', async () => {
    const slug = uniqueName('t');
    const id = randomUUID();
    const file = join(await aFolder(), 'acme.json');
    const fields = {
      ...{ plan: 'lite', currency: 'USD', admin_full_name: 'Ada Admin' },
      ...{ settings: { website: 'https://acme.example/' }, branding: { preset_theme: 'sunset' } },
      config: { banking: { bank_name: 'First Bank' } },
    };
    await writeFile(file, JSON.stringify(fields));
    const options = ['--plan', 'Pro', '--max-users', '9', '--timezone', 'Europe/Berlin', '--id', id];
    const { code, stderr } = await runHere(provision(slug, ...options, '--input', file), env);
    expect([code, stderr]).toEqual([0, expect.stringContaining('activate route: succeeded')]);
    const [row] = await testbed.gateway.psql(
      `SELECT id, plan::text, max_users, tenants.timezone, tenants.currency, tenant_config, website, preset_theme,
         (SELECT full_name FROM members WHERE tenant_id = tenants.id) AS admin
       FROM tenants JOIN tenant_settings s ON s.tenant_id = id JOIN tenant_branding b ON b.tenant_id = id WHERE slug = $1`,
      [slug],
    );
    expect(row).toEqual({
      ...{ id, plan: 'pro', max_users: 9, timezone: 'Europe/Berlin', currency: 'USD', admin: 'Ada Admin' },
      ...{ tenant_config: fields.config, website: 'https://acme.example/', preset_theme: 'sunset' },
    });
  });

  test.each<[string, unknown, RegExp]>([
    ['is not JSON', '{', /^File \S+ is not JSON: write an object as for POST \/api\/tenants$/],
    [
      'is Latin-1',
      Buffer.from('{ "short_name": "Z\xfcrich" }', 'latin1'),
      /^VALIDATION_ERROR: --input \S+ is not valid UTF-8 in line 1; /,
    ],
    ['has an unknown field', { shortName: 'A' }, /^VALIDATION_ERROR: shortName: is not a known field$/],
    ['is a list', [], /^VALIDATION_ERROR: input: must be a JSON object$/],
    [
      'has a wrong field',
      { branding: { primary_color: 'red' } },
      /^VALIDATION_ERROR: branding.primary_color: /,
    ],
  ])('a file that %s is refused with a message that names it', async (_what, content, complaint) => {
    const file = join(await aFolder(), 'input.json');
    const isText = typeof content === 'string' || Buffer.isBuffer(content);
    await writeFile(file, isText ? content : JSON.stringify(content));
    const { code, stdout, stderr } = await runHere(provision(uniqueName('t'), '--input', file), env);
    expect([code, stdout, stderr.trimEnd()]).toEqual([1, '', expect.stringMatching(complaint)]);
  });

  test('a file that is not there is refused', async () => {
    const { code, stderr } = await runHere(provision(uniqueName('t'), '--input', '/no/such/file.json'), env);
    expect([code, stderr]).toEqual([
      1,
      'VALIDATION_ERROR: --input: /no/such/file.json cannot be read (ENOENT)\n',
    ]);
  });

  test('a file with a byte order mark is read', async () => {
    const file = join(await aFolder(), 'input.json');
    await writeFile(file, '\uFEFF{ "short_name": "Acme" }');
    const slug = uniqueName('t');
    expect((await runHere(provision(slug, '--input', file), env)).code).toBe(0);
    const [row] = await testbed.gateway.psql('SELECT short_name FROM tenants WHERE slug = $1', [slug]);
    expect(row).toEqual({ short_name: 'Acme' });
  });

  test('an option with a wrong value is refused before anything is opened', async () => {
    const plan = await runHere(provision('t', '--plan', 'gold'), {});
    expect(plan.stderr).toMatch(
      /^error: option '--plan <text>' argument 'gold' is invalid\. Expected lite, pro, enterprise\.\n/,
    );
    const users = await runHere(provision('t', '--max-users', 'many'), {});
    expect(users.stderr).toContain('Expected a whole number.');
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
      expect(await runHere(keyed, env)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(' is active.'),
      });
      expect((await readTenant(testbed.gateway, slug)).subscriptions[0]?.history).toHaveLength(1);
      expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
    },
  );
});
