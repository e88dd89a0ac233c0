import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryOnce } from '../database/support/temporary-databases.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { openLegacyService, tenantRow, upsertTenant } from './support/old-statements.js';
import { outcomeOf } from './support/procedure-calls.js';
import { grantRegistryRoles } from './support/registry-roles.js';

/** Statements of services of older platforms that the registry refuses. */
let registry: TestDatabase;
let service: pg.Client;
const id = 'acme';
const other = 'Other.Tenant';
beforeAll(async () => {
  registry = await createRegistryDatabase();
  await grantRegistryRoles(registry);
  ({ client: service } = await openLegacyService(registry));
  for (const one of [id, other, 'gone']) await service.query(upsertTenant, tenantRow(one));
  await service.query(
    `INSERT INTO organization_users (tenant_id, email) VALUES ('gone', 'left@a.example'), ('gone', 'here@a.example')`,
  );
  await service.query(`UPDATE organization_users SET is_active = false WHERE email = 'left@a.example'`);
  await service.query(`UPDATE tenants SET status = 'deleted' WHERE id = 'gone'`);
  await service.query(`INSERT INTO organization_users (tenant_id, email) VALUES ('acme', 'there@a.example')`);
});
afterAll(async () => {
  await service?.end();
  await registry?.drop();
});

const revision = async () => (await queryOnce(registry.url, 'SELECT revision FROM registry_head'))[0];

const cases: [what: string, sql: string, refusal: string | RegExp][] = [
  [
    'an id with blanks',
    `INSERT INTO tenants (id, name) VALUES ('Bad Id', 'x')`,
    '22023 VALIDATION_ERROR: id "Bad Id": must be 1 to 100 letters',
  ],
  ['no id', `INSERT INTO tenants (name) VALUES ('x')`, /^23502 .*"slug"/],
  [
    'a UUID',
    `INSERT INTO tenants (id, name) VALUES ('0198f000-0000-4000-8000-0000000000a1', 'x')`,
    '22023 VALIDATION_ERROR: id "0198f',
  ],
  [
    'an id that is there, without ON CONFLICT',
    `INSERT INTO tenants (id, name) VALUES ('${id}', 'x')`,
    '23505 duplicate key',
  ],
  ['no name', `INSERT INTO tenants (id) VALUES ('nameless')`, '23502 null value in column "name"'],
  [
    'an unknown status',
    `UPDATE tenants SET status = 'trial' WHERE id = '${id}'`,
    '22P02 invalid input value for enum tenant_status: "trial"',
  ],
  [
    'the status purged',
    `UPDATE tenants SET status = 'purged' WHERE id = '${id}'`,
    '44000 new row violates check option for view "tenants"',
  ],
  [
    'an unknown plan',
    `UPDATE tenants SET plan = 'gold' WHERE id = '${id}'`,
    '22P02 invalid input value for enum plan: "gold"',
  ],
  [
    'a negative limit',
    `UPDATE tenants SET max_users = -1 WHERE id = '${id}'`,
    /^23514 .*tenants_quotas_not_negative/,
  ],
  [
    'a currency in words',
    `UPDATE tenants SET currency = 'rand' WHERE id = '${id}'`,
    /^23514 .*tenants_currency_form/,
  ],
  [
    'a secret in the clear',
    `UPDATE tenants SET tenant_config = '{"email": {"smtp": {"password": "Zx9#kQ2!vv81"}}}' WHERE id = '${id}'`,
    /^23514 The configuration of tenant .*: email.smtp.password looks like a secret$/,
  ],
  [
    'a configuration that is a list',
    `UPDATE tenants SET tenant_config = '[]' WHERE id = '${id}'`,
    /^23514 .*tenants_config_is_object/,
  ],
  [
    'another id',
    `UPDATE tenants SET id = 'another' WHERE id = '${id}'`,
    /^23514 The id of tenant .* never changes$/,
  ],
  [
    'the id of another tenant',
    `UPDATE tenants SET id = '${other}' WHERE id = '${id}'`,
    /^23514 The id of tenant .* never changes$/,
  ],
  [
    'another slug',
    `UPDATE tenants SET slug = 'another' WHERE id = '${id}'`,
    '42501 permission denied for view tenants',
  ],
  [
    'another UUID',
    `UPDATE tenants SET tenant_uuid = gen_random_uuid() WHERE id = '${id}'`,
    '42501 permission denied for view tenants',
  ],
  [
    'settings of nobody',
    `INSERT INTO tenant_settings (tenant_id, company_name) VALUES ('nobody', 'x')`,
    'TR006 TENANT_NOT_FOUND: No tenant has the id, slug or external id "nobody"',
  ],
  [
    'settings of another tenant',
    `UPDATE tenant_settings SET tenant_id = '${other}' WHERE tenant_id = '${id}'`,
    /^23514 The row of tenant .* stays with the tenant$/,
  ],
  [
    'settings that are deleted',
    `DELETE FROM tenant_settings WHERE tenant_id = '${id}'`,
    '42501 DELETE on tenant_settings is refused',
  ],
  [
    'branding that is deleted',
    `DELETE FROM tenant_branding WHERE tenant_id = '${id}'`,
    '42501 DELETE on tenant_branding is refused',
  ],
  [
    'a colour in words',
    `UPDATE tenant_branding SET color_primary = 'red' WHERE tenant_id = '${id}'`,
    /^23514 .*tenant_branding_color_form/,
  ],
  [
    'both spellings of a colour',
    `UPDATE tenant_branding SET color_primary = '#000000', primary_color = '#000000' WHERE tenant_id = '${id}'`,
    '42601 multiple assignments',
  ],
  [
    'an address without a domain',
    `UPDATE tenant_settings SET support_email = 'x' WHERE tenant_id = '${id}'`,
    /^23514 .*tenant_settings_email_form/,
  ],
  [
    'a user of nobody',
    `INSERT INTO organization_users (tenant_id, email) VALUES ('nobody', 'a@a.example')`,
    'TR006 TENANT_NOT_FOUND: No tenant has the id "nobody"',
  ],
  ...[
    `INSERT INTO organization_users (tenant_id, email) VALUES ('gone', 'new@a.example')`,
    `UPDATE organization_users SET is_active = true, auth_user_id = 'sub' WHERE email = 'left@a.example'`,
    `UPDATE organization_users SET role = 'admin' WHERE email = 'here@a.example'`,
  ].map((sql): (typeof cases)[number] => [
    `of a deleted tenant: ${sql}`,
    sql,
    /TENANT_DELETED: Tenant gone is deleted/,
  ]),
  [
    'a user who is there',
    `INSERT INTO organization_users (tenant_id, email) VALUES ('${id}', 'There@a.example')`,
    /^23505 CONFLICT: there@a.example is a member of tenant/,
  ],
  [
    'a user with another address',
    `UPDATE organization_users SET email = 'x@a.example' WHERE tenant_id = '${id}'`,
    /^23514 Id, tenant and e-mail address of member .* never change$/,
  ],
  [
    'a user who moves',
    `UPDATE organization_users SET tenant_id = '${other}' WHERE tenant_id = '${id}'`,
    /^23514 Id, tenant and e-mail address of member .* never change$/,
  ],
  [
    'an invitation',
    `INSERT INTO user_invitations (tenant_id, email, token) VALUES ('${id}', 'a@a.example', 't')`,
    '42501 INSERT on user_invitations is refused',
  ],
  ['TRUNCATE', 'TRUNCATE tenants', '42809 "tenants" is not a table'],
  ['the tables themselves', 'SELECT * FROM public.tenants', /^42501 permission denied/],
  [
    'a change of the tables themselves',
    `UPDATE public.tenants SET name = 'x'`,
    '42501 permission denied for table tenants',
  ],
];

test.each(cases)('%s is refused, and nothing changes', async (_what, sql, refusal) => {
  const before = await revision();
  const outcome = await outcomeOf(service.query(sql));
  if (typeof refusal === 'string') expect(outcome.startsWith(refusal) ? refusal : outcome).toBe(refusal);
  else expect(outcome).toMatch(refusal);
  expect(await revision()).toEqual(before);
});

test('a legacy id that is no name of the tenant is refused to administrators', async () => {
  const change = `UPDATE public.tenants SET legacy_id = 'x' WHERE slug = 'acme'`;
  expect(await outcomeOf(queryOnce(registry.url, change))).toBe(
    '23514 legacy_id "x" is no name of tenant acme',
  );
});
