import { readFile } from 'node:fs/promises';
import { buildSchema, isInputObjectType } from 'graphql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { scopeList } from '../../src/auth/permissions.js';
import { readRow } from '../../src/database/statements/row.js';
import { statusByCode } from '../../src/errors.js';
import { describeTenantConfig } from '../../src/profile/config/tenant-config.js';
import { brandingFields, settingsFields } from '../../src/profile/profile-fields.js';
import { asRegistryError, translatedConstraints } from '../../src/registry/database-failure.js';
import { email, moduleName, text } from '../../src/registry/input.js';
import { moduleFields } from '../../src/registry/modules/module.js';
import { defaultValues, newTenantValues, tenantFields } from '../../src/registry/tenants/tenant-fields.js';
import { createRegistryDatabase, type TestDatabase } from '../setup/database.js';
import { refusalsOf } from '../sql/support/refusals.js';

/** Rules that the application and the registry's database both know, apart from names and statuses, compared one by one. */

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createRegistryDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    INSERT INTO tenants (id, slug, name) VALUES ('00000000-0000-4000-8000-000000000001', 'acme', 'Acme');
    INSERT INTO tenant_settings (tenant_id, company_name) SELECT id, name FROM tenants;
    INSERT INTO tenant_branding (tenant_id) SELECT id FROM tenants`);
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

async function commentOn(table: string, column: string): Promise<string> {
  const { rows } = await client.query<{ comment: string }>(
    `SELECT col_description(attrelid, attnum) AS comment FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2`,
    [table, column],
  );
  return rows[0]?.comment ?? '';
}

const words = (shape: string) => new Set(shape.match(/[a-z][a-z0-9_]*/g));

describe('errors of the database that a caller can run into', () => {
  test('are those of constraints and rules that the database has', async () => {
    const { rows } = await client.query<{ name: string }>(`
      SELECT conname AS name FROM pg_constraint WHERE connamespace = 'public'::regnamespace
      UNION SELECT relname FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace
      UNION SELECT raised[1] FROM pg_proc, regexp_matches(prosrc, 'CONSTRAINT = ''(\\w+)''', 'g') AS raised
        WHERE pronamespace = 'public'::regnamespace`);
    const known = new Set(rows.map(({ name }) => name));
    expect(translatedConstraints.length).toBeGreaterThan(4);
    expect(translatedConstraints.filter((name) => !known.has(name))).toEqual([]);
  });

  test.each([
    [`INSERT INTO tenants (slug, name) VALUES ('acme', 'x')`, 'CONFLICT', 'slug'],
    [`INSERT INTO tenants (id, slug, name) SELECT id, 'other', 'x' FROM tenants`, 'CONFLICT', 'id'],
    [`INSERT INTO modules SELECT * FROM modules`, 'CONFLICT', 'name'],
    [
      `UPDATE tenants SET tenant_config = '{"email": {"smtp": {"password": "hunter2"}}}'`,
      'SECRET_IN_CONFIG',
      undefined,
    ],
    [
      `INSERT INTO tenants (slug, name) VALUES ('other', 'x');
       INSERT INTO module_subscriptions (tenant_id, module, schema_name) SELECT id, 'finance', 'same_name' FROM tenants`,
      'CONFLICT',
      'schemaName',
    ],
  ])('are translated: %s', async (sql, code, field) => {
    await client.query('BEGIN');
    const failure = await client.query(sql).catch((error: unknown) => error);
    await client.query('ROLLBACK');
    const translated = asRegistryError(failure);
    expect(translated).toMatchObject({ code, fields: field === undefined ? [] : [{ field }] });
  });

  test('a procedure gives each code that it names an SQLSTATE, and each is a code of GraphQL', async () => {
    const { rows } = await client.query<{ code: string }>(
      `SELECT DISTINCT named[1] AS code FROM pg_proc, regexp_matches(prosrc, 'registry_refuse_call\\(''([A-Z_]+)''', 'g') AS named`,
    );
    expect(rows.length).toBeGreaterThan(7);
    for (const { code } of rows) {
      expect(Object.keys(statusByCode)).toContain(code);
      const call = client.query('SELECT registry_refuse_call($1, $2, $3)', [code, 'x', 'y']);
      await expect(call).rejects.toMatchObject({
        code: expect.stringMatching(/^(TR|22|23)/),
        message: `${code}: x`,
        hint: 'y',
      });
    }
  });
});

describe('the comments of the database', () => {
  test('list the scopes that there are', async () => {
    expect(await commentOn('api_keys', 'scopes')).toContain(`: ${scopeList}.`);
  });

  test('tell the shape of a configuration', async () => {
    const [, ...lines] = (await commentOn('tenants', 'tenant_config')).split('\n');
    const shape = lines
      .slice(0, -1)
      .map((line) => line.replace(/;.*?(?=$)|: keys of.*| or null|, each/g, ''));
    const outline = describeTenantConfig()
      .replace(/^Shape: /, '')
      .replace(/\. Every .*$/, '');
    expect(words(shape.join('\n'))).toEqual(words(outline));
    expect(words(outline).size).toBeGreaterThan(50);
  });
});

test('defaults of a new tenant are those that the API tells', async () => {
  const sdl = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8');
  const input = buildSchema(sdl).getType('RegisterTenantInput');
  const told = isInputObjectType(input) ? input.getFields() : {};
  const made = await client.query(
    `INSERT INTO tenants (slug, name) VALUES ('defaults', 'Defaults') RETURNING *`,
  );
  const tenant = readRow({ enums: new Set(['plan']) }, made.rows[0]);
  const { ownLimits, ...values } = newTenantValues();
  expect(tenant).toMatchObject({ ...values, ownLimits });
  for (const [field, value] of Object.entries(values))
    if (value !== null) expect(told[field]?.description).toMatch(new RegExp(`Default: ${value}\\.$`));
  const branding = await client.query('SELECT * FROM tenant_branding WHERE tenant_id = $1', [tenant.id]);
  expect(readRow({ enums: new Set() }, branding.rows[0])).toMatchObject(defaultValues(brandingFields));
});

describe('what the application lets in the database can hold', () => {
  const longest = (max: number) => ['x'.repeat(max), '😀'.repeat(max)];
  const addresses = ['a@b.example', 'A.B+c@sub.example.org', `${'x'.repeat(60)}@b.example`];
  const pages = ['https://a.example', `https://a.example/${'x'.repeat(1_900)}`];
  const colors = ['#000000', '#ABCDEF', '#abcdef'];
  const quotas = ['0', '2147483647'];
  const currencies = Intl.supportedValuesOf('currency');
  const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC', 'America/Argentina/ComodRivadavia'];

  const cases: [place: string, rule: z.ZodType, values: string[]][] = [
    ['tenants.name', text(200), longest(200)],
    ['tenants.short_name', tenantFields.shortName, longest(50)],
    ['tenants.currency', tenantFields.currency, currencies],
    ['tenants.timezone', tenantFields.timezone, zones],
    ['tenants.primary_email', tenantFields.primaryEmail, addresses],
    ['tenants.max_users', z.preprocess(Number, tenantFields.maxUsers), quotas],
    ['tenants.max_monthly_quotes', z.preprocess(Number, tenantFields.maxMonthlyQuotes), quotas],
    ['tenants.max_storage_gb', z.preprocess(Number, tenantFields.maxStorageGb), quotas],
    ['tenants.gcp_project_id', tenantFields.gcpProjectId, longest(100)],
    ['tenants.gcp_dataset', tenantFields.gcpDataset, longest(1024)],
    ['tenant_settings.company_name', settingsFields.companyName, longest(200)],
    ['tenant_settings.support_email', settingsFields.supportEmail, addresses],
    ['tenant_settings.email_from_email', settingsFields.emailFromEmail, addresses],
    ['tenant_settings.support_phone', settingsFields.supportPhone, ['+27 21 555 0100']],
    ['tenant_settings.website', settingsFields.website, pages],
    ['tenant_settings.currency', settingsFields.currency, currencies],
    ['tenant_settings.timezone', settingsFields.timezone, zones],
    ['tenant_branding.preset_theme', brandingFields.presetTheme, longest(100)],
    ['tenant_branding.logo_url', brandingFields.logoUrl, pages],
    ['tenant_branding.primary_color', brandingFields.primaryColor, colors],
    ['tenant_branding.secondary_color', brandingFields.secondaryColor, colors],
    ['tenant_branding.accent_color', brandingFields.accentColor, colors],
    ['modules.description', moduleFields.description, longest(500)],
  ];

  test.each(cases)('%s', async (place, rule, values) => {
    const [table = '', column = ''] = place.split('.');
    expect(values.filter((value) => !rule.safeParse(value).success)).toEqual([]);
    const type = table === 'tenants' && column.startsWith('max_') ? '::int' : '';
    const refusals = await refusalsOf(client, `UPDATE ${table} SET ${column} = $1${type}`, values);
    expect(values.filter((_, at) => refusals[at] !== null)).toEqual([]);
  });

  test.each([
    ['tenants.currency', tenantFields.currency, ['ZARR', 'zar', '']],
    ['tenants.primary_email', email, ['acme', '@b.example', 'a b@c.example', 'a@b@c.example']],
    ['tenant_branding.accent_color', brandingFields.accentColor, ['red', '#abc', '#12345g', '#1234567']],
    ['tenants.name', text(200), ['', ' ', 'x'.repeat(201), 'a\u0007b']],
  ] as [string, z.ZodType, string[]][])('and both refuse what is none in %s', async (place, rule, values) => {
    const [table = '', column = ''] = place.split('.');
    expect(values.filter((value) => rule.safeParse(value).success)).toEqual([]);
    const refusals = await refusalsOf(client, `UPDATE ${table} SET ${column} = $1`, values);
    expect(values.filter((_, at) => refusals[at] === null)).toEqual([]);
  });
});

describe('fields of a module', () => {
  const row = {
    name: 'm',
    database_ref: 'M_URL',
    database_name: 'm',
    schema_prefix: 'm_',
    migrations_folder: 'm',
  };
  const longer = [20, 21, 31, 32, 63, 64].map((length) => 'x'.repeat(length));
  const names = ['a', 'a1_', 'a-b', 'pgx', '', '1a', '_a', 'A', 'a b', 'a.b', 'a\n', 'é'];

  test.each([
    ['name', moduleName, [...names, ...longer]],
    ['schema_prefix', moduleFields.schemaPrefix, [...names, ...longer, 'pg_', 'pg_x']],
    ['migrations_folder', moduleFields.migrationsFolder, [...names, ...longer]],
  ] as const)(
    '%s: the table takes what registerModule takes, and nothing else',
    async (column, rule, given) => {
      const values = Object.entries(row).map(([name, value]) => (name === column ? '$1' : `'${value}'`));
      const statement = `INSERT INTO modules (${Object.keys(row).join()}) VALUES (${values.join()})`;
      const refusals = await refusalsOf(client, statement, given);
      const isGood = given.filter((one) => rule.safeParse(one).success);
      expect(given.filter((_, at) => refusals[at] === null)).toEqual(isGood);
    },
  );

  test('database_ref: the table takes every variable that registerModule takes', async () => {
    const given = ['A_URL', 'FINANCE_DB_URL', `${'X'.repeat(59)}_URL`];
    const statement = `INSERT INTO modules (name, database_ref, database_name, schema_prefix, migrations_folder) VALUES ('m', $1, 'm', 'm_', 'm')`;
    expect(given.filter((one) => !moduleFields.databaseRef.safeParse(one).success)).toEqual([]);
    expect(await refusalsOf(client, statement, given)).toEqual(given.map(() => null));
  });
});
