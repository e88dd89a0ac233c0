import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { resolve } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import { ask, type Failure, refusal, type TenantBody } from './support/rest-calls.js';

let gateway: TestGateway;
let slug: string;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());
beforeEach(() => {
  slug = uniqueName('t');
});

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const create = (fields: object = {}) =>
  ask(gateway, 'POST /api/tenants', { body: { name: 'Acme Corp', slug, ...fields } });

async function slugsOf(request: `${string} /${string}`): Promise<string[]> {
  const { body } = await ask<TenantBody[]>(gateway, request);
  return body.map((tenant) => tenant.slug);
}

describe('POST /api/tenants', () => {
  test('answers 201 with the tenant when its own database is migrated and resolves', async () => {
    const { status, body, headers } = await create();
    expect(await resolve(gateway, slug, 'dbtools')).toBe('public');
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(uuid),
      name: 'Acme Corp',
      slug,
      status: 'active',
      external_ids: [],
      created_at: expect.stringMatching(isoTime),
    });
    expect(headers.get('location')).toBe(`/api/tenants/${slug}`);
    expect(headers.get('cache-control')).toBe('no-store');

    const [made] = await gateway.psql<{
      database_name: string;
      isolation: string;
      migration_version: string;
    }>(`SELECT database_name, isolation, migration_version FROM module_subscriptions WHERE tenant_id = $1`, [
      body.id,
    ]);
    expect(made).toMatchObject({
      isolation: 'database',
      migration_version: expect.stringContaining('dbtools/'),
    });
    const databases = await gateway.psqlIn<{ datname: string }>(
      'dbtools',
      'SELECT datname FROM pg_database WHERE datname = $1',
      [made?.database_name],
    );
    expect(databases).toHaveLength(1);
  });

  test('subscribes the tenant to the named modules and adds the admin', async () => {
    const { status, body } = await create({
      modules: ['operations', 'finance'],
      admin_email: 'ada@acme.example',
    });
    expect(status).toBe(201);
    expect(await resolve(gateway, slug, 'finance')).toBe(`finance_${slug}`);
    expect(await resolve(gateway, slug, 'operations')).toMatch(new RegExp(`_${slug}$`));
    expect(await resolve(gateway, slug, 'dbtools')).toBe('MODULE_NOT_SUBSCRIBED');
    const members = await gateway.psql('SELECT email, role::text FROM members WHERE tenant_id = $1', [
      body.id,
    ]);
    expect(members).toEqual([{ email: 'ada@acme.example', role: 'admin' }]);
  });

  test('without an address creates a tenant without members; null means omitted', async () => {
    const { status, body } = await create({ modules: null, admin_email: null });
    expect(status).toBe(201);
    expect(await resolve(gateway, slug, 'dbtools')).toBe('public');
    const [row] = await gateway.psql(
      `SELECT primary_email, (SELECT count(*)::int FROM members WHERE tenant_id = $1) AS members FROM tenants WHERE id = $1`,
      [body.id],
    );
    expect(row).toEqual({ primary_email: null, members: 0 });
  });

  test.each([
    [
      'Acme',
      'must be lower-case letters and digits, in words joined by single - or _, and start with a letter',
    ],
    ['a', 'must have 2 to 40 characters'],
    ['pg_acme', 'must not start with pg_, which PostgreSQL keeps for itself'],
    [
      'acme; DROP TABLE tenants',
      'must be lower-case letters and digits, in words joined by single - or _, and start with a letter',
    ],
    ['', 'must have 2 to 40 characters'],
    [undefined, 'must be text'],
    [7, 'must be text'],
  ])('refuses the slug %j with the message that existing scripts look for', async (wrong, message) => {
    const { status, body } = await ask<Failure>(gateway, 'POST /api/tenants', {
      body: { name: 'Acme', slug: wrong },
    });
    expect(status).toBe(400);
    expect(body).toEqual({
      error: {
        code: 'VALIDATION_ERROR',
        message: 'Invalid slug format',
        details: [{ field: 'slug', message }],
      },
    });
  });

  test('refuses a taken slug with the message that existing scripts look for, whatever the status of its owner', async () => {
    const taken = { error: { code: 'CONFLICT', message: `Tenant with slug '${slug}' already exists` } };
    const { id } = await aTenant({ slug }).at(gateway);
    const first = await create();
    expect([first.status, first.body]).toEqual([409, taken]);
    await ask(gateway, `DELETE /api/tenants/${slug}`);
    const second = await create({ modules: ['finance'] });
    const message = `Slug "${slug}" is taken by tenant ${id}, which is deleted: restore it with restoreTenant (tenant restore ${slug}), or choose another slug`;
    const details = [{ field: 'slug', message }];
    expect([second.status, second.body]).toEqual([409, { error: { ...taken.error, details } }]);
    const headers = { authorization: `Bearer ${await gateway.createKey('provision')}` };
    const blind = await ask(gateway, 'POST /api/tenants', { body: { name: 'Acme', slug }, headers });
    expect([blind.status, blind.body]).toEqual([409, taken]);
  });

  test.each<[string, unknown, string[]]>([
    ['an unknown field', { name: 'A', colour: 'red', adminEmail: 'a@b.example' }, ['colour', 'adminEmail']],
    ['no name', {}, ['name']],
    ['a blank name', { name: '  ' }, ['name']],
    ['an invisible name', { name: 'A\u200bB' }, ['name']],
    ['no modules', { name: 'A', modules: [] }, ['modules']],
    ['a module that is none', { name: 'A', modules: ['finance', 'Fin ance'] }, ['modules.1']],
    ['modules in one text', { name: 'A', modules: 'finance,operations' }, ['modules']],
    ['no address', { name: 'A', admin_email: 'ada' }, ['admin_email']],
    ['a prototype', '{"name": "A", "slug": "proto-a", "__proto__": {"modules": []}}', ['__proto__']],
  ])('refuses %s and names each field', async (_what, body, fields) => {
    const sent = typeof body === 'string' ? body : { slug, ...(body as object) };
    const answer = await ask<Failure>(gateway, 'POST /api/tenants', { body: sent });
    expect([answer.status, answer.body.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect(answer.body.error.details?.map(({ field }) => field)).toEqual(fields);
    for (const field of fields) expect(answer.body.error.message).toContain(field);
  });

  test('with an unknown module changes nothing', async () => {
    expect(
      await refusal(gateway, 'POST /api/tenants', { body: { name: 'A', slug, modules: ['nonsense'] } }),
    ).toEqual({
      status: 404,
      code: 'MODULE_NOT_FOUND',
      message: 'No module is named "nonsense"; registerModule adds one',
    });
    expect(await refusal(gateway, `GET /api/tenants/${slug}`)).toEqual({
      status: 404,
      code: 'TENANT_NOT_FOUND',
      message: `No tenant has the id, slug or external id "${slug}"`,
    });
  });

  test('eight times at once creates one tenant', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => create({ modules: ['finance'] })));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses[0]).toBe(201);
    for (const status of statuses.slice(1)) expect([409, 423]).toContain(status);
  });
});

describe('an Idempotency-Key', () => {
  const withKey = (key: string, body: object) =>
    ask(gateway, 'POST /api/tenants', { body, headers: { 'idempotency-key': key } });

  test('gives a repeated POST the same answer, also while the first is running', async () => {
    const body = { name: 'Once', slug, modules: ['finance'] };
    const answers = await Promise.all([withKey(slug, body), withKey(slug, body), withKey(slug, body)]);
    answers.push(await withKey(slug, body));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(await resolve(gateway, slug)).toBe(`finance_${slug}`);
  });

  test('with a different request is refused', async () => {
    await withKey(slug, { name: 'One', slug, modules: ['finance'] });
    const { status, body } = await ask<Failure>(gateway, 'POST /api/tenants', {
      body: { name: 'Two', slug, modules: ['finance'] },
      headers: { 'idempotency-key': slug },
    });
    expect([status, body.error.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  test('never answers 201 for a tenant that is no longer active', async () => {
    const body = { name: 'Gone', slug, modules: ['finance'] };
    await withKey(slug, body);
    await ask(gateway, `DELETE /api/tenants/${slug}`);
    expect((await withKey(slug, body)).status).toBe(410);
  });

  test('that is empty or too long is refused with its name', async () => {
    for (const key of [' ', 'x'.repeat(201)]) {
      const { status, body } = await ask<Failure>(gateway, 'POST /api/tenants', {
        body: { name: 'A', slug },
        headers: { 'idempotency-key': key },
      });
      expect([status, body.error.details?.[0]?.field]).toEqual([400, 'Idempotency-Key']);
    }
  });
});

describe('GET /api/tenants', () => {
  test('lists every tenant except purged ones by slug, with its status', async () => {
    const statuses = ['active', 'suspended', 'deleted', 'failed', 'pending', 'provisioning', 'purged'];
    for (const [place, status] of statuses.entries())
      await gateway.psql(
        `INSERT INTO tenants (slug, name, status) VALUES ($1, $2, $3::text::tenant_status)`,
        [`${slug}-${9 - place}`, `The ${status}`, status],
      );
    const { status, body } = await ask<TenantBody[]>(gateway, 'GET /api/tenants');
    expect(status).toBe(200);
    const shown = statuses.map((status, place) => [`${slug}-${9 - place}`, status]).slice(0, -1);
    const found = body.filter((tenant) => tenant.slug.startsWith(slug));
    expect(found.map((tenant) => [tenant.slug, tenant.status])).toEqual(shown.reverse());
    for (const tenant of found)
      expect(tenant).toEqual({
        id: expect.stringMatching(uuid),
        name: `The ${tenant.status}`,
        slug: tenant.slug,
        status: tenant.status,
        external_ids: [],
        created_at: expect.stringMatching(isoTime),
      });
    const refused = await refusal(gateway, `GET /api/tenants/${slug}-3`);
    expect(refused).toMatchObject({ status: 404, code: 'TENANT_NOT_FOUND' });
  });

  describe('of more tenants than one statement reads', () => {
    beforeAll(() =>
      gateway.psql(
        `INSERT INTO tenants (slug, name, status)
         SELECT 'tenant-' || n, 'Tenant "' || n || '"', 'active' FROM generate_series(1, 2100) n`,
      ),
    );

    test('is complete, and the same page by page', async () => {
      const { body: all } = await ask<TenantBody[]>(gateway, 'GET /api/tenants');
      expect(all.filter(({ name }) => /^Tenant "\d+"$/.test(name))).toHaveLength(2_100);
      expect(new Set(all.map(({ slug }) => slug)).size).toBe(all.length);

      const pages: TenantBody[] = [];
      let next: string | undefined = '/api/tenants?limit=900';
      while (next) {
        const page: { body: TenantBody[]; headers: Headers } = await ask(gateway, `GET ${next as '/'}`);
        expect(page.body.length).toBeLessThanOrEqual(900);
        pages.push(...page.body);
        next = /^<(.*)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
      }
      expect(pages).toEqual(all);
      const { body: rest } = await ask<TenantBody[]>(gateway, `GET /api/tenants?after=${all[1_000]?.slug}`);
      expect(rest).toEqual(all.slice(1_001));
      const { body: last, headers } = await ask<TenantBody[]>(
        gateway,
        `GET /api/tenants?limit=2&after=${all.at(-3)?.slug}`,
      );
      expect(last).toEqual(all.slice(-2));
      expect(headers.get('link')).toBeNull();
    });

    test('breaks off when the database fails half way, so that a client cannot take the part for the whole', async () => {
      const { tenant } = gateway.app.database.prisma;
      const read = tenant.findMany.bind(tenant);
      const broken = vi.spyOn(tenant, 'findMany');
      broken.mockImplementationOnce(read).mockRejectedValueOnce(new Error('connection lost'));
      const response = await fetch(`${gateway.url}/api/tenants`);
      await expect(response.text()).rejects.toThrow(/terminated/);
      broken.mockRestore();
      expect((await fetch(`${gateway.url}/api/tenants`)).status).toBe(200);
    });
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=many', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['after=a&after=b', 'after'],
    [`after=${'x'.repeat(101)}`, 'after'],
    ['after=%00', 'after'],
    ['after=Nobody', 'after'],
    ['status=active', 'status'],
  ])('refuses ?%s with the name of the parameter', async (query, field) => {
    const { status, body } = await ask<Failure>(gateway, `GET /api/tenants?${query}`);
    expect([status, body.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect(body.error.details?.map((detail) => detail.field)).toEqual([field]);
  });
});

describe('one tenant', () => {
  test('is found by slug and by UUID in upper or lower case', async () => {
    const { id } = await aTenant({ slug }).at(gateway);
    for (const reference of [slug, id, id.toUpperCase()]) {
      const { status, body } = await ask(gateway, `GET /api/tenants/${reference}`);
      expect([status, body.id, body.slug, body.status]).toEqual([200, id, slug, 'active']);
    }
  });

  test.each(['nobody', '00000000-0000-4000-8000-000000000000', 'No%20Slug', '%ZZ', 'x'.repeat(101), "'--"])(
    'with the reference %s does not exist, for GET and DELETE',
    async (reference) => {
      for (const method of ['GET', 'DELETE'])
        expect(await refusal(gateway, `${method} /api/tenants/${reference}`)).toMatchObject({
          status: 404,
          code: 'TENANT_NOT_FOUND',
        });
    },
  );

  test('that is deleted stays in the list, stops resolving and can be restored', async () => {
    const tenant = await aTenant({ slug }).subscribedTo('finance').at(gateway);
    expect(await resolve(gateway, slug)).toBe(`finance_${slug}`);
    const { status, body } = await ask(gateway, `DELETE /api/tenants/${slug}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: tenant.id, slug, status: 'deleted' });
    expect(await resolve(gateway, slug)).toBe('TENANT_DELETED');
    expect((await ask(gateway, `GET /api/tenants/${slug}`)).body).toEqual(body);
    expect((await ask<TenantBody[]>(gateway, 'GET /api/tenants')).body).toContainEqual(body);
    expect(await refusal(gateway, `DELETE /api/tenants/${tenant.id}`)).toEqual({
      status: 410,
      code: 'TENANT_DELETED',
      message: `Tenant ${slug} is deleted and can't be deleted again`,
    });
    await gateway.ask('mutation ($id: ID!) { restoreTenant(input: { tenantId: $id }) { revision } }', {
      id: slug,
    });
    expect((await ask(gateway, `GET /api/tenants/${slug}`)).body.status).toBe('active');
    expect(await resolve(gateway, slug)).toBe(`finance_${slug}`);
  });

  test('that is deleted twice with one Idempotency-Key is deleted once', async () => {
    await aTenant({ slug }).at(gateway);
    const headers = { 'idempotency-key': `delete ${slug}` };
    const first = await ask(gateway, `DELETE /api/tenants/${slug}`, { headers });
    const second = await ask(gateway, `DELETE /api/tenants/${slug}`, { headers });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body).toEqual(first.body);
  });
});

test('/api/v1/admin/tenants is an alias of all endpoints', async () => {
  const alias = '/api/v1/admin/tenants';
  const made = await ask(gateway, `POST ${alias}`, { body: { name: 'Acme', slug, modules: ['finance'] } });
  expect([made.status, made.body.status]).toEqual([201, 'active']);
  expect(made.headers.get('location')).toBe(`${alias}/${slug}`);
  const shown = await ask(gateway, `GET ${alias}/${slug}`);
  expect(shown.body).toEqual(made.body);
  expect((await ask(gateway, `GET /api/tenants/${slug}`)).body).toEqual(made.body);
  expect(await slugsOf(`GET ${alias}`)).toEqual(await slugsOf('GET /api/tenants'));
  const page = await ask<TenantBody[]>(gateway, `GET ${alias}?limit=1`);
  expect(page.headers.get('link')).toMatch(new RegExp(`^<${alias}\\?limit=1&after=`));
  expect(await refusal(gateway, `POST ${alias}`, { body: { name: 'Acme', slug } })).toEqual({
    status: 409,
    code: 'CONFLICT',
    message: `Tenant with slug '${slug}' already exists`,
  });
  expect(await refusal(gateway, `POST ${alias}`, { body: { name: 'Acme', slug: 'A!' } })).toMatchObject({
    status: 400,
    code: 'VALIDATION_ERROR',
    message: 'Invalid slug format',
  });
  expect((await ask(gateway, `DELETE ${alias}/${slug}`)).body).toEqual({ ...made.body, status: 'deleted' });
});
