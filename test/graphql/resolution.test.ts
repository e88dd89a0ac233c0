import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateway, recordStatements, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

describe('resolving many tenants at once', () => {
  test('500 keys cost one SQL statement', async () => {
    const tenant = await aTenant().subscribedTo('finance', 'operations').at(gateway);
    const keys = Array.from({ length: 500 }, (_, at) => ({ id: tenant.slug, module: at % 2 ? 'finance' : 'operations' }));
    keys[7] = { id: 'nobody', module: 'finance' };
    const statements = await recordStatements(async () => {
      const { data } = await gateway.ask(
        `query ($keys: [TenantSchemaKey!]!) {
           tenantSchemas(keys: $keys) { ... on TenantSchema { searchPath } ... on TenantSchemaRefusal { code tenantId } }
         }`,
        { keys },
      );
      expect(data.tenantSchemas).toHaveLength(500);
      expect(data.tenantSchemas[1]).toEqual({ searchPath: `"finance_${tenant.slug}"` });
      expect(data.tenantSchemas[0]).toEqual({ searchPath: `"tenant_${tenant.slug}"` });
      expect(data.tenantSchemas[7]).toEqual({ code: 'TENANT_NOT_FOUND', tenantId: 'nobody' });
    });
    expect(statements).toHaveLength(1);
  });

  test('aliases of tenantSchema cost one SQL statement together', async () => {
    const tenant = await aTenant().subscribedTo('finance').at(gateway);
    const aliases = Array.from({ length: 50 }, (_, at) => `a${at}: tenantSchema(id: "${tenant.slug}", module: "finance") { schemaName }`);
    const statements = await recordStatements(() => gateway.ask(`{ ${aliases.join(' ')} }`));
    expect(statements).toHaveLength(1);
  });
});
