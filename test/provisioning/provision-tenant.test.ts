import dns from 'node:dns';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createDatabase, uniqueName } from '../setup/database.js';
import { aTenant } from '../setup/stories.js';
import { blockingStatement, blockMigrations, waitFor } from './support/blocked-migration.js';
import { listSchemas, readSchemaOwners } from './support/catalog.js';
import {
  brokenMigration,
  contacts,
  correctedMigration,
  type GatewayWithModules,
  openGatewayWithModules,
} from './support/gateway-with-own-modules.js';
import { provision, readTenant, resolve, subscribe } from './support/provisioning-calls.js';

let testbed: GatewayWithModules;
let slug: string;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    { name: 'beta', migrations: contacts },
    { name: 'gamma', migrations: contacts },
    { name: 'down', url: 'postgres://clerk:s3cret@localhost:1/down' },
  );
});
afterAll(() => testbed.close());
beforeEach(() => {
  slug = uniqueName('t');
});

type Found = (error: null, addresses: { address: string; family: number }[]) => void;

const modules = ['alpha', 'beta', 'gamma'];
const call = (wanted = modules) => provision(testbed.gateway, { slug, modules: wanted });
const standing = async () => {
  const found = await Promise.all(modules.map((module) => listSchemas(testbed.url(module))));
  return modules.filter((module, at) => found[at]?.includes(`${module}_${slug}`));
};
const resolved = (ids = modules) => Promise.all(ids.map((module) => resolve(testbed.gateway, slug, module)));

async function breakModule(module: string): Promise<() => Promise<void>> {
  await testbed.write(`${module}/0003_next.sql`, brokenMigration);
  onTestFinished(() => testbed.remove(`${module}/0003_next.sql`));
  return () => testbed.write(`${module}/0003_next.sql`, correctedMigration);
}

describe('provisioning a tenant with several modules', () => {
  test('creates all storage, and then all of it resolves', async () => {
    const { tenant, operation } = await call();
    expect(operation).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(operation.steps.map(({ name, module, status }) => [name, module, status])).toEqual([
      ...modules.map((module) => ['CREATE_SCHEMA', module, 'SUCCEEDED']),
      ['ACTIVATE_ROUTE', null, 'SUCCEEDED'],
    ]);
    expect(tenant.status).toBe('ACTIVE');
    expect(await standing()).toEqual(modules);
    expect(await resolved()).toEqual(modules.map((module) => `schema ${module}_${slug}`));
    const [member] = await testbed.gateway.psql(
      'SELECT email, role::text FROM members WHERE tenant_id = $1',
      [tenant.id],
    );
    expect(member).toEqual({ email: 'admin@example.com', role: 'admin' });
  });

  test('drops the first storage when the second fails, and reports the result of each step', async () => {
    await breakModule('beta');
    const { tenant, operation } = await call();
    expect(operation).toMatchObject({
      status: 'COMPENSATED',
      error: 'Migration beta/0003_next.sql failed: broken on purpose',
      finishedAt: expect.any(String),
    });
    expect(operation.steps.map(({ module, status }) => [module, status])).toEqual([
      ['alpha', 'COMPENSATED'],
      ['beta', 'FAILED'],
      ['gamma', 'CANCELLED'],
      [null, 'CANCELLED'],
    ]);
    expect(tenant.status).toBe('FAILED');
    expect(await standing()).toEqual([]);
    expect(await resolved()).toEqual(['TENANT_NOT_READY', 'TENANT_NOT_READY', 'TENANT_NOT_READY']);
  });

  test('undoes two storages as well as one when the last fails', async () => {
    await breakModule('gamma');
    const { operation } = await call();
    expect(operation.steps.map(({ status }) => status)).toEqual([
      ...['COMPENSATED', 'COMPENSATED', 'FAILED', 'CANCELLED'],
    ]);
    expect(await standing()).toEqual([]);
  });

  test('the same call, once the migration is corrected, gives the same tenant under the same names', async () => {
    const mend = await breakModule('beta');
    const failed = await call();
    const names = (await readTenant(testbed.gateway, slug)).subscriptions.map(({ schemaName }) => schemaName);
    await mend();
    const { tenant, operation } = await call();
    expect(tenant).toEqual({ id: failed.tenant.id, slug, status: 'ACTIVE' });
    expect(operation.status).toBe('SUCCEEDED');
    const seen = await readTenant(testbed.gateway, slug);
    expect(seen.subscriptions.map(({ schemaName }) => schemaName)).toEqual(names);
    expect(seen.subscriptions.map(({ history }) => history.map(({ status }) => status))).toEqual(
      modules.map(() => ['SUCCEEDED', 'COMPENSATED']),
    );
    expect(await resolved()).toEqual(modules.map((module) => `schema ${module}_${slug}`));
    for (const module of modules)
      expect(await readSchemaOwners(testbed.url(module), `${module}_${slug}`)).toEqual([
        { tenantId: tenant.id, module },
      ]);
  });

  test('the names of a failed attempt are not given to another tenant meanwhile', async () => {
    await breakModule('beta');
    const failed = await call();
    const rival = await aTenant({ slug: slug.replaceAll('_', '-') }).at(testbed.gateway);
    const got = await subscribe(testbed.gateway, { tenantId: rival.id, module: 'alpha' });
    expect(got.subscription.schemaName).toBe(`alpha_${slug}_2`);
    const again = await provision(testbed.gateway, { slug, modules: ['alpha'] });
    expect(again.tenant.id).toBe(failed.tenant.id);
    expect(await resolve(testbed.gateway, slug, 'alpha')).toBe(`schema alpha_${slug}`);
    expect(await resolve(testbed.gateway, slug, 'beta')).toBe('MODULE_NOT_SUBSCRIBED');
  });

  test('is refused with CONFLICT for the slug of an active tenant, which is not affected', async () => {
    const owner = await aTenant({ slug }).subscribedTo('alpha').at(testbed.gateway);
    const before = await readTenant(testbed.gateway, slug);
    expect(await call()).toMatchObject({ code: 'CONFLICT', fields: ['slug'] });
    expect(await readTenant(testbed.gateway, owner.id)).toEqual(before);
    expect(await standing()).toEqual(['alpha']);
  });

  test('resolves nothing while it runs, and the same call gets OPERATION_IN_PROGRESS', async () => {
    await testbed.write('beta/0003_next.sql', blockingStatement);
    onTestFinished(() => testbed.remove('beta/0003_next.sql'));
    await using block = await blockMigrations(testbed.url('beta'));
    const running = call();
    await block.untilBlocked();
    expect(await call()).toMatchObject({ code: 'OPERATION_IN_PROGRESS' });
    expect(await resolved()).toEqual(['TENANT_NOT_READY', 'TENANT_NOT_READY', 'TENANT_NOT_READY']);
    const { codes } = await testbed.gateway.ask(
      `mutation ($id: ID!) { suspendTenant(input: { tenantId: $id, reason: "too early" }) { revision } }`,
      { id: slug },
    );
    expect(codes).toEqual(['OPERATION_IN_PROGRESS']);
    await block.release();
    expect((await running).operation.status).toBe('SUCCEEDED');
    expect(await resolved()).toEqual(modules.map((module) => `schema ${module}_${slug}`));
  });
});

describe('a service database that is down', () => {
  test('undoes the other storage, with an error that has a reason and no password', async () => {
    const { operation, tenant } = await provision(testbed.gateway, { slug, modules: ['alpha', 'down'] });
    expect(tenant.status).toBe('FAILED');
    expect(operation.status).toBe('COMPENSATED');
    expect(operation.error).toMatch(/ECONNREFUSED/);
    expect(JSON.stringify(operation)).not.toContain('s3cret');
    expect(await standing()).toEqual([]);
  });

  test('is reported as well when its host name has several addresses', async () => {
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    vi.spyOn(dns, 'lookup').mockImplementation(((_host: string, _options: object, found: Found) =>
      found(null, addresses)) as typeof dns.lookup);
    onTestFinished(() => void vi.restoreAllMocks());
    const { operation } = await provision(testbed.gateway, { slug, modules: ['down'] });
    expect(operation.error).toBe(
      'The database server cannot be reached (ECONNREFUSED): the log has its address',
    );
    expect(operation.steps[0]?.error).toBe(operation.error);
  });

  test('fails a subscription, and the tenant’s other modules keep resolving', async () => {
    const tenant = await aTenant().subscribedTo('alpha').at(testbed.gateway);
    const { operation } = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'down' });
    expect(operation).toMatchObject({ status: 'FAILED', error: expect.stringMatching(/ECONNREFUSED/) });
    expect(JSON.stringify(operation)).not.toContain('s3cret');
    expect(await resolve(testbed.gateway, tenant.id, 'down')).toBe('TENANT_NOT_READY');
    expect(await resolve(testbed.gateway, tenant.id, 'alpha')).toBe(`schema alpha_${tenant.slug}`);
  });
});

test('storage that cannot be undone NEEDS_ATTENTION, and the same call uses it when its database is reachable again', async () => {
  const beta = await createDatabase();
  onTestFinished(() => beta.drop());
  await using own = await openGatewayWithModules(
    { name: 'alpha', migrations: contacts },
    {
      name: 'beta',
      migrations: { '0001_next.sql': `${blockingStatement} ${brokenMigration}` },
      url: beta.url,
    },
  );
  const name = new URL(own.url('alpha')).pathname.slice(1);
  const admit = (isAdmitted: boolean) =>
    own.psql('beta', `ALTER DATABASE "${name}" ALLOW_CONNECTIONS ${isAdmitted}`);
  await using block = await blockMigrations(own.url('beta'));
  const running = provision(own.gateway, { slug, modules: ['alpha', 'beta'] });
  await block.untilBlocked();
  // alpha's schema exists; now its database refuses connections.
  await admit(false);
  const visitors = `FROM pg_stat_activity WHERE datname = '${name}'`;
  await own.psql('beta', `SELECT pg_terminate_backend(pid) ${visitors}`);
  await waitFor(async () => (await own.psql('beta', `SELECT pid ${visitors}`)).length === 0);
  await block.release();
  const { operation, tenant } = await running;
  await admit(true);

  expect(operation).toMatchObject({ status: 'NEEDS_ATTENTION', finishedAt: null });
  // The server's message, in whatever language, names the database.
  expect(operation.error).toMatch(
    new RegExp(`^Migration beta.*; create_schema of alpha could not be undone: .*${name}`),
  );
  expect(operation.steps.map(({ status }) => status)).toEqual(['SUCCEEDED', 'FAILED', 'CANCELLED']);
  expect(tenant.status).toBe('FAILED');
  expect(await resolve(own.gateway, slug, 'alpha')).toBe('TENANT_NOT_READY');

  await own.write('beta/0001_next.sql', correctedMigration);
  const again = await provision(own.gateway, { slug, modules: ['alpha', 'beta'] });
  expect(again.tenant).toEqual({ id: tenant.id, slug, status: 'ACTIVE' });
  expect(await resolve(own.gateway, slug, 'alpha')).toBe(`schema alpha_${slug}`);
});
