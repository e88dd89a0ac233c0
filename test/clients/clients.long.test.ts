import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generate } from '@graphql-codegen/cli';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aFolder } from '../setup/process.js';
import { aTenant } from '../setup/stories.js';
import { skips } from './installed.js';

let gateway: TestGateway;
let endpoint: string;
beforeAll(async () => {
  gateway = await openGateway();
  endpoint = `${gateway.url}/graphql`;
  await aTenant({ name: 'Acme', slug: 'acme' }).subscribedTo('finance').at(gateway);
  await mutate(gateway, 'inviteTenantMember', { tenantId: 'acme', email: 'ada@acme.example', role: 'ADMIN' });
  await gateway.createKey('registry:read');
});
afterAll(() => gateway?.close());

async function run(script: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, script), ...args],
    {
      timeout: 120_000,
    },
  );
  return stdout;
}

const relay = async () =>
  JSON.parse(await run('relay.js', endpoint, await aFolder())) as {
    list: string;
    again: Record<string, string>;
  };

const asked = { route: 'finance_acme', refused: 'TENANT_NOT_FOUND' };
const change = 'TENANT_REGISTERED';

describe.skipIf(skips)('a gateway answers what GraphQL clients send by default:', () => {
  test.each<[string, object]>([
    ['Apollo Client 3', { ...asked, change }],
    ['Apollo Client 4', { ...asked, change }],
    ['Apollo Client 3 with persisted queries', { ...asked, change }],
    ['Apollo Client 4 with persisted queries', { ...asked, change }],
    ['urql', { ...asked, change }],
    ['graphql-request', asked],
    ['graphql-http', asked],
    ['graphql-sse, distinct connections', { change }],
    [
      'graphql-sse, single connection',
      {
        told: 'Server responded with 405: Method Not Allowed',
        refusal: expect.stringContaining(
          'single connection mode of GraphQL over Server-Sent Events is not supported',
        ),
      },
    ],
  ])('%s', async (client, expected) => {
    expect(JSON.parse(await run('ask.js', client, endpoint))).toEqual(expected);
  });

  test('relay-compiler, which reads an object of every type of Node again by its id', async () => {
    const { again } = await relay();
    const { data } = await gateway.ask(
      `query { tenant(id: "acme") { id subscriptions { id module { id } } operations(first: 1) { edges { node { id } } }
         members { edges { node { id } } } } apiKeys(first: 1) { edges { node { id } } } }`,
    );
    const { result } = await mutate(gateway, 'startRollout', { module: 'finance' }, 'rollout { id }');
    const [subscription] = data.tenant.subscriptions;
    const ids: Record<string, string> = {
      ...{ Tenant: data.tenant.id, ModuleSubscription: subscription.id, Module: subscription.module.id },
      Operation: data.tenant.operations.edges[0].node.id,
      Member: data.tenant.members.edges[0].node.id,
      ApiKey: data.apiKeys.edges[0].node.id,
      Rollout: result.rollout.id,
    };
    expect(Object.keys(again).toSorted()).toEqual(Object.keys(ids).toSorted());
    for (const [type, text] of Object.entries(again)) {
      const { data: read, errors } = await gateway.ask(text, { id: ids[type] });
      expect([read.node, errors]).toEqual([{ id: ids[type], __typename: type }, []]);
    }
  });

  test.each([
    // A normalised cache: the list has the new name without another request.
    ['Apollo Client 4', 0],
    ['urql with a normalised cache', 0],
    // A cache of documents: urql reads all pages again, as the payload tells that a Tenant has changed.
    ['urql', 1],
  ])(
    '%s reads lists page by page, and they follow a mutation by the id in its payload',
    async (client, requests) => {
      await gateway.psql(
        `INSERT INTO tenants (slug, name) VALUES ('beta', 'Beta'), ('gamma', 'Gamma') ON CONFLICT DO NOTHING`,
      );
      const { data } = await gateway.ask(
        '{ tenants(first: 100, orderBy: { field: SLUG }) { edges { node { slug name } } } }',
      );
      const before = data.tenants.edges.map(({ node }: { node: { name: string } }) => node.name);
      const read = JSON.parse(await run('pages.js', client, endpoint, 'gamma'));
      const at = data.tenants.edges.findIndex(
        ({ node }: { node: { slug: string } }) => node.slug === 'gamma',
      );
      expect(read).toEqual({
        before,
        after: before.map((name: string, of: number) => (of === at ? 'Renamed' : name)),
        requests: requests * Math.ceil(before.length / 2),
      });
      await mutate(gateway, 'updateTenant', { tenantId: 'gamma', name: 'Gamma' });
    },
  );

  test('relay-compiler, whose text of a connection is answered', async () => {
    const { list } = await relay();
    expect(list).toContain('__typename');
    const { data, errors } = await gateway.ask(list, { after: null });
    expect(errors).toEqual([]);
    expect(data.tenants.edges[0]).toMatchObject({
      node: { slug: 'acme', subscriptions: [{ schemaName: 'finance_acme' }], __typename: 'Tenant' },
    });
  });
});

test('GraphQL Code Generator reads the schema of a gateway', async () => {
  const file = join(await aFolder(), 'types.ts');
  await generate(
    {
      schema: endpoint,
      silent: true,
      generates: { [file]: { plugins: ['typescript-operations'] } },
      documents: 'src/client/resolution/lookup.ts',
    },
    true,
  );
  expect(readFileSync(file, 'utf8')).toContain('tenantSchemas');
});

test('the client preset of GraphQL Code Generator types lists, filters and enums', async () => {
  const folder = await aFolder();
  const document = `query Tenants($filter: TenantFilter) { tenants(filter: $filter) { edges { node { id status plan members { edges { node { role } } } } } } }`;
  await writeFile(join(folder, 'tenants.graphql'), document);
  await generate(
    {
      schema: endpoint,
      silent: true,
      generates: {
        [`${folder}/generated/`]: {
          preset: 'client',
          config: { enumType: 'string-literal', useTypeImports: true },
        },
      },
      documents: join(folder, 'tenants.graphql'),
    },
    true,
  );
  const types = readFileSync(join(folder, 'generated/graphql.ts'), 'utf8');
  expect(types).toMatch(/export type TenantStatus =\s*\|? *(\/\*[\s\S]*?\*\/\s*)?\|? *'ACTIVE'/);
  for (const part of ['createdFrom?:', 'needsAttention?:', 'TenantsDocument', 'role: MemberRole'])
    expect(types).toContain(part);
});
