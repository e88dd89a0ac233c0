import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRollout } from '../../../src/provisioning/commands/start-rollout.js';
import { listPendingFiles, planRollout } from '../../../src/provisioning/rollout/plan/rollout-plan.js';
import { addTenantExternalId } from '../../../src/registry/commands/add-tenant-external-id.js';
import { uniqueName } from '../../setup/database.js';
import { recordStatements } from '../../setup/gateway.js';
import { aModuleFolder } from '../support/module-folder.js';
import {
  lead,
  openRolloutTestbed,
  phones,
  type RolloutTestbed,
  rolloutOf,
  statusesOf,
} from '../support/rollouts.js';

let testbed: RolloutTestbed;
beforeAll(async () => {
  testbed = await openRolloutTestbed(5, 4);
});
afterAll(() => testbed?.close());

test('a plan is refused as the start of its rollout is', async () => {
  const { name } = await testbed.takeModule();
  const { context } = testbed;
  const database = Object.create(context.serviceDatabases, {
    withConnection: {
      value: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })),
    },
  });
  const unreachable = { ...context, serviceDatabases: database };
  const all = (to: typeof context) =>
    Promise.all(
      [
        planRollout(to, name),
        startRollout(to, { module: name }),
        listPendingFiles(to, { moduleName: name, tenant: testbed.tenants[0]?.slug ?? '' }),
      ].map((work: Promise<unknown>) => work.catch(({ code, message }) => [code, message])),
    );
  const unknown = {
    ...context,
    serviceDatabases: Object.create(context.serviceDatabases, {
      findProblem: { value: () => 'variable CRM_DB_URL is not set' },
    }),
  };
  const missing = { ...context, modulesDir: await aModuleFolder({}) };
  for (const [to, code] of [
    [unreachable, 'TENANT_NOT_READY'],
    [unknown, 'TENANT_NOT_READY'],
    [missing, 'CONFLICT'],
  ] as const) {
    const [plan, ...others] = await all(to);
    expect(plan).toEqual([code, expect.stringContaining(name)]);
    for (const other of others) expect(other).toEqual(plan);
  }
});

test('a plan does not warn of a NOT NULL for which a file that ran everywhere has the CHECK', async () => {
  const module = await testbed.takeModule();
  const warnings = async () => {
    const { pending } = await planRollout(testbed.context, module.name);
    return pending.flatMap(({ statements }) =>
      statements.flatMap((one) => one.warnings.map(({ code }) => code)),
    );
  };
  await module.write(
    '0003_phones.sql',
    `${phones} ALTER TABLE contact ADD CONSTRAINT c CHECK (phone IS NOT NULL);`,
  );
  await module.start();
  await lead(testbed);
  await module.write('0004_not_null.sql', 'ALTER TABLE contact ALTER phone SET NOT NULL;');
  expect(await warnings()).toEqual([]);
  await module.write('0005_not_null.sql', 'ALTER TABLE note ALTER contact_id SET NOT NULL;');
  expect(await warnings()).toHaveLength(1);
});

test('a plan counts tenants by version and names those that a rollout would leave alone', async () => {
  const module = await testbed.takeModule();
  const [ahead, lost, ...others] = testbed.tenants;
  const file = (name: string) => `${module.name}/${name}`;
  expect(await planRollout(testbed.context, module.name)).toMatchObject({
    ...{ module: module.name, tenants: 4, behind: 0, pending: [], problems: [], excluded: [] },
    versions: [{ version: file('0002_notes.sql'), tenants: 4, pending: [] }],
  });
  await module.write('0003_phones.sql', phones);
  const id = await module.start({ canary: { tenantIds: [others[0]?.slug] }, pauseAfterCanary: true });
  await lead(testbed);
  expect(await rolloutOf(testbed, id)).toMatchObject({ status: 'PAUSED' });
  await module.write('0004_tags.sql', 'CREATE TABLE tag (id int);');
  await testbed.psql(
    module.name,
    `INSERT INTO tenant_guard.schema_version SELECT schema_name, schema_oid, '${file('0009_later.sql')}', checksum, tenant_id, module
       FROM tenant_guard.schema_version WHERE schema_name = '${module.schemaOf(ahead)}' AND migration = '${file('0002_notes.sql')}';
     DROP SCHEMA ${module.schemaOf(lost)} CASCADE;`,
  );
  const plan = await planRollout(testbed.context, module.name);
  expect(plan).toMatchObject({ targetVersion: file('0004_tags.sql'), tenants: 4, behind: 2 });
  expect(plan.versions.toSorted((a, b) => a.pending.length - b.pending.length)).toEqual([
    { version: file('0003_phones.sql'), tenants: 1, pending: [file('0004_tags.sql')] },
    {
      version: file('0002_notes.sql'),
      tenants: 1,
      pending: [file('0003_phones.sql'), file('0004_tags.sql')],
    },
  ]);
  expect(plan.excluded.map(({ status, tenants, examples }) => [status, tenants, examples]).sort()).toEqual(
    [
      ['BLOCKED', 1, [ahead?.slug]],
      ['BLOCKED', 1, [lost?.slug]],
    ].sort(),
  );
  expect(plan.excluded.map(({ reason }) => reason).join()).toMatch(/0009_later.*|does not exist/);
  const [, named] = others;
  const externalId = uniqueName('ext');
  await addTenantExternalId(testbed.context, { tenantId: named?.id, externalId });
  for (const tenant of [named?.slug, named?.id.toUpperCase(), externalId]) {
    const wanted = { moduleName: module.name, tenant: tenant ?? '' };
    const { files, version } = await listPendingFiles(testbed.context, wanted);
    expect([version, files.map(({ name }) => name)]).toEqual([
      file('0002_notes.sql'),
      [file('0003_phones.sql'), file('0004_tags.sql')],
    ]);
  }
  await expect(
    listPendingFiles(testbed.context, { moduleName: module.name, tenant: 'nobody' }),
  ).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' });
});

test('a file of the folder of all modules is found in tenants that are at the newest version', async () => {
  const module = await testbed.takeModule();
  await testbed.write('_every/0900_more.sql', 'CREATE TABLE of_every_module (id int);');
  expect(await planRollout(testbed.context, module.name)).toMatchObject({ behind: 4 });
  const id = await module.start();
  await lead(testbed);
  expect(await statusesOf(testbed, id)).toEqual({ SUCCEEDED: 4 });
  expect(await planRollout(testbed.context, module.name)).toMatchObject({ behind: 0 });
  await testbed.remove('_every/0900_more.sql');
});

test('the number of statements of a plan does not depend on the number of tenants', async () => {
  const module = await testbed.takeModule();
  const statements = await recordStatements(() => planRollout(testbed.context, module.name));
  expect(statements.filter((text) => text.includes('schema_version'))).toHaveLength(1);
  expect(statements.length).toBeLessThan(12);
});
