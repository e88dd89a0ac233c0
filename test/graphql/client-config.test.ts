import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aClientsFolder, clientYaml, importClients, writeClient } from '../importing/support/client-story.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';

let folder: string;
let gateway: TestGateway;
const named = (id: string, name: string) => clientYaml(id, `branding: { company_name: ${name} }`);

beforeAll(async () => {
  folder = await aClientsFolder({ acme: named('acme', 'First'), alone: clientYaml('alone') });
  gateway = await openGateway({ config: { clientsDir: folder } });
});
afterAll(() => gateway?.close());

async function served(id: string): Promise<string | undefined> {
  const { data } = await gateway.ask(`{ tenant(id: "${id}") { config } }`);
  return data.tenant.config.branding?.company_name;
}

async function clientConfig(id: string) {
  const { data } = await gateway.ask(
    `{ clientConfig(id: "${id}") { config readAt problems { path line message } replaced { path reference } tenant { slug } } }`,
  );
  return data.clientConfig;
}

/** Events of the file system are faster than the poll; without events a few polls are enough. */
const soon = { timeout: 10_000, interval: 50 };

describe('while the file is the source', () => {
  beforeAll(() => importClients(gateway, folder, { keepsSource: true, only: ['acme'] }));

  test('its content and its changes are served', async () => {
    expect(await served('acme')).toBe('First');
    await writeClient(folder, 'acme', named('acme', 'Written'));
    await expect.poll(() => served('acme'), soon).toBe('Written');
    await writeFile(join(folder, 'acme/client.yaml~'), named('acme', 'Renamed'));
    await rename(join(folder, 'acme/client.yaml~'), join(folder, 'acme/client.yaml'));
    await expect.poll(() => served('acme'), soon).toBe('Renamed');
  });

  test('a route contains it', async () => {
    await gateway.psql(`INSERT INTO module_subscriptions (tenant_id, module, status)
      SELECT id, 'finance', 'active' FROM tenants WHERE slug = 'acme'`);
    const { data } = await gateway.ask('{ tenantSchema(id: "acme", module: "finance") { config } }');
    expect(data.tenantSchema.config.branding).toEqual({ company_name: await served('acme') });
  });

  test('a mistake is reported while the latest valid content is served', async () => {
    const before = await served('acme');
    await writeClient(folder, 'acme', 'client: { id: acme }\nemail: { primary: [ }');
    await expect.poll(async () => (await clientConfig('acme')).problems.length, soon).toBeGreaterThan(0);
    expect(await served('acme')).toBe(before);
    const { data } = await gateway.ask(
      '{ clientConfigs(withProblems: true) { edges { node { id problems { line } } } } }',
    );
    expect(data.clientConfigs.edges).toEqual([
      { node: { id: 'acme', problems: expect.arrayContaining([{ line: 2 }]) } },
    ]);
    const { status } = await fetch(`${gateway.url}/ready`);
    expect(status).toBe(200);
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toContain('tenant_registry_unusable_client_files 1');
    await writeClient(folder, 'acme', named('acme', 'Mended'));
    await expect.poll(() => served('acme'), soon).toBe('Mended');
    expect((await clientConfig('acme')).problems).toEqual([]);
  });

  test('its secrets are served as references, and the Supabase service key is in no answer', async () => {
    const secret = 'infrastructure: { supabase: { anon_key: hunter2-anon, service_key: hunter2-service } }';
    await writeClient(folder, 'acme', clientYaml('acme', secret));
    await expect.poll(async () => (await clientConfig('acme')).replaced.length, soon).toBe(2);
    const { data } = await gateway.ask(
      '{ tenant(id: "acme") { config } clientConfig(id: "acme") { config replaced { path reference why } } }',
    );
    expect(data.tenant.config.infrastructure).toEqual({
      supabase: { anon_key: `\${ACME_SUPABASE_ANON_KEY}` },
    });
    expect(JSON.stringify(data)).not.toContain('hunter2');
  });

  test('mutations cannot change it', async () => {
    const { codes } = await mutate(gateway, 'updateTenantConfig', { tenantId: 'acme', patch: {} });
    expect(codes).toEqual(['CONFLICT']);
  });

  test('when the file is removed, the registered configuration is served', async () => {
    await writeClient(folder, 'acme', named('acme', 'Last'));
    await expect.poll(() => served('acme'), soon).toBe('Last');
    await rm(join(folder, 'acme'), { recursive: true });
    await expect.poll(() => served('acme'), soon).toBe('First');
  });
});

test('after the import the configuration of the registry is served at once', async () => {
  await writeClient(folder, 'moved', named('moved', 'File'));
  await importClients(gateway, folder, { keepsSource: true, only: ['moved'] });
  expect(await served('moved')).toBe('File');
  // The gateway finds a new folder in the same way as a changed file.
  await expect.poll(async () => (await clientConfig('moved'))?.tenant, soon).toEqual({ slug: 'moved' });
  await importClients(gateway, folder, { only: ['moved'] });
  await mutate(gateway, 'updateTenantConfig', {
    tenantId: 'moved',
    patch: { branding: { company_name: 'Registry' } },
  });
  expect(await served('moved')).toBe('Registry');
});

test('a folder without a tenant is served as a file and does not resolve', async () => {
  expect(await clientConfig('alone')).toMatchObject({
    config: { email: { primary: 'hello@alone.example' } },
    problems: [],
    tenant: null,
  });
  const { data, codes } = await gateway.ask(
    '{ tenant(id: "alone") { id } tenantSchema(id: "alone", module: "finance") { schemaName } clientConfig(id: "nobody") { id } }',
  );
  expect(data).toEqual({ tenant: null, tenantSchema: null, clientConfig: null });
  expect(codes).toEqual(['TENANT_NOT_FOUND']);
});

test('all files are listed in the order of their ids, new ones too; withProblems lists only files with a mistake', async () => {
  await writeClient(folder, 'aardvark', 'email: { primary: [ }');
  await expect.poll(async () => (await clientConfig('aardvark'))?.problems.length, soon).toBeGreaterThan(0);
  const { data } = await gateway.ask(
    `{ all: clientConfigs { ...Ids } wrong: clientConfigs(withProblems: true) { ...Ids }
       right: clientConfigs(withProblems: false) { ...Ids } }
     fragment Ids on ClientConfigConnection { edges { node { id } } }`,
  );
  const ids = data.all.edges.map(({ node }: { node: { id: string } }) => node.id);
  expect(ids).toEqual(expect.arrayContaining(['aardvark', 'alone']));
  expect(ids).toEqual(ids.toSorted());
  expect(data.right).toEqual(data.all);
  expect(data.wrong.edges).toEqual([{ node: { id: 'aardvark' } }]);
  const page = async (args: string) => {
    const { data } = await gateway.ask(
      `{ clientConfigs(${args}) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage } } }`,
    );
    return data.clientConfigs;
  };
  const first = await page('first: 1');
  expect(first.edges[0].node.id).toBe(ids[0]);
  const after = await page(`first: 100, after: "${first.edges[0].cursor}"`);
  expect(after.edges.map(({ node }: { node: { id: string } }) => node.id)).toEqual(ids.slice(1));
  expect(after.pageInfo).toEqual({ hasNextPage: false, hasPreviousPage: true });
  const last = await page(`last: 1, before: "${after.edges[0].cursor}"`);
  expect(last.edges[0].node.id).toBe(ids[0]);
});

test('files need the scope to read the registry', async () => {
  await using guarded = await openGateway({ authMode: 'required', config: { clientsDir: folder } });
  const key = await guarded.createKey('resolve:*');
  const { codes } = await guarded.ask('{ clientConfig(id: "alone") { id } }', {}, { key });
  expect(codes).toEqual(['FORBIDDEN']);
});
