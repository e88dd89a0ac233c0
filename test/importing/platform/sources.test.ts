import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { aDatabase, aUser } from '../../database/support/temporary-databases.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { aClientsFolder } from '../support/client-story.js';
import { entryFor, legacySchema, revisionOf, takeOver } from '../support/legacy-story.js';
import {
  goTables,
  outcomesOf,
  problemsOf,
  provisioningTable,
  pythonRows,
  pythonTables,
  tenantOf,
} from '../support/platform-story.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const uuid = (digit: number) => `0198f000-0000-7000-8000-00000000000${digit}`;

/** A platform with two tenants, of which a file describes the first one otherwise. */
async function aTornPlatform(slug: string) {
  const platform = await aDatabase();
  await platform.query(
    `${pythonTables} INSERT INTO tenants (id, name, plan, primary_email) VALUES
       ('${slug}', 'Name of the table', 'pro', 'hello@acme.example'), ('${slug}-b', 'Beta', 'lite', NULL);
     INSERT INTO tenant_branding (tenant_id, preset_theme) VALUES ('${slug}', 'safari_gold')`,
  );
  const clients = await aClientsFolder({
    [slug]: `client: { name: Name of the file }\nbranding: { theme_id: ocean_blue }\nemail: { primary: hello@acme.example }`,
  });
  return { ...platform, from: platform.url, clients };
}

async function themeOf(slug: string) {
  const { data } = await gateway.ask(
    `query ($id: ID!) { tenant(id: $id) { name plan branding { presetTheme } } }`,
    { id: slug },
  );
  return data.tenant && [data.tenant.name, data.tenant.plan, data.tenant.branding.presetTheme];
}

describe('where a table and a file disagree', () => {
  test('the tenant is refused with each field and source, and the others are taken over', async () => {
    const { from, clients } = await aTornPlatform('acme');
    await gateway.psqlIn('operations', legacySchema('tenant_acme') + legacySchema('tenant_acme_b'));
    const report = await takeOver(gateway, { from, clients });
    expect(outcomesOf(report)).toEqual(['acme: refuse', 'acme-b: create']);
    const { conflicts, why } = tenantOf(report, 'acme');
    const source = 'acme/client.yaml';
    expect(conflicts.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      {
        ...{ path: 'branding.presetTheme', taken: null },
        values: [
          { source: expect.stringMatching(/^tenant_branding in /), value: 'safari_gold' },
          { source, value: 'ocean_blue' },
        ],
      },
      {
        ...{ path: 'name', taken: null },
        values: [
          { source: expect.stringMatching(/^tenants in /), value: 'Name of the table' },
          { source, value: 'Name of the file' },
        ],
      },
    ]);
    expect(why).toBe('its sources disagree about name, branding.presetTheme: choose one with --prefer');
    expect(entryFor(report, 'tenant_acme')).toMatchObject({ action: 'conflict', why });
    expect(entryFor(report, 'tenant_acme_b')).toMatchObject({ action: 'register' });
    expect(await themeOf('acme')).toBeNull();
  });

  test.each([
    ['table', ['Name of the table', 'PRO', 'safari_gold']],
    ['yaml', ['Name of the file', 'PRO', 'ocean_blue']],
  ] as const)('the preferred %s counts, and the conflict is reported', async (prefer, expected) => {
    const { from, clients } = await aTornPlatform(prefer);
    const report = await takeOver(gateway, { from, clients, prefer });
    expect(outcomesOf(report)).toEqual([`${prefer}: create`, `${prefer}-b: create`]);
    expect(tenantOf(report, prefer).conflicts.map(({ taken }) => taken)).not.toContain(null);
    expect(await themeOf(prefer)).toEqual(expected);
    const revision = await revisionOf(gateway);
    const again = await takeOver(gateway, { from, clients, prefer });
    expect(outcomesOf(again)).toEqual([`${prefer}: unchanged`, `${prefer}-b: unchanged`]);
    expect(await revisionOf(gateway)).toBe(revision);
  });
});

test('an edit of one side since the last import counts, and edits of both sides wait for a decision', async () => {
  const { from, query } = await aTornPlatform('edited');
  await takeOver(gateway, { from });
  await mutate(gateway, 'updateTenant', { tenantId: 'edited', plan: 'ENTERPRISE' });
  await query(`UPDATE tenants SET name = 'Beta Ltd' WHERE id = 'edited-b'`);
  const report = await takeOver(gateway, { from });
  expect(outcomesOf(report)).toEqual(['edited: unchanged', 'edited-b: update']);
  const values = (table: string, registry: string) => [
    { source: expect.stringMatching(/^tenants in /), value: table },
    { source: 'registry', value: registry },
  ];
  expect(tenantOf(report, 'edited').differences).toContainEqual({
    ...{ path: 'plan', values: values('PRO', 'ENTERPRISE') },
    why: 'was edited in the registry, which counts',
  });
  expect([await themeOf('edited'), await themeOf('edited-b')]).toEqual([
    ['Name of the table', 'ENTERPRISE', 'safari_gold'],
    ['Beta Ltd', 'LITE', 'professional_blue'],
  ]);
  // Both sides: the other edit of the same tenant does not wait.
  await query(`UPDATE tenants SET plan = 'lite', name = 'Edited Ltd' WHERE id = 'edited'`);
  const torn = tenantOf(await takeOver(gateway, { from }), 'edited');
  expect(torn).toMatchObject({
    ...{ action: 'update', why: 'its sources disagree about plan: choose one with --prefer' },
    changes: [{ path: 'name', before: 'Name of the table', after: 'Edited Ltd' }],
    conflicts: [{ path: 'plan', values: values('LITE', 'ENTERPRISE'), taken: null }],
  });
  expect(await themeOf('edited')).toEqual(['Edited Ltd', 'ENTERPRISE', 'safari_gold']);
  expect(outcomesOf(await takeOver(gateway, { from }))).toEqual(['edited: refuse', 'edited-b: unchanged']);
  await takeOver(gateway, { from, prefer: 'registry' });
  expect(await themeOf('edited')).toEqual(['Edited Ltd', 'ENTERPRISE', 'safari_gold']);
  // It is decided, so nobody is asked again.
  for (const prefer of [undefined, 'table'] as const)
    expect(outcomesOf(await takeOver(gateway, { from, prefer }))).toEqual([
      'edited: unchanged',
      'edited-b: unchanged',
    ]);
  await query(`UPDATE tenants SET plan = 'pro' WHERE id = 'edited'`);
  expect(outcomesOf(await takeOver(gateway, { from }))).toEqual(['edited: update', 'edited-b: unchanged']);
  expect(await themeOf('edited')).toEqual(['Edited Ltd', 'PRO', 'safari_gold']);
});

test('a status that changed in the table is taken over, unless it was changed in the registry as well', async () => {
  const { from, query } = await aTornPlatform('moved');
  await takeOver(gateway, { from });
  const statuses = async () =>
    (await gateway.psql(`SELECT status FROM tenants WHERE slug LIKE 'moved%' ORDER BY slug`)).map(
      ({ status }) => status,
    );
  await query(`UPDATE tenants SET status = 'suspended' WHERE id = 'moved';
    UPDATE tenants SET deleted_at = '2024-01-01' WHERE id = 'moved-b'`);
  expect(outcomesOf(await takeOver(gateway, { from }))).toEqual(['moved: update', 'moved-b: update']);
  expect(await statuses()).toEqual(['suspended', 'deleted']);
  await mutate(gateway, 'resumeTenant', { tenantId: 'moved' });
  expect(outcomesOf(await takeOver(gateway, { from }))).toEqual(['moved: unchanged', 'moved-b: unchanged']);
  await query(`UPDATE tenants SET status = 'deleted' WHERE id = 'moved'`);
  const { conflicts } = tenantOf(await takeOver(gateway, { from }), 'moved');
  expect(conflicts.map(({ path, taken }) => [path, taken])).toEqual([['status', null]]);
  expect(await statuses()).toEqual(['active', 'deleted']);
  await takeOver(gateway, { from, prefer: 'table' });
  expect(await statuses()).toEqual(['deleted', 'deleted']);
  const again = await takeOver(gateway, { from });
  expect(outcomesOf(again)).toEqual(['moved: unchanged', 'moved-b: unchanged']);
  expect(tenantOf(again, 'moved').differences).toEqual([]);
});

test('users who come, go and change on the platform are followed, and those of the registry are kept', async () => {
  const { from, query } = await aTornPlatform('peopled');
  await query(`INSERT INTO organization_users (tenant_id, auth_user_id, email, name, role) SELECT 'peopled', gen_random_uuid(), p || '@p.example', p, 'admin'
      FROM unnest(ARRAY['ann', 'ben', 'cid', 'dan']) AS p;
    INSERT INTO user_invitations (tenant_id, email, expires_at) SELECT 'peopled', p || '@p.example', now() + interval '5 days' FROM unnest(ARRAY['eva', 'fay']) AS p`);
  await takeOver(gateway, { from });
  const people = async () =>
    (
      await gateway.psql(
        `SELECT email, full_name, role, members.status FROM members JOIN tenants ON tenants.id = tenant_id WHERE slug = 'peopled' ORDER BY email`,
      )
    ).map((row) => Object.values(row).join(' ').replaceAll('@p.example', ''));
  expect(await people()).toEqual([
    ...['ann ann admin active', 'ben ben admin active', 'cid cid admin active', 'dan dan admin active'],
    ...['eva  member invited', 'fay  member invited'],
  ]);
  // The platform changes one, loses one and gets one; the registry removes one.
  await query(`UPDATE organization_users SET name = 'Ann B', role = 'member' WHERE name = 'ann';
    DELETE FROM organization_users WHERE name = 'ben'; DELETE FROM user_invitations WHERE email LIKE 'eva%';
    UPDATE user_invitations SET accepted_at = now() WHERE email LIKE 'fay%';
    INSERT INTO organization_users (tenant_id, auth_user_id, email, name) SELECT 'peopled', gen_random_uuid(), p || '@p.example', p FROM unnest(ARRAY['fay', 'gus']) AS p`);
  await gateway.psql(`UPDATE members SET status = 'removed', subject = NULL WHERE email = 'cid@p.example'`);
  const report = await takeOver(gateway, { from });
  expect(tenantOf(report, 'peopled')).toMatchObject({ action: 'update', conflicts: [], members: 5 });
  expect(await people()).toEqual([
    ...['ann Ann B member active', 'ben ben admin removed', 'cid cid admin removed', 'dan dan admin active'],
    ...['eva  member removed', 'fay fay member active', 'gus gus member active'],
  ]);
  const revision = await revisionOf(gateway);
  expect(tenantOf(await takeOver(gateway, { from }), 'peopled').action).toBe('unchanged');
  await query(`UPDATE organization_users SET role = 'member' WHERE name = 'cid'`);
  await gateway.psql(`UPDATE members SET role = 'member' WHERE email = 'dan@p.example'`);
  await query(
    `DELETE FROM organization_users WHERE name = 'dan'; DELETE FROM tenant_branding; DELETE FROM tenants WHERE id = 'peopled-b'`,
  );
  const last = await takeOver(gateway, { from });
  expect(tenantOf(last, 'peopled').conflicts).toEqual([]);
  expect((await people()).slice(2, 4)).toEqual(['cid cid member removed', 'dan dan member removed']);
  expect(await revisionOf(gateway)).not.toBe(revision);
  // A row of a tenant that is gone is named, and the tenant stays.
  expect(problemsOf(tenantOf(last, 'peopled'))).toContainEqual(
    expect.stringMatching(/^the row of peopled, row: is gone since the last import/),
  );
  expect(problemsOf(last)).toContainEqual(expect.stringMatching(/^the row of peopled-b, row: is gone/));
});

test('the Go services keep their ids, and their log becomes the history of the subscription, once', async () => {
  const id = uuid(1);
  await gateway.psqlIn(
    'finance',
    goTables([{ id, slug: 'goat', finance: 'finance_goat' }]) + legacySchema('finance_goat'),
  );
  const report = await takeOver(gateway, { keepsTables: true });
  expect(await gateway.psqlIn('finance', 'SELECT FROM tenant_registry')).toHaveLength(1);
  expect(entryFor(report, 'finance_goat').action).toBe('register');
  expect(tenantOf(report, 'goat')).toMatchObject({ tenantId: id, attempts: 2, action: 'create' });
  const log = () =>
    gateway.psql(
      `SELECT action, status, performed_by, error, created_at FROM tenant_module_log WHERE module = 'finance' ORDER BY created_at LIMIT 2`,
    );
  const history = [
    {
      ...{
        action: 'provision_module',
        status: 'failed',
        performed_by: 'before-registry:ops',
        error: 'disk full',
      },
      created_at: new Date('2024-05-01T10:00:00Z'),
    },
    {
      ...{
        action: 'provision_module',
        status: 'succeeded',
        performed_by: 'before-registry:ops',
        error: null,
      },
      created_at: new Date('2024-05-01T11:00:00Z'),
    },
  ];
  expect(await log()).toEqual(history);
  const revision = await revisionOf(gateway);
  expect(tenantOf(await takeOver(gateway), 'goat').action).toBe('unchanged');
  expect(await revisionOf(gateway)).toBe(revision);
  const [failed] = await gateway.psql<{ id: string }>(`SELECT id FROM operations WHERE status = 'failed'`);
  const { errors } = await gateway.ask(
    'mutation ($id: ID!) { retryOperation(input: { id: $id }) { revision } }',
    { id: failed?.id },
  );
  expect(errors[0]?.message).toContain('took place before the registry and is only history');
});

test('the provisioning service keeps its ids, its statuses and its databases', async () => {
  const slug = `shop-${randomUUID().slice(0, 8)}`;
  const database = `dbtools_tenant_${slug.replaceAll('-', '_')}`;
  await gateway.psqlIn('dbtools', `CREATE DATABASE ${database}`);
  onTestFinished(
    async () => void (await gateway.psqlIn('dbtools', `DROP DATABASE ${database} WITH (FORCE)`)),
  );
  await gateway.psqlIn(
    'dbtools',
    provisioningTable([
      { id: uuid(3), slug },
      { id: uuid(4), slug: 'shut', status: 'deleted' },
    ]),
  );
  const report = await takeOver(gateway, { modules: ['dbtools'] });
  expect(outcomesOf(report)).toEqual(expect.arrayContaining([`${slug}: create`, 'shut: create']));
  const created_at = new Date('2024-02-03T04:05:06Z');
  expect(
    await gateway.psql(
      'SELECT id, slug, status, created_at FROM tenants WHERE id IN ($1, $2) ORDER BY slug',
      [uuid(3), uuid(4)],
    ),
  ).toEqual([
    { id: uuid(3), slug, status: 'active', created_at },
    { id: uuid(4), slug: 'shut', status: 'deleted', created_at },
  ]);
  expect(
    await gateway.psql('SELECT database_name, status FROM module_subscriptions WHERE tenant_id = $1', [
      uuid(3),
    ]),
  ).toEqual([{ database_name: database, status: 'active' }]);
});

describe('another database', () => {
  test('is read as a role that may only read its tables; what it may not read is named, and follows later', async () => {
    const platform = await aDatabase();
    const { name, url } = await aUser();
    await platform.query(`${pythonTables} ${pythonRows} GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name};
      REVOKE SELECT ON user_invitations FROM ${name};
      ALTER TABLE organization_users ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON organization_users USING (now() < 'infinity')`);
    const from = new URL(platform.url);
    from.username = name;
    from.password = new URL(url).password;
    const partly = await takeOver(gateway, { from: from.href });
    expect(tenantOf(partly, 'africastay')).toMatchObject({ action: 'create', members: 0 });
    expect(partly.tables.flatMap(({ problem }) => problem ?? [])).toEqual([
      expect.stringContaining(
        'Table public.organization_users was not read: query would be affected by row-level security policy',
      ),
      expect.stringContaining('Table public.user_invitations was not read: permission denied'),
    ]);
    await platform.query(
      `GRANT SELECT ON user_invitations TO ${name}; ALTER TABLE organization_users DISABLE ROW LEVEL SECURITY`,
    );
    const report = await takeOver(gateway, { from: from.href });
    expect(outcomesOf(report)).toEqual(
      expect.arrayContaining([
        'africastay: update',
        'oldcamp: unchanged',
        'safarirun: unchanged',
        'tn_2f1a_9c0: unchanged',
      ]),
    );
    expect(tenantOf(report, 'africastay')).toMatchObject({ members: 4 });
    const own = report.tables.filter(({ database }) => platform.url.includes(database));
    expect(own.map(({ table, renamedTo, problem }) => [table, renamedTo, problem])).toEqual(
      ['tenants', 'organization_users', 'tenant_branding', 'tenant_settings', 'user_invitations'].map(
        (table) => [`public.${table}`, null, null],
      ),
    );
    await platform.query(`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${name}`);
  });

  test.each([
    ['an index with a function', `CREATE INDEX evil ON tenants (evil(name))`],
    ['a partial index with a function', `CREATE INDEX evil ON tenants (id) WHERE evil(name) = 'x'`],
    ['a rule', `CREATE RULE evil AS ON UPDATE TO tenants DO INSTEAD SELECT evil('x')`],
  ])('is not read where that could run its code: %s', async (_what, sql) => {
    const platform = await aDatabase();
    await platform.query(`${pythonTables} ${pythonRows}
      CREATE FUNCTION evil(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'x'; END $$; ${sql};
      CREATE OR REPLACE FUNCTION evil(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil code ran'; END $$`);
    await expect(takeOver(gateway, { from: platform.url })).rejects.toThrow(
      /Table public.tenants was not read, because that could run code of its owner/,
    );
  });

  test('of another shape is read by a map of its columns', async () => {
    const platform = await aDatabase();
    await platform.query(`CREATE SCHEMA crm;
      CREATE TABLE crm.customers (customer_no text, title text, tariff text, mail text);
      INSERT INTO crm.customers VALUES ('K-100', 'Kilo Ltd', 'PRO', 'kilo@kilo.example');
      CREATE TABLE crm.people (customer text, login text, address text);
      INSERT INTO crm.people VALUES ('K-100', 'sub-1', 'ann@kilo.example'), ('K-999', 'sub-2', 'bob@kilo.example')`);
    const columns = [
      {
        schema: 'crm',
        name: 'customers',
        role: 'tenants',
        columns: { id: 'customer_no', name: 'title', plan: 'tariff', primary_email: 'mail' },
      },
      {
        schema: 'crm',
        name: 'people',
        role: 'users',
        columns: { tenant: 'customer', email: 'address', subject: 'login' },
      },
    ] as const;
    const report = await takeOver(gateway, { from: platform.url, columns });
    expect(tenantOf(report, 'k-100')).toMatchObject({ action: 'create', externalIds: ['K-100'], members: 1 });
    expect(
      await gateway.psql(`SELECT slug, name, plan, primary_email FROM tenants WHERE slug = 'k-100'`),
    ).toEqual([{ slug: 'k-100', name: 'Kilo Ltd', plan: 'pro', primary_email: 'kilo@kilo.example' }]);
    expect(problemsOf(report).filter((one) => one.includes('K-999'))).toEqual([
      expect.stringContaining('tenant_id: names no known tenant ("K-999"), so the row was left out'),
    ]);
  });
});
