import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ImportReport } from '../../../src/importing/databases/database-import.js';
import { mergeReports } from '../../../src/importing/databases/finish.js';
import { readColumnMap } from '../../../src/importing/platform/column-map.js';
import { aDatabase, aUser } from '../../database/support/temporary-databases.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { locksHere } from '../../setup/locks.js';
import { aClientsFolder, writeClient } from '../support/client-story.js';
import { legacySchema, revisionOf, takeOver } from '../support/legacy-story.js';
import { finish, follow, renamings, undo } from '../support/move-story.js';
import { goTables, outcomesOf, pythonTables, tenantOf } from '../support/platform-story.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

async function aPlatform(...ids: string[]) {
  const platform = await aDatabase();
  await platform.query(
    `${pythonTables} INSERT INTO tenants (id, name, plan) SELECT id, 'Name of ' || id, 'lite' FROM unnest('{${ids.join()}}'::text[]) AS id;
     INSERT INTO tenant_settings (tenant_id, website) SELECT id, 'https://' || id || '.example' FROM tenants`,
  );
  return platform;
}

async function profileOf(slug: string) {
  const { data } = await gateway.ask(
    'query ($id: ID!) { tenant(id: $id) { name plan status settings { website } } }',
    { id: slug },
  );
  const { name, plan, status, settings } = data.tenant ?? {};
  return data.tenant && [name, plan, status, settings.website];
}

const settles = (slug: string, expected: unknown) =>
  expect.poll(() => profileOf(slug), { timeout: 20_000 }).toEqual(expected);

const tablesOf = async (platform: Awaited<ReturnType<typeof aDatabase>>) =>
  (
    await platform.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
    )
  ).map(({ name }) => name);

const oldNames = ['organization_users', 'tenant_branding', 'tenant_settings', 'tenants', 'user_invitations'];
const newNames = oldNames.map((name) => `${name}_before_registry`);

test('a move is followed, finished, undone and finished again, with edits on both sides', {
  timeout: 120_000,
}, async () => {
  const platform = await aPlatform('alpha', 'beta');
  const from = platform.url;
  const follower = follow(gateway, { from });
  onTestFinished(() => void follower.stop());
  await settles('alpha', ['Name of alpha', 'LITE', 'ACTIVE', 'https://alpha.example']);

  // Edits of either side, a new tenant, a broken row beside it, and a status.
  await platform.query(`UPDATE tenants SET name = 'Alpha Ltd', timezone = 'Mars' WHERE id = 'alpha'`);
  await mutate(gateway, 'updateTenant', { tenantId: 'alpha', plan: 'PRO' });
  await platform.query(
    `INSERT INTO tenants (id, name, plan) VALUES ('gamma', 'Gamma', 'pro'), ('Alpha', '---', 'pro')`,
  );
  await platform.query(`UPDATE tenants SET status = 'suspended' WHERE id = 'beta'`);
  await platform.query(`UPDATE tenant_settings SET website = NULL WHERE tenant_id = 'beta'`);
  await settles('alpha', ['Alpha Ltd', 'PRO', 'ACTIVE', 'https://alpha.example']);
  await settles('gamma', ['Gamma', 'PRO', 'ACTIVE', null]);
  await settles('beta', ['Name of beta', 'LITE', 'SUSPENDED', null]);

  // A look for the sake of a row that no tenant comes from does nothing, and the old tables are as they were.
  await platform.query(`INSERT INTO tenants (id, name, plan) VALUES ('Gamma', '---', 'pro')`);
  await expect
    .poll(() => follower.reports.at(-1)?.tenants.map(({ action }) => action))
    .not.toContain('update');
  await platform.query(`DELETE FROM tenants WHERE id = 'Gamma'`);
  expect(await tablesOf(platform)).toEqual(oldNames);

  // Both sides: the field waits, and another edit of that tenant does not.
  await platform.query(`UPDATE tenants SET plan = 'enterprise', short_name = 'AL' WHERE id = 'alpha'`);
  await expect
    .poll(() => tenantOf(follower.reports.at(-1) ?? { tenants: [] }, 'alpha').conflicts)
    .toEqual([
      {
        ...{ path: 'plan', taken: null },
        values: [
          { source: expect.stringMatching(/^tenants in /), value: 'ENTERPRISE' },
          { source: 'registry', value: 'PRO' },
        ],
      },
    ]);
  expect(await gateway.psql(`SELECT short_name FROM tenants WHERE slug = 'alpha'`)).toEqual([
    { short_name: 'AL' },
  ]);
  const refused = await finish(gateway, { from });
  expect([refused.done, await tablesOf(platform)]).toEqual([false, oldNames]);
  expect(refused.reasons).toEqual([
    'alpha: its sources disagree about plan: choose one with --prefer',
    expect.stringMatching(/^alpha: slug alpha is taken/),
  ]);
  await platform.query(`DELETE FROM tenants WHERE id = 'Alpha'`);

  // A dry run shows the renaming, and changes nothing.
  const planned = await finish(gateway, { from, prefer: 'table', isDryRun: true });
  expect([planned.done, planned.reasons, renamings(planned)]).toEqual([
    ...[false, [], oldNames.map((name) => `${name} -> ${name}_before_registry`)],
  ]);
  // A look that meets the renaming may fail, and the next one ends.
  expect(follower.failures).toEqual([]);
  const finished = await finish(gateway, { from, prefer: 'table' });
  expect([finished.done, finished.reasons, await tablesOf(platform)]).toEqual([true, [], newNames]);
  expect(await profileOf('alpha')).toEqual(['Alpha Ltd', 'ENTERPRISE', 'ACTIVE', 'https://alpha.example']);
  expect(await follower.ended).toBe('finished');

  // Again: nothing.
  const revision = await revisionOf(gateway);
  const again = await finish(gateway, { from });
  expect([again.done, again.tables, outcomesOf(again.report)]).toEqual([
    ...[true, [], ['alpha: unchanged', 'beta: unchanged', 'gamma: unchanged']],
  ]);
  expect(await revisionOf(gateway)).toBe(revision);

  // Undo names the edits since, and writes nothing of them.
  await mutate(gateway, 'updateTenant', { tenantId: 'gamma', name: 'Gamma of the registry' });
  await platform.query(`UPDATE tenants_before_registry SET name = 'Beta Ltd' WHERE id = 'beta'`);
  const undone = await undo(gateway, { from });
  expect([undone.done, renamings(undone), await tablesOf(platform)]).toEqual([
    ...[true, newNames.map((name) => `${name} -> ${name.replace('_before_registry', '')}`), oldNames],
  ]);
  expect(tenantOf(undone.report, 'gamma').differences).toEqual([
    {
      ...{ path: 'name', why: 'was edited in the registry, which counts' },
      values: [
        { source: expect.stringMatching(/^tenants in /), value: 'Gamma' },
        { source: 'registry', value: 'Gamma of the registry' },
      ],
    },
  ]);
  expect(tenantOf(undone.report, 'beta').changes).toEqual([
    { path: 'name', before: 'Name of beta', after: 'Beta Ltd' },
  ]);
  expect(renamings(await undo(gateway, { from }))).toEqual([]);
  const last = await finish(gateway, { from });
  expect([last.done, await tablesOf(platform)]).toEqual([true, newNames]);
  expect([(await profileOf('beta'))?.[0], (await profileOf('gamma'))?.[0]]).toEqual([
    ...['Beta Ltd', 'Gamma of the registry'],
  ]);
});

test('an edit that is made while a move is finished is taken over, and the writer never fails', async () => {
  const platform = await aPlatform('racer');
  const from = platform.url;
  await takeOver(gateway, { from });
  // A transaction that has read and will write holds the move up, and is not ended for it.
  const writer = new pg.Client({ connectionString: from });
  await writer.connect();
  onTestFinished(() => writer.end());
  await writer.query('BEGIN');
  await writer.query('SELECT name FROM tenants');
  await writer.query(`UPDATE tenants SET name = 'Last edit' WHERE id = 'racer'`);
  const finishing = finish(gateway, { from });
  await expect
    .poll(() =>
      platform.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LOCK TABLE%'
        AND wait_event_type = 'Lock'`),
    )
    .toHaveLength(1);
  await writer.query('SELECT count(*) FROM tenant_settings');
  await writer.query(`UPDATE tenant_settings SET website = 'https://last.example' WHERE tenant_id = 'racer'`);
  await writer.query('COMMIT');
  expect((await finishing).done).toBe(true);
  expect(await profileOf('racer')).toEqual(['Last edit', 'LITE', 'ACTIVE', 'https://last.example']);
});

test('a role that may not rename gets the SQL for an administrator, and finishes after it was run', async () => {
  const { name } = await aUser();
  const platform = await aPlatform('locked');
  await platform.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}`);
  const url = new URL(platform.url);
  url.username = name;
  url.password = 'temporary';
  const from = url.href;
  const refused = await finish(gateway, { from });
  expect(refused.reasons).toEqual([
    expect.stringContaining(`The role ${name} may not rename public.organization_users`),
  ]);
  expect(await profileOf('locked')).not.toBeNull();
  await platform.query(`UPDATE tenants SET name = 'Before the SQL' WHERE id = 'locked'`);
  await platform.query(refused.sql ?? '');
  expect(await tablesOf(platform)).toEqual(newNames);
  expect(await finish(gateway, { from })).toMatchObject({ done: true, reasons: [], tables: [] });
  expect((await profileOf('locked'))?.[0]).toBe('Before the SQL');
  const undone = await undo(gateway, { from });
  expect([undone.done, undone.reasons.length]).toEqual([false, 1]);
  await platform.query(undone.sql ?? '');
  expect(await tablesOf(platform)).toEqual(oldNames);
});

test('files and service databases are followed, and only their own tables are renamed', async () => {
  const id = '0198f000-0000-7000-8000-0000000000e1';
  await gateway.psqlIn(
    'finance',
    goTables([{ id, slug: 'filed', finance: 'finance_filed' }]) + legacySchema('finance_filed'),
  );
  const clients = await aClientsFolder({
    filed: 'client: { name: Filed }\nemail: { primary: a@filed.example }',
  });
  const follower = follow(gateway, { clients, prefer: 'yaml' });
  onTestFinished(() => void follower.stop());
  await settles('filed', ['Filed', 'LITE', 'ACTIVE', null]);
  await writeClient(clients, 'filed', 'client: { name: Filed anew }\nemail: { primary: a@filed.example }');
  await settles('filed', ['Filed anew', 'LITE', 'ACTIVE', null]);
  await gateway.psqlIn('finance', `UPDATE tenant_registry SET status = 'suspended'`);
  await settles('filed', ['Filed anew', 'LITE', 'SUSPENDED', null]);
  expect(await follower.stop()).toBe('stopped');
  expect(renamings(await finish(gateway, { clients }))).toEqual([
    'tenant_module_log -> tenant_module_log_before_registry',
    'tenant_registry -> tenant_registry_before_registry',
  ]);
  const { report } = await finish(gateway, { clients });
  expect(outcomesOf(report)).toContain('filed: unchanged');
  await undo(gateway, { clients });
  expect(await gateway.psqlIn('finance', 'SELECT FROM tenant_registry')).toHaveLength(1);
});

test('a table that is renamed between the look at the catalog and the reading is read under its new name', async () => {
  const platform = await aPlatform('renamed');
  const renamer = new pg.Client({ connectionString: platform.url });
  await renamer.connect();
  onTestFinished(() => renamer.end());
  await renamer.query('BEGIN; ALTER TABLE user_invitations RENAME TO user_invitations_before_registry');
  const reading = takeOver(gateway, { from: platform.url, isDryRun: true });
  // The reader has seen the old name, and waits for the table.
  await expect
    .poll(() =>
      platform.query(
        `WITH ${locksHere} SELECT FROM locks_here WHERE NOT granted AND mode = 'AccessShareLock'`,
      ),
    )
    .toHaveLength(1);
  await renamer.query('COMMIT');
  expect(tenantOf(await reading, 'renamed')?.action).toBe('create');
});

test('a follower that is started again after the end of a move ends as well', async () => {
  const platform = await aPlatform('restarted');
  const from = platform.url;
  expect((await finish(gateway, { from })).done).toBe(true);
  expect(await follow(gateway, { from }).ended).toBe('finished');
});

test('a configuration that is emptied on the old side is emptied, and nothing is left for the next run', async () => {
  const platform = await aPlatform('emptied');
  const from = platform.url;
  await platform.query(`UPDATE tenants SET tenant_config = '{"labels": {"room": "suite"}}'`);
  await takeOver(gateway, { from });
  const config = async () =>
    (await gateway.psql(`SELECT tenant_config AS config FROM tenants WHERE slug = 'emptied'`))[0]?.config;
  expect(await config()).toEqual({ extensions: { labels: { room: 'suite' } } });
  await platform.query('UPDATE tenants SET tenant_config = NULL');
  await takeOver(gateway, { from });
  expect(await config()).toEqual({});
  expect(tenantOf(await takeOver(gateway, { from }), 'emptied').action).toBe('unchanged');
});

test('a table with a very long name, which a map names, is found again under its new name and gets its own back', async () => {
  const long = 'customer_relationship_management_accounts_main';
  const platform = await aDatabase();
  await platform.query(
    `CREATE TABLE ${long} (code text, title text); INSERT INTO ${long} VALUES ('long-name', 'Long')`,
  );
  const columns = readColumnMap(
    `tables: [{ table: ${long}, is: tenants, columns: { id: code, name: title } }]`,
  );
  const options = { from: platform.url, columns };
  const tables = async () => (await tablesOf(platform)).join();
  expect((await finish(gateway, options)).reasons).toEqual([]);
  expect(await tables()).toBe('customer_relationship_management_account_before_registry');
  expect(tenantOf(await takeOver(gateway, options), 'long-name').action).toBe('unchanged');
  expect(renamings(await undo(gateway, options))).toContain(
    `${long.slice(0, 40)}_before_registry -> ${long}`,
  );
  expect(await tables()).toBe(long);
});

test('a tenant that is not active yet is refused with the reason, and nobody gets a token of nothing', async () => {
  const platform = await aPlatform('waiting');
  const from = platform.url;
  await takeOver(gateway, { from });
  await gateway.psql(`UPDATE tenants SET status = 'failed' WHERE slug = 'waiting'`);
  await platform.query(
    `UPDATE tenants SET name = 'Edited'; INSERT INTO organization_users (tenant_id, email) VALUES ('waiting', 'new@w.example')`,
  );
  const report = await takeOver(gateway, { from });
  expect(tenantOf(report, 'waiting')).toMatchObject({
    action: 'refuse',
    why: 'the tenant is failed: run the import again when it is active',
    invitations: [],
  });
  expect(report.isUnfinished).toBe(true);
});

describe('the report of two looks', () => {
  const entry = (action: string) => ({ slug: 'acme', module: 'finance', schema: 'finance_acme', action });
  const report = (action: string) => ({ tenants: [], entries: [entry(action)] }) as unknown as ImportReport;

  test.each([
    ['conflict', 'unchanged', 'unchanged'],
    ['register', 'unchanged', 'register'],
    ['subscribe', 'unchanged', 'subscribe'],
    ['unchanged', 'conflict', 'conflict'],
  ])('%s, then %s, is %s', (first, last, expected) => {
    expect(mergeReports(report(first), report(last)).entries).toEqual([entry(expected)]);
  });
});
