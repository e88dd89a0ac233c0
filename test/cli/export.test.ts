import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { variablePrefix } from '../../src/registry/values/secret-detector.js';
import { createRegistryDatabase } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aFolder, run } from '../setup/process.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

describe('export', () => {
  let gateway: TestGateway;
  let env: Record<string, string>;
  let tenant: StoryTenant;
  beforeAll(async () => {
    gateway = await openGateway();
    env = { DATABASE_URL: gateway.registry.url, ...gateway.app.config.serviceDatabaseUrls };
    tenant = await aTenant({ name: 'no: "quoted" #1 – Ünï' })
      .subscribedTo('finance', 'operations')
      .at(gateway);
    const patch = {
      email: {
        primary: 'no@example.com',
        sendgrid: { api_key: `\${${variablePrefix(tenant.slug)}SENDGRID_KEY}` },
      },
      branding: { logo_url: null, email_signature: 'Yours,\n  # the 1.50 team\n---\n' },
      destinations: [{ name: 'Norway', code: 'NO', enabled: true, aliases: ['on', '2026-01-31', '0x1F'] }],
    };
    const changes: [string, object][] = [
      ['updateTenant', { maxUsers: 7 }],
      ['updateTenantConfig', { patch }],
      ['updateTenantSettings', { supportPhone: '+27 21 555 0100', website: 'https://example.com' }],
      ['updateTenantBranding', { primaryColor: '#1f2a44' }],
      ['unsubscribeTenantFromModule', { module: 'operations' }],
    ];
    for (const [name, input] of changes)
      expect((await mutate(gateway, name, { tenantId: tenant.id, ...input })).codes).toEqual([]);
    await gateway.psql(
      `INSERT INTO members (tenant_id, email, role) VALUES ($1, 'zoe@example.com', 'admin'), ($1, 'amy@example.com', 'member')`,
      [tenant.id],
    );
    await gateway.psql(
      `INSERT INTO invitations (tenant_id, member_id, token_hash, expires_at) SELECT tenant_id, id, sha256(id::text::bytea), now() FROM members`,
    );
    await gateway.createKey('registry:read');
    const other = await aTenant({ slug: 'a-first' }).at(gateway);
    await mutate(gateway, 'deleteTenant', { tenantId: other.id });
    await gateway.psql(
      `INSERT INTO tenants (slug, name) SELECT 'bulk-' || n, 'Bulk' FROM generate_series(1, 450) AS n`,
    );
  });
  afterAll(() => gateway?.close());

  const fields = `
    id slug name shortName status plan maxUsers maxMonthlyQuotes maxStorageGb ownLimits timezone currency primaryEmail gcpProjectId gcpDataset
    config configSource createdAt createdBy updatedAt suspendedAt suspendedReason suspendUntil
    deletedAt restorableUntil isProtected internalNote version
    settings { companyName supportEmail supportPhone website currency timezone emailFromName emailFromEmail }
    externalIds branding { presetTheme logoUrl primaryColor secondaryColor accentColor }
    members { edges { node { id email fullName role status } } }
    subscriptions { module { name } status isolation databaseName schemaName generation migrationVersion provisionedAt
      suspendedAt suspendedReason cancelledAt purgeAfter storageRemovedAt }`;

  /** The export omits null fields, except inside a configuration. */
  const withoutNulls = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(withoutNulls);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, below]) => below !== null)
        .map(([name, below]) => [name, name === 'config' ? below : withoutNulls(below)]),
    );
  };

  test('an export has the values of the GraphQL API for every tenant, and is the same twice', async () => {
    const { code, stdout, stderr } = await run(['export'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const exported = parse(stdout);
    expect(parse(stdout, { version: '1.1' })).toEqual(exported);
    const slugs = exported.tenants.map(({ slug }: { slug: string }) => slug);
    expect(slugs).toHaveLength(452);
    expect(slugs).toEqual(slugs.toSorted());

    for (const slug of [tenant.slug, 'a-first', 'bulk-7']) {
      const { data, errors } = await gateway.ask(`query ($id: ID!) { tenant(id: $id) { ${fields} } }`, {
        id: slug,
      });
      expect(errors).toEqual([]);
      const { subscriptions, settings, members, ...asked } = data.tenant;
      const mine = exported.tenants.find((one: { slug: string }) => one.slug === slug);
      // GraphQL returns the support address instead of null.
      const { emailFromEmail: _, ...ownSettings } = settings ?? {};
      expect(mine).toEqual(
        withoutNulls({
          ...asked,
          members: members.edges.map(({ node }: { node: object }) => node),
          settings: settings && ownSettings,
          subscriptions: subscriptions.map(({ module, ...place }: { module: { name: string } }) => ({
            module: module.name,
            ...place,
          })),
        }),
      );
    }
    const { data } = await gateway.ask(
      '{ modules { name description databaseRef databaseName schemaPrefix isolation migrationsFolder } }',
    );
    expect(exported.modules).toEqual(data.modules);
    const [head] = await gateway.psql('SELECT revision::int FROM registry_head');
    expect(exported).toMatchObject({ version: 1, revision: head?.revision });
    expect(stdout).toContain(`api_key: \${${variablePrefix(tenant.slug)}SENDGRID_KEY}`);
    expect(stdout).not.toMatch(/hash|token|secret|trk_/i);
    expect((await run(['export'], env)).stdout).toBe(stdout);
  });

  test('an export of a registry without tenants has an empty list of them', async () => {
    const empty = await createRegistryDatabase();
    try {
      const { code, stdout } = await run(['export'], { ...env, DATABASE_URL: empty.url });
      expect({ code, tenants: parse(stdout).tenants }).toEqual({ code: 0, tenants: [] });
    } finally {
      await empty.drop();
    }
  });

  test('an export to a file is complete or leaves no file', async () => {
    const folder = await aFolder();
    const file = join(folder, 'one.yaml');
    expect(await run(['export', '--tenant', tenant.slug, '--out', file], env)).toEqual({
      ...{ code: 0, signal: null, stdout: '', stderr: '' },
    });
    expect(parse(await readFile(file, 'utf8')).tenants).toMatchObject([{ id: tenant.id }]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    const before = await readFile(file, 'utf8');
    const unknown = await run(['export', '--tenant', 'nobody', '--out', file], env);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/^TENANT_NOT_FOUND: /) });
    await mkdir(join(folder, 'folder'));
    for (const place of ['folder', 'missing/one.yaml'])
      expect(await run(['export', '--out', join(folder, place)], env)).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^VALIDATION_ERROR: --out: .* cannot be written \(E[A-Z]+\)\n$/),
      });
    expect(await readFile(file, 'utf8')).toBe(before);
    expect((await readdir(folder)).toSorted()).toEqual(['folder', 'one.yaml']);
  });

  test('a value that looks like a secret is left out and reported with its path', async () => {
    await gateway.psql(
      `SET session_replication_role = replica;
       UPDATE tenants SET tenant_config = '{"email": {"smtp": {"password": "hunter2hunter2", "port": 25}}, "list": ["sk-abcdefghijklmnop"]}'
       WHERE slug = 'bulk-7'`,
    );
    const { code, stdout, stderr } = await run(['export', '--tenant', 'bulk-7'], env);
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'Tenant bulk-7: list.0 looks like a secret and was left out: replace it by a reference',
      'Tenant bulk-7: email.smtp.password looks like a secret and was left out: replace it by a reference',
    ]);
    expect(`${stdout}${stderr}`).not.toMatch(/hunter|abcdef/);
    expect(parse(stdout).tenants[0].config).toEqual({
      email: { smtp: { password: '***', port: 25 } },
      list: ['***'],
    });
  });
});
