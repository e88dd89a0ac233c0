import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const everything = `tenant {
  id slug name shortName status plan maxUsers maxMonthlyQuotes maxStorageGb timezone currency primaryEmail
  gcpProjectId gcpDataset config configSource createdAt createdBy updatedAt suspendedAt suspendedReason deletedAt
  restorableUntil version modulesSubscribed operationsSchema financeSchema inventorySchema
  subscriptions { id } members { edges { node { email } } }
  settings { companyName supportEmail supportPhone website currency timezone emailFromName emailFromEmail }
  branding { presetTheme logoUrl primaryColor secondaryColor accentColor }
} revision`;

const register = (input: object, selection = 'tenant { id slug }') =>
  mutate(gateway, 'registerTenant', input, selection, { accept: graphqlResponse });

/** The only refused field of a registration. */
async function refusedField(input: object, code = 'VALIDATION_ERROR'): Promise<string> {
  const { codes, errors } = await register(input);
  expect(codes).toEqual([code]);
  return (errors[0]?.extensions.fields ?? []).map(({ field }) => field).join();
}

describe('a registered tenant', () => {
  test('has the defaults of the platform', async () => {
    const { result } = await register({ name: 'Acme Corp' }, everything);
    const { id, createdAt, updatedAt } = result.tenant;
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Date.now() - Date.parse(createdAt)).toBeLessThan(60_000);
    expect(result.tenant).toEqual({
      id,
      slug: 'acme-corp',
      name: 'Acme Corp',
      shortName: null,
      status: 'ACTIVE',
      plan: 'LITE',
      maxUsers: 5,
      maxMonthlyQuotes: 100,
      maxStorageGb: 1,
      timezone: 'Africa/Johannesburg',
      currency: 'ZAR',
      primaryEmail: null,
      gcpProjectId: null,
      gcpDataset: null,
      config: {},
      configSource: 'DATABASE',
      createdAt,
      createdBy: 'developer',
      updatedAt,
      suspendedAt: null,
      suspendedReason: null,
      deletedAt: null,
      restorableUntil: null,
      version: 1,
      modulesSubscribed: [],
      operationsSchema: null,
      financeSchema: null,
      inventorySchema: null,
      subscriptions: [],
      members: { edges: [] },
      settings: {
        companyName: 'Acme Corp',
        supportEmail: null,
        supportPhone: null,
        website: null,
        currency: 'ZAR',
        timezone: 'Africa/Johannesburg',
        emailFromName: null,
        emailFromEmail: null,
      },
      branding: {
        presetTheme: 'professional_blue',
        logoUrl: null,
        primaryColor: null,
        secondaryColor: null,
        accentColor: null,
      },
    });
  });

  test('has the given values, and its settings follow them', async () => {
    const given = {
      id: randomUUID(),
      slug: 'given-one',
      name: 'Given One',
      shortName: 'Given',
      plan: 'ENTERPRISE',
      maxUsers: 50,
      maxMonthlyQuotes: 0,
      maxStorageGb: 2_147_483_647,
      timezone: 'Europe/Berlin',
      currency: 'EUR',
      primaryEmail: 'office@given.example',
      gcpProjectId: 'given-project',
      gcpDataset: 'given_dataset',
    };
    const { result } = await register(given, everything);
    expect(result.tenant).toMatchObject({
      ...given,
      settings: {
        companyName: 'Given One',
        supportEmail: 'office@given.example',
        emailFromEmail: 'office@given.example',
        currency: 'EUR',
        timezone: 'Europe/Berlin',
      },
    });
  });

  test('names the key that registered it', async () => {
    const key = await gateway.createKey('registry:write');
    const { result } = await mutate(gateway, 'registerTenant', { name: 'By Key' }, 'tenant { createdBy }', {
      key,
    });
    const [row] = await gateway.psql(
      `SELECT 'api-key:' || id AS actor FROM api_keys ORDER BY created_at DESC LIMIT 1`,
    );
    expect(result.tenant.createdBy).toBe(row?.actor);
  });

  test('stores an id in lower case', async () => {
    const id = randomUUID();
    const { result } = await register({ id: id.toUpperCase(), name: 'Capital Id' });
    expect(result.tenant.id).toBe(id);
  });

  test.each([
    ['Café Müller & Co', 'cafe-muller-co'],
    ['  Spaces   around  ', 'spaces-around'],
    ["O'Neill's Bar", 'oneills-bar'],
    ['Ａｃｍｅ Wide', 'acme-wide'],
    ['x'.repeat(60), 'x'.repeat(40)],
    [`${'y'.repeat(39)} and more`, 'y'.repeat(39)],
    ['snake_case name', 'snake-case-name'],
  ])('%j gets the slug %j', async (name, slug) => {
    expect((await register({ name })).result.tenant.slug).toBe(slug);
  });
});

describe('a registration is refused with the name of the field', () => {
  test.each([
    'аcme', // Cyrillic а
    'αcme', // Greek α
    'ıstanbul', // dotless i
    'straße',
    'Ørsted',
    '株式会社',
    '٣٤٥', // Arabic digits
    '!!!',
    '🙂🙂',
    'a',
    '24 Hours',
    'deadbeef dead beef dead beefdeadbeef',
  ])('when no slug can be derived from the name %j', async (name) => {
    expect(await refusedField({ name })).toBe('slug');
  });

  test.each(
    [
      [
        '',
        'x',
        'x'.repeat(41),
        '1acme',
        '-acme',
        'acme-',
        'a--b',
        'a__b',
        'Acme',
        'acme corp',
        'pg_acme',
        'аcme',
      ],
      [
        'acme;drop',
        'a"b',
        'a\u0000b',
        'acme\n',
        'ａｃｍｅ',
        'deadbeefdeadbeefdeadbeefdeadbeef',
        randomUUID(),
      ],
    ].flat(),
  )('for the slug %j', async (slug) => {
    expect(await refusedField({ name: 'Whatever', slug })).toBe('slug');
  });

  test.each([
    ['id', 'not-a-uuid'],
    ['name', ''],
    ['name', '   '],
    ['name', 'x'.repeat(201)],
    ['name', 'Ac\u0000me'],
    ['name', 'Ac\u200bme'],
    ['name', 'Ac\nme'],
    ['name', 'Acme \u202egnp.exe'],
    ['shortName', 'x'.repeat(51)],
    ['shortName', 'a\u0000'],
    ['maxUsers', -1],
    ['maxMonthlyQuotes', -1],
    ['maxStorageGb', -1],
    ['timezone', 'Africa/Nowhere'],
    ['timezone', 'Africa/\u0000'],
    ['currency', 'zar'],
    ['currency', 'QQQ'],
    ['primaryEmail', 'nobody'],
    ['primaryEmail', 'a\u0000@b.example'],
    ['primaryEmail', `${'x'.repeat(250)}@b.example`],
    ['gcpProjectId', 'a\u0000'],
    ['gcpDataset', 'x'.repeat(1025)],
    ['idempotencyKey', 'a\u0000'],
    ['idempotencyKey', 'x'.repeat(201)],
  ])('for the %s %j', async (field, value) => {
    expect(await refusedField({ name: 'Whatever', slug: uniqueName('t'), [field]: value })).toBe(field);
  });

  test('with all invalid fields at once', async () => {
    const fields = await refusedField({ name: '', slug: 'No', currency: 'none', maxUsers: -5 });
    expect(fields.split(',').toSorted()).toEqual(['currency', 'maxUsers', 'name', 'slug']);
  });

  test('when the slug is taken, and names its tenant', async () => {
    const { id, slug } = await aTenant().at(gateway);
    expect(await refusedField({ name: 'Another', slug }, 'CONFLICT')).toBe('slug');
    const { status, errors } = await register({ name: 'Another', slug });
    expect(status).toBe(409);
    expect(errors[0]?.message).toContain(id);
  });

  test.each([
    ['active', 'registry:read', ' by tenant <id>: choose another slug'],
    [
      'deleted',
      'registry:read',
      ' by tenant <id>, which is deleted: restore it with restoreTenant (tenant restore <slug>), or choose another slug',
    ],
    ['purged', 'registry:read', ' by tenant <id>, which is purged, and stays taken: choose another slug'],
    // Without the scope registry:read a caller does not learn whose the slug is.
    ['active', 'resolve:*', ': choose another slug'],
    ['deleted', 'resolve:*', ': choose another slug'],
    ['purged', 'resolve:*', ': choose another slug'],
  ])('when the slug is that of a tenant that is %s, to a caller with %s', async (status, scope, message) => {
    const { id, slug } = await aTenant().at(gateway);
    for (const next of status === 'purged' ? ['deleted', 'purged'] : [status])
      await gateway.psql('UPDATE tenants SET status = $1::tenant_status WHERE id = $2', [next, id]);
    const key = await gateway.createKey('registry:write', 'provision', scope);
    const expected = `Slug "${slug}" is taken${message.replace('<id>', id).replace('<slug>', slug)}`;
    for (const [mutation, input] of [
      ['registerTenant', { name: 'Another', slug }],
      ['provisionTenant', { name: 'Another', slug, adminEmail: 'a@b.example', modules: ['finance'] }],
    ] as const) {
      const { errors } = await gateway.ask(
        `mutation ($input: ${mutation === 'registerTenant' ? 'RegisterTenantInput' : 'ProvisionTenantInput'}!) { ${mutation}(input: $input) { revision } }`,
        { input },
        { key },
      );
      expect(errors).toMatchObject([
        { message: expected, extensions: { code: 'CONFLICT', fields: [{ field: 'slug' }] } },
      ]);
    }
  });

  test('when the derived slug is taken', async () => {
    await register({ name: 'Twice Told' });
    expect(await refusedField({ name: 'Twice-told!' }, 'CONFLICT')).toBe('slug');
  });

  test('when the id is taken, and names its tenant', async () => {
    const { id, slug } = await aTenant().at(gateway);
    expect(await refusedField({ name: 'Another', id }, 'CONFLICT')).toBe('id');
    expect((await register({ name: 'Another', id: id.toUpperCase() })).errors[0]?.message).toContain(slug);
  });

  test('and leaves nothing behind', async () => {
    const count =
      'SELECT (SELECT count(*) FROM tenants) AS tenants, (SELECT revision FROM registry_head) AS head';
    const before = await gateway.psql(count);
    const { slug } = await aTenant().at(gateway);
    const after = await gateway.psql(count);
    expect(Number(after[0]?.tenants)).toBe(Number(before[0]?.tenants) + 1);
    await register({ name: 'Another', slug });
    await register({ name: '\u0000' });
    expect(await gateway.psql(count)).toEqual(after);
  });
});

describe('50 registrations of one slug at once', () => {
  test('one succeeds and 49 are refused with CONFLICT', async () => {
    const slug = uniqueName('t');
    const answers = await Promise.all(Array.from({ length: 50 }, () => register({ name: 'Race', slug })));
    expect(answers.filter(({ codes }) => codes.length === 0)).toHaveLength(1);
    const losers = answers.flatMap(({ errors }) => errors);
    expect(losers).toHaveLength(49);
    for (const { extensions } of losers)
      expect(extensions).toMatchObject({ code: 'CONFLICT', fields: [{ field: 'slug' }] });
  });
});

describe('slugSuggestion', () => {
  const suggest = (name: string) =>
    gateway.ask(`query ($name: String!) { slugSuggestion(name: $name) { slug isAvailable } }`, { name });

  test('is the slug that the registration gives, and says when it is taken', async () => {
    const name = `Café ${uniqueName('suggested')} & Co`;
    const { slugSuggestion } = (await suggest(name)).data;
    expect(slugSuggestion.isAvailable).toBe(true);
    const { result } = await register({ name });
    expect(result.tenant.slug).toBe(slugSuggestion.slug);
    expect((await suggest(name)).data.slugSuggestion).toEqual({ ...slugSuggestion, isAvailable: false });
    await mutate(gateway, 'deleteTenant', { tenantId: result.tenant.id });
    expect((await suggest(name)).data.slugSuggestion.isAvailable).toBe(false);
  });

  test.each(['', '!', 'Ж', 'x'.repeat(201)])('refuses %j', async (name) => {
    expect((await suggest(name)).codes).toEqual(['VALIDATION_ERROR']);
  });
});
