import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';
import { openIdentityProvider, type TestIdentityProvider } from '../setup/identity-provider.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

let identities: TestIdentityProvider;
let gateway: TestGateway;
let acme: StoryTenant;
let other: StoryTenant;
beforeAll(async () => {
  identities = await openIdentityProvider();
  gateway = await openGateway({ config: { identityProvider: identities.provider } });
  acme = await aTenant().subscribedTo('finance', 'operations').at(gateway);
  other = await aTenant().subscribedTo('finance').at(gateway);
  await mutate(gateway, 'suspendTenant', { tenantId: acme.id, reason: 'unpaid' });
  await gateway.psql(
    `INSERT INTO members (tenant_id, email, subject, status) VALUES ($1, 'plain@acme.example', 'plain', 'active')`,
    [acme.id],
  );
});
afterAll(async () => {
  await gateway?.close();
  await identities?.[Symbol.asyncDispose]();
});

interface Listed {
  id: string;
  kind: string;
  status: string;
  createdAt: string;
  tenant: { slug: string } | null;
}

const list = `query ($first: Int, $after: String, $filter: OperationFilter, $orderBy: OperationOrder) {
  operations(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    edges { cursor node { id kind status createdAt cancelRequestedAt tenant { slug } steps { name module } } }
    pageInfo { hasNextPage endCursor }
  }
}`;

async function read(variables: Record<string, unknown>): Promise<Listed[]> {
  const { data, errors } = await gateway.ask(list, variables);
  expect(errors).toEqual([]);
  return data.operations.edges.map(({ node }: { node: Listed }) => node);
}

describe('operations', () => {
  test('lists those of all tenants with their tenant, newest first, and in the other order', async () => {
    const all = await read({ first: 100 });
    expect(new Set(all.map(({ tenant }) => tenant?.slug))).toEqual(new Set([acme.slug, other.slug]));
    expect(all.map(({ createdAt }) => createdAt)).toEqual(
      all
        .map(({ createdAt }) => createdAt)
        .toSorted()
        .reverse(),
    );
    const oldest = await read({ orderBy: { field: 'CREATED_AT', direction: 'ASC' } });
    expect(oldest.map(({ id }) => id)).toEqual(all.map(({ id }) => id).reverse());
  });

  test('has pages that neither overlap nor miss an operation', async () => {
    const all = (await read({ first: 100 })).map(({ id }) => id);
    const found: string[] = [];
    let after: string | null = null;
    do {
      const { data }: Answer<undefined> = await gateway.ask(list, { first: 1, after });
      found.push(...data.operations.edges.map(({ node }: { node: Listed }) => node.id));
      after = data.operations.pageInfo.hasNextPage ? data.operations.pageInfo.endCursor : null;
    } while (after !== null);
    expect(found).toEqual(all);
  });

  test('is filtered', async () => {
    const kinds = async (filter: object) =>
      (await read({ filter })).map(({ kind, tenant }) => `${kind} ${tenant?.slug}`);
    expect(await kinds({ tenant: acme.slug, kind: ['BIND_STORAGE'] })).toEqual([`BIND_STORAGE ${acme.slug}`]);
    const created = await kinds({ module: 'operations', kind: ['SUBSCRIBE_TENANT'] });
    expect(created).toEqual([`SUBSCRIBE_TENANT ${acme.slug}`]);
    expect(await kinds({ needsAttention: true })).toEqual([]);
    expect(await kinds({ since: '2099-01-01T00:00:00Z' })).toEqual([]);
    expect(await kinds({ tenant: other.id, status: ['SUCCEEDED'] })).toEqual([
      `SUBSCRIBE_TENANT ${other.slug}`,
    ]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ filter: { tenant: 'nobody' } }, 'TENANT_NOT_FOUND'],
    [{ filter: { module: 'UPPER' } }, 'VALIDATION_ERROR'],
    [{ filter: { since: '0000-01-01T00:00:00Z' } }, 'VALIDATION_ERROR'],
    [{ first: -1 }, 'VALIDATION_ERROR'],
    [{ after: 'x' }, 'VALIDATION_ERROR'],
    [
      { after: Buffer.from('["tenants","createdAt","infinity","x"]').toString('base64url') },
      'VALIDATION_ERROR',
    ],
  ])('refuses %j with %s', async (variables, code) => {
    const { codes } = await gateway.ask(list, variables, { accept: graphqlResponse });
    expect(codes).toEqual([code]);
  });
});

const ofTenant = `{ tenant(id: "acme") { operations(first: 2) { edges { cursor node { id kind tenant { id } steps { name } } } pageInfo { hasNextPage endCursor } } } }`;

describe('Tenant.operations', () => {
  test('has the pages of operations(filter: {tenant}), with the same cursors', async () => {
    const all = await read({ filter: { tenant: acme.id } });
    const { data } = await gateway.ask(ofTenant.replace('acme', acme.id));
    const { edges, pageInfo } = data.tenant.operations;
    expect(edges.map(({ node }: { node: Listed }) => node.id)).toEqual(all.slice(0, 2).map(({ id }) => id));
    expect(pageInfo).toEqual({ hasNextPage: all.length > 2, endCursor: edges[1].cursor });
    const rest = await gateway.ask(
      `query ($after: String) { tenant(id: "${acme.id}") { operations(after: $after) { edges { node { id } } } } }`,
      { after: pageInfo.endCursor },
    );
    expect(rest.data.tenant.operations.edges.map(({ node }: { node: Listed }) => node.id)).toEqual(
      all.slice(2).map(({ id }) => id),
    );
  });

  test('costs the same number of statements for one tenant and for many', async () => {
    const statements = (first: number) =>
      recordStatements(async () => {
        const { errors } = await gateway.ask(
          `query ($first: Int) { tenants(first: $first) { edges { node {
             operations(first: 5) { edges { node { kind steps { name } tenant { name } attempts { number steps { name } operation { id } } } } }
             subscriptions { history(first: 5) { edges { node { operation { tenant { name } } } } } } } } } }`,
          { first },
        );
        expect(errors).toEqual([]);
      });
    const [one, two] = [await statements(1), await statements(2)];
    expect(two.length, two.join('\n')).toBe(one.length);
  });

  test('is open to a member of the tenant, with the tenant of each operation', async () => {
    const key = await identities.sign({ sub: 'plain' });
    const { data, codes } = await gateway.ask(ofTenant.replace('acme', acme.slug), {}, { key });
    expect(codes).toEqual([]);
    expect(data.tenant.operations.edges[0].node.tenant).toEqual({ id: acme.id });
    // An operation on many tenants tells about others.
    await mutate(gateway, 'updateTenants', { tenantIds: [acme.id, other.id], maxUsers: 6 });
    const kinds = async (options: { key?: string }) => {
      const answer = await gateway.ask(
        `{ tenant(id: "${acme.slug}") { operations { edges { node { kind } } } } }`,
        {},
        options,
      );
      return answer.data.tenant.operations.edges.map(({ node }: { node: { kind: string } }) => node.kind);
    };
    expect(await kinds({})).toContain('UPDATE_TENANTS');
    expect(await kinds({ key })).not.toContain('UPDATE_TENANTS');
    expect((await gateway.ask(list, {}, { key })).codes).toEqual(['FORBIDDEN']);
  });
});

describe('Operation.tenantResults', () => {
  const results = 'tenantResults { edges { node { tenantId status } } }';

  test('is empty for an operation on one tenant, also for a member of the tenant', async () => {
    const key = await identities.sign({ sub: 'plain' });
    const { data, codes } = await gateway.ask(
      `{ tenant(id: "${acme.slug}") { operations(first: 1) { edges { node { ${results} } } } } }`,
      {},
      { key },
    );
    expect(codes).toEqual([]);
    expect(data.tenant.operations.edges).toEqual([{ node: { tenantResults: { edges: [] } } }]);
  });

  test('is null for a caller that may change many tenants and not read them, and the rest of the answer stands', async () => {
    const key = await gateway.createKey('registry:write');
    const input = { tenantIds: [acme.id, other.id], maxUsers: 7, wait: 'COMMITTED' };
    const { codes, result } = await mutate(gateway, 'updateTenants', input, `operation { kind ${results} }`, {
      key,
    });
    expect(codes).toEqual([]);
    expect(result.operation).toEqual({ kind: 'UPDATE_TENANTS', tenantResults: null });
  });
});

test('a caller that may change a tenant and not read it gets no tenant by an operation, and no operations by a tenant', async () => {
  const key = await gateway.createKey('registry:write', 'provision');
  const changed = await mutate(
    gateway,
    'updateTenant',
    { tenantId: other.id, name: 'New' },
    'tenant { operations { pageInfo { hasNextPage } } }',
    { key },
  );
  expect(changed.codes).toEqual(['FORBIDDEN']);
  const marked = await mutate(
    gateway,
    'subscribeTenantToModule',
    { tenantId: other.id, module: 'inventory' },
    'operation { kind tenant { name } }',
    { key },
  );
  expect(marked.codes).toEqual(['FORBIDDEN']);
  expect(marked.result.operation).toEqual({ kind: 'SUBSCRIBE_TENANT', tenant: null });
});
