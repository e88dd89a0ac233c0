import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.js';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
let acme: StoryTenant;
let other: StoryTenant;
/** An object of each type and what is read of it, by the query that lists it. */
const known: Record<string, { id: string; field: string; value: unknown }> = {};

beforeAll(async () => {
  identities = await openIdentityProvider();
  gateway = await openGateway({ config: { identityProvider: identities.provider } });
  acme = await aTenant().subscribedTo('finance').at(gateway);
  other = await aTenant().subscribedTo('finance').at(gateway);
  await gateway.psql(
    `INSERT INTO members (tenant_id, email, subject, status) VALUES ($1, 'plain@acme.example', 'plain', 'active')`,
    [acme.id],
  );
  await mutate(gateway, 'createApiKey', { name: 'reporting', scopes: ['registry:read'] });
  const started = await mutate(
    gateway,
    'startRollout',
    { module: 'inventory' },
    'rollout { id targetVersion }',
  );
  const { rollout } = started.result;
  known.Rollout = { id: rollout.id, field: 'targetVersion', value: rollout.targetVersion };
  const { data, errors } = await gateway.ask(
    `query ($id: ID!) { tenant(id: $id) { id slug members { edges { node { id email } } } operations(first: 1) { edges { node { id kind } } }
       subscriptions { id schemaName module { id name } } } apiKeys { edges { node { id name } } } }`,
    { id: acme.id },
  );
  expect(errors).toEqual([]);
  const { tenant } = data;
  const [subscription] = tenant.subscriptions;
  const [member] = tenant.members.edges;
  const [operation] = tenant.operations.edges;
  const [key] = data.apiKeys.edges;
  known.Tenant = { id: tenant.id, field: 'slug', value: tenant.slug };
  known.ModuleSubscription = { id: subscription.id, field: 'schemaName', value: subscription.schemaName };
  known.Module = { id: subscription.module.id, field: 'name', value: 'finance' };
  known.Member = { id: member.node.id, field: 'email', value: 'plain@acme.example' };
  known.Operation = { id: operation.node.id, field: 'kind', value: operation.node.kind };
  known.ApiKey = { id: key.node.id, field: 'name', value: 'reporting' };
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});

const types = schema
  .getPossibleTypes(schema.getType('Node') as Parameters<typeof schema.getPossibleTypes>[0])
  .map(({ name }) => name);

describe('node(id)', () => {
  test.each(types)('reads a %s again by the id that every other query gives it', async (type) => {
    const { id, field, value } = known[type] ?? {};
    const { data, errors } = await gateway.ask(
      `query ($id: ID!) { node(id: $id) { __typename id ... on ${type} { ${field} } } }`,
      { id },
    );
    expect(errors).toEqual([]);
    expect(data.node).toEqual({ __typename: type, id, [field ?? '']: value });
  });

  test('reads relations and connections of an object', async () => {
    const { data, errors } = await gateway.ask(
      `query ($tenant: ID!, $subscription: ID!, $operation: ID!) {
         tenant: node(id: $tenant) { ... on Tenant { settings { currency } modulesSubscribed members { edges { node { email } } } } }
         subscription: node(id: $subscription) { ... on ModuleSubscription { tenant { id } module { name } } }
         operation: node(id: $operation) { ... on Operation { tenant { id } steps { status } } } }`,
      { tenant: acme.id, subscription: known.ModuleSubscription?.id, operation: known.Operation?.id },
    );
    expect(errors).toEqual([]);
    expect(data).toMatchObject({
      tenant: {
        modulesSubscribed: ['finance'],
        members: { edges: [{ node: { email: 'plain@acme.example' } }] },
      },
      subscription: { tenant: { id: acme.id }, module: { name: 'finance' } },
      operation: { tenant: { id: acme.id } },
    });
  });

  test.each([
    ['nobody’s UUID', '00000000-0000-4000-8000-000000000000'],
    ['a slug', 'acme'],
    ['a module that is none', 'module:nothing'],
    ['the name of a module', 'finance'],
    ['an empty text', ''],
  ])('is null for %s', async (_what, id) => {
    const { data, errors } = await gateway.ask('query ($id: ID!) { node(id: $id) { id } }', { id });
    expect([data, errors]).toEqual([{ node: null }, []]);
  });
});

describe('a caller reads by node(id) what it reads by other queries:', () => {
  async function seenBy(key: string): Promise<string[]> {
    const ids = types.map((type) => known[type]?.id);
    const { data, errors } = await gateway.ask(
      'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }',
      { ids: [...ids, other.id] },
      { key },
    );
    expect(errors).toEqual([]);
    return data.nodes.map((node: { __typename: string } | null) => node?.__typename ?? 'null');
  }
  const only = (...visible: string[]) => [...types.map((type) => (visible.includes(type) ? type : 'null'))];

  test('a member its own tenant', async () => {
    const key = await identities.sign({ sub: 'plain' });
    expect(await seenBy(key)).toEqual([
      ...only('Tenant', 'ModuleSubscription', 'Member', 'Operation'),
      'null',
    ]);
  });

  test.each([
    ['registry:read', types.filter((type) => type !== 'ApiKey'), 'Tenant'],
    ['keys:manage', ['ApiKey'], 'null'],
    ['resolve:finance', [], 'null'],
  ])('a key with %s', async (scope, visible, ofOther) => {
    expect(await seenBy(await gateway.createKey(scope))).toEqual([...only(...visible), ofOther]);
  });
});

describe('nodes(ids)', () => {
  test('answers in order, also twice the same, with null for what is not there', async () => {
    const ids = [other.id, 'nobody', 'module:finance', acme.id.toUpperCase(), other.id];
    const { data, errors } = await gateway.ask(
      'query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename ... on Tenant { slug } } }',
      { ids },
    );
    expect(errors).toEqual([]);
    expect(data.nodes).toEqual([
      { id: other.id, __typename: 'Tenant', slug: other.slug },
      null,
      { id: 'module:finance', __typename: 'Module' },
      { id: acme.id, __typename: 'Tenant', slug: acme.slug },
      { id: other.id, __typename: 'Tenant', slug: other.slug },
    ]);
  });

  test('takes as many statements for many ids as for one of each type, and the lookup is by primary keys', async () => {
    const count = (ids: (string | undefined)[]) =>
      recordStatements(async () => {
        const { errors } = await gateway.ask(
          'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Tenant { slug } ... on ModuleSubscription { module { name } } } }',
          { ids },
        );
        expect(errors).toEqual([]);
      });
    const { data } = await gateway.ask('{ tenants { edges { node { id subscriptions { id } } } } }');
    const all = data.tenants.edges.flatMap(
      ({ node }: { node: { id: string; subscriptions: { id: string }[] } }) => [
        node.id,
        ...node.subscriptions.map(({ id }) => id),
      ],
    );
    expect(all.length).toBeGreaterThan(3);
    expect((await count(all)).length).toBe(
      (await count([known.Tenant?.id, known.ModuleSubscription?.id])).length,
    );
  });

  test('refuses more than 100 ids before anything is read', async () => {
    const { codes } = await gateway.ask('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: Array(101).fill(acme.id),
    });
    expect(codes).toEqual(['VALIDATION_ERROR']);
  });
});
