import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
beforeAll(async () => {
  identities = await openIdentityProvider();
  gateway = await openGateway({ authMode: 'required', config: { identityProvider: identities.provider } });
  await gateway.psql(`
    INSERT INTO tenants (id, slug, name)
      SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'tenant-' || n, 'Tenant ' || n
      FROM generate_series(1, 6) AS n;
    INSERT INTO members (tenant_id, email, subject, status, role)
      SELECT id, 'ada@example.com', 'ada', 'active', CASE slug WHEN 'tenant-1' THEN 'admin' ELSE 'member' END::member_role
      FROM tenants WHERE slug <= 'tenant-3';
    INSERT INTO members (tenant_id, email, subject, status) SELECT id, 'bob@example.com', 'bob', 'active' FROM tenants
      WHERE slug = 'tenant-5';
    INSERT INTO members (tenant_id, email, status, role) SELECT id, 'ada@example.com', 'removed', 'admin' FROM tenants
      WHERE slug = 'tenant-4'`);
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});

const everything = `{ viewer { actor scopes expiresAt may memberships { role may tenant { slug } } } }`;

describe('viewer', () => {
  test('is the API key with its scopes and their actions', async () => {
    const key = await gateway.createKey('keys:manage', 'resolve:finance', 'audit:read');
    const { data, errors } = await gateway.ask(everything, {}, { key });
    expect(errors).toEqual([]);
    const [row] = await gateway.psql<{ id: string; expires_at: Date }>(
      'SELECT id, expires_at FROM api_keys WHERE secret_hash = sha256($1)',
      [Buffer.from(key)],
    );
    expect(data.viewer).toEqual({
      actor: `api-key:${row?.id}`,
      scopes: ['audit:read', 'keys:manage', 'resolve:finance'],
      expiresAt: row?.expires_at.toISOString(),
      may: ['readAuditLog', 'createApiKey', 'listApiKeys', 'rotateApiKey', 'revokeApiKey'],
      memberships: [],
    });
  });

  test('is the subject of a token with its own tenants, their roles and what these allow', async () => {
    const key = await identities.sign({ sub: 'ada', scope: 'schema:read openid' });
    const { data, errors } = await gateway.ask(everything, {}, { key });
    expect(errors).toEqual([]);
    const { memberships, ...viewer } = data.viewer;
    expect(viewer).toMatchObject({ actor: 'subject:ada', scopes: ['schema:read'], may: ['readSchema'] });
    const ofAdmin = [
      'readTenant',
      ...['updateTenantSettings', 'updateTenantBranding', 'inviteTenantMember', 'updateTenantMember'],
      ...['removeTenantMember', 'revokeInvitation'],
    ];
    expect(memberships).toEqual([
      { role: 'ADMIN', may: ofAdmin, tenant: { slug: 'tenant-1' } },
      { role: 'MEMBER', may: ['readTenant'], tenant: { slug: 'tenant-2' } },
      { role: 'MEMBER', may: ['readTenant'], tenant: { slug: 'tenant-3' } },
    ]);
  });

  test('lists memberships in pages', async () => {
    const key = await identities.sign({ sub: 'ada' });
    const page = `query ($after: ID) { viewer { memberships(first: 2, after: $after) { tenant { id } } } }`;
    const ids = async (after: string | null) =>
      (await gateway.ask(page, { after }, { key })).data.viewer.memberships.map(
        ({ tenant }: { tenant: { id: string } }) => tenant.id,
      );
    expect(await ids(null)).toEqual([idOf(1), idOf(2)]);
    expect(await ids(idOf(2))).toEqual([idOf(3)]);
    expect(await ids(idOf(3))).toEqual([]);
  });

  test.each(['first: 101', 'first: -1', 'after: "tenant-1"'])('refuses memberships(%s)', async (argument) => {
    const key = await identities.sign({ sub: 'ada' });
    const { codes } = await gateway.ask(`{ viewer { memberships(${argument}) { role } } }`, {}, { key });
    expect(codes).toEqual(['VALIDATION_ERROR']);
  });

  test('reads no row of the tables of tenants for an API key', async () => {
    const key = await gateway.createKey('resolve:finance');
    const statements = await recordStatements(() => gateway.ask(everything, {}, { key }));
    expect(statements.filter((statement) => !statement.includes('api_keys'))).toEqual([]);
  });
});

test('the local developer has every scope and may do everything', async () => {
  await using open = await openGateway({ sharing: gateway });
  const { data } = await open.ask('{ viewer { actor scopes expiresAt may } }');
  expect(data.viewer).toMatchObject({ actor: 'developer', expiresAt: null });
  expect(data.viewer.scopes).toContain('resolve:*');
  expect(data.viewer.may).toEqual(expect.arrayContaining(['purgeTenant', 'createApiKey', 'readRegistry']));
});
