import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { uniqueName } from '../../setup/database.js';
import { aTenant } from '../../setup/stories.js';
import { blockingStatement, blockMigrations } from '../support/blocked-migration.js';
import { listSchemas, readSchemaContents } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { provision, resolve, subscribe } from '../support/provisioning-calls.js';

let testbed: GatewayWithModules;
let slug: string;
let schema: string;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
  );
});
afterAll(() => testbed.close());
beforeEach(() => {
  slug = uniqueName('t');
  schema = `beta_${slug}`;
});

const somebody = randomUUID();
const versionTable = (schema: string) => `
  CREATE TABLE ${schema}.schema_version (migration varchar(200) PRIMARY KEY, checksum char(64), tenant_id uuid, module varchar(31));`;
const treasure = (schema: string) => `
  CREATE SCHEMA ${schema};
  CREATE TABLE ${schema}.treasure (id int PRIMARY KEY, worth text);
  INSERT INTO ${schema}.treasure VALUES (1, 'gold'), (2, 'silver');`;

/** Schemas that may exist under the name already, and the reason in the refusal. */
const foreign: Record<string, { sql: (schema: string) => string; reason: string }> = {
  'of another service': { sql: treasure, reason: 'was not made by the registry' },
  'that is empty': { sql: (schema) => `CREATE SCHEMA ${schema}`, reason: 'was not made by the registry' },
  'with a version table that names another tenant': {
    sql: (schema) => `${treasure(schema)} ${versionTable(schema)}
      INSERT INTO ${schema}.schema_version VALUES ('beta/0001_contacts.sql', repeat('0', 64), '${somebody}', 'beta')`,
    reason: 'was not made by the registry',
  },
  'whose version table is empty': {
    sql: (schema) => treasure(schema) + versionTable(schema),
    reason: 'was not made by the registry',
  },
  'whose version table is another tool’s': {
    sql: (schema) => `${treasure(schema)}
      CREATE TABLE ${schema}.schema_version (installed_rank int PRIMARY KEY, version text, success bool);
      INSERT INTO ${schema}.schema_version VALUES (1, '1.0', true)`,
    reason: 'was not made by the registry',
  },
  'whose version table is a view': {
    sql: (schema) =>
      `${treasure(schema)} CREATE VIEW ${schema}.schema_version AS SELECT id FROM ${schema}.treasure`,
    reason: 'was not made by the registry',
  },
};

describe.each(Object.entries(foreign))('an existing schema %s', (_what, { sql, reason }) => {
  test('is not changed by a subscription, which succeeds with another name', async () => {
    await testbed.psql('beta', sql(schema));
    const before = await readSchemaContents(testbed.url('beta'), schema);
    const tenant = await aTenant({ slug }).at(testbed.gateway);
    const { operation } = await subscribe(testbed.gateway, { tenantId: slug, module: 'beta' });
    expect(operation.status).toBe('FAILED');
    expect(operation.error).toBe(
      `Schema ${schema} exists already and ${reason}: subscribe with another schemaName`,
    );
    expect(await readSchemaContents(testbed.url('beta'), schema)).toEqual(before);
    expect(await resolve(testbed.gateway, tenant.id, 'beta')).toBe('TENANT_NOT_READY');

    const schemaName = `${schema}_own`;
    const helped = await subscribe(testbed.gateway, { tenantId: slug, module: 'beta', schemaName });
    expect(helped.subscription).toMatchObject({ status: 'ACTIVE', schemaName });
    expect(await readSchemaContents(testbed.url('beta'), schema)).toEqual(before);
  });

  test('is not changed by provisionTenant, which drops its other schemas again', async () => {
    await testbed.psql('beta', sql(schema));
    const before = await readSchemaContents(testbed.url('beta'), schema);
    const { operation } = await provision(testbed.gateway, { slug, modules: ['alpha', 'beta'] });
    expect(operation.status).toBe('COMPENSATED');
    expect(operation.error).toContain(reason);
    expect(await readSchemaContents(testbed.url('beta'), schema)).toEqual(before);
    expect(await listSchemas(testbed.url('alpha'))).not.toContain(`alpha_${slug}`);
    expect(await resolve(testbed.gateway, slug, 'alpha')).toBe('TENANT_NOT_READY');
  });
});

test('a schema that appears under the name after the tenant subscribed is not changed either', async () => {
  await aTenant({ slug }).at(testbed.gateway);
  await subscribe(testbed.gateway, { tenantId: slug, module: 'beta', provision: false });
  await testbed.psql('beta', treasure(schema));
  const before = await readSchemaContents(testbed.url('beta'), schema);
  const { operation } = await subscribe(testbed.gateway, { tenantId: slug, module: 'beta' });
  expect(operation.status).toBe('FAILED');
  expect(await readSchemaContents(testbed.url('beta'), schema)).toEqual(before);
});

test('undoing does not drop a schema that replaced the one just created', async () => {
  await testbed.write('beta/0003_gate.sql', `${blockingStatement} ${brokenMigration}`);
  onTestFinished(() => testbed.remove('beta/0003_gate.sql'));
  await using block = await blockMigrations(testbed.url('beta'));
  const running = provision(testbed.gateway, { slug, modules: ['alpha', 'beta'] });
  await block.untilBlocked();
  await testbed.psql('alpha', `DROP SCHEMA alpha_${slug} CASCADE; ${treasure(`alpha_${slug}`)}`);
  const before = await readSchemaContents(testbed.url('alpha'), `alpha_${slug}`);
  await block.release();
  expect((await running).operation.status).toBe('COMPENSATED');
  expect(await readSchemaContents(testbed.url('alpha'), `alpha_${slug}`)).toEqual(before);
});
