import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { uniqueName } from '../../setup/database.js';
import { openGateway } from '../../setup/gateway.js';
import { type Gate, shutGate, stopAtGate, waitFor } from '../support/blocked-migration.js';
import { ownersOf, photograph, schemasAt } from '../support/catalog.js';
import {
  brokenMigration,
  contacts,
  openWorkshop,
  type Workshop,
} from '../support/gateway-with-own-modules.js';
import { startGateway } from '../support/killed-gateway.js';
import { lookAt, provision, resolve } from '../support/provisioning-calls.js';

let workshop: Workshop;
let slug: string;
// Each starts a gateway in a process of its own.
vi.setConfig({ testTimeout: 120_000 });
beforeAll(async () => {
  workshop = await openWorkshop(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
  );
});
afterAll(() => workshop.close());
beforeEach(() => {
  slug = uniqueName('t');
});

const call = () => provision(workshop.gateway, { slug, modules: ['alpha', 'beta'] });

/** A gateway is killed when alpha's schema stands and beta's is half made. */
async function killHalfWay(): Promise<Gate> {
  await workshop.write('beta/0003_gate.sql', stopAtGate);
  onTestFinished(() => workshop.remove('beta/0003_gate.sql').catch(() => undefined));
  const gate = await shutGate(workshop.url('beta'));
  onTestFinished(() => gate.open());
  const victim = await startGateway(
    {
      DATABASE_URL: workshop.gateway.registry.url,
      MODULES_DIR: workshop.modulesDir,
      ...workshop.config.serviceDatabaseUrls,
    },
    await workshop.gateway.createKey('provision'),
  );
  victim.ask(`mutation ($input: ProvisionTenantInput!) { provisionTenant(input: $input) { revision } }`, {
    input: { name: slug, slug, adminEmail: 'admin@example.com', modules: ['alpha', 'beta'] },
  });
  await gate.reached();
  await victim.kill();
  return gate;
}

/** Another gateway, which takes over at once. */
const openSurvivor = () =>
  openGateway({
    sharing: workshop.gateway,
    config: { ...workshop.config, runsWorker: true, takeOverAfterMs: 1_000 },
  });

async function endOfIt(): Promise<{ tenant: string; operations: string[] }> {
  const look = async () => {
    const seen = await lookAt(workshop.gateway, slug);
    return {
      tenant: seen.status,
      operations: seen.subscriptions[0]?.history.map(({ status }) => status) ?? [],
    };
  };
  await waitFor(async () => (await look()).tenant !== 'PROVISIONING');
  return look();
}

test('a gateway killed half way leaves nothing that resolves, and another goes on from there by itself', async () => {
  const gate = await killHalfWay();
  expect(await resolve(workshop.gateway, slug, 'alpha')).toBe('TENANT_NOT_READY');
  expect(await resolve(workshop.gateway, slug, 'beta')).toBe('TENANT_NOT_READY');
  expect(await schemasAt(workshop.url('alpha'))).toContain(`alpha_${slug}`);
  expect(await schemasAt(workshop.url('beta'))).not.toContain(`beta_${slug}`);
  expect(await call()).toMatchObject({ code: 'OPERATION_IN_PROGRESS' });
  const before = await photograph(workshop.url('alpha'), `alpha_${slug}`);
  const { id } = await lookAt(workshop.gateway, slug);

  await gate.open();
  await using _ = await openSurvivor();
  expect(await endOfIt()).toEqual({ tenant: 'ACTIVE', operations: ['SUCCEEDED'] });
  expect(await photograph(workshop.url('alpha'), `alpha_${slug}`)).toEqual(before);
  expect(await ownersOf(workshop.url('beta'), `beta_${slug}`)).toEqual([{ tenantId: id, module: 'beta' }]);
  expect(await resolve(workshop.gateway, slug, 'beta')).toBe(`schema beta_${slug}`);
});

test('what a killed gateway had made goes as well when its successor fails', async () => {
  const gate = await killHalfWay();
  await gate.open();
  await workshop.write('beta/0003_gate.sql', brokenMigration);
  await using _ = await openSurvivor();
  expect(await endOfIt()).toEqual({ tenant: 'FAILED', operations: ['COMPENSATED'] });
  const [operation] = (await lookAt(workshop.gateway, slug)).subscriptions[0]?.history ?? [];
  expect(operation?.steps.map(({ status }) => status)).toEqual(['COMPENSATED', 'FAILED', 'CANCELLED']);
  expect(await schemasAt(workshop.url('alpha'))).not.toContain(`alpha_${slug}`);
});
