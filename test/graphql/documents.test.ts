import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

describe('an invalid document is refused with VALIDATION_ERROR and HTTP 400:', () => {
  const mutation = `mutation ($input: RegisterTenantInput!) { registerTenant(input: $input) { revision } }`;
  const query = `query ($id: ID!) { tenant(id: $id) { name } }`;
  test.each<[string, string, Record<string, unknown>?]>([
    ['a syntax error', '{ tenant(id: '],
    ['an empty document', ''],
    ['a document of one comment', '# nothing'],
    ['an unknown query', '{ tenantz { id } }'],
    ['an unknown field', '{ modules { shoeSize } }'],
    ['an unknown argument', '{ modules(first: 1) { name } }'],
    ['a missing argument', '{ tenant { name } }'],
    ['an object without fields', '{ modules }'],
    ['fields of a plain value', '{ modules { name { length } } }'],
    ['an unknown type', 'query ($x: Shoe) { modules { name } }'],
    ['an unused variable', 'query ($x: ID) { modules { name } }'],
    ['a missing variable', query],
    ['a variable that is null', query, { id: null }],
    ['a variable of another type', query, { id: { nested: true } }],
    ['a variable that is a list', query, { id: ['a', 'b'] }],
    ['an input without its name', mutation, { input: {} }],
    ['an input with an unknown field', mutation, { input: { name: 'A', shoeSize: 7 } }],
    ['a number as text', mutation, { input: { name: 7 } }],
    ['a fraction as number of users', mutation, { input: { name: 'A', maxUsers: 1.5 } }],
    ['more users than a number holds', mutation, { input: { name: 'A', maxUsers: 2 ** 31 } }],
    ['an unknown plan', mutation, { input: { name: 'A', plan: 'GOLD' } }],
    ['a malformed module name', '{ tenantSchema(id: "a", module: "No Module") { schemaName } }'],
    ['a module name that is a number', '{ tenantSchema(id: "a", module: 7) { schemaName } }'],
    [
      'a malformed date',
      `mutation { createApiKey(input: { name: "k", scopes: ["provision"], expiresAt: "someday" }) { secret } }`,
    ],
    ['two operations and no name', 'query A { modules { name } } query B { modules { name } }'],
    ['an unknown fragment', '{ ...Nothing }'],
    ['a fragment of itself', '{ ...F } fragment F on Query { ...F }'],
    ['a subscription', 'subscription { routesChanged { kind } }'],
    ['an unknown directive', '{ modules @magic { name } }'],
  ])('%s', async (_what, document, variables) => {
    const statements = await recordStatements(async () => {
      const { status, data, errors, headers } = await gateway.ask(document, variables, {
        accept: graphqlResponse,
      });
      expect(errors.length).toBeGreaterThan(0);
      for (const { extensions } of errors)
        expect(extensions).toMatchObject({ code: 'VALIDATION_ERROR', http: { status: 400 } });
      expect(status).toBe(400);
      expect(data ?? null).toBeNull();
      expect(headers.get('content-type')).toContain(graphqlResponse);
    });
    expect(statements).toEqual([]);
  });

  test('and under application/json with HTTP 200, as that media type requires', async () => {
    const { status, codes, headers } = await gateway.ask('{ tenantz { id } }');
    expect([status, codes]).toEqual([200, ['VALIDATION_ERROR']]);
    expect(headers.get('content-type')).toContain('application/json');
  });

  test('and the message names the variable', async () => {
    const { errors } = await gateway.ask(mutation, { input: { name: 'A', plan: 'GOLD' } });
    expect(errors[0]?.message).toContain('input.plan');
  });
});

describe('NUL, which PostgreSQL text cannot contain, is refused with VALIDATION_ERROR', () => {
  const nul = 'a\u0000b';
  const tenant = { tenantId: 'somebody' };
  test.each([
    ['registerTenant', { name: nul }],
    ['registerTenant', { name: 'A', slug: nul }],
    ['registerTenant', { name: 'A', id: nul }],
    ['registerTenant', { name: 'A', gcpDataset: nul }],
    ['updateTenant', { ...tenant, shortName: nul }],
    ['updateTenant', { ...tenant, primaryEmail: nul }],
    ['suspendTenant', { ...tenant, reason: nul }],
    ['resumeTenant', { ...tenant, idempotencyKey: nul }],
    ['subscribeTenantToModule', { ...tenant, module: nul }],
    ['subscribeTenantToModule', { ...tenant, module: 'finance', schemaName: nul }],
    ['markModuleProvisioned', { ...tenant, module: 'finance', status: 'FAILED', error: nul }],
    ['provisionTenant', { name: nul, adminEmail: 'a@b.example', modules: ['finance'] }],
    ['provisionTenant', { name: 'A', adminEmail: `${nul}@b.example`, modules: ['finance'] }],
    ['provisionTenant', { name: 'A', adminEmail: 'a@b.example', modules: [nul] }],
    ['registerModule', { name: 'crm', description: nul }],
    ['registerModule', { name: 'crm', databaseRef: nul }],
    ['registerModule', { name: 'crm', migrationsFolder: nul }],
    ['createApiKey', { name: nul, scopes: ['provision'] }],
    ['createApiKey', { name: 'A', scopes: [nul] }],
    ['revokeApiKey', { id: nul }],
  ])('in %s %j', async (name, input) => {
    const { status, codes } = await mutate(gateway, name, input, 'revision', { accept: graphqlResponse });
    expect([status, codes]).toEqual([400, ['VALIDATION_ERROR']]);
  });

  test('and in a tenant id, of a mutation and of a query', async () => {
    for (const name of ['resumeTenant', 'deleteTenant'])
      expect((await mutate(gateway, name, { tenantId: nul })).codes).toEqual(['VALIDATION_ERROR']);
    const { codes } = await gateway.ask(`query ($id: ID!) { tenant(id: $id) { name } }`, { id: nul });
    expect(codes).toEqual(['VALIDATION_ERROR']);
  });

  test('and so is half a surrogate pair', async () => {
    const { codes } = await mutate(gateway, 'registerTenant', { name: 'A \ud800' });
    expect(codes).toEqual(['VALIDATION_ERROR']);
  });
});

describe('an unexpected error', () => {
  test('is masked with the request id of its log entry, and the other results stay', async () => {
    await using broken = await openGateway();
    const registered = await mutate(broken, 'registerTenant', { name: 'Acme' }, 'tenant { id }');
    const { id } = registered.result.tenant;
    await broken.psql('ALTER TABLE members RENAME TO lost_members');

    const whole = await broken.ask(
      `query ($id: ID!) { tenant(id: $id) { members { edges { node { email } } } } }`,
      { id },
      { accept: graphqlResponse },
    );
    expect(whole.status).toBe(200);
    const requestId = whole.headers.get('x-request-id');
    expect(whole.errors).toMatchObject([
      { extensions: { code: 'INTERNAL_SERVER_ERROR', requestId, http: { status: 500 } } },
    ]);
    const told = whole.errors.map(({ message, extensions }) => [message, extensions]);
    expect(JSON.stringify(told)).not.toMatch(/members"|prisma|select|postgres|stack|\.ts/i);

    const partly = await broken.ask(
      `query ($id: ID!) { lost: tenant(id: $id) { members { edges { node { email } } } } kept: tenant(id: $id) { name } }`,
      { id },
      { accept: graphqlResponse },
    );
    expect([partly.status, partly.data, partly.codes]).toEqual([
      200,
      { lost: null, kept: { name: 'Acme' } },
      ['INTERNAL_SERVER_ERROR'],
    ]);
  });
});
