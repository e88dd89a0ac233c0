import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
/** The other replica, on which tokens must have their roles as soon as a mutation at the first one has answered. */
let other: TestGateway;
let operator: string;
beforeAll(async () => {
  identities = await openIdentityProvider();
  const config = { identityProvider: identities.provider };
  gateway = await openGateway({ authMode: 'required', config });
  other = await openGateway({ authMode: 'required', config, sharing: gateway });
  operator = await gateway.createKey('registry:write', 'registry:read');
});
afterAll(async () => {
  await other?.close();
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});

type Role = 'ADMIN' | 'MEMBER';
const selection = 'member { id role status version }';
const invite = (tenantId: string, fields: object, key = operator) =>
  mutate(gateway, 'inviteTenantMember', { tenantId, ...fields }, `${selection} invitationToken`, { key });
const change = (tenantId: string, memberId: string, fields: object, key = operator) =>
  mutate(gateway, 'updateTenantMember', { tenantId, memberId, ...fields }, selection, { key });
const remove = (tenantId: string, memberId: string, key = operator) =>
  mutate(gateway, 'removeTenantMember', { tenantId, memberId }, selection, { key });

async function aTenantWith<Name extends string>(roles: Record<Name, Role>) {
  const slug = uniqueName('t');
  const { result } = await mutate(gateway, 'registerTenant', { name: slug, slug }, 'tenant { id }', {
    key: operator,
  });
  const tenantId: string = result.tenant.id;
  const members = {} as Record<Name, { id: string; email: string; token: string }>;
  for (const [name, role] of Object.entries(roles) as [Name, Role][])
    members[name] = await join(tenantId, `${name}@acme.example`, role);
  return { tenantId, slug, ...members };
}

/** Invites a person, who accepts with a token of the identity provider. */
async function join(tenantId: string, email: string, role: Role) {
  const token = await identities.sign({ sub: uniqueName('sub') });
  const invited = await invite(tenantId, { email, role });
  const input = { token: invited.result.invitationToken };
  const { codes } = await mutate(gateway, 'acceptInvitation', input, 'revision', { key: token });
  expect(codes).toEqual([]);
  return { id: invited.result.member.id as string, email, token };
}

/** Whether the token may change the settings of the tenant, which admins may. */
async function mayManage(at: TestGateway, tenantId: string, token: string): Promise<string> {
  const input = { tenantId, website: `https://${uniqueName('w')}.example`, wait: 'COMMITTED' };
  const { codes } = await mutate(at, 'updateTenantSettings', input, 'revision', { key: token });
  return codes.join() || 'may';
}

describe('a change of role', () => {
  test('is in force on every gateway when the mutation answers, for the tokens in use', async () => {
    const { tenantId, ada, bob } = await aTenantWith({ ada: 'ADMIN', bob: 'MEMBER' });
    const everywhere = () =>
      Promise.all(
        [gateway, other].flatMap((at) => [ada, bob].map(({ token }) => mayManage(at, tenantId, token))),
      );
    expect(await everywhere()).toEqual(['may', 'FORBIDDEN', 'may', 'FORBIDDEN']);

    const raised = await change(tenantId, bob.id, { role: 'ADMIN' }, ada.token);
    expect(raised.result.member).toMatchObject({ id: bob.id, role: 'ADMIN', status: 'ACTIVE' });
    expect(await everywhere()).toEqual(['may', 'may', 'may', 'may']);

    await change(tenantId, ada.id, { role: 'MEMBER' }, bob.token);
    expect(await everywhere()).toEqual(['FORBIDDEN', 'may', 'FORBIDDEN', 'may']);
  });

  test('to the role that the member has changes nothing', async () => {
    const { tenantId, ada } = await aTenantWith({ ada: 'ADMIN' });
    const { result, errors } = await change(tenantId, ada.id, { role: 'ADMIN', expectedVersion: 2 });
    expect([errors, result.member.version]).toEqual([[], 2]);
  });

  test('of an invited member holds when the invitation is accepted', async () => {
    const { tenantId, slug } = await aTenantWith({});
    const { result } = await invite(slug, { email: 'eve@acme.example', role: 'ADMIN' });
    expect((await change(slug, result.member.id, { role: 'MEMBER' })).codes).toEqual([]);
    const token = await identities.sign({ sub: uniqueName('sub') });
    const input = { token: result.invitationToken };
    await mutate(gateway, 'acceptInvitation', input, 'revision', { key: token });
    expect(await mayManage(other, tenantId, token)).toBe('FORBIDDEN');
  });

  test.each<[string, string]>([
    ['an admin of the tenant', ''],
    ['a member of the tenant', 'FORBIDDEN'],
    ['an admin of another tenant', 'TENANT_MISMATCH'],
    ['a key with registry:read', 'FORBIDDEN'],
    ['a key with registry:write', ''],
  ])('by %s: %s', async (who, code) => {
    const { tenantId, ada, bob } = await aTenantWith({ ada: 'ADMIN', bob: 'MEMBER' });
    const credentials: Record<string, string> = {
      'an admin of the tenant': ada.token,
      'a member of the tenant': bob.token,
      'an admin of another tenant': (await aTenantWith({ eve: 'ADMIN' })).eve.token,
      'a key with registry:read': await gateway.createKey('registry:read'),
      'a key with registry:write': operator,
    };
    expect((await change(tenantId, bob.id, { role: 'ADMIN' }, credentials[who])).codes.join()).toBe(code);
  });

  test('is refused for unknown, removed and changed members, for deleted tenants and for no role', async () => {
    const { tenantId, slug, ada, bob } = await aTenantWith({ ada: 'ADMIN', bob: 'MEMBER' });
    const stranger = await aTenantWith({ eve: 'MEMBER' });
    expect((await change(tenantId, stranger.eve.id, { role: 'ADMIN' })).codes).toEqual(['NOT_FOUND']);
    const late = await change(tenantId, bob.id, { role: 'ADMIN', expectedVersion: 1 });
    expect(late.codes).toEqual(['VERSION_CONFLICT']);
    await remove(tenantId, bob.id);
    const { codes, errors } = await change(tenantId, bob.id, { role: 'ADMIN' });
    expect([codes, errors[0]?.message]).toEqual([
      ['CONFLICT'],
      `Member ${bob.id} is removed already: invite bob@acme.example again with inviteTenantMember`,
    ]);
    await mutate(gateway, 'deleteTenant', { tenantId }, 'revision', { key: operator });
    expect((await change(slug, ada.id, { role: 'MEMBER' })).codes).toEqual(['TENANT_DELETED']);
  });
});

describe('the last admin', () => {
  const ways: Record<
    string,
    (tenantId: string, memberId: string, key?: string) => ReturnType<typeof remove>
  > = {
    removeTenantMember: remove,
    updateTenantMember: (tenantId, memberId, key) => change(tenantId, memberId, { role: 'MEMBER' }, key),
  };

  test.each(Object.entries(ways))('is kept when admins themselves use %s', async (_, way) => {
    const { tenantId, slug, ada } = await aTenantWith({ ada: 'ADMIN' });
    await invite(tenantId, { email: 'next@acme.example', role: 'ADMIN' });
    const { codes, errors } = await way(tenantId, ada.id, ada.token);
    expect([codes, errors[0]?.message]).toEqual([
      ['CONFLICT'],
      `ada@acme.example is the last active admin of tenant ${slug}: invite another admin and wait until that one has accepted`,
    ]);
    const next = await join(tenantId, 'next@acme.example', 'ADMIN');
    expect((await way(tenantId, ada.id, ada.token)).codes).toEqual([]);
    expect((await way(tenantId, next.id, next.token)).codes).toEqual(['CONFLICT']);
  });

  test.each(Object.entries(ways))('can be taken by operators with %s', async (_, way) => {
    const { tenantId, ada } = await aTenantWith({ ada: 'ADMIN' });
    expect((await way(tenantId, ada.id)).codes).toEqual([]);
    expect(await mayManage(other, tenantId, ada.token)).not.toBe('may');
  });

  test.each(Object.entries(ways))(
    'stays when two admins use %s against each other at once',
    async (_, way) => {
      const { tenantId, ada, eve } = await aTenantWith({ ada: 'ADMIN', eve: 'ADMIN' });
      const both = await Promise.all([way(tenantId, eve.id, ada.token), way(tenantId, ada.id, eve.token)]);
      expect(both.flatMap(({ codes }) => codes)).toHaveLength(1);
    },
  );
});

describe('inviting somebody who is there', () => {
  test.each<[string, Role, Role]>([
    ['INVITED', 'ADMIN', 'MEMBER'],
    ['INVITED', 'MEMBER', 'ADMIN'],
    ['ACTIVE', 'ADMIN', 'MEMBER'],
    ['ACTIVE', 'MEMBER', 'ADMIN'],
  ])('%s as %s with role %s is refused and changes nothing', async (status, has, wanted) => {
    const { tenantId, slug } = await aTenantWith({ ada: 'ADMIN' });
    const email = 'bob@acme.example';
    if (status === 'ACTIVE') await join(tenantId, email, has);
    else await invite(tenantId, { email, role: has });
    const { codes, errors } = await invite(tenantId, { email, role: wanted });
    expect([codes, errors[0]?.message]).toEqual([
      ['CONFLICT'],
      `bob@acme.example is a member of tenant ${slug} already, as ${has}: change the role with updateTenantMember`,
    ]);
    const again = await invite(tenantId, { email });
    expect(again.result.member).toMatchObject({ role: has, status });
    expect(again.result.invitationToken === null).toBe(status === 'ACTIVE');
  });

  test('and was removed takes any role', async () => {
    const { tenantId, bob } = await aTenantWith({ ada: 'ADMIN', bob: 'MEMBER' });
    await remove(tenantId, bob.id);
    const { result } = await invite(tenantId, { email: bob.email, role: 'ADMIN' });
    expect(result.member).toMatchObject({ id: bob.id, role: 'ADMIN', status: 'INVITED' });
  });
});
