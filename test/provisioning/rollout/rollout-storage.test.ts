import { afterAll, beforeAll, expect, test } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { retryRollout } from '../../../src/provisioning/commands/retry-rollout.js';
import { startRollout } from '../../../src/provisioning/commands/start-rollout.js';
import { listPendingFiles, planRollout } from '../../../src/provisioning/rollout/plan/rollout-plan.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { lead, rolloutOf, statusesOf } from '../support/rollouts.js';

let testbed: GatewayWithModules;
let tenants: StoryTenant[];
const [schemas, databases] = ['rollout_schemas', 'rollout_databases'];
const context = () => testbed.gateway.app.commandsFor(developer);
const access = `${schemas}_access`;

beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: schemas, migrations: contacts, schemaPrefix: 'rs_' },
    { name: databases, migrations: contacts, isolation: 'DATABASE', schemaPrefix: 'rd_' },
  );
  await testbed.psql(
    schemas,
    `DO $$ BEGIN CREATE ROLE ${access}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
  );
  tenants = [];
  for (let n = 0; n < 2; n++)
    tenants.push(await aTenant().subscribedTo(schemas, databases).at(testbed.gateway));
});
afterAll(() => testbed?.close());

async function rollOut(module: string) {
  const { rolloutId } = await startRollout(context(), { module });
  await lead({ context: context() });
  return {
    rollout: await rolloutOf({ context: context() }, rolloutId),
    statuses: await statusesOf({ context: context(), tenants }, rolloutId),
  };
}

/** Runs the SQL in the storage of each tenant. */
async function inEach<Row extends Record<string, unknown>>(module: string, sql: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { slug } of tenants) {
    const name = slug.replaceAll('-', '_');
    const url = new URL(testbed.url(module));
    if (module === databases) url.pathname = `/rd_${name}`;
    else url.searchParams.set('options', `-c search_path=rs_${name}`);
    rows.push(...(await queryOnce<Row>(url.href, sql)));
  }
  return rows;
}

test.each([schemas, databases])(
  '%s: files inside and outside transactions run in every storage',
  async (module) => {
    await testbed.write(`${module}/0003_phones.sql`, 'ALTER TABLE contact ADD COLUMN phone text;');
    await testbed.write(
      `${module}/0004_phone_index.sql`,
      '-- transaction: none\nCREATE INDEX CONCURRENTLY contact_phone ON contact (phone);',
    );
    await testbed.write(`${module}/0005_tags.sql`, 'CREATE TABLE tag (id int GENERATED ALWAYS AS IDENTITY);');
    const { rollout, statuses } = await rollOut(module);
    expect([rollout.status, statuses]).toEqual(['SUCCEEDED', { SUCCEEDED: 2 }]);
    const found = await inEach(
      module,
      `SELECT indisvalid AS "isValid", 'tag'::regclass::text AS tag FROM pg_index WHERE indexrelid = 'contact_phone'::regclass`,
    );
    expect(found).toEqual([
      { isValid: true, tag: 'tag' },
      { isValid: true, tag: 'tag' },
    ]);
  },
);

test('services may use what a file has made, and PUBLIC may run none of its functions', async () => {
  await testbed.write(
    `${schemas}/0006_counters.sql`,
    `CREATE TABLE counter (id bigserial, n int); CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1;`,
  );
  await rollOut(schemas);
  const rights = `SELECT has_table_privilege('${access}', 'counter', 'INSERT') AS "mayInsert", has_sequence_privilege('${access}', 'counter_id_seq', 'USAGE') AS "mayCount",
    has_function_privilege('${access}', 'one()', 'EXECUTE') AS "mayCall", proacl::text LIKE '{=X%' OR proacl IS NULL AS "isOpen" FROM pg_proc WHERE oid = 'one()'::regprocedure`;
  const expected = { mayInsert: true, mayCount: true, mayCall: true, isOpen: false };
  expect(await inEach(schemas, rights)).toEqual([expected, expected]);
});

test('a verification after a file that runs alone reports what it finds, and the file stays', async () => {
  await testbed.write(
    `${schemas}/0007_n.sql`,
    '-- transaction: none\nCREATE INDEX CONCURRENTLY counter_n ON counter (n);',
  );
  await testbed.write(`${schemas}/0007_n.verify.sql`, `SELECT 'seen' AS word`);
  const { rollout } = await rollOut(schemas);
  expect(rollout).toMatchObject({ status: 'PAUSED' });
  const [failed] = await context().database.prisma.rolloutTenant.findMany({
    where: { rolloutId: rollout.id, status: 'FAILED' },
  });
  expect(failed).toMatchObject({
    violations: [{ word: 'seen' }],
    error: expect.stringContaining('its work stays'),
  });
  const left = await listPendingFiles(context(), { moduleName: schemas, tenant: failed?.tenantId ?? '' });
  expect(left.files).toEqual([]);
});

test('a plan finds a file of the folder of all modules that databases of tenants lack, and a retry takes its correction', async () => {
  const file = '_every/0900_more.sql';
  await testbed.write(file, 'CREATE TABLE of_every_module (id int); SELECT 1 / 0;');
  const planned = () => planRollout(context(), databases);
  expect(await planned()).toMatchObject({ behind: 2, versions: [{ tenants: 2, pending: [file] }] });
  const { rollout } = await rollOut(databases);
  expect(rollout).toMatchObject({ status: 'PAUSED' });
  await testbed.write(file, 'CREATE TABLE of_every_module (id int);');
  await retryRollout(context(), { id: rollout.id });
  await lead({ context: context() });
  expect(await rolloutOf({ context: context() }, rollout.id)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await planned()).toMatchObject({ behind: 0, excluded: [] });
});

test('what a file makes outside the schema undoes it, spends the budget and is named', async () => {
  await testbed.write(
    `${databases}/0006_outside.sql`,
    `DO $$ BEGIN EXECUTE 'CREATE SCHEMA outside'; END $$;`,
  );
  const { rollout } = await rollOut(databases);
  expect(rollout).toMatchObject({ status: 'PAUSED' });
  const [failed] = await context().database.prisma.rolloutTenant.findMany({
    where: { rolloutId: rollout.id, status: 'FAILED' },
  });
  expect(failed?.error).toMatch(/schema outside/);
  expect(await inEach(databases, `SELECT FROM pg_namespace WHERE nspname = 'outside'`)).toEqual([]);
});
