import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';
import { aTenant } from '../setup/stories.js';
import { ask, type Failure, refusal } from './support/rest-calls.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
let key: string;
let slug: string;
beforeAll(async () => {
  identities = await openIdentityProvider();
  gateway = await openGateway({ config: { identityProvider: identities.provider } });
  key = await gateway.createKey('registry:write', 'registry:read');
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  slug = uniqueName('t');
});

type Part = Record<string, string | null>;

const settings = {
  company_name: 'Acme GmbH',
  support_email: 'help@acme.example',
  support_phone: '+27 21 555 0100',
  website: 'https://acme.example/',
  currency: 'USD',
  timezone: 'Africa/Nairobi',
  email_from_name: 'Acme Mail',
  email_from_email: 'mail@acme.example',
};
const branding = {
  preset_theme: 'sunset',
  logo_url: 'https://acme.example/logo.png',
  primary_color: '#112233',
  secondary_color: '#445566',
  accent_color: '#778899',
};

/** Each part with a whole value, one field of it, and the value that a PUT of this field alone leaves behind. */
const parts = [
  {
    part: 'settings',
    table: 'tenant_settings',
    whole: settings,
    one: { support_email: 'other@acme.example' },
    rest: {
      ...{ company_name: 'Acme', support_email: 'other@acme.example', support_phone: null, website: null },
      ...{ currency: 'ZAR', timezone: 'Africa/Johannesburg', email_from_name: null },
      email_from_email: 'other@acme.example',
    },
    wrong: { body: { companyName: 'A', website: 'ftp://a' }, fields: ['companyName', 'website'] },
    private: { body: { website: 'http://localhost/' }, fields: ['website'] },
  },
  {
    part: 'branding',
    table: 'tenant_branding',
    whole: branding,
    one: { accent_color: '#000000' },
    rest: {
      ...{ preset_theme: 'professional_blue', logo_url: null, primary_color: null, secondary_color: null },
      accent_color: '#000000',
    },
    wrong: { body: { logoUrl: null, accent_color: 'red' }, fields: ['accent_color', 'logoUrl'] },
    private: { body: { logo_url: 'http://10.1.2.3/a.png' }, fields: ['logo_url'] },
  },
];

describe.each(parts)('$part of a tenant', ({ part, table, whole, one, rest, wrong, private: inside }) => {
  const path = (reference = slug) => `/api/v1/tenants/${reference}/${part}`;
  const get = (reference?: string) => ask<Part>(gateway, `GET ${path(reference) as '/'}`);
  const put = (body: unknown, headers = {}) => ask<Part>(gateway, `PUT ${path() as '/'}`, { body, headers });

  test('are those of the registration, and after a PUT what it says, at every path', async () => {
    const { id } = await aTenant({ slug }).at(gateway);
    const first = await get();
    expect([first.status, Object.keys(first.body)]).toEqual([200, Object.keys(whole)]);
    const { status, body, headers } = await put(whole);
    expect([status, body]).toEqual([200, whole]);
    expect(headers.get('etag')).not.toBe(first.headers.get('etag'));
    for (const prefix of ['v1/tenants', 'tenants', 'v1/admin/tenants'])
      for (const reference of [slug, id])
        expect((await ask(gateway, `GET /api/${prefix}/${reference}/${part}`)).body).toEqual(whole);
    const { body: again } = await ask<Part>(gateway, `PUT /api/tenants/${slug}/${part}`, { body: body });
    expect(again).toEqual(whole);
  });

  test('that a PUT leaves out get the values of a new tenant', async () => {
    await aTenant({ slug, name: 'Acme' }).at(gateway);
    await put(whole);
    expect((await put(one)).body).toEqual(rest);
    expect((await get()).body).toEqual(rest);
  });

  test('can be made by a PUT where the row is missing', async () => {
    const { id } = await aTenant({ slug }).at(gateway);
    await gateway.psql(`DELETE FROM ${table} WHERE tenant_id = $1`, [id]);
    expect(await refusal(gateway, `GET ${path() as '/'}`)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect((await put(whole)).body).toEqual(whole);
    expect((await get()).body).toEqual(whole);
  });

  test('are changed by one of two writers who read the same version', async () => {
    await aTenant({ slug }).at(gateway);
    const etag = (await get()).headers.get('etag') ?? '';
    const changed = await put(whole, { 'if-match': etag });
    expect(changed.status).toBe(200);
    expect(
      await refusal(gateway, `PUT ${path() as '/'}`, { body: one, headers: { 'if-match': etag } }),
    ).toEqual({
      ...{ status: 412, code: 'VERSION_CONFLICT', message: expect.stringContaining('read it again') },
    });
    expect((await get()).body).toEqual(whole);
    const weak = `W/${changed.headers.get('etag')}`;
    expect((await put(one, { 'if-match': weak })).status).toBe(200);
    expect((await put(one, { 'if-match': '*' })).status).toBe(200);
  });

  test('are refused with the fields as the body names them', async () => {
    await aTenant({ slug }).at(gateway);
    for (const { body, fields } of [wrong, inside]) {
      const refused = await put(body);
      const { error } = refused.body as unknown as Failure;
      expect([refused.status, error.code]).toEqual([400, 'VALIDATION_ERROR']);
      expect(error.details?.map(({ field }) => field).sort()).toEqual(fields);
    }
    const { status, body } = await put(whole, { 'if-match': 'latest' });
    expect([status, (body as unknown as Failure).error.details?.[0]?.field]).toEqual([400, 'If-Match']);
  });

  test('of a deleted tenant can be read and not changed; those of no tenant neither', async () => {
    await aTenant({ slug }).at(gateway);
    await ask(gateway, `DELETE /api/tenants/${slug}`);
    expect((await get()).status).toBe(200);
    expect((await put(whole)).status).toBe(410);
    for (const method of ['GET', 'PUT'])
      expect(
        await refusal(gateway, `${method} ${path('nobody') as '/'}`, method === 'PUT' ? { body: one } : {}),
      ).toMatchObject({ status: 404, code: 'TENANT_NOT_FOUND' });
  });

  test('are read by its members, changed by its admins, and closed to members of others', async () => {
    const guarded = await openGateway({
      ...{ sharing: gateway, authMode: 'required', config: { identityProvider: identities.provider } },
    });
    const member = async (role: 'ADMIN' | 'MEMBER', tenant: string) => {
      const subject = uniqueName('sub');
      const token = await identities.sign({ sub: subject });
      const invited = await mutate(
        ...([guarded, 'inviteTenantMember'] as const),
        { tenantId: tenant, email: `${subject}@acme.example`, role },
        'invitationToken',
        { key },
      );
      const input = { token: invited.result.invitationToken };
      await mutate(guarded, 'acceptInvitation', input, 'member { id }', { key: token });
      return token;
    };
    const other = uniqueName('t');
    await aTenant({ slug }).at(gateway);
    await aTenant({ slug: other }).at(gateway);
    const callers = [
      ['an admin', await member('ADMIN', slug), 200, 200],
      ['a member', await member('MEMBER', slug), 200, 403],
      ['an admin of another tenant', await member('ADMIN', other), 403, 403],
      ['a key that may only read', await gateway.createKey('registry:read'), 200, 403],
    ] as const;
    for (const [who, credential, reads, writes] of callers) {
      const read = await ask(guarded, `GET ${path() as '/'}`, { key: credential });
      const written = await ask(guarded, `PUT ${path() as '/'}`, { key: credential, body: whole });
      expect([who, read.status, written.status]).toEqual([who, reads, writes]);
    }
    await guarded.close();
  });
});

test('a sender address that is not set is the support address, in REST as in GraphQL', async () => {
  await aTenant({ slug }).at(gateway);
  const { body } = await ask<Part>(gateway, `PUT /api/v1/tenants/${slug}/settings`, {
    body: { support_email: 'help@acme.example', email_from_email: null },
  });
  expect(body.email_from_email).toBe('help@acme.example');
});

test('/api/v1/tenants itself has no tenants: they are at the two other paths', async () => {
  for (const path of ['/api/v1/tenants', '/api/v1/tenants/acme', '/api/v1/tenants/acme/config'])
    expect((await refusal(gateway, `GET ${path as '/'}`)).status).toBe(404);
});
