import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listSchemas } from '../provisioning/support/catalog.js';
import {
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { subscribe, unsubscribe } from '../provisioning/support/provisioning-calls.js';
import { uniqueName } from '../setup/database.js';
import { seed } from '../setup/seed.js';
import { aTenant } from '../setup/stories.js';
import { isValidSchemaName } from './support/contract.js';
import { hostileTexts } from './support/hostile.js';
import { isRefusedFor, repeatMutation } from './support/repeated-mutations.js';
import { expectOnlyRegisteredSchemas } from './support/schema-census.js';

let testbed: GatewayWithModules;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'light', migrations: {} },
    { name: 'other', migrations: {} },
    { name: 'vault', migrations: {}, isolation: 'DATABASE' },
  );
});
afterAll(() => testbed.close());

test(`of 500 hostile schema names only valid ones that are free become schemas (seed ${seed})`, async () => {
  const names = hostileTexts(500, seed);
  const tenants = await testbed.gateway.psql<{ id: string }>(
    `INSERT INTO tenants (slug, name) SELECT 'crowd-' || n, 'Crowd' FROM generate_series(1, $1) AS n RETURNING id`,
    [names.length],
  );
  const words = await testbed.gateway.psql<{ word: string }>(
    `SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')`,
  );
  const reserved = new Set(words.map(({ word }) => word));
  const outcomes = await repeatMutation<{
    subscription: { schemaName: string };
    operation: { status: string };
  }>(
    testbed.gateway,
    'subscribeTenantToModule',
    'subscription { schemaName } operation { status }',
    names.map((schemaName, at) => ({ tenantId: tenants[at]?.id, module: 'light', schemaName })),
  );
  const taken = new Set<string>();
  const surprises: unknown[] = [];
  names.forEach((name, at) => {
    const outcome = outcomes[at];
    const isGood = isValidSchemaName(name, reserved);
    const wanted = !isGood ? 'VALIDATION_ERROR' : taken.has(name) ? 'CONFLICT' : undefined;
    const isAsWanted =
      outcome?.code === wanted &&
      (wanted
        ? isRefusedFor(outcome, 'schemaName')
        : outcome?.payload?.subscription.schemaName === name &&
          outcome?.payload.operation.status === 'SUCCEEDED');
    if (!isAsWanted) surprises.push({ name, wanted, outcome });
    if (isGood) taken.add(name);
  });
  expect(surprises).toEqual([]);
  expect(taken.size).toBeGreaterThan(25);
  expect(await listSchemas(testbed.url('light'))).toHaveLength(taken.size);
  await expectOnlyRegisteredSchemas(testbed, 'light');
});

describe('a name that is taken', () => {
  const wanting = async (module: string, schemaName: string) => {
    const tenant = await aTenant().at(testbed.gateway);
    return subscribe(testbed.gateway, { tenantId: tenant.id, module, schemaName });
  };
  const refused = { code: 'CONFLICT', fields: ['schemaName'] };

  test('is refused for another tenant in every module', async () => {
    const name = uniqueName('s');
    expect((await wanting('light', name)).operation.status).toBe('SUCCEEDED');
    expect(await wanting('light', name)).toMatchObject(refused);
    expect(await wanting('other', name)).toMatchObject(refused);
    expect(await listSchemas(testbed.url('other'))).not.toContain(name);
  });

  test('is refused with a message that names its tenant', async () => {
    const name = uniqueName('s');
    const owner = await aTenant().at(testbed.gateway);
    await subscribe(testbed.gateway, { tenantId: owner.id, module: 'light', schemaName: name });
    expect((await wanting('light', name)).message).toBe(`Name "${name}" is taken by tenant ${owner.id}`);
  });

  test('is refused as schemaName also when it was issued', async () => {
    const { slug } = await aTenant().subscribedTo('light').at(testbed.gateway);
    expect(await wanting('other', `light_${slug}`)).toMatchObject(refused);
  });

  test('stays reserved when its subscription is cancelled', async () => {
    const name = uniqueName('s');
    const owner = await aTenant().at(testbed.gateway);
    await subscribe(testbed.gateway, { tenantId: owner.id, module: 'light', schemaName: name });
    await unsubscribe(testbed.gateway, { tenantId: owner.id, module: 'light' });
    expect(await wanting('light', name)).toMatchObject(refused);
    expect(await wanting('other', name)).toMatchObject(refused);
    const back = await subscribe(testbed.gateway, { tenantId: owner.id, module: 'light' });
    expect(back.subscription).toMatchObject({ status: 'ACTIVE', schemaName: name });
  });

  test('stays reserved when its tenant is deleted', async () => {
    const name = uniqueName('s');
    const owner = await aTenant().at(testbed.gateway);
    await subscribe(testbed.gateway, { tenantId: owner.id, module: 'light', schemaName: name });
    const { errors } = await testbed.gateway.ask(
      'mutation ($id: ID!) { deleteTenant(input: { tenantId: $id }) { revision } }',
      { id: owner.id },
    );
    expect(errors).toEqual([]);
    expect(await wanting('light', name)).toMatchObject(refused);
  });

  test('is free again when its tenant chose another one before it resolved', async () => {
    const [first, second] = [uniqueName('s'), uniqueName('s')];
    const owner = await aTenant().at(testbed.gateway);
    const waiting = { tenantId: owner.id, module: 'light', provision: false };
    await subscribe(testbed.gateway, { ...waiting, schemaName: first });
    const moved = await subscribe(testbed.gateway, { ...waiting, provision: true, schemaName: second });
    expect(moved.subscription).toMatchObject({ status: 'ACTIVE', schemaName: second });
    expect((await wanting('light', first)).subscription).toMatchObject({
      status: 'ACTIVE',
      schemaName: first,
    });
  });

  test('is reserved separately for schemas and for databases', async () => {
    const name = uniqueName('s');
    expect((await wanting('light', name)).subscription).toMatchObject({ schemaName: name });
    const own = await wanting('vault', name);
    expect(own.subscription).toMatchObject({ schemaName: 'public', databaseName: name, status: 'ACTIVE' });
    expect(await wanting('vault', name)).toMatchObject(refused);
  });
});

test('subscribing again under another name does not move the data', async () => {
  const tenant = await aTenant().subscribedTo('light').at(testbed.gateway);
  await unsubscribe(testbed.gateway, { tenantId: tenant.id, module: 'light' });
  const elsewhere = { tenantId: tenant.id, module: 'light', schemaName: uniqueName('s') };
  expect(await subscribe(testbed.gateway, elsewhere)).toMatchObject({
    ...{ code: 'CONFLICT', fields: ['schemaName'] },
  });
});
