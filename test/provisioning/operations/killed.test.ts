import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { uniqueName } from '../../setup/database.js';
import { openGateway } from '../../setup/gateway.js';
import {
  type BlockedMigration,
  blockingStatement,
  blockMigrations,
  waitFor,
} from '../support/blocked-migration.js';
import { listSchemas, readSchemaContents, readSchemaOwners } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { startGateway } from '../support/killed-gateway.js';
import { provision, readTenant, resolve } from '../support/provisioning-calls.js';

let testbed: GatewayWithModules;
let slug: string;
// Each test starts a gateway in its own process.
vi.setConfig({ testTimeout: 120_000 });
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
  );
});
afterAll(() => testbed.close());
beforeEach(() => {
  slug = uniqueName('t');
});

const call = () => provision(testbed.gateway, { slug, modules: ['alpha', 'beta'] });

/** Kills a gateway when alpha's schema exists and beta's migration is running. */
async function killHalfWay(): Promise<BlockedMigration> {
  await testbed.write('beta/0003_gate.sql', blockingStatement);
  onTestFinished(() => testbed.remove('beta/0003_gate.sql').catch(() => undefined));
  const block = await blockMigrations(testbed.url('beta'));
  onTestFinished(() => block.release());
  const victim = await startGateway(
    {
      DATABASE_URL: testbed.gateway.registry.url,
      MODULES_DIR: testbed.modulesDir,
      ...testbed.config.serviceDatabaseUrls,
    },
    await testbed.gateway.createKey('provision'),
  );
  victim.ask(`mutation ($input: ProvisionTenantInput!) { provisionTenant(input: $input) { revision } }`, {
    input: { name: slug, slug, adminEmail: 'admin@example.com', modules: ['alpha', 'beta'] },
  });
  await block.untilBlocked();
  await victim.kill();
  return block;
}

/** Another gateway, which takes over at once. */
const openSurvivor = () =>
  openGateway({
    sharing: testbed.gateway,
    config: { ...testbed.config, runsWorker: true, takeOverAfterMs: 1_000 },
  });

async function endOfIt(): Promise<{ tenant: string; operations: string[] }> {
  const look = async () => {
    const seen = await readTenant(testbed.gateway, slug);
    return {
      tenant: seen.status,
      operations: seen.subscriptions[0]?.history.map(({ status }) => status) ?? [],
    };
  };
  await waitFor(async () => (await look()).tenant !== 'PROVISIONING');
  return look();
}

test('a gateway that is killed leaves nothing that resolves, and another one completes its operation', async () => {
  const block = await killHalfWay();
  expect(await resolve(testbed.gateway, slug, 'alpha')).toBe('TENANT_NOT_READY');
  expect(await resolve(testbed.gateway, slug, 'beta')).toBe('TENANT_NOT_READY');
  expect(await listSchemas(testbed.url('alpha'))).toContain(`alpha_${slug}`);
  expect(await listSchemas(testbed.url('beta'))).not.toContain(`beta_${slug}`);
  expect(await call()).toMatchObject({ code: 'OPERATION_IN_PROGRESS' });
  const before = await readSchemaContents(testbed.url('alpha'), `alpha_${slug}`);
  const { id } = await readTenant(testbed.gateway, slug);

  await block.release();
  await using _ = await openSurvivor();
  expect(await endOfIt()).toEqual({ tenant: 'ACTIVE', operations: ['SUCCEEDED'] });
  expect(await readSchemaContents(testbed.url('alpha'), `alpha_${slug}`)).toEqual(before);
  expect(await readSchemaOwners(testbed.url('beta'), `beta_${slug}`)).toEqual([
    { tenantId: id, module: 'beta' },
  ]);
  expect(await resolve(testbed.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
});

test('storage that a killed gateway created is dropped when its successor fails', async () => {
  const block = await killHalfWay();
  await block.release();
  await testbed.write('beta/0003_gate.sql', brokenMigration);
  await using _ = await openSurvivor();
  expect(await endOfIt()).toEqual({ tenant: 'FAILED', operations: ['COMPENSATED'] });
  const [operation] = (await readTenant(testbed.gateway, slug)).subscriptions[0]?.history ?? [];
  expect(operation?.steps.map(({ status }) => status)).toEqual(['COMPENSATED', 'FAILED', 'CANCELLED']);
  expect(await listSchemas(testbed.url('alpha'))).not.toContain(`alpha_${slug}`);
});
