import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { gateway as gatewayCaller } from '../../src/auth/caller.js';
import { createGuardComparison } from '../../src/provisioning/compared-guards.js';
import { diagnose } from '../../src/provisioning/doctor/doctor.js';
import { queryOnce } from '../database/support/temporary-databases.js';
import { uniqueName } from '../setup/database.js';
import { recordStatements } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';
import { urlTo } from './support/catalog.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from './support/gateway-with-own-modules.js';

const [crm, hr] = [uniqueName('c'), uniqueName('h')];
let testbed: GatewayWithModules;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: crm, migrations: contacts, schemaPrefix: 'crm_' },
    { name: hr, migrations: contacts, schemaPrefix: 'hr_' },
  );
});
afterAll(() => testbed?.close());

const context = () => testbed.gateway.app.commandsFor(gatewayCaller);
const findings = async () =>
  (await diagnose(context())).findings.map(({ code, tenantSlug }) => `${code} ${tenantSlug}`);
const queued = () =>
  testbed.gateway.psql<{ id: string; slug: string }>(
    `SELECT operations.id, slug FROM operations JOIN tenants ON tenants.id = tenant_id
     WHERE operations.status = 'queued' ORDER BY slug`,
  );
const compared = async () =>
  (
    await testbed.gateway.psql<{ module: string }>(
      'SELECT module FROM compared_guards WHERE epoch = registry_epoch() AND module = ANY ($1) ORDER BY 1',
      [[crm, hr]],
    )
  ).map(({ module }) => module);
/** What a dump brings back: the comparison of a history that ended. */
const restore = () => testbed.gateway.psql(`UPDATE compared_guards SET epoch = 'another history'`);

test('guards that differ after a restore are written again, and no others', async () => {
  const { gateway } = testbed;
  const [open, shut, same] = [
    await aTenant().subscribedTo(crm, hr).at(gateway),
    await aTenant().subscribedTo(crm).at(gateway),
    await aTenant().subscribedTo(crm).at(gateway),
  ];
  await gateway.ask(
    'mutation ($id: ID!) { suspendTenant(input: {tenantId: $id, reason: "unpaid"}) { revision } }',
    {
      id: shut.id,
    },
  );
  await createGuardComparison()(context());
  expect(await queued()).toEqual([]);
  expect(await compared()).toEqual([crm, hr].sort());

  const crmUrl = testbed.url(crm);
  await queryOnce(
    crmUrl,
    `UPDATE tenant_guard.binding SET state = 'active', epoch = 'another' WHERE tenant_id = '${shut.id}'`,
  );
  await queryOnce(
    testbed.url(hr),
    `UPDATE tenant_guard.binding SET state = 'suspended', epoch = 'another', revision = 0 WHERE tenant_id = '${open.id}'`,
  );
  // In the same history nothing is compared: a change under way is not a difference.
  await createGuardComparison()(context());
  expect(await queued()).toEqual([]);

  await restore();
  await createGuardComparison()(context());
  const operations = await queued();
  expect(operations.map(({ slug }) => slug)).toEqual([open.slug, shut.slug].sort());
  expect(operations.map(({ slug }) => slug)).not.toContain(same.slug);
  for (const { id } of operations) await context().runOperation(id);
  expect(await findings()).toEqual([]);
  expect(await compared()).toEqual([crm, hr].sort());
});

test('a database that cannot be read is compared later, and the others at once', async () => {
  const { gateway } = testbed;
  const tenant = await aTenant().subscribedTo(crm, hr).at(gateway);
  for (const module of [crm, hr])
    await queryOnce(
      testbed.url(module),
      `UPDATE tenant_guard.binding SET state = 'suspended' WHERE tenant_id = '${tenant.id}'`,
    );
  await restore();
  const name = new URL(testbed.url(hr)).pathname.slice(1);
  const allow = (may: boolean) =>
    queryOnce(urlTo('postgres'), `ALTER DATABASE ${name} ALLOW_CONNECTIONS ${may}`);
  await allow(false);
  onTestFinished(() => allow(true).then(() => undefined));
  await queryOnce(
    urlTo('postgres'),
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
  );
  const compare = createGuardComparison();
  await compare(context());
  expect(await compared()).toEqual([crm]);
  expect((await queued()).map(({ slug }) => slug)).toEqual([tenant.slug]);

  await allow(true);
  await compare(context());
  expect(await compared()).toEqual([crm]);
  // As after a minute.
  await gateway.psql(`UPDATE compared_guards SET claimed_at = now() - interval '61 seconds'`);
  await compare(context());
  expect(await compared()).toEqual([crm, hr].sort());
  for (const { id } of await queued()) await context().runOperation(id);
  expect(await findings()).toEqual([]);
});

test('workers at the same time compare each module once', async () => {
  const countFor = async (workers: number) => {
    await restore();
    const comparisons = Array.from({ length: workers }, createGuardComparison);
    return (await recordStatements(() => Promise.all(comparisons.map((compare) => compare(context())))))
      .length;
  };
  const alone = await countFor(1);
  expect(alone).toBeGreaterThan(10);
  expect(await countFor(4)).toBeLessThan(alone + 20);
});

test('costs one statement at most when there is nothing to compare', async () => {
  const compare = createGuardComparison();
  await compare(context());
  const sent = await recordStatements(() => compare(context()));
  expect(sent.length).toBeLessThanOrEqual(1);
});
