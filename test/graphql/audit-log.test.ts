import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, openGateway, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

interface Entry {
  revision: string;
  position: number;
  kind: string;
  kindText: string;
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
  entityId: string;
  actor: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  changedAt: string;
  hash: string;
}

/** Entries of a tenant, newest first. */
async function entriesOf(tenantId: string): Promise<Entry[]> {
  const { data, errors } = await gateway.ask(
    `query ($tenantId: ID) { auditLog(tenantId: $tenantId, first: 100) { edges { node {
       revision position kind kindText tenantId tenantSlug module entityId actor before after changedAt hash
     } } } }`,
    { tenantId },
  );
  expect(errors).toEqual([]);
  return data.auditLog.edges.map(({ node }: { node: Entry }) => node);
}

describe('the audit log', () => {
  test('contains actor, time, kind, and the values before and after a change', async () => {
    const { id, slug } = await aTenant().at(gateway);
    const { result } = await mutate(gateway, 'suspendTenant', { tenantId: id, reason: 'unpaid' });
    const [entry] = await entriesOf(slug);
    expect(entry).toMatchObject({
      revision: result.revision,
      position: 0,
      kind: 'TENANT_SUSPENDED',
      kindText: 'tenant.suspended',
      tenantId: id,
      tenantSlug: slug,
      module: null,
      entityId: id,
      actor: 'developer',
      before: { status: 'active', suspended_reason: null, version: 1 },
      after: { status: 'suspended', suspended_reason: 'unpaid', version: 2 },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    // Unchanged columns are left out.
    expect(Object.keys(entry?.after ?? {}).toSorted()).toEqual(Object.keys(entry?.before ?? {}).toSorted());
    expect(entry?.after).not.toHaveProperty('slug');
    expect(Date.now() - Date.parse(entry?.changedAt ?? '')).toBeLessThan(60_000);
  });

  test('contains every change of a tenant under its own kind, newest first', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    const steps: [string, object][] = [
      ['updateTenant', { name: 'New name' }],
      ['suspendTenant', { reason: 'unpaid' }],
      ['resumeTenant', {}],
      ['unsubscribeTenantFromModule', { module: 'finance' }],
      ['deleteTenant', {}],
      ['restoreTenant', {}],
    ];
    for (const [name, input] of steps)
      expect((await mutate(gateway, name, { tenantId: id, ...input })).codes).toEqual([]);
    expect(
      (await entriesOf(id)).map(({ kind, module }) => (module ? `${kind} ${module}` : kind)).toReversed(),
    ).toEqual([
      'TENANT_REGISTERED',
      'SETTINGS_CREATED',
      'BRANDING_CREATED',
      'SUBSCRIPTION_CREATED finance',
      'OPERATION_QUEUED finance',
      'OPERATION_SUCCEEDED finance',
      'SUBSCRIPTION_ACTIVATED finance',
      'TENANT_UPDATED',
      'TENANT_SUSPENDED',
      'TENANT_RESUMED',
      'SUBSCRIPTION_CANCELLED finance',
      'TENANT_DELETED',
      'TENANT_RESTORED',
    ]);
  });

  test('gives all rows of one mutation one revision, with positions from 0', async () => {
    const { id } = await aTenant().at(gateway);
    const entries = (await entriesOf(id)).toReversed();
    expect(entries.map(({ position }) => position)).toEqual([0, 1, 2]);
    expect(new Set(entries.map(({ revision }) => revision)).size).toBe(1);
    expect(entries[0]).toMatchObject({ before: null, after: { id, status: 'active', plan: 'lite' } });
  });

  test('names the API key of a change, or the role of a change by SQL', async () => {
    const { id } = await aTenant().at(gateway);
    const key = await gateway.createKey('registry:write');
    const [row] = await gateway.psql(
      `SELECT 'api-key:' || id AS actor FROM api_keys ORDER BY created_at DESC LIMIT 1`,
    );
    await mutate(gateway, 'suspendTenant', { tenantId: id, reason: 'unpaid' }, 'revision', { key });
    expect((await entriesOf(id))[0]).toMatchObject({ kind: 'TENANT_SUSPENDED', actor: row?.actor });

    const [role] = await gateway.psql(
      `WITH changed AS (UPDATE tenants SET status = 'active' WHERE id = $1) SELECT 'role:' || session_user AS actor`,
      [id],
    );
    expect((await entriesOf(id))[0]).toMatchObject({ kind: 'TENANT_RESUMED', actor: role?.actor });
  });

  test('contains changes of modules and keys, but no hash of a key', async () => {
    await mutate(gateway, 'registerModule', { name: 'logged' });
    await mutate(gateway, 'createApiKey', { name: 'logged', scopes: ['registry:read'] });
    const { data } = await gateway.ask(
      '{ auditLog(first: 2) { edges { node { kind tenantId module after } } } }',
    );
    const [key, module] = data.auditLog.edges.map(({ node }: { node: Entry }) => node);
    expect(key).toMatchObject({
      kind: 'API_KEY_CREATED',
      tenantId: null,
      after: { scopes: ['registry:read'] },
    });
    expect(key.after).not.toHaveProperty('secret_hash');
    expect(module).toMatchObject({ kind: 'MODULE_CREATED', module: 'logged' });
  });

  test('contains no refused change', async () => {
    const { id } = await aTenant().at(gateway);
    const before = await entriesOf(id);
    await mutate(gateway, 'resumeTenant', { tenantId: id });
    await mutate(gateway, 'updateTenant', { tenantId: id, currency: 'none' });
    expect(await entriesOf(id)).toEqual(before);
  });

  test('keeps all entries of a purged tenant', async () => {
    const { id } = await aTenant().at(gateway);
    await gateway.psql(`UPDATE tenants SET status = 'purged' WHERE id = $1`, [id]);
    expect((await entriesOf(id)).map(({ kind }) => kind)).toContain('TENANT_PURGED');
  });

  test('of an unknown tenant is refused with TENANT_NOT_FOUND, and with NUL in its id as invalid', async () => {
    const refusals = {
      nobody: 'TENANT_NOT_FOUND',
      '00000000-0000-4000-8000-000000000000': 'TENANT_NOT_FOUND',
    };
    for (const [tenantId, code] of Object.entries({
      ...refusals,
      '': 'TENANT_NOT_FOUND',
      'a\u0000': 'VALIDATION_ERROR',
    })) {
      const { status, codes } = await gateway.ask(
        `query ($tenantId: ID) { auditLog(tenantId: $tenantId) { edges { cursor } } }`,
        { tenantId },
        { accept: graphqlResponse },
      );
      expect([status, codes]).toEqual([code === 'VALIDATION_ERROR' ? 400 : 404, [code]]);
    }
  });
});

describe('personal data', () => {
  const people = [
    'peter.pan@person.example',
    'Wendy.Darling@Person.Example',
    'tinker.bell@person.example',
    'captain.hook@person.example',
    'mister.smee@person.example',
  ];

  test('no e-mail address is in the log, whatever the field it was written to', async () => {
    const [primary, admin, support, from, informer] = people;
    const provisioned = await mutate(
      gateway,
      'provisionTenant',
      { name: 'Persons', adminEmail: admin, modules: ['finance'] },
      'tenant { id members { email } }',
    );
    const { id, members } = provisioned.result.tenant;
    expect(members).toEqual([{ email: admin?.toLowerCase() }]);
    await mutate(gateway, 'updateTenant', { tenantId: id, primaryEmail: primary });
    await mutate(gateway, 'registerTenant', { name: 'More Persons', primaryEmail: primary });
    await gateway.psql(
      'UPDATE tenant_settings SET support_email = $1, email_from_email = $2 WHERE tenant_id = $3',
      [support, from, id],
    );
    await gateway.psql(
      `UPDATE tenants SET tenant_config = jsonb_build_object('email', jsonb_build_object('primary', $1::text)) WHERE id = $2`,
      [primary, id],
    );
    await mutate(gateway, 'suspendTenant', {
      tenantId: id,
      reason: `as ${informer}, and <${informer}>; told us`,
    });
    await gateway.psql('DELETE FROM members WHERE tenant_id = $1', [id]);
    await mutate(gateway, 'createApiKey', { name: `key of ${primary}`, scopes: ['provision'] });

    const [log] = await gateway.psql<{ text: string }>(
      `SELECT string_agg(to_jsonb(registry_change)::text, E'\n') AS text FROM registry_change`,
    );
    const written = log?.text.toLowerCase() ?? '';
    expect(written.match(/"primary_email": "hash:/g)?.length).toBeGreaterThan(2);
    const told = people.flatMap((person) => person.toLowerCase().split('@'));
    expect(['@', ...told].filter((part) => written.includes(part))).toEqual([]);
  });

  test('no name of a member or consultant is in the log', async () => {
    const consultants = [
      { id: 'c1', name: 'Wendy Darling', email: 'w@b.example' },
      { id: 'c2', name: 'Wendy Darling' },
    ];
    const { result } = await mutate(
      gateway,
      'registerTenant',
      { name: 'Named', adminEmail: 'c@b.example', adminFullName: 'Captain Hook', config: { consultants } },
      'tenant { id config }',
    );
    expect(result.tenant.config).toEqual({ consultants });
    await mutate(gateway, 'updateTenantConfig', { tenantId: result.tenant.id, patch: { consultants: [] } });
    const entries = await entriesOf(result.tenant.id);
    expect(JSON.stringify(entries)).not.toMatch(/Wendy|Darling|Hook/);
    const logged = entries.find(({ kind }) => kind === 'TENANT_REGISTERED')?.after?.tenant_config as {
      consultants: { id: string; name: string }[];
    };
    const [one, two] = logged.consultants;
    expect([one?.id, two?.id, one?.name]).toEqual(['c1', 'c2', two?.name]);
    expect(one?.name).toMatch(/^hash:[0-9a-f]{32}$/);
    expect(entries.find(({ kind }) => kind === 'TENANT_UPDATED')).toMatchObject({
      before: { tenant_config: logged },
      after: { tenant_config: { consultants: [] } },
    });
  });

  test('an address has one hash within a tenant and a different one in another tenant', async () => {
    const hashOf = async (name: string) => {
      const { result } = await mutate(
        gateway,
        'registerTenant',
        { name, primaryEmail: 'a@b.example' },
        'tenant { id }',
      );
      const entries = await entriesOf(result.tenant.id);
      const [settings, tenant] = ['support_email', 'primary_email'].map(
        (field) => entries.find(({ after }) => after?.[field])?.after?.[field],
      );
      expect(settings).toBe(tenant);
      expect(tenant).toMatch(/^hash:[0-9a-f]{32}$/);
      return tenant;
    };
    expect(await hashOf('First Keyed')).not.toBe(await hashOf('Second Keyed'));
  });
});

describe('pages of the audit log', () => {
  test('contain every entry once, newest first, also those of one tenant', async () => {
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    for (const tenantId of [undefined, id]) {
      const places: [number, number][] = [];
      for (let after: string | null = null; ; ) {
        const { data, errors }: Answer<undefined> = await gateway.ask(
          `query ($tenantId: ID, $after: String) { auditLog(tenantId: $tenantId, first: 2, after: $after) {
             edges { node { revision position } } pageInfo { hasNextPage endCursor }
           } }`,
          { tenantId, after },
        );
        expect(errors).toEqual([]);
        for (const { node } of data.auditLog.edges)
          places.push([Number(node.revision.split(':')[1]), node.position]);
        if (!data.auditLog.pageInfo.hasNextPage) break;
        after = data.auditLog.pageInfo.endCursor;
      }
      const rows = await gateway.psql(
        `SELECT revision::int, position FROM registry_change WHERE $1::uuid IS NULL OR tenant_id = $1
         ORDER BY revision DESC, position DESC`,
        [tenantId ?? null],
      );
      expect(places).toEqual(rows.map(({ revision, position }) => [revision, position]));
    }
  });

  const encode = (parts: unknown) => Buffer.from(`GPC:T:${JSON.stringify(parts)}`).toString('base64');
  test.each([
    ['nonsense', 'nonsense'],
    ['one part', encode(['I:1'])],
    ['text', encode(['S:one', 'S:two'])],
    ['no revision', encode([null, 'N:0'])],
    ['half a position', encode(['I:1', 'N:0.5'])],
    ['a revision beyond all', encode(['I:99999999999999999999', 'N:0'])],
    ['a position beyond all', encode(['I:1', 'N:99999999999'])],
    ['an entry that is not there', encode(['I:1', 'N:77'])],
  ])('with a cursor of %s are refused with VALIDATION_ERROR', async (_what, after) => {
    const { status, codes } = await gateway.ask(
      `query ($after: String) { auditLog(after: $after) { edges { cursor } } }`,
      { after },
      { accept: graphqlResponse },
    );
    expect([status, codes]).toEqual([400, ['VALIDATION_ERROR']]);
  });

  test('with both first and last, or a negative size, are refused with VALIDATION_ERROR', async () => {
    for (const wrong of ['first: 1, last: 1', 'first: -1'])
      expect((await gateway.ask(`{ auditLog(${wrong}) { edges { cursor } } }`)).codes).toEqual([
        'VALIDATION_ERROR',
      ]);
  });
});
