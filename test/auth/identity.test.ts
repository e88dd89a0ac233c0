import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
let key: string;
beforeAll(async () => {
  identities = await openIdentityProvider();
  gateway = await openGateway({ authMode: 'required', config: { identityProvider: identities.provider } });
  key = await gateway.createKey('registry:write', 'registry:read');
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});

const nobody = '00000000-0000-4000-8000-000000000000';
const seconds = () => Math.floor(Date.now() / 1_000);
const ask = (query: string, token: string, variables = {}) =>
  gateway.ask(query, variables, { key: token, accept: graphqlResponse });

/** A tenant with a member who has accepted an invitation with a token. */
async function aMember(role: 'ADMIN' | 'MEMBER', subject = uniqueName('sub')) {
  const slug = uniqueName('t');
  const { result: registered } = await mutate(
    gateway,
    'registerTenant',
    { name: slug, slug, adminEmail: 'admin@acme.example' },
    'tenant { id } invitationToken',
    { key },
  );
  const tenantId: string = registered.tenant.id;
  const token = await identities.sign({ sub: subject });
  const invited = await mutate(
    gateway,
    'inviteTenantMember',
    { tenantId, email: `${subject}@acme.example`, role },
    'member { id } invitationToken',
    { key },
  );
  const accepted = await mutate(
    gateway,
    'acceptInvitation',
    { token: invited.result.invitationToken },
    'member { id status }',
    { key: token },
  );
  expect(accepted.result.member).toEqual({ id: invited.result.member.id, status: 'ACTIVE' });
  return { tenantId, slug, token, memberId: invited.result.member.id as string };
}

describe('a token of the identity provider', () => {
  test('grants the known scopes of its claim "scope"', async () => {
    const token = await identities.sign({ sub: 'service', scope: 'registry:read openid * resolve:finance' });
    expect((await ask('{ modules { name } }', token)).codes).toEqual([]);
    expect((await ask('{ auditLog(first: 1) { edges { cursor } } }', token)).codes).toEqual(['FORBIDDEN']);
    const { codes } = await ask('{ tenantSchema(id: "nobody", module: "finance") { schemaName } }', token);
    expect(codes).toEqual(['TENANT_NOT_FOUND']);
  });

  test('names its subject in the audit log', async () => {
    const token = await identities.sign({ sub: 'auth0|ada', scope: 'registry:write' });
    const slug = uniqueName('t');
    await mutate(gateway, 'registerTenant', { name: slug, slug }, 'revision', { key: token });
    const rows = await gateway.psql('SELECT DISTINCT actor FROM registry_change WHERE tenant_slug = $1', [
      slug,
    ]);
    expect(rows).toEqual([{ actor: 'subject:auth0|ada' }]);
  });

  test.each<[string, object, string]>([
    ['has expired', { exp: seconds() - 60 }, '"exp" claim timestamp check failed'],
    ['is not yet valid', { nbf: seconds() + 600 }, '"nbf" claim timestamp check failed'],
    ['is for somebody else', { aud: 'another-api' }, 'unexpected "aud" claim value'],
    ['is by another issuer', { iss: 'https://evil.example' }, 'unexpected "iss" claim value'],
    ['has no subject', { sub: undefined }, 'missing required "sub" claim'],
    ['never ends', { exp: undefined }, 'missing required "exp" claim'],
    ['has a subject of blanks', { sub: 'a b' }, '"sub" must be 1 to 255 ASCII characters'],
  ])('that %s is rejected with the reason', async (_, claims, why) => {
    const { status, codes, errors } = await ask(
      '{ modules { name } }',
      await identities.sign({ sub: 'a', ...claims }),
    );
    expect([status, codes]).toEqual([401, ['UNAUTHENTICATED']]);
    expect(errors[0]?.message).toContain(why);
  });

  test('with a foreign signature, without a signature or with altered claims is rejected', async () => {
    const claims = { sub: 'a', scope: 'registry:read' };
    const good = await identities.sign(claims);
    const [, payload = '', signature = ''] = good.split('.');
    const header = (fields: object) => Buffer.from(JSON.stringify(fields)).toString('base64url');
    const forged = [
      await identities.sign(claims, { by: 'stranger' }),
      `${header({ alg: 'none' })}.${payload}.`,
      `${header({ alg: 'none' })}.${payload}.x`,
      `${header({ alg: 'HS256', kid: 'one' })}.${payload}.${signature}`,
      `${good.slice(0, -8)}AAAAAAAA`,
      'a.b.c',
    ];
    for (const token of forged)
      expect((await ask('{ modules { name } }', token)).codes).toEqual(['UNAUTHENTICATED']);
    expect((await ask('{ modules { name } }', good)).codes).toEqual([]);
  });

  test('is accepted with every asymmetric algorithm of RFC 7518 and RFC 8037', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
    const pairs = {
      ...{ RS256: rsa, RS384: rsa, RS512: rsa, PS256: rsa, PS384: rsa, PS512: rsa },
      ...{ ES256: curve('P-256'), ES384: curve('P-384'), ES512: curve('P-521') },
      EdDSA: generateKeyPairSync('ed25519'),
    };
    const keys = Object.entries(pairs).map(([alg, { publicKey, privateKey }]) => ({
      alg,
      privateKey,
      jwk: { ...publicKey.export({ format: 'jwk' }), kid: alg, alg },
    }));
    await using every = await openIdentityProvider();
    every.publish(keys.map(({ jwk }) => jwk));
    await using other = await openGateway({
      authMode: 'required',
      sharing: gateway,
      config: { identityProvider: every.provider },
    });
    const refused: string[] = [];
    for (const { alg, ...by } of keys) {
      const token = await every.sign({ sub: 'a', scope: 'registry:read' }, { by, header: { alg, kid: alg } });
      const { errors } = await other.ask('{ modules { name } }', {}, { key: token });
      refused.push(...errors.map(({ message }) => `${alg}: ${message}`));
    }
    expect(refused).toEqual([]);
  });

  test('is not reported as invalid while the provider’s keys cannot be read', async () => {
    await using away = await openIdentityProvider();
    away.fail(500);
    await using other = await openGateway({
      authMode: 'required',
      sharing: gateway,
      config: { identityProvider: away.provider },
    });
    const token = await away.sign({ sub: 'a', scope: 'registry:read' });
    const answer = await other.ask('{ modules { name } }', {}, { key: token, accept: graphqlResponse });
    expect([answer.status, answer.codes]).toEqual([503, ['REGISTRY_UNAVAILABLE']]);
    away.fail(200);
    expect((await other.ask('{ modules { name } }', {}, { key: token })).codes).toEqual([]);
  });
});

describe('a member', () => {
  test('reads its own tenant only, and cannot learn which other tenants exist', async () => {
    const [mine, other] = [await aMember('MEMBER'), await aMember('MEMBER')];
    const tenant =
      'query ($id: ID!) { tenant(id: $id) { slug members { edges { node { email } } } config } }';
    for (const id of [mine.tenantId, mine.slug]) {
      const { data } = await ask(tenant, mine.token, { id });
      expect(data.tenant.slug).toBe(mine.slug);
    }
    for (const id of [other.tenantId, other.slug, 'nobody', '!']) {
      const { status, codes, data } = await ask(tenant, mine.token, { id });
      expect([status, codes, data?.tenant ?? null]).toEqual([200, ['TENANT_MISMATCH'], null]);
    }
    for (const query of [
      '{ tenants { totalCount } }',
      '{ modules { name } }',
      '{ auditLog(first: 1) { edges { cursor } } }',
      `{ tenantSchema(id: "${mine.slug}", module: "finance") { schemaName } }`,
      `mutation { suspendTenant(input: { tenantId: "${mine.slug}", reason: "x" }) { revision } }`,
      `mutation { updateTenantConfig(input: { tenantId: "${mine.slug}", patch: {} }) { revision } }`,
    ])
      expect((await ask(query, mine.token)).codes).toEqual(['FORBIDDEN']);
  });

  test('can manage members, settings and branding as an admin only', async () => {
    const [admin, plain] = [await aMember('ADMIN'), await aMember('MEMBER')];
    const attempts = (tenantId: string, token: string) =>
      Promise.all([
        mutate(gateway, 'updateTenantSettings', { tenantId, companyName: 'New' }, 'revision', { key: token }),
        mutate(gateway, 'updateTenantBranding', { tenantId, primaryColor: '#000000' }, 'revision', {
          key: token,
        }),
        mutate(gateway, 'inviteTenantMember', { tenantId, email: 'x@acme.example' }, 'revision', {
          key: token,
        }),
        mutate(gateway, 'removeTenantMember', { tenantId, memberId: nobody }, 'revision', { key: token }),
      ]).then((answers) => answers.map(({ codes }) => codes.join()));
    expect(await attempts(admin.slug, admin.token)).toEqual(['', '', '', 'NOT_FOUND']);
    expect(new Set(await attempts(plain.slug, plain.token))).toEqual(new Set(['FORBIDDEN']));
    expect(new Set(await attempts(plain.slug, admin.token))).toEqual(new Set(['TENANT_MISMATCH']));
    expect(new Set(await attempts('nobody', admin.token))).toEqual(new Set(['TENANT_MISMATCH']));
  });

  test('of several tenants has access to each of them', async () => {
    const subject = uniqueName('sub');
    const [one, two] = [await aMember('MEMBER', subject), await aMember('ADMIN', subject)];
    for (const { slug } of [one, two]) {
      const { data } = await ask('query ($id: ID!) { tenant(id: $id) { slug } }', one.token, { id: slug });
      expect(data.tenant).toEqual({ slug });
    }
    const change = (tenantId: string) =>
      mutate(gateway, 'updateTenantSettings', { tenantId, companyName: 'New' }, 'revision', {
        key: two.token,
      });
    expect((await change(one.slug)).codes).toEqual(['FORBIDDEN']);
    expect((await change(two.slug)).codes).toEqual([]);
  });

  test('who is removed is rejected at the next request', async () => {
    const { tenantId, slug, token, memberId } = await aMember('MEMBER');
    const read = () => ask('query ($id: ID!) { tenant(id: $id) { slug } }', token, { id: slug });
    expect((await read()).codes).toEqual([]);
    await mutate(gateway, 'removeTenantMember', { tenantId, memberId }, 'revision', { key });
    expect((await read()).codes).toEqual(['FORBIDDEN']);
  });

  test('accepts an invitation for itself only; a key with registry:write accepts for verified subjects', async () => {
    const { tenantId, token } = await aMember('MEMBER');
    const { result } = await mutate(
      gateway,
      'inviteTenantMember',
      { tenantId, email: 'bob@acme.example' },
      'invitationToken',
      { key },
    );
    const accept = (subject: string | undefined, caller: string) =>
      mutate(
        gateway,
        'acceptInvitation',
        { token: result.invitationToken, ...(subject && { subject }) },
        'revision',
        { key: caller },
      );
    expect((await accept('bob', token)).codes).toEqual(['FORBIDDEN']);
    expect((await accept('bob', await gateway.createKey('registry:read'))).codes).toEqual(['FORBIDDEN']);
    expect((await accept(undefined, key)).codes).toEqual(['VALIDATION_ERROR']);
    expect((await accept('bob', key)).codes).toEqual([]);
  });
});

describe('an API key that a token creates', () => {
  const create = async (input: object, scope = 'keys:manage registry:read') =>
    mutate(
      gateway,
      'createApiKey',
      { name: 'k', scopes: ['registry:read'], ...input },
      'apiKey { id expiresAt } secret',
      { key: await identities.sign({ sub: 'a', scope }) },
    );
  const daysLeft = (expiresAt: string) => (Date.parse(expiresAt) - Date.now()) / 86_400_000;
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

  test('expires after 90 days, or earlier', async () => {
    const { result } = await create({});
    expect(daysLeft(result.apiKey.expiresAt)).toBeGreaterThan(89.9);
    expect(daysLeft(result.apiKey.expiresAt)).toBeLessThanOrEqual(90);
    expect((await create({ expiresAt: inDays(89) })).codes).toEqual([]);
    const { codes, errors } = await create({ expiresAt: inDays(91) });
    expect(codes).toEqual(['VALIDATION_ERROR']);
    expect(errors[0]?.extensions.fields).toMatchObject([{ field: 'expiresAt' }]);
  });

  test('cannot create keys itself, which would outlive that', async () => {
    expect((await create({ scopes: ['keys:manage'] })).codes).toEqual(['FORBIDDEN']);
    const manager = await gateway.createKey('keys:manage');
    const [row] = await gateway.psql('SELECT id FROM api_keys ORDER BY created_at DESC LIMIT 1');
    const token = await identities.sign({ sub: 'a', scope: 'keys:manage' });
    const rotated = await mutate(gateway, 'rotateApiKey', { id: row?.id }, 'secret', { key: token });
    expect(rotated.codes).toEqual(['FORBIDDEN']);
    expect((await gateway.ask('{ __typename }', {}, { key: manager })).codes).toEqual([]);
  });

  test('by a rotation expires after 90 days as well', async () => {
    const { result } = await create({ expiresAt: inDays(1) });
    const token = await identities.sign({ sub: 'a', scope: 'keys:manage registry:read' });
    const rotated = await mutate(gateway, 'rotateApiKey', { id: result.apiKey.id }, 'apiKey { expiresAt }', {
      key: token,
    });
    expect(daysLeft(rotated.result.apiKey.expiresAt)).toBeLessThanOrEqual(90);
  });
});
