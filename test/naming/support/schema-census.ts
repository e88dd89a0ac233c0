import pg from 'pg';
import { expect } from 'vitest';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { listSchemas, listTables } from '../../provisioning/support/catalog.js';
import type { GatewayWithModules } from '../../provisioning/support/gateway-with-own-modules.js';

/** Expects one schema per subscription of the registry, owned by its tenant, no other schema, and no table in public. */
export async function expectOnlyRegisteredSchemas(
  testbed: GatewayWithModules,
  module: string,
): Promise<void> {
  const url = testbed.url(module);
  const registered = await testbed.gateway.psql<{ schema: string; owner: string }>(
    `SELECT schema_name AS schema, tenant_id || ' ' || module AS owner FROM module_subscriptions
     WHERE module = $1 AND provisioned_at IS NOT NULL ORDER BY schema_name COLLATE "C"`,
    [module],
  );
  const schemas = registered.map(({ schema }) => schema);
  expect((await listSchemas(url)).sort()).toEqual(schemas);
  expect(new Set(schemas).size).toBe(schemas.length);
  expect(await listTables(url, 'public')).toEqual([]);
  const owners = await queryOnce(
    url,
    schemas
      .map(
        (schema) =>
          `SELECT ${pg.escapeLiteral(schema)} COLLATE "C" AS schema, tenant_id || ' ' || module AS owner
           FROM tenant_guard.schema_version WHERE schema_name = ${pg.escapeLiteral(schema)}`,
      )
      .join(' UNION ')
      .concat(' ORDER BY schema'),
  );
  expect(owners).toEqual(registered);
}
