import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { newTenantFields } from '../../src/profile/onboarding.js';
import { brandingFields, settingsFields } from '../../src/profile/profile-fields.js';
import { snakeName } from '../../src/rest/field-names.js';

import {
  brokenMigration,
  contacts,
  correctedMigration,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { uniqueName } from '../setup/database.js';
import type { TestGateway } from '../setup/gateway.js';
import { ask, type Failure, type TenantBody } from './support/rest-calls.js';

/** Every field of a new tenant, in each door, reaches its column; a second attempt leaves nothing of the first. */

let testbed: Awaited<ReturnType<typeof openGatewayWithModules>>;
let gateway: TestGateway;
let slug: string;
beforeAll(async () => {
  testbed = await openGatewayWithModules({ name: 'alpha', migrations: contacts });
  gateway = testbed.gateway;
});
afterAll(() => testbed?.close());
beforeEach(() => {
  slug = uniqueName('t');
});

interface Created extends TenantBody {
  invitation_token?: string;
}

const post = (body: object) =>
  ask<Created>(gateway, 'POST /api/tenants', { body: { name: 'Acme', slug, modules: ['alpha'], ...body } });

const refusedFields = async (body: object) => {
  const { status, body: answer } = await ask<Failure>(gateway, 'POST /api/tenants', {
    body: { name: 'Acme', slug, modules: ['alpha'], ...body },
  });
  return { status, code: answer.error.code, fields: answer.error.details?.map(({ field }) => field) };
};

/** A value for every field, other than its default. */
const whole = () => ({
  id: randomUUID(),
  name: 'Acme Corp',
  short_name: 'Acme',
  plan: 'pro',
  max_users: 17,
  max_monthly_quotes: 4_000,
  max_storage_gb: 12,
  timezone: 'Europe/Berlin',
  currency: 'EUR',
  primary_email: 'office@acme.example',
  gcp_project_id: 'acme-prod',
  gcp_dataset: 'acme_data',
  is_protected: true,
  internal_note: 'Pays late',
  external_ids: [`Old.${slug}`, `${slug}.old`],
  admin_email: 'ada@acme.example',
  admin_full_name: 'Ada Admin',
  settings: {
    company_name: 'Acme GmbH',
    support_email: 'help@acme.example',
    support_phone: '+27 21 555 0100',
    website: 'https://acme.example/',
    currency: 'USD',
    timezone: 'Africa/Nairobi',
    email_from_name: 'Acme Mail',
    email_from_email: 'mail@acme.example',
  },
  branding: {
    preset_theme: 'sunset',
    logo_url: 'https://acme.example/logo.png',
    primary_color: '#112233',
    secondary_color: '#445566',
    accent_color: '#778899',
  },
  config: { banking: { bank_name: 'First Bank' } },
});

async function stored(id: string) {
  const [row] = await gateway.psql<{ tenant: Row; settings: Row; branding: Row; members: Row[] }>(
    `SELECT to_jsonb(tenants) AS tenant, to_jsonb(tenant_settings) AS settings, to_jsonb(tenant_branding) AS branding,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('email', email, 'name', full_name)), '[]') FROM members
       WHERE members.tenant_id = tenants.id AND members.status <> 'removed') AS members
     FROM tenants JOIN tenant_settings ON tenant_settings.tenant_id = id JOIN tenant_branding ON tenant_branding.tenant_id = id
     WHERE id = $1`,
    [id],
  );
  if (!row) throw new Error(`no tenant ${id}`);
  return row;
}
type Row = Record<string, unknown>;

describe('POST /api/tenants', () => {
  test('has a value for every field in this test', () => {
    const { settings, branding, ...tenant } = whole();
    const names = (fields: object) => Object.keys(fields).map(snakeName).sort();
    expect(Object.keys({ ...tenant, slug, settings, branding }).sort()).toEqual(names(newTenantFields));
    expect(Object.keys(settings).sort()).toEqual(names(settingsFields));
    expect(Object.keys(branding).sort()).toEqual(names(brandingFields));
  });

  test('stores every field that registerTenant has, and answers with the invitation once', async () => {
    const body = whole();
    const { status, body: made } = await post(body);
    expect(status).toBe(201);
    expect(made).toMatchObject({ id: body.id, slug, status: 'active' });
    expect(made.invitation_token).toEqual(expect.stringMatching(/^\S{20,}$/));

    const { settings, branding, config, admin_email, admin_full_name, external_ids, ...columns } = body;
    expect(made).toMatchObject({ external_ids });
    const byExternalId = await ask<Created>(gateway, `GET /api/tenants/${external_ids[0]}`);
    expect(byExternalId.body).toMatchObject({ id: body.id, external_ids });
    const row = await stored(made.id);
    expect(row.tenant).toMatchObject({ ...columns, tenant_config: config });
    expect(row.settings).toMatchObject(settings);
    expect(row.branding).toMatchObject(branding);
    expect(row.members).toEqual([{ email: admin_email, name: admin_full_name }]);
    const { body: shown } = await ask<Created>(gateway, `GET /api/tenants/${slug}`);
    expect(shown).not.toHaveProperty('invitation_token');
  });

  test('shows no token to a repeated request, and none where nobody is invited', async () => {
    const request = { body: { name: 'Acme', slug, modules: ['alpha'], admin_email: 'a@acme.example' } };
    const headers = { 'idempotency-key': slug };
    const first = await ask<Created>(gateway, 'POST /api/tenants', { ...request, headers });
    const second = await ask<Created>(gateway, 'POST /api/tenants', { ...request, headers });
    expect(first.body.invitation_token).toEqual(expect.any(String));
    expect([second.status, second.body]).toEqual([201, { ...first.body, invitation_token: undefined }]);
    slug = uniqueName('t');
    expect((await post({})).body).not.toHaveProperty('invitation_token');
  });

  test('takes the plan in upper case, too', async () => {
    const { body } = await post({ plan: 'ENTERPRISE' });
    expect((await stored(body.id)).tenant.plan).toBe('enterprise');
  });

  test('after a failure starts anew with what the new request says, and nothing of the failed one is left', async () => {
    await testbed.write('alpha/0003_next.sql', brokenMigration);
    onTestFinished(() => testbed.remove('alpha/0003_next.sql'));
    const { id, ...first } = whole();
    const config = { email: { primary: 'wrong@acme.example' }, banking: { bank_name: 'Wrong Bank' } };
    const failed = await ask<Failure>(gateway, 'POST /api/tenants', {
      body: { ...first, primary_email: undefined, slug, modules: ['alpha'], config },
    });
    expect([failed.status, failed.body.error.code]).toEqual([503, 'TENANT_NOT_READY']);

    await testbed.write('alpha/0003_next.sql', correctedMigration);
    expect(await refusedFields({ id })).toEqual({ status: 409, code: 'CONFLICT', fields: ['id'] });
    const { status, body } = await post({
      name: 'Acme Two',
      currency: 'EUR',
      admin_email: 'eve@acme.example',
    });
    expect(status).toBe(201);
    expect(body.invitation_token).toEqual(expect.any(String));
    const row = await stored(body.id);
    expect(row.tenant).toMatchObject({
      ...{ name: 'Acme Two', short_name: null, plan: 'lite', max_users: 5, max_monthly_quotes: 100 },
      ...{ max_storage_gb: 1, timezone: 'Africa/Johannesburg', currency: 'EUR' },
      ...{ primary_email: 'eve@acme.example', gcp_project_id: null, gcp_dataset: null, tenant_config: {} },
      ...{ is_protected: false, internal_note: null },
    });
    expect(row.settings).toMatchObject({
      ...{ company_name: 'Acme Two', support_email: 'eve@acme.example', support_phone: null, website: null },
      ...{ currency: 'EUR', timezone: 'Africa/Johannesburg', email_from_name: null, email_from_email: null },
    });
    expect(row.branding).toMatchObject({
      ...{ preset_theme: 'professional_blue', logo_url: null, primary_color: null },
      ...{ secondary_color: null, accent_color: null },
    });
    expect(row.members).toEqual([{ email: 'eve@acme.example', name: null }]);
  });

  test('after a failure takes a configuration again whose columns are given as well', async () => {
    await testbed.write('alpha/0003_next.sql', brokenMigration);
    onTestFinished(() => testbed.remove('alpha/0003_next.sql'));
    const body = { primary_email: 'one@acme.example', config: { email: { primary: 'one@acme.example' } } };
    await ask(gateway, 'POST /api/tenants', { body: { name: 'A', slug, modules: ['alpha'], ...body } });
    await testbed.write('alpha/0003_next.sql', correctedMigration);
    const { body: made } = await post({ primary_email: 'one@acme.example' });
    expect((await stored(made.id)).tenant).toMatchObject({
      primary_email: 'one@acme.example',
      tenant_config: {},
    });
  });

  test.each<[string, object, string[]]>([
    ['a number as a text', { max_users: '5' }, ['max_users']],
    ['a quota below zero', { max_monthly_quotes: -1 }, ['max_monthly_quotes']],
    ['a plan that is none', { plan: 'gold' }, ['plan']],
    ['null where a value is needed', { plan: null, timezone: null }, ['plan', 'timezone']],
    [
      'a zone and a currency that are none',
      { timezone: 'Mars/Base', currency: 'XXXX' },
      ['timezone', 'currency'],
    ],
    ['an id that is none', { id: '7' }, ['id']],
    ['a name in camel case', { shortName: 'A' }, ['shortName']],
    ['settings that are no object', { settings: [] }, ['settings']],
    ['an unknown setting', { settings: { companyName: 'A' } }, ['settings.companyName']],
    [
      'a wrong setting',
      { settings: { email_from_email: 'x', website: 'ftp://a' } },
      ['settings.website', 'settings.email_from_email'],
    ],
    ['a private website', { settings: { website: 'http://localhost/' } }, ['settings.website']],
    ['a private logo', { branding: { logo_url: 'http://10.0.0.1/' } }, ['branding.logo_url']],
    ['a wrong colour', { branding: { primary_color: 'red' } }, ['branding.primary_color']],
    ['a reference in a column', { gcp_project_id: `\${SECRET}` }, ['gcp_project_id']],
    ['a configuration that is no object', { config: 7 }, ['config']],
    [
      'an unknown key of the configuration',
      { config: { email: { Primary: 'a@b.example' } } },
      ['config.email.Primary'],
    ],
    [
      'a wrong colour in the configuration',
      { config: { branding: { primary_color: 'red' } } },
      ['config.branding.primary_color'],
    ],
  ])('refuses %s and names the fields as the body does', async (_what, body, fields) => {
    const refused = await refusedFields(body);
    expect({ ...refused, fields: refused.fields?.toSorted() }).toEqual({
      ...{ status: 400, code: 'VALIDATION_ERROR', fields: fields.toSorted() },
    });
    expect(await gateway.psql('SELECT FROM tenants WHERE slug = $1', [slug])).toEqual([]);
  });

  test('refuses a secret in the configuration with its path and does not repeat it', async () => {
    const secret = 'SG.abcdefghijklmnop.qrstuvwxyz0123456789ABCDEFGHIJKLMNOP';
    const config = { email: { sendgrid: { api_key: secret } } };
    const { status, body } = await ask<Failure>(gateway, 'POST /api/tenants', {
      body: { name: 'Acme', slug, config },
    });
    expect([status, body.error.code]).toEqual([400, 'SECRET_IN_CONFIG']);
    expect(body.error.details?.map(({ field }) => field)).toEqual(['config.email.sendgrid.api_key']);
    expect(JSON.stringify(body)).not.toContain(secret);
  });

  test('refuses the id of another tenant', async () => {
    const { body } = await post({});
    slug = uniqueName('t');
    expect(await refusedFields({ id: body.id })).toEqual({ status: 409, code: 'CONFLICT', fields: ['id'] });
  });
});

test('provisionTenant stores every field, too', async () => {
  const { id, settings, branding, plan, ...rest } = whole();
  const camel = (fields: object) =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
        value,
      ]),
    );
  const input = {
    ...{ ...camel(rest), id, slug, plan: plan.toUpperCase(), modules: ['alpha'] },
    ...{ settings: camel(settings), branding: camel(branding) },
  };
  const { errors } = await gateway.ask(
    'mutation ($input: ProvisionTenantInput!) { provisionTenant(input: $input) { revision } }',
    { input },
  );
  expect(errors).toEqual([]);
  const row = await stored(id);
  const { config, admin_email: _, admin_full_name: __, external_ids: ___, ...columns } = rest;
  expect(row.tenant).toMatchObject({ ...columns, plan, tenant_config: config });
  expect(row.settings).toMatchObject(settings);
  expect(row.branding).toMatchObject(branding);
});
