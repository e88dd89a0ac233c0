import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const reference = (name: string) => `\${${name}}`;
const smtp = (name: string) => ({
  email: { smtp: { host: 'mail.acme.example', password: reference(name) } },
});

const mutate = (name: string, input: object, fields = 'tenant { id config }') => {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  return gateway.ask(`mutation ($input: ${type}!) { ${name}(input: $input) { ${fields} } }`, { input });
};
const register = (slug: string, more: object = {}) => mutate('registerTenant', { name: slug, slug, ...more });
const configure = (tenantId: string, patch: object) => mutate('updateTenantConfig', { tenantId, patch });
const fieldsOf = (answer: { errors: readonly { extensions?: Record<string, unknown> }[] }) =>
  answer.errors[0]?.extensions?.fields;

describe('a reference to a variable of somebody else is refused, with its path and the way out, by', () => {
  const refusal = (field: string) => [
    { field, message: expect.stringMatching(/does not belong to this tenant: write \$\{[A-Z_]+_…\}/) },
  ];

  test('registerTenant, which registers nothing', async () => {
    const refused = await register('stowaway', { config: smtp('DATABASE_URL') });
    expect(refused.codes).toEqual(['VALIDATION_ERROR']);
    expect(fieldsOf(refused)).toEqual(refusal('email.smtp.password'));
    expect(await gateway.psql('SELECT FROM tenants WHERE slug = $1', ['stowaway'])).toEqual([]);
  });

  test('provisionTenant, which provisions nothing', async () => {
    const input = { name: 'Stowaway', adminEmail: 'a@b.example', modules: ['finance'] };
    const refused = await mutate('provisionTenant', { ...input, config: smtp('REDIS_URL') });
    expect(refused.codes).toEqual(['VALIDATION_ERROR']);
    expect(fieldsOf(refused)).toEqual(refusal('email.smtp.password'));
    expect(await gateway.psql('SELECT FROM tenants WHERE slug = $1', ['stowaway'])).toEqual([]);
  });

  test('updateTenantConfig, which changes nothing', async () => {
    await register('acme-one', { config: smtp('ACME_ONE_SMTP_PASSWORD') });
    const refused = await configure('acme-one', smtp('DATABASE_URL'));
    expect(refused.codes).toEqual(['VALIDATION_ERROR']);
    expect(fieldsOf(refused)).toEqual(refusal('email.smtp.password'));
    const [stored] = await gateway.psql('SELECT tenant_config FROM tenants WHERE slug = $1', ['acme-one']);
    expect(stored).toEqual({ tenant_config: smtp('ACME_ONE_SMTP_PASSWORD') });
  });

  test.each([
    ['gcpProjectId', 'updateTenant'],
    ['gcpDataset', 'updateTenant'],
    ['gcpProjectId', 'registerTenant'],
  ])('the column %s in %s, which the configuration repeats', async (field, mutation) => {
    if (mutation === 'updateTenant') await register(`column-${field.toLowerCase()}`);
    const input =
      mutation === 'updateTenant'
        ? { tenantId: `column-${field.toLowerCase()}` }
        : { name: 'Column', slug: 'column' };
    const refused = await mutate(mutation, { ...input, [field]: reference('DATABASE_URL') });
    expect(refused.codes).toEqual(['VALIDATION_ERROR']);
    expect(fieldsOf(refused)).toEqual([{ field, message: expect.stringContaining('reference') }]);
  });
});

describe('the variables of tenants whose slugs begin alike stay apart', () => {
  test('when the longer slug was there first', async () => {
    await register('north-trading');
    for (const slug of ['north', 'north_trading']) {
      const refused = await register(slug, { config: smtp('NORTH_TRADING_SMTP_PASSWORD') });
      expect(refused.codes).toEqual(['VALIDATION_ERROR']);
      expect(refused.errors[0]?.message).toContain('a variable of tenant north-trading: choose another name');
      expect((await register(slug)).codes).toEqual([]);
      const changed = await configure(slug, smtp('NORTH_TRADING_SMTP_PASSWORD'));
      expect(changed.codes).toEqual(['VALIDATION_ERROR']);
    }
    expect((await configure('north', smtp('NORTH_SMTP_PASSWORD'))).codes).toEqual([]);
    expect((await configure('north', smtp('NORTH_TRADE_PASSWORD'))).codes).toEqual([]);
  });

  test('when the shorter slug already refers to such a variable', async () => {
    const config = smtp('SOUTH_TRADING_SMTP_PASSWORD');
    expect((await register('south', { config })).codes).toEqual([]);
    for (const slug of ['south-trading', 'south_trading', 'south-trading-smtp']) {
      const refused = await register(slug);
      expect(refused.codes).toEqual(['CONFLICT']);
      expect(refused.errors[0]?.message).toContain('The configuration of tenant south refers to variables');
    }
    expect((await register('south-trade')).codes).toEqual([]);
    await configure('south', smtp('SOUTH_SMTP_PASSWORD'));
    expect((await register('south-trading')).codes).toEqual([]);
  });

  test('when both are written at the same moment', async () => {
    for (let round = 1; round <= 10; round++) {
      const slug = `race${round}`;
      await register(slug);
      const answers = await Promise.all([
        configure(slug, smtp(`RACE${round}_TRADING_SMTP_PASSWORD`)),
        register(`${slug}-trading`),
      ]);
      expect(answers.filter(({ codes }) => codes.length === 0)).toHaveLength(1);
    }
  });
});

test('the operator’s SECRET_NAMES are accepted for every tenant', async () => {
  const configRules = { secretNames: ['SUPABASE_URL'], allowsPrivateUrls: false };
  await using lenient = await openGateway({ config: { configRules } });
  const register = (config: object) =>
    lenient.ask(
      'mutation ($input: RegisterTenantInput!) { registerTenant(input: $input) { tenant { config } } }',
      {
        input: { name: 'Acme', config },
      },
    );
  const supabase = (name: string) => ({ infrastructure: { supabase: { url: reference(name) } } });
  expect((await register(supabase('SUPABASE_ANON_KEY'))).codes).toEqual(['VALIDATION_ERROR']);
  expect((await register(supabase('SUPABASE_URL'))).data.registerTenant.tenant.config).toEqual(
    supabase('SUPABASE_URL'),
  );
});

test('settings and branding name public hosts only', async () => {
  await register('public-only');
  for (const [mutation, field] of [
    ['updateTenantSettings', 'website'],
    ['updateTenantBranding', 'logoUrl'],
  ] as const) {
    const url = 'http://169.254.169.254/latest/meta-data';
    const refused = await mutate(mutation, { tenantId: 'public-only', [field]: url });
    expect(refused.codes).toEqual(['VALIDATION_ERROR']);
    expect(fieldsOf(refused)).toEqual([
      { field, message: expect.stringContaining('must name a public host') },
    ]);
    expect(
      (await mutate(mutation, { tenantId: 'public-only', [field]: 'https://acme.example/a' })).codes,
    ).toEqual([]);
  }
  const refused = await register('inside', {
    settings: { website: 'http://localhost' },
    branding: { logoUrl: 'http://10.1' },
  });
  expect(fieldsOf(refused)).toEqual(
    ['settings.website', 'branding.logoUrl'].map((field) => ({
      field,
      message: expect.stringContaining('public host'),
    })),
  );
});
