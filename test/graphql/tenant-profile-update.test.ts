import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { variablePrefix } from '../../src/registry/values/secret-detector.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const profile = `tenant { version config primaryEmail
  settings { companyName supportEmail website emailFromEmail version } branding { primaryColor logoUrl version } } revision`;

const change = (name: string, input: object) =>
  gateway.ask(
    `mutation ($input: ${name[0]?.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { ${profile} } }`,
    { input },
  );

describe('updateTenantConfig', () => {
  test('merges a patch: omitted keys stay, null removes a key, a list replaces the whole list', async () => {
    const { slug } = await aTenant().at(gateway);
    const smtp = {
      host: 'mail.acme.example',
      port: 465,
      password: `\${${variablePrefix(slug)}SMTP_PASSWORD}`,
    };
    const destinations = [{ name: 'Zanzibar', code: 'ZNZ', enabled: true }];
    await change('updateTenantConfig', {
      tenantId: slug,
      patch: { email: { smtp, primary: 'a@b.example' }, destinations },
    });
    const { data } = await change('updateTenantConfig', {
      tenantId: slug,
      patch: { email: { smtp: { port: null } }, destinations: [], branding: { company_name: 'Acme' } },
    });
    expect(data.updateTenantConfig.tenant).toMatchObject({
      primaryEmail: 'a@b.example',
      config: {
        email: { primary: 'a@b.example', smtp: { host: smtp.host, password: smtp.password } },
        destinations: [],
        branding: { company_name: 'Acme' },
      },
    });
  });

  test('is visible to the next reader, and a refused change to none', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    const read = async () => {
      const { data } = await gateway.ask(
        `query ($id: ID!) { tenantSchema(id: $id, module: "finance") { config } tenant(id: $id) { config version } }`,
        { id: tenant.id },
      );
      expect(data.tenantSchema.config).toEqual(data.tenant.config);
      return data.tenant;
    };
    const { version } = await read();
    for (const theme of ['a', 'b', 'c']) {
      const patch = { branding: { theme_id: theme } };
      await change('updateTenantConfig', { tenantId: tenant.id, patch });
      expect((await read()).config).toEqual(patch);
    }
    const secret = 'SG.example-not-a-key.example-not-a-secret';
    const refused = await change('updateTenantConfig', {
      tenantId: tenant.id,
      patch: { infrastructure: { sendgrid: { api_key: secret } } },
    });
    expect(refused.codes).toEqual(['SECRET_IN_CONFIG']);
    expect(refused.errors[0]?.extensions?.fields).toEqual([
      { field: 'infrastructure.sendgrid.api_key', message: expect.stringMatching(/^looks like a secret/) },
    ]);
    expect(JSON.stringify(refused.errors)).not.toContain('SG.example');
    expect(await read()).toEqual({ config: { branding: { theme_id: 'c' } }, version: version + 3 });
    const everywhere = await gateway.psql<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM registry_change WHERE registry_change::text LIKE '%SG.example%') AS found`,
    );
    expect(everywhere).toEqual([{ found: false }]);
  });

  test('changes a version once when two callers have read it', async () => {
    const { slug } = await aTenant().at(gateway);
    const input = { tenantId: slug, expectedVersion: 1 };
    const first = await change('updateTenantConfig', { ...input, patch: { branding: { theme_id: 'a' } } });
    const second = await change('updateTenantConfig', { ...input, patch: { branding: { theme_id: 'b' } } });
    expect([first.codes, second.codes]).toEqual([[], ['VERSION_CONFLICT']]);
  });

  test.each([
    ['no object', 'a text', 'VALIDATION_ERROR'],
    ['a list', [1], 'VALIDATION_ERROR'],
    [
      'a thousand levels',
      JSON.parse(`{"extensions":${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}}`),
      'VALIDATION_ERROR',
    ],
    ['an unknown key', { brand: 1 }, 'VALIDATION_ERROR'],
  ])('refuses %s', async (_, patch, code) => {
    const { slug } = await aTenant().at(gateway);
    expect((await change('updateTenantConfig', { tenantId: slug, patch })).codes).toEqual([code]);
  });

  test('refuses a patch as deep as a request can contain', async () => {
    const { slug } = await aTenant().at(gateway);
    const levels = 150_000;
    const patch = `{"extensions":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`;
    const query =
      'mutation ($input: UpdateTenantConfigInput!) { updateTenantConfig(input: $input) { revision } }';
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":{"input":{"tenantId":"${slug}","patch":${patch}}}}`,
    });
    expect(await response.json()).toMatchObject({
      errors: [
        { message: 'patch: must be at most 50 levels deep', extensions: { code: 'VALIDATION_ERROR' } },
      ],
    });
  });

  test('refuses to change the configuration of a client.yaml or of a deleted tenant', async () => {
    const { id } = await aTenant().at(gateway);
    const patch = { branding: {} };
    await gateway.psql(`UPDATE tenants SET config_source = 'yaml' WHERE id = $1`, [id]);
    expect((await change('updateTenantConfig', { tenantId: id, patch })).codes).toEqual(['CONFLICT']);
    await mutate(gateway, 'deleteTenant', { tenantId: id });
    expect((await change('updateTenantConfig', { tenantId: id, patch })).codes).toEqual(['TENANT_DELETED']);
  });
});

describe('updateTenantSettings and updateTenantBranding', () => {
  test('change given fields, clear fields by null, and have their own versions', async () => {
    const { id, slug } = await aTenant().at(gateway);
    await change('updateTenantSettings', {
      tenantId: slug,
      supportEmail: 'help@acme.example',
      website: 'https://acme.example',
    });
    const settings = await change('updateTenantSettings', {
      tenantId: id,
      website: null,
      companyName: 'Acme',
      expectedVersion: 2,
    });
    expect(settings.data.updateTenantSettings.tenant.settings).toEqual({
      companyName: 'Acme',
      supportEmail: 'help@acme.example',
      website: null,
      emailFromEmail: 'help@acme.example',
      version: 3,
    });
    const branding = await change('updateTenantBranding', {
      tenantId: id,
      primaryColor: '#C8102E',
      expectedVersion: 1,
    });
    expect(branding.data.updateTenantBranding.tenant.branding).toEqual({
      primaryColor: '#C8102E',
      logoUrl: null,
      version: 2,
    });
    const late = await change('updateTenantBranding', {
      tenantId: id,
      primaryColor: '#000000',
      expectedVersion: 1,
    });
    expect(late.codes).toEqual(['VERSION_CONFLICT']);
    expect(late.errors[0]?.message).toBe(
      `The branding of tenant ${slug} is at version 2, not 1: read it again, then repeat the change`,
    );
  });

  test.each([
    ['updateTenantSettings', { supportEmail: 'nobody' }, 'supportEmail'],
    ['updateTenantSettings', { website: 'acme.example' }, 'website'],
    ['updateTenantSettings', { currency: 'NOTACURRENCY' }, 'currency'],
    ['updateTenantSettings', { supportPhone: 'call me' }, 'supportPhone'],
    ['updateTenantSettings', { companyName: ' ' }, 'companyName'],
    ['updateTenantBranding', { accentColor: 'red' }, 'accentColor'],
    ['updateTenantBranding', { logoUrl: 'javascript:alert(1)' }, 'logoUrl'],
  ])('%s refuses %j', async (name, fields, field) => {
    const { slug } = await aTenant().at(gateway);
    const { codes, errors } = await change(name, { tenantId: slug, ...fields });
    expect(codes).toEqual(['VALIDATION_ERROR']);
    expect(errors[0]?.extensions?.fields).toEqual([{ field, message: expect.any(String) }]);
  });
});
