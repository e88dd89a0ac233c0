import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

const resolveMany = `query ($keys: [TenantSchemaKey!]!, $minRevision: Revision) {
  tenantSchemas(keys: $keys, minRevision: $minRevision) {
    ... on TenantSchema { tenantId module searchPath }
    ... on TenantSchemaRefusal { code tenantId module }
  }
}`;

let gateway: TestGateway;
let acme: StoryTenant;
beforeAll(async () => {
  gateway = await openGateway();
  acme = await aTenant().subscribedTo('finance', 'operations').at(gateway);
});
afterAll(() => gateway?.close());

const inFinance = (id: string) => ({ id, module: 'finance' });

describe('a route', () => {
  test('contains the location of the data and how long it may be reused', async () => {
    const { data } = await gateway.ask(
      `query ($id: ID!) { tenantSchema(id: $id, module: "finance") {
         tenantId tenantSlug module schemaName searchPath databaseName isolation generation revision leaseRemainingMs
       } }`,
      { id: acme.slug },
    );
    expect(data.tenantSchema).toEqual({
      tenantId: acme.id,
      tenantSlug: acme.slug,
      module: 'finance',
      schemaName: `finance_${acme.slug}`,
      searchPath: `"finance_${acme.slug}"`,
      databaseName: new URL(gateway.serviceUrl('finance')).pathname.slice(1),
      isolation: 'SCHEMA',
      generation: 1,
      revision: expect.stringMatching(/^[0-9a-f]{16}:\d+$/),
      leaseRemainingMs: expect.any(Number),
    });
    expect(data.tenantSchema.leaseRemainingMs).toBeGreaterThan(0);
    expect(data.tenantSchema.leaseRemainingMs).toBeLessThanOrEqual(5_000);
  });

  test('is the same by id, by slug and by id in upper case', async () => {
    const ids = [acme.id, acme.slug, acme.id.toUpperCase()];
    const { data } = await gateway.ask(resolveMany, { keys: ids.map(inFinance) });
    const route = { tenantId: acme.id, module: 'finance', searchPath: `"finance_${acme.slug}"` };
    expect(data.tenantSchemas).toEqual([route, route, route]);
  });

  test('gives a service access to the tenant’s schema only', async () => {
    const { data } = await gateway.ask(
      `query ($id: ID!) { tenantSchema(id: $id, module: "finance") { searchPath schemaName } }`,
      { id: acme.id },
    );
    const { searchPath, schemaName } = data.tenantSchema;
    const service = new pg.Client({ connectionString: gateway.serviceUrl('finance') });
    await service.connect();
    try {
      await service.query('BEGIN');
      await service.query(`SET LOCAL search_path = ${searchPath}`);
      const { rows: path } = await service.query('SELECT current_schemas(false)::text[] AS schemas');
      expect(path).toEqual([{ schemas: [schemaName] }]);
      await service.query(`INSERT INTO activity_log (action) VALUES ('seen')`);
      await service.query('SELECT FROM ar_invoice');
      await service.query('COMMIT');
      const { rows } = await service.query(`SELECT action FROM ${searchPath}.activity_log`);
      expect(rows).toEqual([{ action: 'seen' }]);
    } finally {
      await service.end();
    }
  });

  test('is returned under STRONG consistency as well', async () => {
    const { data } = await gateway.ask(
      `query ($id: ID!) { tenantSchema(id: $id, module: "finance", consistency: STRONG) { schemaName } }`,
      { id: acme.id },
    );
    expect(data.tenantSchema.schemaName).toBe(`finance_${acme.slug}`);
  });
});

describe('resolving many tenants at once', () => {
  test('500 keys cost one SQL statement', async () => {
    const keys = Array.from({ length: 500 }, (_, at) => ({
      id: acme.slug,
      module: at % 2 ? 'finance' : 'operations',
    }));
    keys[7] = inFinance('nobody');
    const statements = await recordStatements(async () => {
      const { data } = await gateway.ask(resolveMany, { keys });
      expect(data.tenantSchemas).toHaveLength(500);
      expect(data.tenantSchemas[1].searchPath).toBe(`"finance_${acme.slug}"`);
      expect(data.tenantSchemas[0].searchPath).toBe(`"tenant_${acme.slug}"`);
      expect(data.tenantSchemas[7].code).toBe('TENANT_NOT_FOUND');
    });
    expect(statements).toHaveLength(1);
  });

  test('several aliases of tenantSchema cost one SQL statement', async () => {
    const aliases = Array.from(
      { length: 50 },
      (_, at) =>
        `a${at}: tenantSchema(id: "${at % 2 ? acme.id : acme.slug}", module: "finance", consistency: STRONG) { schemaName }`,
    );
    const statements = await recordStatements(async () => {
      const { data } = await gateway.ask(`{ ${aliases.join(' ')} }`);
      expect(data.a49.schemaName).toBe(`finance_${acme.slug}`);
    });
    expect(statements).toHaveLength(1);
  });

  test('tenantSchema and tenantSchemas in one request cost one SQL statement, and the API key one more', async () => {
    const query = `query ($keys: [TenantSchemaKey!]!) {
      one: tenantSchema(id: "${acme.slug}", module: "operations") { schemaName }
      strong: tenantSchema(id: "${acme.slug}", module: "finance", consistency: STRONG) { schemaName }
      nobody: tenantSchema(id: "nobody", module: "finance") { schemaName }
      many: tenantSchemas(keys: $keys) { __typename }
    }`;
    const keys = [inFinance(acme.id), inFinance('nobody'), { id: acme.id, module: 'inventory' }];
    const ask = (key?: string) =>
      recordStatements(async () => {
        const { data } = await gateway.ask(query, { keys }, key ? { key } : {});
        expect(data).toEqual({
          one: { schemaName: `tenant_${acme.slug}` },
          strong: { schemaName: `finance_${acme.slug}` },
          nobody: null,
          many: [
            { __typename: 'TenantSchema' },
            { __typename: 'TenantSchemaRefusal' },
            { __typename: 'TenantSchemaRefusal' },
          ],
        });
      });
    expect(await ask()).toHaveLength(1);
    const key = await gateway.createKey('resolve:*');
    const statements = await ask(key);
    expect(statements.filter((statement) => statement.includes('api_keys'))).toHaveLength(1);
    expect(statements).toHaveLength(2);
  });

  test('results are in the order of the keys, also for repeated keys', async () => {
    const other = await aTenant().subscribedTo('finance').at(gateway);
    const ids = [other.id, acme.id, 'nobody', acme.slug, other.id, 'nobody', acme.id];
    const { data } = await gateway.ask(resolveMany, { keys: ids.map(inFinance) });
    const got = data.tenantSchemas.map((answer: { searchPath?: string; code?: string; tenantId: string }) => [
      answer.searchPath ?? answer.code,
      answer.tenantId,
    ]);
    const acmes = [`"finance_${acme.slug}"`, acme.id];
    const others = [`"finance_${other.slug}"`, other.id];
    const nobodys = ['TENANT_NOT_FOUND', 'nobody'];
    expect(got).toEqual([others, acmes, nobodys, acmes, others, nobodys, acmes]);
  });

  test('501 keys are refused before anything is read', async () => {
    const keys = Array.from({ length: 501 }, () => inFinance(acme.id));
    const statements = await recordStatements(async () => {
      const { status, data, errors } = await gateway.ask(resolveMany, { keys }, { accept: graphqlResponse });
      expect(status).toBe(400);
      expect(data).toBeNull();
      expect(errors).toMatchObject([
        { extensions: { code: 'VALIDATION_ERROR', fields: [{ field: 'keys' }] } },
      ]);
    });
    expect(statements).toEqual([]);
  });

  test('an empty list of keys has an empty result', async () => {
    const { data } = await gateway.ask(resolveMany, { keys: [] });
    expect(data.tenantSchemas).toEqual([]);
  });
});

describe('a revision given as minRevision', () => {
  const resolveAt = (minRevision: string) =>
    gateway.ask(
      `query ($id: ID!, $minRevision: Revision) {
         tenantSchema(id: $id, module: "finance", minRevision: $minRevision) { schemaName revision }
       }`,
      { id: acme.id, minRevision },
      { accept: graphqlResponse },
    );

  async function revisionAfterAChange(): Promise<{ token: string; epoch: string; number: bigint }> {
    const { result } = await mutate(gateway, 'updateTenant', {
      tenantId: acme.id,
      name: `Acme ${Date.now()}`,
    });
    const [epoch, number] = result.revision.split(':');
    return { token: result.revision, epoch, number: BigInt(number) };
  }

  test('that exists is answered at that revision or a later one', async () => {
    const { token, epoch, number } = await revisionAfterAChange();
    const { data } = await resolveAt(token);
    expect(data.tenantSchema.schemaName).toBe(`finance_${acme.slug}`);
    const [answeredEpoch, answeredNumber] = data.tenantSchema.revision.split(':');
    expect(answeredEpoch).toBe(epoch);
    expect(BigInt(answeredNumber)).toBeGreaterThanOrEqual(number);
  });

  test('that does not exist yet is refused with REVISION_NOT_REACHED, in a batch for each key', async () => {
    const { epoch, number } = await revisionAfterAChange();
    const tooNew = `${epoch}:${number + 1n}`;
    const { status, data, codes } = await resolveAt(tooNew);
    expect({ status, data, codes }).toEqual({
      status: 200,
      data: { tenantSchema: null },
      codes: ['REVISION_NOT_REACHED'],
    });
    const batch = await gateway.ask(resolveMany, { keys: [inFinance(acme.id)], minRevision: tooNew });
    expect(batch.data.tenantSchemas).toMatchObject([{ code: 'REVISION_NOT_REACHED', tenantId: acme.id }]);
  });

  test('of another epoch belongs to a lost history and is answered from the current one', async () => {
    const { epoch, number } = await revisionAfterAChange();
    const lost = epoch.replaceAll(/./g, (digit) => (digit === 'f' ? '0' : 'f'));
    const { data } = await resolveAt(`${lost}:${number + 1000n}`);
    expect(data.tenantSchema.schemaName).toBe(`finance_${acme.slug}`);
    expect(data.tenantSchema.revision).toContain(epoch);
  });

  test.each([
    '',
    '7',
    'x:7',
    '0123456789abcdef:',
    '0123456789abcdef:-1',
    '0123456789ABCDEF:1',
    `0123456789abcdef:${'9'.repeat(30)}`,
  ])('that is malformed is refused: %j', async (token) => {
    const { status, codes } = await resolveAt(token);
    expect([status, codes]).toEqual([400, ['VALIDATION_ERROR']]);
    const inline = await gateway.ask(
      `{ tenantSchema(id: "${acme.id}", module: "finance", minRevision: "${token}") { schemaName } }`,
    );
    expect(inline.codes).toEqual(['VALIDATION_ERROR']);
  });
});

test('the next answer after a change contains it', async () => {
  const tenant = await aTenant().subscribedTo('finance').at(gateway);
  for (let round = 0; round < 5; round++) {
    await mutate(gateway, 'suspendTenant', { tenantId: tenant.id, reason: 'unpaid' });
    const suspended = await gateway.ask(resolveMany, {
      keys: [inFinance(tenant.id), inFinance(tenant.slug)],
    });
    expect(suspended.data.tenantSchemas).toMatchObject([
      { code: 'TENANT_SUSPENDED' },
      { code: 'TENANT_SUSPENDED' },
    ]);
    await mutate(gateway, 'resumeTenant', { tenantId: tenant.slug });
    const resumed = await gateway.ask(resolveMany, { keys: [inFinance(tenant.id)] });
    expect(resumed.data.tenantSchemas).toMatchObject([{ searchPath: `"finance_${tenant.slug}"` }]);
  }
});
