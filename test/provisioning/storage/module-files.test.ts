import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { listWrongFiles } from '../../../src/provisioning/storage/refused-files.js';
import { uniqueName } from '../../setup/database.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { listSchemas } from '../support/catalog.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { subscribe, unsubscribe } from '../support/provisioning-calls.js';

let testbed: GatewayWithModules;
let tenant: StoryTenant;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'crm', migrations: contacts },
    { name: 'own', migrations: contacts, isolation: 'DATABASE' },
  );
});
afterAll(() => testbed.close());
beforeEach(async () => {
  tenant = await aTenant({ slug: uniqueName('t') }).at(testbed.gateway);
});

async function withFile(name: string, sql: string): Promise<void> {
  await testbed.write(name, sql);
  onTestFinished(() => testbed.remove(name));
}

/** Everything that needs a session of its own elsewhere, and a file that uses the new value of an enum. */
const loneFiles = {
  '0003_mood.sql': `CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE day (mood mood, note text);`,
  '0004_fair.sql': `-- transaction: none\nALTER TYPE mood ADD VALUE 'fair' AFTER 'good';`,
  '0005_use.sql': `INSERT INTO day VALUES ('fair', 'x'); ALTER TABLE day ALTER mood SET DEFAULT 'fair';`,
  '0006_index.sql': '-- transaction: none\nCREATE UNIQUE INDEX CONCURRENTLY day_note_key ON day (note);',
  '0007_vacuum.sql': '-- transaction: none\nVACUUM (ANALYZE) day;',
  '0008_reindex.sql': '-- transaction: none\nREINDEX TABLE CONCURRENTLY day;',
  '0009_drop.sql': '-- transaction: none\nDROP INDEX CONCURRENTLY contact_by_name;',
};

const reads = (
  schema: string,
) => `SELECT (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum
    WHERE enumtypid = '${schema}.mood'::regtype) AS labels, (SELECT count(*)::int FROM ${schema}.day) AS days,
  (SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class JOIN pg_index ON indexrelid = oid AND indisvalid
    WHERE relnamespace = '${schema}'::regnamespace AND relname ~ '^(day|contact_by)') AS indexes,
  (SELECT count(*)::int FROM tenant_guard.schema_version WHERE schema_name = '${schema}') AS versions,
  (SELECT count(*)::int FROM tenant_guard.lone_migration) AS begun`;
const complete = { labels: 'good,fair,bad', days: 1, indexes: 'day_note_key', versions: 10, begun: 0 };

describe('files that run alone', () => {
  beforeEach(async () => {
    for (const module of ['crm', 'own'])
      for (const [name, sql] of Object.entries(loneFiles)) await testbed.write(`${module}/${name}`, sql);
    return async () => {
      for (const module of ['crm', 'own'])
        for (const name of Object.keys(loneFiles)) await testbed.remove(`${module}/${name}`);
    };
  });

  test('run for a new tenant in the one transaction, with an enum value that the next file uses', async () => {
    const { operation } = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
    expect(operation).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(await testbed.psql('crm', reads(`crm_${tenant.slug}`))).toEqual([complete]);
  });

  test('leave nothing of a new tenant when a later file fails', async () => {
    await withFile('crm/0010_fails.sql', 'SELECT 1 / 0;');
    const { operation } = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
    expect(operation.error).toBe('Migration crm/0010_fails.sql failed: division by zero');
    expect(await listSchemas(testbed.url('crm'))).not.toContain(`crm_${tenant.slug}`);
  });

  test('run for a new tenant with a database of its own', async () => {
    const { operation } = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'own' });
    expect(operation).toMatchObject({ status: 'SUCCEEDED', error: null });
  });
});

test.each(['crm', 'own'])(
  'a tenant that subscribes to %s again gets the files in sessions of their own, each recorded when it is done',
  async (module) => {
    const { operation: made } = await subscribe(testbed.gateway, { tenantId: tenant.id, module });
    expect(made.status).toBe('SUCCEEDED');
    await unsubscribe(testbed.gateway, { tenantId: tenant.id, module });
    for (const [name, sql] of Object.entries(loneFiles)) await withFile(`${module}/${name}`, sql);
    await withFile(`${module}/0010_last.sql`, `UPDATE day SET note = 'y' WHERE mood = 'fair';`);
    const { operation, subscription } = await subscribe(testbed.gateway, { tenantId: tenant.id, module });
    expect(operation).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(subscription.migrationVersion).toBe(`${module}/0010_last.sql`);
    if (module === 'crm')
      expect(await testbed.psql('crm', reads(`crm_${tenant.slug}`))).toEqual([{ ...complete, versions: 11 }]);
  },
);

describe('a file that the rules refuse', () => {
  const wrong = 'CREATE TABLE public.leaked (id int);';
  const says = 'crm/0003_wrong.sql, line 1: public.leaked names schema public';

  test('keeps a new tenant from being provisioned, and the message has the line and the way out', async () => {
    await withFile('crm/0003_wrong.sql', wrong);
    const { operation } = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
    expect(operation.status).toBe('FAILED');
    expect(operation.error).toContain(says);
    expect(await testbed.psql('crm', `SELECT to_regclass('public.leaked') AS made`)).toEqual([
      { made: null },
    ]);
  });

  test('goes on running for new tenants when it ran for others before, and the start warns of it', async () => {
    // As the registry before the rules has left it.
    const rule = 'SET LOCAL enable_seqscan = off; CREATE TABLE settled (id int);';
    await withFile('crm/0003_wrong.sql', rule);
    const context = testbed.gateway.app.commandsFor(developer);
    expect(await listWrongFiles(context)).toMatchObject([
      {
        module: 'crm',
        ranBefore: false,
        text: expect.stringContaining('crm/0003_wrong.sql, line 1: SET LOCAL'),
      },
    ]);
    const other = await aTenant({ slug: uniqueName('t') }).at(testbed.gateway);
    await testbed.write('crm/0003_wrong.sql', 'CREATE TABLE settled (id int);');
    await subscribe(testbed.gateway, { tenantId: other.id, module: 'crm' });
    await testbed.write('crm/0003_wrong.sql', rule);
    const { operation } = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
    expect(operation).toMatchObject({ status: 'SUCCEEDED', error: null });
    expect(await listWrongFiles(context)).toMatchObject([{ ranBefore: true }]);
  });

  test('is undone when only the catalogs show what it did, and the object is named', async () => {
    await withFile(
      'crm/0003_hidden.sql',
      `DO $$ BEGIN EXECUTE 'CREATE TABLE public.' || 'leaked (id int)'; END $$;`,
    );
    const { operation } = await subscribe(testbed.gateway, { tenantId: tenant.id, module: 'crm' });
    expect(operation.status).toBe('FAILED');
    expect(operation.error).toContain('Migration crm/0003_hidden.sql was undone');
    expect(operation.error).toContain('table public.leaked');
    expect(await listSchemas(testbed.url('crm'))).not.toContain(`crm_${tenant.slug}`);
  });
});
