import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { registerTenant } from '../../../src/profile/commands/register-tenant.js';
import { markModuleProvisioned } from '../../../src/provisioning/commands/mark-module-provisioned.js';
import { provisionTenant } from '../../../src/provisioning/commands/provision-tenant.js';
import { subscribeTenantToModule } from '../../../src/provisioning/commands/subscribe-tenant-to-module.js';
import type { CommandContext } from '../../../src/registry/command.js';
import { modules } from '../../interruption/provisioning-environment.js';
import { readState } from '../../interruption/tenant-state.js';
import { openTestEnvironment, type TestEnvironment } from '../../interruption/test-environment.js';
import { startWorker } from '../../interruption/worker-process.js';
import { uniqueName } from '../../setup/database.js';
import { openTcpProxy, type TcpProxy } from '../../setup/tcp-proxy.js';
import { blockingStatement, blockMigrations, waitFor } from '../support/blocked-migration.js';

// These tests start processes.
vi.setConfig({ testTimeout: 120_000 });

let environment: TestEnvironment;
/** A proxy in front of the second service database. */
let network: TcpProxy;
let slug: string;
beforeAll(async () => {
  environment = await openTestEnvironment();
  await writeFile(join(environment.modulesDir, 'contacts/0003_gate.sql'), blockingStatement);
  network = await openTcpProxy(Number(new URL(environment.urls.two).port));
});
afterAll(async () => {
  await network.close();
  await environment.close();
});
beforeEach(() => {
  slug = uniqueName('t');
});

/** Commands that leave their operations to workers. */
function leaving(): CommandContext {
  return { ...environment.app.commandsFor(developer), runOperation: async () => undefined };
}

const provision = () =>
  provisionTenant(leaving(), { name: slug, slug, adminEmail: 'a@example.com', modules: [...modules.SCHEMA] });

async function operation(of = slug) {
  const [row] = await environment.psql<{ status: string; token: string; worker: string | null }>(
    `SELECT operations.status::text, fencing_token::text AS token, worker
     FROM operations JOIN tenants ON tenants.id = tenant_id WHERE slug = $1`,
    [of],
  );
  if (!row) throw new Error(`tenant ${of} has no operation`);
  return row;
}

const ends = (status = 'succeeded', of = slug) =>
  waitFor(async () => (await operation(of)).status === status);

/** Blocks migrations in the second database. */
async function stopHalfWay() {
  const block = await blockMigrations(environment.urls.two);
  onTestFinished(() => block.release());
  return block;
}

/** With these intervals no worker is taken over during a test. */
const patient = { OPERATION_HEARTBEAT_MS: '1000', OPERATION_TAKE_OVER_MS: '600000' };

test('a worker runs the operations that gateways leave to it', async () => {
  await provision();
  expect((await operation()).status).toBe('queued');
  await using _ = await startWorker(environment.env);
  await ends();
  expect(await environment.resolve(slug, 'beta')).toBe(`schema beta_${slug}`);
});

test('storage that waits to be created cannot be marked as provisioned', async () => {
  await registerTenant(leaving(), { name: slug, slug });
  await subscribeTenantToModule(leaving(), { tenantId: slug, module: 'alpha' });
  await expect(markModuleProvisioned(leaving(), { tenantId: slug, module: 'alpha' })).rejects.toMatchObject({
    code: 'OPERATION_IN_PROGRESS',
  });
  expect(await environment.resolve(slug, 'alpha')).toBe('TENANT_NOT_READY');
  await environment.recover(slug);
  expect(await environment.resolve(slug, 'alpha')).toBe(`schema alpha_${slug}`);
});

test('a worker that is stopped during a long step releases the operation, and another continues at once', async () => {
  const block = await stopHalfWay();
  await provision();
  await using stopped = await startWorker({ ...environment.env, ...patient });
  await block.untilBlocked();
  expect(await stopped.stop()).toBe(0);
  expect(await operation()).toMatchObject({ status: 'running', worker: null, token: '2' });
  expect(await environment.resolve(slug, 'alpha')).toBe('TENANT_NOT_READY');
  await using _ = await startWorker({ ...environment.env, ...patient });
  await waitFor(async () => (await operation()).token === '3');
  await block.release();
  await ends();
  expect(await environment.resolve(slug, 'beta')).toBe(`schema beta_${slug}`);
});

test('a worker that loses the registry for longer than the takeover time writes nothing more', async () => {
  const registry = await openTcpProxy(Number(new URL(environment.urls.registry).port));
  onTestFinished(() => registry.close());
  const block = await stopHalfWay();
  await provision();
  await using _ = await startWorker({
    ...environment.env,
    DATABASE_URL: environment.urls.registry.replace(/:\d+\//, `:${registry.port}/`),
  });
  await block.untilBlocked();
  await registry.cut();
  const recovering = environment.recover(slug);
  await waitFor(async () => (await operation()).token === '2');
  await block.release();
  await recovering;
  const done = await readState(environment, slug);
  const row = await operation();
  expect(row).toMatchObject({ status: 'succeeded', token: '2' });
  await registry.heal();
  // A further operation that this worker completes shows that it is connected again.
  const lost = slug;
  slug = uniqueName('t');
  await provision();
  await ends();
  expect(await operation(lost)).toEqual(row);
  expect(await readState(environment, lost)).toEqual(done);
});

describe('a service database that does not answer', () => {
  test('does not delay operations that have no step there', async () => {
    const through = { BETA_DB_URL: environment.urls.two.replace(/:\d+\//, `:${network.port}/`) };
    network.blackhole();
    const names = Array.from({ length: 40 }, () => uniqueName('t'));
    for (const name of names) {
      await registerTenant(leaving(), { name, slug: name });
      await subscribeTenantToModule(leaving(), { tenantId: name, module: 'beta' });
    }
    await registerTenant(leaving(), { name: slug, slug });
    await subscribeTenantToModule(leaving(), { tenantId: slug, module: 'alpha' });
    await using _ = await startWorker({ ...environment.env, ...through });
    await ends();
    const waiting = await Promise.all(names.map((name) => operation(name)));
    expect(waiting.filter(({ status }) => status === 'queued').length).toBeGreaterThan(20);
    expect(await environment.resolve(slug, 'alpha')).toBe(`schema alpha_${slug}`);
    await network.heal();
  });
});
