import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ImportReport } from '../../../src/importing/databases/database-import.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { actions, legacySchema, revisionOf, takeOver } from '../support/legacy-story.js';
import { outcomesOf, problemsOf, pythonRows, pythonTables, tenantOf } from '../support/platform-story.js';

let gateway: TestGateway;
let planned: ImportReport;
let report: ImportReport;
/** Revisions before and after the dry run. */
let revisions: string[];
beforeAll(async () => {
  gateway = await openGateway();
  await gateway.psqlIn('operations', pythonTables + pythonRows + legacySchema('tenant_africastay'));
  const before = await revisionOf(gateway);
  planned = await takeOver(gateway, { isDryRun: true });
  revisions = [before, await revisionOf(gateway)];
  report = await takeOver(gateway);
});
afterAll(() => gateway.close());

async function profileOf(id: string) {
  const { data, errors } = await gateway.ask(
    `query ($id: ID!) { tenant(id: $id) { slug name shortName status plan maxUsers timezone currency primaryEmail createdAt createdBy
       suspendedAt suspendedReason deletedAt config
       settings { companyName supportEmail supportPhone website currency timezone emailFromName emailFromEmail }
       branding { presetTheme logoUrl primaryColor secondaryColor accentColor }
     } }`,
    { id },
  );
  expect(errors).toEqual([]);
  return data.tenant;
}

test('a tenant keeps everything that the platform knows about it, and its secrets become references', async () => {
  expect(actions(report)).toContain('tenant_africastay: register');
  const tenant = await profileOf('africastay');
  expect(tenant).toMatchObject({
    ...{
      name: 'AfricaStay',
      shortName: 'AS',
      status: 'ACTIVE',
      plan: 'PRO',
      maxUsers: 40,
      createdBy: 'thandi',
    },
    ...{ timezone: 'Africa/Johannesburg', currency: 'ZAR', primaryEmail: 'sales@africastay.example' },
    createdAt: '2023-02-01T08:00:00.000Z',
    settings: {
      ...{
        companyName: 'AfricaStay Travel',
        supportEmail: 'help@africastay.example',
        supportPhone: '+27 21 555 0100',
      },
      ...{ website: 'https://africastay.example', emailFromName: 'AfricaStay Quotes' },
      emailFromEmail: 'quotes@africastay.example',
    },
    branding: {
      ...{ presetTheme: 'safari_gold', logoUrl: 'https://cdn.africastay.example/logo.svg' },
      ...{ primaryColor: '#C8102E', secondaryColor: '#1F2A44', accentColor: '#F2A900' },
    },
    config: {
      email: { primary: 'sales@africastay.example', smtp: { password: `\${AFRICASTAY_SMTP_PASSWORD}` } },
      destinations: [{ name: 'Zanzibar', code: 'ZNZ', enabled: true }],
      extensions: { loyalty: { tier: 'gold' } },
    },
  });
  const entry = tenantOf(report, 'africastay');
  expect(entry.secrets).toEqual([
    {
      ...{
        path: 'email.smtp.password',
        reference: `\${AFRICASTAY_SMTP_PASSWORD}`,
        why: 'looks like a secret',
      },
      source: expect.stringMatching(/^tenants in /),
    },
  ]);
  expect(entry.unknownKeys).toEqual(['loyalty']);
  expect(JSON.stringify(report)).not.toContain('Zx9#kQ2');
  expect(JSON.stringify(await gateway.psql('SELECT * FROM registry_change'))).not.toContain('Zx9#kQ2');
});

test('users become members, bound at once where their subject is known, and open invitations get new tokens', async () => {
  const rows = await gateway.psql(
    `SELECT email, full_name, role, members.status, subject FROM members JOIN tenants ON tenants.id = tenant_id WHERE slug = 'africastay' ORDER BY email`,
  );
  const subject = (digit: number) => `0198f000-0000-4000-8000-0000000000a${digit}`;
  expect(rows).toEqual([
    {
      email: 'gone@africastay.example',
      full_name: 'Gone Person',
      role: 'member',
      status: 'removed',
      subject: null,
    },
    { email: 'new@africastay.example', full_name: null, role: 'admin', status: 'invited', subject: null },
    {
      email: 'pieter@africastay.example',
      full_name: 'Pieter van Wyk',
      role: 'member',
      status: 'invited',
      subject: null,
    },
    {
      email: 'thandi@africastay.example',
      full_name: 'Thandi Mokoena',
      role: 'admin',
      status: 'active',
      subject: subject(1),
    },
  ]);
  const entry = tenantOf(report, 'africastay');
  expect(entry.invitations.map(({ email }) => email).sort()).toEqual([
    'new@africastay.example',
    'pieter@africastay.example',
  ]);
  const token = entry.invitations.find(({ email }) => email.startsWith('new'))?.token;
  const { data } = await gateway.ask(
    `mutation ($token: String!) { acceptInvitation(input: { token: $token, subject: "sub-of-new" }) { member { status } } }`,
    { token },
  );
  expect(data.acceptInvitation.member.status).toBe('ACTIVE');
  expect(problemsOf(entry).filter((one) => one.includes('role'))).toEqual(
    Array(2).fill(expect.stringContaining('"consultant" became MEMBER')),
  );
});

test('text ids become slugs or external ids, and statuses keep their dates and reasons', async () => {
  expect(await profileOf('tn_2f1a_9c0')).toMatchObject({ slug: 'tn_2f1a_9c0', status: 'ACTIVE' });
  expect(
    await gateway.psql(
      'SELECT external_id, slug FROM tenant_external_ids JOIN tenants ON tenants.id = tenant_id',
    ),
  ).toEqual([{ external_id: 'SafariRun', slug: 'safarirun' }]);
  expect(await profileOf('safarirun')).toMatchObject({
    ...{ status: 'SUSPENDED', suspendedReason: 'Invoice unpaid', suspendedAt: '2024-03-01T08:00:00.000Z' },
    ...{ timezone: 'Africa/Nairobi', currency: 'KES' },
  });
  expect(await profileOf('oldcamp')).toMatchObject({
    status: 'DELETED',
    deletedAt: '2023-11-30T12:00:00.000Z',
  });
});

test('the views of schema legacy show what was moved under the old ids', async () => {
  const tenants = `SELECT id, name, status, plan, max_users FROM legacy.tenants ORDER BY lower(id)`;
  const row = (id: string, name: string, status = 'active', plan = 'lite', max_users = 5) => ({
    ...{ id, name, status, plan, max_users },
  });
  expect(await gateway.psql(tenants)).toEqual([
    row('africastay', 'AfricaStay', 'active', 'pro', 40),
    row('oldcamp', 'Old Camp', 'deleted'),
    row('SafariRun', 'Safari Run', 'suspended'),
    row('tn_2f1a_9c0', 'Test 2f1a'),
  ]);
  expect(
    await gateway.psql(`SELECT company_name, preset_theme, color_primary FROM legacy.tenant_settings AS settings
      JOIN legacy.tenant_branding AS branding USING (tenant_id) WHERE tenant_id = 'africastay'`),
  ).toEqual([{ company_name: 'AfricaStay Travel', preset_theme: 'safari_gold', color_primary: '#C8102E' }]);
  expect(
    await gateway.psql(
      `SELECT auth_user_id, role FROM legacy.organization_users WHERE tenant_id = 'africastay' AND email = 'thandi@africastay.example' AND is_active`,
    ),
  ).toEqual([{ auth_user_id: '0198f000-0000-4000-8000-0000000000a1', role: 'admin' }]);
});

test('a dry run names the same, shows no token and changes nothing; a second import changes nothing', async () => {
  expect(revisions[1]).toBe(revisions[0]);
  expect(planned.tenants.flatMap(({ invitations }) => invitations.map(({ token }) => token))).toEqual([
    null,
    null,
  ]);
  expect(outcomesOf(report)).toEqual(outcomesOf(planned));
  expect(outcomesOf(report)).toEqual([
    'africastay: create',
    'oldcamp: create',
    'safarirun: create',
    'tn_2f1a_9c0: create',
  ]);
  const revision = await revisionOf(gateway);
  const again = await takeOver(gateway);
  expect(outcomesOf(again)).toEqual(outcomesOf(report).map((one) => one.replace('create', 'unchanged')));
  expect(again.tenants.map(({ why }) => why)).toEqual([null, null, null, null]);
  expect(await revisionOf(gateway)).toBe(revision);
});
