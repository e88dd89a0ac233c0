import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { procedureRefusals } from '../../src/errors.js';
import { aUser, queryOnce } from '../database/support/temporary-databases.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import { codeOf, connect, mark, outcomeOf, register, subscribe } from './support/procedure-calls.js';
import { grantRegistryRoles } from './support/registry-roles.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

describe('register_tenant', () => {
  test('makes the same rows as registerTenant', async () => {
    const slug = uniqueName('t');
    const byCall = await register(gateway, slug, 'Same Name');
    const { id: byMutation } = await aTenant({ name: 'Same Name' }).at(gateway);
    const rows = async (id: string) => {
      const [tenant] = await gateway.psql('SELECT to_jsonb(t) AS row FROM tenants t WHERE id = $1', [id]);
      const [settings] = await gateway.psql(
        'SELECT to_jsonb(s) AS row FROM tenant_settings s WHERE tenant_id = $1',
        [id],
      );
      const [branding] = await gateway.psql(
        'SELECT to_jsonb(b) AS row FROM tenant_branding b WHERE tenant_id = $1',
        [id],
      );
      const ignored = {
        id: 0,
        tenant_id: 0,
        slug: 0,
        legacy_id: 0,
        created_at: 0,
        updated_at: 0,
        created_by: 0,
      };
      return [tenant, settings, branding].map((found) => ({ ...found?.row, ...ignored }));
    };
    expect(await rows(byCall)).toEqual(await rows(byMutation));
    expect(
      await gateway.psql('SELECT created_by = $2 AS ok FROM tenants WHERE id = $1', [
        byCall,
        `role:${new URL(gateway.registry.url).username}`,
      ]),
    ).toEqual([{ ok: true }]);
  });

  test('takes an id that is given, names for its arguments, and texts of whatever type', async () => {
    const id = randomUUID();
    const [slug, other] = [uniqueName('t'), uniqueName('t')];
    expect(await gateway.psql('CALL register_tenant($1, $2, $3)', [slug, 'x', id])).toEqual([
      { tenant_id: id },
    ]);
    expect(
      await gateway.psql(`CALL register_tenant(name => 'Named', slug => '${other}'::varchar)`),
    ).toHaveLength(1);
    expect(
      await outcomeOf(gateway.psql('CALL register_tenant($1, $2, $3)', [uniqueName('t'), 'x', id])),
    ).toBe(`23505 CONFLICT: Id ${id} is taken by tenant ${slug}`);
  });

  test.each([
    ['active', '', 'Use that tenant, or choose another slug.'],
    [
      'deleted',
      ', which is deleted',
      'The mutation restoreTenant brings it back until its purge date; or choose another slug.',
    ],
    ['purged', ', which is purged', 'The slug stays taken: choose another one.'],
  ])('says of a slug that its tenant is %s', async (status, message, hint) => {
    const { id, slug } = await aTenant().at(gateway);
    for (const next of status === 'purged' ? ['deleted', 'purged'] : [status])
      await gateway.psql('UPDATE tenants SET status = $1::tenant_status WHERE id = $2', [next, id]);
    await expect(gateway.psql('CALL register_tenant($1, $2)', [slug, 'x'])).rejects.toMatchObject({
      message: `CONFLICT: Slug "${slug}" is taken by tenant ${id}${message}`,
      hint,
    });
  });

  const invisible = [
    'a\u200bb',
    'a\u202eb',
    'a\tb',
    'a\nb',
    'a\u0007b',
    'a\u00adb',
    'a\ue000b',
    'a\u{e0041}b',
  ];
  test.each<[slug: string, name: string]>([
    ['A', 'x'],
    ['Acme', 'x'],
    ['a', 'x'],
    ['a'.repeat(41), 'x'],
    ['pg_acme', 'x'],
    ['acme--corp', 'x'],
    ['acme-', 'x'],
    ['acme\n', 'x'],
    ['аcme', 'x'],
    [`acme'; DROP TABLE tenants; --`, 'x'],
    ['abcdef01-2345-6789-abcd-ef0123456789', 'x'],
    ['acme', ''],
    ['acme', ' \u00a0\u3000 '],
    ['acme', 'x'.repeat(201)],
    ...invisible.map((name): [string, string] => ['acme', name]),
  ])('refuses slug %j with name %j as registerTenant does, in the same words', async (slug, name) => {
    const { errors } = await mutate(gateway, 'registerTenant', { slug, name });
    expect(errors).toHaveLength(1);
    expect(await outcomeOf(register(gateway, slug, name))).toBe(
      `22023 VALIDATION_ERROR: ${errors[0]?.message}`,
    );
  });

  test.each([`O'Neill & "Sons"`, '株式会社', 'a\\b', '%s %I', '$1', '😀 Smile', ' Café \u3000'])(
    'takes the name %j as registerTenant does',
    async (name) => {
      const id = await register(gateway, uniqueName('t'), name);
      expect(await gateway.psql('SELECT name FROM tenants WHERE id = $1', [id])).toEqual([
        { name: name.trim() },
      ]);
    },
  );

  test.each([
    [null, 'x'],
    ['acme', null],
    [null, null],
  ])('refuses null: %j, %j', async (slug, name) => {
    expect(await codeOf(gateway.psql('CALL register_tenant($1, $2)', [slug, name]))).toBe(
      '22004 VALIDATION_ERROR',
    );
  });

  test('of ten at once with one slug, one wins and the others are told who', async () => {
    const slug = uniqueName('t');
    const attempts = Array.from({ length: 5 }, () => [
      codeOf(register(gateway, slug)),
      mutate(gateway, 'registerTenant', { slug, name: slug }).then(({ codes }) => codes[0] ?? 'done'),
    ]).flat();
    const codes = await Promise.all(attempts);
    expect(codes.filter((code) => code === 'done')).toHaveLength(1);
    expect(codes.filter((code) => /CONFLICT$/.test(code))).toHaveLength(9);
  });
});

describe('subscribe_tenant_to_module', () => {
  test('waits for its storage, and takes ids as text, varchar and uuid, and slugs', async () => {
    for (const type of ['text', 'varchar', 'uuid']) {
      const id = await register(gateway, uniqueName('t'));
      const client = await connect(gateway.registry.url);
      await client.query(`CALL subscribe_tenant_to_module($1::${type}, $2::varchar, $3)`, [
        id,
        'finance',
        uniqueName('finance'),
      ]);
      await client.query(`CALL mark_module_provisioned($1::${type}, 'finance', $2::varchar)`, [
        id,
        'succeeded',
      ]);
      expect(
        await gateway.psql(`SELECT status FROM module_subscriptions WHERE tenant_id = $1`, [id]),
      ).toEqual([{ status: 'active' }]);
    }
    const slug = uniqueName('t');
    const id = await register(gateway, slug);
    await subscribe(gateway, slug, 'finance', `finance_${slug}`);
    expect(await resolve(gateway, id)).toBe('TENANT_NOT_READY');
    expect(
      (
        await gateway.psql('SELECT status, created_by FROM module_subscriptions WHERE tenant_id = $1', [id])
      )[0]?.status,
    ).toBe('pending');
  });

  test('refuses what subscribeTenantToModule refuses, in the same words', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    const other = await aTenant().at(gateway);
    for (const given of [
      { tenantId: randomUUID(), module: 'finance', schemaName: 'finance_x' },
      { tenantId: 'no such', module: 'finance', schemaName: 'finance_x' },
      { tenantId: id, module: 'finance', schemaName: `finance_${slug}` },
      { tenantId: other.id, module: 'finance', schemaName: `finance_${slug}` },
      { tenantId: other.id, module: 'nothing', schemaName: 'finance_x' },
    ]) {
      const { errors } = await mutate(gateway, 'subscribeTenantToModule', { ...given, provision: false });
      const outcome = await outcomeOf(subscribe(gateway, given.tenantId, given.module, given.schemaName));
      expect(outcome.slice(6)).toBe(`${errors[0]?.extensions.code}: ${errors[0]?.message}`);
    }
  });

  test.each([
    'public',
    'pg_mine',
    'tenant_guard',
    'information_schema',
    'select',
    'Finance_Acme',
    'finance acme',
    '',
    'f'.repeat(64),
    `finance"; DROP SCHEMA public CASCADE; --`,
    'finance_é',
  ])('refuses the schema %j', async (schema) => {
    const { id } = await aTenant().at(gateway);
    expect(await codeOf(subscribe(gateway, id, 'finance', schema))).toBe('22023 VALIDATION_ERROR');
  });

  test.each(['suspended', 'deleted', 'failed', 'purged'])('refuses a tenant that is %s', async (status) => {
    const { id } = await aTenant().at(gateway);
    await gateway.psql('UPDATE tenants SET status = $2::text::tenant_status WHERE id = $1', [id, status]);
    const codes: Record<string, string> = {
      suspended: 'TR002 TENANT_SUSPENDED',
      deleted: 'TR007 TENANT_DELETED',
      failed: 'TR004 TENANT_NOT_READY',
      purged: 'TR006 TENANT_NOT_FOUND',
    };
    expect(await codeOf(subscribe(gateway, id, 'finance', uniqueName('f')))).toBe(codes[status]);
    expect(await codeOf(mark(gateway, id, 'finance', 'success'))).toBe(codes[status]);
  });

  test('gives a name back that never resolved, and keeps one that did', async () => {
    const [first, second] = [uniqueName('finance'), uniqueName('finance')];
    const [one, two] = [await register(gateway, uniqueName('t')), await register(gateway, uniqueName('t'))];
    await subscribe(gateway, one, 'finance', first);
    await mark(gateway, one, 'finance', 'failed');
    await subscribe(gateway, one, 'finance', second);
    await subscribe(gateway, two, 'finance', first);
    await mark(gateway, one, 'finance', 'success');
    await mutate(gateway, 'unsubscribeTenantFromModule', { tenantId: one, module: 'finance' });
    expect(await outcomeOf(subscribe(gateway, one, 'finance', uniqueName('finance')))).toBe(
      `23505 CONFLICT: The finance data of tenant ${await slugOf(one)} is in ${second}`,
    );
    await subscribe(gateway, one, 'finance', second);
    expect(
      await gateway.psql(`SELECT status, generation FROM module_subscriptions WHERE tenant_id = $1`, [one]),
    ).toEqual([{ status: 'pending', generation: 3 }]);
  });

  test('names the database where the module gives each tenant one', async () => {
    const id = await register(gateway, uniqueName('t'));
    const name = uniqueName('dbtools');
    expect(await codeOf(subscribe(gateway, id, 'dbtools', 'postgres'))).toBe('23505 CONFLICT');
    await subscribe(gateway, id, 'dbtools', name);
    expect(
      await gateway.psql('SELECT database_name, schema_name FROM module_subscriptions WHERE tenant_id = $1', [
        id,
      ]),
    ).toEqual([{ database_name: name, schema_name: 'public' }]);
  });

  test('keeps a schema of before, whatever its name', async () => {
    const id = await register(gateway, uniqueName('t'));
    const name = `Old ${uniqueName('Finance')}`;
    await gateway.psql(
      `INSERT INTO module_subscriptions (tenant_id, module, schema_name, status) VALUES ($1, 'finance', $2, 'active')`,
      [id, name],
    );
    await mutate(gateway, 'unsubscribeTenantFromModule', { tenantId: id, module: 'finance' });
    await subscribe(gateway, id, 'finance', name);
  });

  test.each([
    [null, 'finance', 'finance_x'],
    ['acme', null, 'finance_x'],
    ['acme', 'finance', null],
  ])('refuses null: %j, %j, %j', async (tenant, module, schema) => {
    const id = tenant && (await register(gateway, uniqueName('t')));
    const call = gateway.psql('CALL subscribe_tenant_to_module($1, $2, $3)', [id, module, schema]);
    expect(await codeOf(call)).toBe('22004 VALIDATION_ERROR');
  });
});

async function slugOf(id: string) {
  return (await gateway.psql<{ slug: string }>('SELECT slug FROM tenants WHERE id = $1', [id]))[0]?.slug;
}

describe('mark_module_provisioned', () => {
  test.each([
    ['success', 'succeeded'],
    ['SUCCESS', 'succeeded'],
    ['Succeeded', 'succeeded'],
    ['failed', 'failed'],
    ['FAILED', 'failed'],
  ])('takes %s for %s, with the history of markModuleProvisioned', async (said, meant) => {
    const id = await register(gateway, uniqueName('t'));
    await subscribe(gateway, id, 'finance', uniqueName('finance'));
    await mark(gateway, id, 'finance', said);
    const byCall = await historyOf(id);
    const { id: other } = await aTenant().at(gateway);
    await mutate(gateway, 'subscribeTenantToModule', {
      tenantId: other,
      module: 'finance',
      provision: false,
    });
    const status = meant === 'failed' ? 'FAILED' : 'SUCCESS';
    await mutate(gateway, 'markModuleProvisioned', { tenantId: other, module: 'finance', status });
    expect(byCall).toEqual(await historyOf(other));
  });

  async function historyOf(id: string) {
    const { data } = await gateway.ask(
      `query ($id: ID!) { tenant(id: $id) { subscriptions { status history { edges { node { kind status error steps { name module status error } } } } } } }`,
      { id },
    );
    return data.tenant.subscriptions;
  }

  test.each(['', 'ok', 'active', 'successful', ' success', `success'; --`])(
    'refuses the status %j',
    async (status) => {
      const { id } = await aTenant().at(gateway);
      expect(await codeOf(mark(gateway, id, 'finance', status))).toBe('22023 VALIDATION_ERROR');
    },
  );

  test('refuses what is not waiting for its storage', async () => {
    const { id, slug } = await aTenant().subscribedTo('finance').at(gateway);
    expect(await outcomeOf(mark(gateway, id, 'finance', 'failed'))).toBe(
      `55000 CONFLICT: The finance subscription of tenant ${slug} is active, not waiting for its storage`,
    );
    expect(await codeOf(mark(gateway, id, 'inventory', 'success'))).toBe('TR003 MODULE_NOT_SUBSCRIBED');
    await gateway.psql(
      `WITH op AS (INSERT INTO operations (kind, tenant_id, status, actor) VALUES ('provision_module', $1, 'running', 'x') RETURNING id)
       INSERT INTO operation_steps (operation_id, position, name, module) SELECT id, 0, 'create_schema', 'inventory' FROM op`,
      [id],
    );
    await subscribe(gateway, id, 'inventory', uniqueName('i'));
    expect(await codeOf(mark(gateway, id, 'inventory', 'success'))).toBe('TR009 OPERATION_IN_PROGRESS');
  });
});

test('every refusal has the SQLSTATE of its code, and a way out', async () => {
  const folder = new URL('../../prisma/migrations/20261129000004_sql_compatibility/', import.meta.url);
  const sql = await readFile(new URL('migration.sql', folder), 'utf8');
  const pairs = [...sql.matchAll(/WHEN '([A-Z_]+)' THEN '(\w{5})'/g)].map(([, code, state]) => [state, code]);
  expect(pairs.length).toBeGreaterThan(5);
  expect(Object.fromEntries(pairs)).toEqual(
    Object.fromEntries(
      pairs.map(([state]) => [
        state,
        new Map<string, string>(Object.entries(procedureRefusals)).get(state ?? ''),
      ]),
    ),
  );
  await expect(register(gateway, 'Bad')).rejects.toMatchObject({
    hint: expect.stringContaining('acme-corp'),
  });
});

describe('rights', () => {
  const calls = (slug: string) => [
    `CALL register_tenant('${slug}', 'x')`,
    `CALL subscribe_tenant_to_module('${slug}', 'finance', 'finance_${slug}')`,
    `CALL mark_module_provisioned('${slug}', 'finance', 'success')`,
  ];

  async function aService() {
    const user = await aUser();
    const url = new URL(user.url);
    url.pathname = new URL(gateway.registry.url).pathname;
    onTestFinished(async () => void (await gateway.psql(`DROP OWNED BY ${user.name}`)));
    return { name: user.name, ask: (sql: string) => codeOf(queryOnce(url.href, sql)), url: url.href };
  }

  test('nobody is let in by default', async () => {
    const service = await aService();
    for (const sql of [
      ...calls(uniqueName('t')),
      'SELECT * FROM tenant_registry',
      'SELECT * FROM tenant_module_log',
    ])
      expect(await service.ask(sql)).toMatch(/^42501/);
  });

  test('EXECUTE is all that a service needs to write, and gives it nothing else', async () => {
    const service = await aService();
    const slug = uniqueName('t');
    await gateway.psql(`GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA public TO ${service.name}`);
    for (const sql of calls(slug)) expect(await service.ask(sql)).toBe('done');
    for (const sql of [
      `UPDATE tenants SET name = 'y'`,
      'SELECT FROM tenants',
      'INSERT INTO operations DEFAULT VALUES',
    ])
      expect(await service.ask(sql)).toMatch(/^42501/);
    expect(
      await gateway.psql(`SELECT DISTINCT actor, database_role FROM registry_change WHERE tenant_slug = $1`, [
        slug,
      ]),
    ).toEqual([{ actor: `role:${service.name}`, database_role: service.name }]);
  });

  test('what docs/sql.md grants is enough to read and to write', async () => {
    const service = await aService();
    const page = await readFile(new URL('../../docs/sql.md', import.meta.url), 'utf8');
    const grants = page.match(/^GRANT .* TO finance_service;/gm) ?? [];
    expect(grants).toHaveLength(2);
    await grantRegistryRoles(gateway.registry);
    await gateway.psql(grants.join('\n').replaceAll('finance_service', service.name));
    const reads = [
      `SELECT finance_schema FROM tenant_registry WHERE 'finance' = ANY(modules_subscribed)`,
      'SELECT module, action, status FROM tenant_module_log',
    ];
    for (const sql of [...calls(uniqueName('t')), ...reads]) expect(await service.ask(sql)).toBe('done');
    for (const sql of ['SELECT primary_email FROM tenants', 'SELECT tenant_name FROM tenant_registry'])
      expect(await service.ask(sql)).toMatch(/^42501/);
  });

  test('objects that a caller puts in front of the registry’s are not taken for them', async () => {
    const service = await aService();
    await gateway.psql(`GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA public TO ${service.name}`);
    const client = await connect(service.url);
    await client.query(`CREATE TEMP TABLE tenants (LIKE pg_class); SET search_path = pg_temp, public`);
    const { rows } = await client.query(`CALL public.register_tenant('${uniqueName('t')}', 'x')`);
    expect(await gateway.psql('SELECT FROM tenants WHERE id = $1', [rows[0].tenant_id])).toHaveLength(1);
  });
});
