import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { renewCopies } from '../../src/provisioning/copies/keep-copies.js';
import { deriveSlug } from '../../src/registry/slug.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate, resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import {
  oldColumns,
  openLegacyService,
  postgrestUpsert,
  tenantRow,
  upsertBranding,
  upsertSettings,
  upsertTenant,
} from './support/old-statements.js';
import { outcomeOf } from './support/procedure-calls.js';
import { grantRegistryRoles } from './support/registry-roles.js';

/** Statements of services of older platforms, as they are, with a role of their own and schema legacy in its search_path. */
let gateway: TestGateway;
let service: pg.Client;
let login: string;
beforeAll(async () => {
  gateway = await openGateway();
  await grantRegistryRoles(gateway.registry);
  ({ client: service, login } = await openLegacyService(gateway.registry, 'registry_service'));
  await gateway.psql(`GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA public TO ${login}`);
});
afterAll(async () => {
  await service?.end();
  if (login) await gateway.psql(`DROP OWNED BY ${login}`);
  await gateway?.close();
});

const run = async (sql: string, values: unknown[] = []) => (await service.query(sql, values)).rows;
const refusalOf = (sql: string, values: unknown[] = []) => outcomeOf(service.query(sql, values));
const newId = () => uniqueName('tn');
/** An id that is no slug. */
const newOldId = () => `Safari.${uniqueName('Run')}`;

/** As another service sees the tenant, by the id that the old services have; a poll, as NOTIFY brings it. */
async function tenantOf(id: string) {
  await gateway.app.gateway?.freshness.follower.poll();
  const { data } = await gateway.ask(
    `query ($id: ID!) { tenant(id: $id) { id slug name shortName status plan maxUsers timezone currency primaryEmail gcpProjectId gcpDataset
       config configSource suspendedReason version externalIds
       settings { companyName supportEmail supportPhone website currency timezone emailFromName emailFromEmail version }
       branding { presetTheme logoUrl primaryColor secondaryColor accentColor version }
       members(first: 10) { edges { node { email fullName role status } } } } }`,
    { id },
  );
  return data.tenant;
}

const revision = async () => (await gateway.psql('SELECT revision FROM registry_head'))[0]?.revision;

/** The entries of the log since a revision: kind and actor. */
async function logSince(since: unknown) {
  const rows = await gateway.psql(
    'SELECT kind, actor, database_role FROM registry_change WHERE revision > $1 ORDER BY revision, position',
    [since],
  );
  for (const { actor, database_role } of rows)
    expect({ actor, database_role }).toEqual({ actor: `role:${login}`, database_role: login });
  return rows.map(({ kind }) => kind);
}

describe('the upsert of a tenant', () => {
  test.each([
    ['a slug', newId],
    ['no slug', newOldId],
  ])('registers and changes a tenant whose id is %s, which resolves by it', async (_what, makeId) => {
    const id = makeId();
    const before = await revision();
    const [made] = await run(
      upsertTenant,
      tenantRow(id, { config: { loyalty: 1, email: { primary: `a@b.example` } } }),
    );
    expect(made).toMatchObject({ id, status: 'active', plan: 'pro', max_users: 40 });
    const isSlug = made.slug === id;
    expect(await logSince(before)).toEqual(
      [
        'tenant.registered',
        isSlug ? [] : 'external_id.created',
        'settings.created',
        'branding.created',
      ].flat(),
    );
    expect(await tenantOf(id)).toMatchObject({
      ...{
        id: made.tenant_uuid,
        slug: made.slug,
        name: `Name of ${id}`,
        shortName: 'Short',
        status: 'ACTIVE',
      },
      ...{
        plan: 'PRO',
        maxUsers: 40,
        timezone: 'Africa/Nairobi',
        currency: 'KES',
        gcpProjectId: 'analytics',
      },
      ...{ gcpDataset: 'quotes', configSource: 'DATABASE', version: 1, externalIds: isSlug ? [] : [id] },
      config: { loyalty: 1, email: { primary: 'a@b.example' } },
      settings: { companyName: `Name of ${id}`, currency: 'KES' },
    });

    const between = await revision();
    await run(upsertTenant, tenantRow(id, { name: 'Renamed', plan: 'enterprise' }));
    expect(await logSince(between)).toEqual(['tenant.updated']);
    expect(await tenantOf(id)).toMatchObject({ name: 'Renamed', plan: 'ENTERPRISE', version: 2 });

    const after = await revision();
    await run(upsertTenant, tenantRow(id, { name: 'Renamed', plan: 'enterprise' }));
    expect(await revision()).toBe(after);
    expect((await tenantOf(id)).version).toBe(2);
  });

  test('finds the tenant by whatever name it has, and leaves its id alone', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const [first, second] = [newOldId(), newOldId()];
    for (const externalId of [first, second])
      await gateway.psql('CALL add_tenant_external_id($1, $2)', [id, externalId]);
    for (const name of [slug, first, second])
      expect((await run(upsertTenant, tenantRow(name)))[0]).toMatchObject({
        id: first,
        slug,
        tenant_uuid: id,
      });
    expect(await run('SELECT id FROM tenants WHERE slug = $1', [slug])).toEqual([{ id: first }]);
  });

  test('makes one tenant of many at once', async () => {
    const id = newOldId();
    const others = await Promise.all([1, 2, 3, 4].map(() => openLegacyService(gateway.registry)));
    try {
      const made = await Promise.all(others.map(({ client }) => client.query(upsertTenant, tenantRow(id))));
      expect(new Set(made.map(({ rows }) => rows[0].tenant_uuid)).size).toBe(1);
    } finally {
      for (const { client } of others) await client.end();
    }
  });

  test('resumes a suspended tenant as an UPDATE does, and DO NOTHING does not', async () => {
    const id = newId();
    await run(upsertTenant, tenantRow(id));
    await run(
      `UPDATE tenants SET status = 'suspended', suspended_reason = 'unpaid', updated_at = NOW() WHERE id = $1`,
      [id],
    );
    await run(`INSERT INTO tenants (id, name) VALUES ($1, 'x') ON CONFLICT (id) DO NOTHING`, [id]);
    await run(`INSERT INTO tenants (id, name) VALUES ($1, 'x') ON CONFLICT DO NOTHING`, [id]);
    expect(await tenantOf(id)).toMatchObject({
      status: 'SUSPENDED',
      suspendedReason: 'unpaid',
      name: `Name of ${id}`,
    });
    await run(upsertTenant, tenantRow(id));
    expect(await tenantOf(id)).toMatchObject({ status: 'ACTIVE', suspendedReason: null });
  });

  test('derives the slug as the import does, and another one where it is taken', async () => {
    const word = uniqueName('Tour').replaceAll('_', '.');
    const derived = deriveSlug(word);
    const ids = [word, word.toUpperCase(), `${word}~`];
    const slugs = [];
    for (const id of ids) slugs.push((await run(upsertTenant, tenantRow(id)))[0].slug);
    expect(slugs).toEqual([derived, `${derived.slice(0, 36)}-2`, `${derived.slice(0, 36)}-3`]);
    const digits = `4711.${word}`;
    expect((await run(upsertTenant, tenantRow(digits)))[0].slug).toBe(
      `tenant-${deriveSlug(`x${digits}`).slice(1)}`.slice(0, 40),
    );
  });
});

describe('the upsert of settings and branding', () => {
  test.each([newId, newOldId])('changes what every reader sees, once', async (makeId) => {
    const id = makeId();
    await run(upsertTenant, tenantRow(id));
    const settings = [
      ...[id, 'Company', 'help@a.example', '+27 21 555 0100', 'https://a.example', 'USD', 'Africa/Cairo'],
      ...['Quotes', 'quotes@a.example'],
    ];
    const branding = [id, 'safari_gold', 'https://a.example/logo.svg', '#C8102E', '#1F2A44', '#F2A900'];
    const before = await revision();
    for (let round = 0; round < 2; round++) {
      await run(upsertSettings, settings);
      await run(upsertBranding, branding);
    }
    expect(await logSince(before)).toEqual(['settings.updated', 'branding.updated']);
    expect(await tenantOf(id)).toMatchObject({
      settings: {
        ...{
          companyName: 'Company',
          supportEmail: 'help@a.example',
          supportPhone: '+27 21 555 0100',
          version: 2,
        },
        ...{
          website: 'https://a.example',
          currency: 'USD',
          timezone: 'Africa/Cairo',
          emailFromName: 'Quotes',
        },
        emailFromEmail: 'quotes@a.example',
      },
      branding: {
        ...{ presetTheme: 'safari_gold', logoUrl: 'https://a.example/logo.svg', primaryColor: '#C8102E' },
        ...{ secondaryColor: '#1F2A44', accentColor: '#F2A900', version: 2 },
      },
    });
  });

  test('goes on in the transaction that registers the tenant, also as INSERT', async () => {
    const id = newOldId();
    await service.query('BEGIN');
    await run(upsertTenant, tenantRow(id));
    await run(`INSERT INTO tenant_settings (tenant_id, company_name) VALUES ($1, 'Own')`, [id]);
    await run(`INSERT INTO tenant_branding (tenant_id, primary_color) VALUES ($1, '#C8102E')`, [id]);
    await service.query('COMMIT');
    expect(await tenantOf(id)).toMatchObject({
      settings: { companyName: 'Own' },
      branding: { primaryColor: '#C8102E' },
    });
  });

  test('a tenant whose id changes by its first external id keeps both rows', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const externalId = newOldId();
    const before = (await tenantOf(slug)).version;
    await gateway.psql('CALL add_tenant_external_id($1, $2)', [id, externalId]);
    await run(upsertBranding, [externalId, 'x', null, '#000000', null, null]);
    expect(await tenantOf(slug)).toMatchObject({
      version: before,
      branding: { presetTheme: 'x' },
      settings: { version: 1 },
    });
    await gateway.psql('UPDATE tenants SET legacy_id = slug WHERE id = $1', [id]);
    expect(await run('SELECT tenant_id FROM tenant_branding WHERE tenant_uuid = $1', [id])).toEqual([
      { tenant_id: slug },
    ]);
    await gateway.psql('UPDATE tenants SET legacy_id = $2 WHERE id = $1', [id, externalId]);
    await gateway.psql('CALL remove_tenant_external_id($1, $2)', [id, externalId]);
    expect(await run('SELECT tenant_id FROM tenant_settings WHERE tenant_uuid = $1', [id])).toEqual([
      { tenant_id: slug },
    ]);
    await gateway.psql('CALL add_tenant_external_id($1, $2)', [id, externalId]);
    expect(await run('SELECT id FROM tenants WHERE tenant_uuid = $1', [id])).toEqual([{ id: externalId }]);
  });
});

describe('what PostgREST sends', () => {
  const tenants = { id: 'text', name: 'text', status: 'public.tenant_status', tenant_config: 'jsonb' };

  test.each(['id', 'tenant_uuid'])('for an upsert of tenants with the target %s', async (target) => {
    const id = newOldId();
    const rows = (name: string) => [
      JSON.stringify([{ id, name, status: 'active', tenant_config: { a: 1 } }]),
    ];
    const sql = postgrestUpsert('tenants', tenants, target);
    const [first] = await run(sql, rows('One'));
    const [second] = await run(sql, rows('Two'));
    expect([first.body[0].name, second.body[0].name]).toEqual(['One', 'Two']);
    expect(second.body[0]).toMatchObject({ id, tenant_uuid: first.body[0].tenant_uuid });
    expect(await tenantOf(id)).toMatchObject({ name: 'Two', config: { a: 1 } });
  });

  test.each(['tenant_id', 'tenant_uuid'])('for an upsert of settings with the target %s', async (target) => {
    const id = newOldId();
    await run(upsertTenant, tenantRow(id));
    const sql = postgrestUpsert(
      'tenant_settings',
      { tenant_id: 'text', company_name: 'text', currency: 'varchar' },
      target,
    );
    // Keys that a row does not have are NULL.
    const [answer] = await run(sql, [JSON.stringify([{ tenant_id: id, company_name: 'By REST' }])]);
    expect(answer.body).toMatchObject([{ tenant_id: id, company_name: 'By REST', currency: 'KES' }]);
    expect((await tenantOf(id)).settings).toMatchObject({ companyName: 'By REST', currency: 'KES' });
  });

  test('for select with a filter', async () => {
    const id = newId();
    await run(upsertTenant, tenantRow(id));
    const [answer] = await run(
      `WITH pgrst_source AS (SELECT "legacy"."tenants".* FROM "legacy"."tenants" WHERE "legacy"."tenants"."id" = $1 AND "legacy"."tenants"."status" = 'active')
       SELECT coalesce(json_agg(_postgrest_t), '[]') AS body FROM (SELECT * FROM pgrst_source) _postgrest_t`,
      [id],
    );
    expect(answer.body).toMatchObject([{ id, status: 'active', plan: 'pro' }]);
  });
});

describe('reading', () => {
  test.each(Object.entries(oldColumns))('every old column of %s', async (view, columns) => {
    for (const column of columns)
      await run(`SELECT ${column} FROM ${view} WHERE ${columns[1]} IS NOT NULL ORDER BY ${column} LIMIT 1`);
    expect((await service.query(`SELECT * FROM ${view} LIMIT 0`)).fields.map(({ name }) => name)).toEqual(
      expect.arrayContaining(columns),
    );
  });

  test('statuses have their old names, purged tenants are no rows, and secrets are references', async () => {
    const id = newId();
    const reference = `\${${id.toUpperCase().replaceAll('-', '_')}_SMTP_PASSWORD}`;
    await run(upsertTenant, tenantRow(id, { config: { email: { smtp: { password: reference } } } }));
    expect(
      (await run('SELECT tenant_config FROM tenants WHERE id = $1', [id]))[0].tenant_config.email.smtp
        .password,
    ).toBe(reference);
    const statuses = [];
    for (const status of ['suspended', 'active', 'deleted', 'purged']) {
      await gateway.psql(`UPDATE public.tenants SET status = '${status}' WHERE slug = $1`, [id]);
      statuses.push(
        ...(await run('SELECT status FROM tenants WHERE id = $1', [id])).map((row) => row.status),
      );
    }
    expect(statuses).toEqual(['suspended', 'active', 'deleted']);
    expect(await run('SELECT FROM organization_users WHERE tenant_id = $1', [id])).toEqual([]);
  });

  test('an index finds a tenant by its old id', async () => {
    await service.query('SET enable_seqscan = off');
    const plan = await run(`EXPLAIN SELECT * FROM tenants WHERE id = 'x'`);
    await service.query('RESET enable_seqscan');
    expect(JSON.stringify(plan)).toContain('tenants_legacy_id_key');
  });

  test('the query of the Go middleware, and the procedures of the Go services', async () => {
    const slug = newId();
    const [{ tenant_id: id }] = await run('CALL register_tenant($1, $2)', [slug, 'Go']);
    const schema = `finance_${slug.replaceAll('-', '_')}`;
    await run('CALL subscribe_tenant_to_module($1, $2, $3)', [id, 'finance', schema]);
    await renewCopies(gateway.app.commandsFor(developer));
    await gateway.psqlIn('finance', 'CALL ensure_finance_tenant_schema($1, $2)', [id, schema]);
    await run(`CALL mark_module_provisioned($1, 'finance', 'success')`, [id]);
    expect(
      await run(
        `SELECT finance_schema FROM tenant_registry WHERE tenant_id = $1 AND 'finance' = ANY(modules_subscribed)`,
        [id],
      ),
    ).toEqual([{ finance_schema: schema }]);
    expect(await run('SELECT name FROM tenants WHERE id = $1', [slug])).toEqual([{ name: 'Go' }]);
  });
});

describe('a change of status', () => {
  test('by UPDATE, by deleted_at alone and by DELETE reaches the routes', async () => {
    const { slug } = await aTenant().subscribedTo('finance').at(gateway);
    const schema = `finance_${slug}`;
    const route = async () => {
      await gateway.app.gateway?.freshness.follower.poll();
      return resolve(gateway, slug);
    };
    expect(await route()).toBe(schema);
    const steps: [string, string][] = [
      [
        `UPDATE tenants SET status = 'suspended', suspended_at = NOW(), suspended_reason = 'unpaid' WHERE id = $1`,
        'TENANT_SUSPENDED',
      ],
      [
        `UPDATE tenants SET status = 'active', suspended_at = NULL, suspended_reason = NULL WHERE id = $1`,
        schema,
      ],
      ['UPDATE tenants SET deleted_at = NOW() WHERE id = $1', 'TENANT_DELETED'],
      ['UPDATE tenants SET deleted_at = NULL WHERE id = $1', schema],
      [`UPDATE tenants SET status = 'deleted', deleted_at = NOW() WHERE id = $1`, 'TENANT_DELETED'],
      [`UPDATE tenants SET status = 'active', deleted_at = NULL WHERE id = $1`, schema],
      ['DELETE FROM tenants WHERE id = $1', 'TENANT_DELETED'],
      ['DELETE FROM tenants WHERE id = $1', 'TENANT_DELETED'],
    ];
    for (const [sql, expected] of steps) {
      expect((await service.query(sql, [slug])).rowCount).toBe(1);
      expect([sql, await route()]).toEqual([sql, expected]);
    }
    expect(await run('SELECT status FROM tenants WHERE id = $1', [slug])).toEqual([{ status: 'deleted' }]);
  });

  test('of a protected tenant is refused', async () => {
    const { id, slug } = await aTenant().at(gateway);
    await gateway.psql('UPDATE public.tenants SET is_protected = true WHERE id = $1', [id]);
    for (const sql of [
      'DELETE FROM tenants WHERE id = $1',
      'UPDATE tenants SET deleted_at = NOW() WHERE id = $1',
    ])
      expect(await refusalOf(sql, [slug])).toMatch(`23514 Tenant ${slug} is protected`);
  });
});

describe('users', () => {
  const insert =
    'INSERT INTO organization_users (tenant_id, auth_user_id, email, name, role) VALUES ($1, $2, $3, $4, $5) RETURNING *';
  const members = async (id: string) =>
    (await tenantOf(id)).members.edges.map(
      ({ node }: { node: { email: string; role: string; status: string } }) =>
        `${node.email} ${node.role} ${node.status}`,
    );

  test('are members: bound by auth_user_id, otherwise invited, and removed by is_active and DELETE', async () => {
    const id = newOldId();
    await run(upsertTenant, tenantRow(id));
    const subject = '0198f000-0000-4000-8000-0000000000a1';
    const before = await revision();
    const [admin] = await run(insert, [id, subject, 'Thandi@A.example', 'Thandi', 'owner']);
    expect(admin).toMatchObject({
      tenant_id: id,
      auth_user_id: subject,
      email: 'thandi@a.example',
      role: 'admin',
      is_active: true,
    });
    await run(insert, [id, null, 'pieter@a.example', 'Pieter', 'consultant']);
    expect(await logSince(before)).toEqual(['member.created', 'member.created']);
    expect(await members(id)).toEqual(['pieter@a.example MEMBER INVITED', 'thandi@a.example ADMIN ACTIVE']);
    expect(
      await run(
        'SELECT tenant_id, role FROM organization_users WHERE auth_user_id = $1 AND is_active = true',
        [subject],
      ),
    ).toEqual([{ tenant_id: id, role: 'admin' }]);

    await run(
      `UPDATE organization_users SET auth_user_id = 'sub-2', name = 'P', role = 'admin' WHERE email = 'pieter@a.example' AND tenant_id = $1`,
      [id],
    );
    expect(await members(id)).toContain('pieter@a.example ADMIN ACTIVE');
    await run('UPDATE organization_users SET is_active = false WHERE id = $1', [admin.id]);
    await run(`DELETE FROM organization_users WHERE email = 'pieter@a.example' AND tenant_id = $1`, [id]);
    expect(
      await run('SELECT auth_user_id, is_active FROM organization_users WHERE tenant_id = $1', [id]),
    ).toEqual(Array(2).fill({ auth_user_id: null, is_active: false }));
    await run(insert, [id, subject, 'thandi@a.example', 'Thandi', 'admin']);
    expect(
      await run('SELECT id, is_active FROM organization_users WHERE auth_user_id = $1', [subject]),
    ).toEqual([{ id: admin.id, is_active: true }]);
  });

  test('an invitation ends with its member, and shows no token', async () => {
    const { id, slug } = await aTenant().at(gateway);
    await mutate(gateway, 'inviteTenantMember', { tenantId: id, email: 'new@a.example' });
    expect(
      await run('SELECT email, token, status FROM user_invitations WHERE tenant_id = $1', [slug]),
    ).toEqual([{ email: 'new@a.example', token: null, status: 'pending' }]);
    await run('UPDATE organization_users SET is_active = false WHERE tenant_id = $1', [slug]);
    expect(await run('SELECT FROM user_invitations WHERE tenant_id = $1', [slug])).toEqual([]);
  });

  test('count against the limit of the tenant', async () => {
    const id = newId();
    await run(upsertTenant, tenantRow(id));
    await run('UPDATE tenants SET max_users = 1 WHERE id = $1', [id]);
    await run(insert, [id, null, 'a@a.example', null, null]);
    expect(await refusalOf(insert, [id, null, 'b@a.example', null, null])).toBe(
      `TR010 QUOTA_EXCEEDED: Tenant ${id} has 1 of at most 1 users`,
    );
  });
});
