/** Secrets that callers put where they do not belong, and what the metrics show of refused credentials. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const secrets = [
  ['a key of SendGrid', 'SG.example-not-a-key.example-not-a-secret'],
  ['a key of the registry', `trk_${'a1B2'.repeat(10)}`],
  ['a database URL', 'postgres://app:hunter22@db.example:5432/app'],
  ['a password in prose', 'the password: hunter22'],
  ['a private key', '-----BEGIN PRIVATE KEY----- MIIE'],
  ['a header', 'Authorization: Bearer abcdefghijklmnop'],
] as const;

describe.each(secrets)('%s', (_, secret) => {
  test.each([
    ['registerTenant', 'name', () => ({ slug: 'leak' })],
    ['registerTenant', 'shortName', () => ({ name: 'Leak' })],
    ['registerTenant', 'gcpProjectId', () => ({ name: 'Leak' })],
    ['registerTenant', 'adminFullName', () => ({ name: 'Leak', adminEmail: 'a@b.example' })],
    ['registerTenant', 'settings.companyName', () => ({ name: 'Leak' })],
    ['registerTenant', 'settings.emailFromName', () => ({ name: 'Leak' })],
    ['registerTenant', 'branding.presetTheme', () => ({ name: 'Leak' })],
    ['provisionTenant', 'name', () => ({ slug: 'leak', adminEmail: 'a@b.example', modules: ['finance'] })],
    ['updateTenant', 'name', (tenantId: string) => ({ tenantId })],
    ['updateTenantSettings', 'companyName', (tenantId: string) => ({ tenantId })],
    ['suspendTenant', 'reason', (tenantId: string) => ({ tenantId })],
    ['inviteTenantMember', 'fullName', (tenantId: string) => ({ tenantId, email: 'a@b.example' })],
    ['createApiKey', 'name', () => ({ scopes: ['registry:read'] })],
    ['updateModule', 'description', () => ({ name: 'finance' })],
  ] as const)('is refused by %s in %s, and repeated nowhere', async (mutation, path, more) => {
    const { id } = await aTenant().at(gateway);
    const before = await gateway.psql('SELECT revision FROM registry_head');
    const value = path.split('.').reduceRight<unknown>((below, key) => ({ [key]: below }), secret) as object;
    const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
    const refused = await gateway.ask(
      `mutation ($input: ${type}!) { ${mutation}(input: $input) { __typename } }`,
      { input: { ...more(id), ...value } },
    );
    expect(refused.codes).toEqual(['VALIDATION_ERROR']);
    expect(refused.errors[0]?.extensions?.fields).toEqual([
      { field: path, message: expect.stringMatching(/^(looks like it holds|must have at most)/) },
    ]);
    expect(JSON.stringify(refused.errors)).not.toContain(secret);
    expect(await gateway.psql('SELECT revision FROM registry_head')).toEqual(before);
  });
});

test.each([
  'Acme Corp',
  't_ta740f327_0fc57d40',
  'Tenant 3f9a8b7c6d5e4f3a2b1c',
  'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  'Secret Garden Tours',
  'Token & Sons',
  'Pass Word Ltd',
])('an ordinary or generated name is accepted: %s', async (name) => {
  const slug = `ordinary-${name.length}`;
  const { codes } = await gateway.ask(
    'mutation ($input: RegisterTenantInput!) { registerTenant(input: $input) { __typename } }',
    { input: { name, slug } },
  );
  expect(codes).toEqual([]);
});

describe('refused credentials', () => {
  test('are counted by reason, with labels that no caller chooses', async () => {
    await using guarded = await openGateway({ authMode: 'required' });
    const failures = async () => {
      const text = await (await fetch(`${guarded.url}/metrics`)).text();
      const lines = text.matchAll(
        /^tenant_registry_authentication_failures_total\{reason="(\w+)"\} (\d+)$/gm,
      );
      return Object.fromEntries([...lines].map(([, reason, count]) => [reason, Number(count)]));
    };
    const none = { missing: 0, malformed: 0, unknown_key: 0, token_expired: 0, token_invalid: 0 };
    expect(await failures()).toEqual(none);
    const attempts: [path: string, headers: Record<string, string>][] = [
      ['/graphql', {}],
      ['/api/tenants', {}],
      ['/graphql', { authorization: 'Basic c2VzYW1l' }],
      ['/graphql', { authorization: 'Bearer' }],
      ['/graphql', { authorization: `Bearer trk_${'x'.repeat(43)}` }],
      ['/graphql', { authorization: 'Bearer made"up\\n' }],
      ['/api/tenants', { authorization: `Bearer trk_${'y'.repeat(43)}` }],
    ];
    for (const [path, headers] of attempts) {
      const response = await fetch(
        `${guarded.url}${path}${path === '/graphql' ? '?query={__typename}' : ''}`,
        { headers },
      );
      expect(response.status).toBe(401);
    }
    expect(await failures()).toEqual({ ...none, missing: 2, malformed: 2, unknown_key: 3 });
    const key = await guarded.createKey('registry:read');
    await guarded.ask('{ __typename }', {}, { key });
    expect(await failures()).toEqual({ ...none, missing: 2, malformed: 2, unknown_key: 3 });
  });
});
