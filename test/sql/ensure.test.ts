import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { ensureModuleSql, ensureSql, ensureVersion } from '../../src/provisioning/copies/ensure-sql.js';
import { renewCopies } from '../../src/provisioning/copies/keep-copies.js';
import { aUser, queryOnce } from '../database/support/temporary-databases.js';
import { readSchemaOwners } from '../provisioning/support/catalog.js';
import {
  brokenMigration,
  contacts,
  correctedMigration,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../provisioning/support/gateway-with-own-modules.js';
import { provision, resolve } from '../provisioning/support/provisioning-calls.js';
import { uniqueName } from '../setup/database.js';
import { codeOf, connect, outcomeOf } from './support/procedure-calls.js';

let testbed: GatewayWithModules;
beforeAll(async () => {
  testbed = await openGatewayWithModules({ name: 'crm', migrations: contacts });
  await renew();
});
afterAll(() => testbed.close());

async function renew(options: { force?: boolean } = {}) {
  const renewed = await renewCopies(testbed.gateway.app.commandsFor(developer), options);
  expect(renewed.filter(({ error }) => error)).toEqual([]);
  return renewed;
}

const call = (tenantId: string | null, schema: string | null) =>
  queryOnceWith(testbed.url('crm'), 'CALL ensure_crm_tenant_schema($1, $2)', [tenantId, schema]);

async function queryOnceWith(url: string, sql: string, parameters: unknown[]) {
  const client = await connect(url);
  try {
    return (await client.query(sql, parameters)).rows;
  } finally {
    await client.end();
  }
}

function tablesOf(schema: string) {
  return testbed
    .psql<{ name: string }>(
      'crm',
      `SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace('"${schema}"') AND relkind = 'r' ORDER BY 1`,
    )
    .then((rows) => rows.map(({ name }) => name));
}

test('the texts have a new number when they are changed', () => {
  const sample = {
    module: 'm',
    databaseName: 'd',
    names: ['n'],
    roles: { owner: 'o', access: 'a' },
    digest: '0',
  };
  const hash = createHash('sha256')
    .update(ensureSql)
    .update(ensureModuleSql(sample))
    .digest('hex')
    .slice(0, 16);
  expect({ version: ensureVersion, hash }).toEqual({ version: 5, hash: 'cf99a037e72796ce' });
});

describe('ensure_<module>_tenant_schema', () => {
  test('makes the schema with all its tables, as the gateway would have', async () => {
    const tenantId = randomUUID();
    const [schema, slug] = [uniqueName('crm'), uniqueName('t')];
    await call(tenantId, schema);
    await provision(testbed.gateway, { slug, modules: ['crm'] });
    const shape = (name: string) =>
      testbed.psql(
        'crm',
        `SELECT table_name, column_name, data_type, is_nullable, replace(column_default, '${name}', '?') AS value
         FROM information_schema.columns WHERE table_schema = '${name}' ORDER BY 1, 2`,
      );
    expect(await tablesOf(schema)).toEqual(['activity_log', 'contact', 'note', 'settings']);
    expect(await shape(schema)).toEqual(await shape(`crm_${slug}`));
    const versions = (name: string) =>
      testbed.psql(
        'crm',
        `SELECT migration, checksum, module FROM tenant_guard.schema_version WHERE schema_name = '${name}' ORDER BY 1`,
      );
    expect(await versions(schema)).toEqual(await versions(`crm_${slug}`));
    expect(await readSchemaOwners(testbed.url('crm'), schema)).toEqual([{ tenantId, module: 'crm' }]);
  });

  test('called again, changes nothing; called with a new migration, runs that', async () => {
    const tenantId = randomUUID();
    const schema = uniqueName('crm');
    await call(tenantId, schema);
    await call(tenantId, schema);
    await testbed.write('crm/0003_tags.sql', 'CREATE TABLE tag (name text PRIMARY KEY);');
    onTestFinished(async () => {
      await testbed.remove('crm/0003_tags.sql');
      await renew({ force: true });
    });
    await renew();
    await call(tenantId, schema);
    expect(await tablesOf(schema)).toContain('tag');
  });

  test('runs files that run alone in a new schema, and leaves those of a schema that exists to a rollout', async () => {
    const [before, after] = [uniqueName('crm'), uniqueName('crm')];
    const tenantId = randomUUID();
    await call(tenantId, before);
    const lone = '-- transaction: none\nCREATE INDEX CONCURRENTLY note_body_idx ON note (body);';
    await testbed.write('crm/0003_index.sql', lone);
    onTestFinished(async () => {
      await testbed.remove('crm/0003_index.sql');
      await renew({ force: true });
    });
    await renew();
    await call(randomUUID(), after);
    const indexes = (schema: string) =>
      testbed.psql('crm', `SELECT FROM pg_class WHERE oid = to_regclass('${schema}.note_body_idx')`);
    expect(await indexes(after)).toHaveLength(1);
    await expect(call(tenantId, before)).rejects.toThrow(
      'crm/0003_index.sql cannot run inside a transaction',
    );
    expect(await indexes(before)).toHaveLength(0);
  });

  test('keeps the copy that it has while a file is refused', async () => {
    await testbed.write('crm/0003_wrong.sql', 'CREATE TABLE public.leaked (id int);');
    onTestFinished(async () => {
      await testbed.remove('crm/0003_wrong.sql');
      await renew({ force: true });
    });
    const renewed = await renewCopies(testbed.gateway.app.commandsFor(developer));
    const error = renewed.find(({ module }) => module === 'crm')?.error;
    expect(error).toMatchObject({
      message: expect.stringContaining('crm/0003_wrong.sql, line 1: public.leaked'),
    });
    const schema = uniqueName('crm');
    await call(randomUUID(), schema);
    expect(await tablesOf(schema)).toEqual(['activity_log', 'contact', 'note', 'settings']);
  });

  test('ten at once make one schema', async () => {
    const tenantId = randomUUID();
    const schema = uniqueName('crm');
    await Promise.all(Array.from({ length: 10 }, () => call(tenantId, schema)));
    expect(await tablesOf(schema)).toHaveLength(4);
  });

  test('two tenants that want one name: one of them gets it', async () => {
    const schema = uniqueName('crm');
    const codes = await Promise.all([codeOf(call(randomUUID(), schema)), codeOf(call(randomUUID(), schema))]);
    expect(codes.sort()).toEqual(['42P06 CONFLICT', 'done']);
  });

  test('leaves the session as it was: path, role, and nothing but the schema', async () => {
    const client = await connect(testbed.url('crm'));
    const state = async () =>
      (await client.query(`SELECT current_setting('search_path') AS path, current_user AS role`)).rows[0];
    const before = await state();
    const publics = `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace`;
    await client.query('BEGIN');
    await client.query('CALL ensure_crm_tenant_schema($1, $2)', [randomUUID(), uniqueName('crm')]);
    expect(await state()).toEqual(before);
    await client.query('COMMIT');
    expect(await testbed.psql('crm', publics)).toEqual([{ proname: 'ensure_crm_tenant_schema' }]);
  });

  test('a table of the caller’s own, under the name of one of the tenant’s, gets in nobody’s way', async () => {
    const client = await connect(testbed.url('crm'));
    const schema = uniqueName('crm');
    await client.query('CREATE TEMP TABLE contact (id int PRIMARY KEY, name text)');
    await client.query('CALL ensure_crm_tenant_schema($1, $2)', [randomUUID(), schema]);
    expect(await tablesOf(schema)).toContain('contact');
  });

  test('a migration that fails leaves nothing, and says which it was', async () => {
    const schema = uniqueName('crm');
    await testbed.write('crm/0003_half.sql', brokenMigration);
    onTestFinished(async () => {
      await testbed.remove('crm/0003_half.sql');
      await renew({ force: true });
    });
    await renew();
    const tenantId = randomUUID();
    expect(await outcomeOf(call(tenantId, schema))).toBe(
      'P0001 Migration crm/0003_half.sql failed: broken on purpose',
    );
    expect(await testbed.psql('crm', `SELECT nspname FROM pg_namespace WHERE nspname = '${schema}'`)).toEqual(
      [],
    );
    expect(
      await testbed.psql('crm', `SELECT FROM tenant_guard.binding WHERE schema_name = '${schema}'`),
    ).toEqual([]);
    await testbed.write('crm/0003_half.sql', correctedMigration);
    await renew();
    expect(await outcomeOf(call(tenantId, schema))).toBe('done');
    expect(await tablesOf(schema)).toContain('whole');
  });

  test('a file cannot end the transaction', async () => {
    await testbed.write(
      'crm/0003_commit.sql',
      'CREATE TABLE early (id int); DO $$ BEGIN COMMIT; END $$; SELECT 1 / 0;',
    );
    onTestFinished(async () => {
      await testbed.remove('crm/0003_commit.sql');
      await renew({ force: true });
    });
    await renew();
    const schema = uniqueName('crm');
    expect(await outcomeOf(call(randomUUID(), schema))).toMatch(
      /^(0A000|2D000) Migration crm\/0003_commit\.sql failed/,
    );
    expect(await tablesOf(schema)).toEqual([]);
  });

  test('a schema of which a part was dropped is refused, and its mark stays', async () => {
    const tenantId = randomUUID();
    const schema = uniqueName('crm');
    await call(tenantId, schema);
    await testbed.psql(
      'crm',
      `UPDATE tenant_guard.schema_version SET migration = '(being dropped)' WHERE schema_name = '${schema}' AND migration LIKE '%0002%'`,
    );
    expect(await outcomeOf(call(tenantId, schema))).toBe(
      `55000 CONFLICT: A part of schema ${schema} was dropped, so its tables are not whole`,
    );
    const marks = `SELECT FROM tenant_guard.schema_version WHERE schema_name = '${schema}' AND migration = '(being dropped)'`;
    expect(await testbed.psql('crm', marks)).toHaveLength(1);
  });

  test('a file that was edited after it ran is refused', async () => {
    const tenantId = randomUUID();
    const schema = uniqueName('crm');
    await call(tenantId, schema);
    await testbed.write('crm/0002_notes.sql', `${contacts['0002_notes.sql']} -- edited`);
    onTestFinished(async () => {
      await testbed.write('crm/0002_notes.sql', contacts['0002_notes.sql']);
      await renew({ force: true });
    });
    await renew();
    expect(await outcomeOf(call(tenantId, schema))).toContain(
      '55000 CONFLICT: Migration crm/0002_notes.sql was changed after it ran',
    );
  });

  test.each([
    [null, '22004'],
    ['', '22023'],
    ['public', '22023'],
    ['pg_mine', '22023'],
    ['pg_catalog', '22023'],
    ['information_schema', '22023'],
    ['tenant_guard', '22023'],
    ['select', '22023'],
    ['Crm_Upper', '22023'],
    ['crm acme', '22023'],
    ['crm"; DROP SCHEMA tenant_guard CASCADE; --', '22023'],
    ["crm'; DROP SCHEMA tenant_guard CASCADE; --", '22023'],
    ['$user', '22023'],
    ['crm,public', '22023'],
    ['crm\nacme', '22023'],
    ['crm_é', '22023'],
    ['a'.repeat(64), '22023'],
    ['é'.repeat(32), '22023'],
  ])('refuses the schema %j', async (schema, state) => {
    expect(await codeOf(call(randomUUID(), schema))).toBe(`${state} VALIDATION_ERROR`);
    expect(await testbed.psql('crm', 'SELECT FROM tenant_guard.migration')).not.toEqual([]);
  });

  test('a name of 63 bytes is one, and one byte more does not land on it', async () => {
    const name = `crm_${'a'.repeat(59)}`;
    const tenantId = randomUUID();
    await call(tenantId, name);
    onTestFinished(
      async () =>
        void (await testbed.psql(
          'crm',
          `DROP SCHEMA ${name} CASCADE; DELETE FROM tenant_guard.binding WHERE schema_name = '${name}'`,
        )),
    );
    expect(await codeOf(call(tenantId, `${name}a`))).toBe('22023 VALIDATION_ERROR');
  });

  test('refuses a name of 100,000 bytes', async () => {
    expect(await codeOf(call(randomUUID(), 'a'.repeat(100_000)))).toBe('22023 VALIDATION_ERROR');
  });

  test('refuses a null tenant', async () => {
    expect(await codeOf(call(null, uniqueName('crm')))).toBe('22004 VALIDATION_ERROR');
  });

  test('refuses a schema that somebody else made, and touches nothing in it', async () => {
    const schema = uniqueName('crm');
    await testbed.psql('crm', `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.treasure (id int)`);
    expect(await outcomeOf(call(randomUUID(), schema))).toBe(
      `42P06 CONFLICT: Schema ${schema} exists already and was not made by the registry`,
    );
    expect(await tablesOf(schema)).toEqual(['treasure']);
  });

  test('refuses a schema of another tenant, whether the guard says so or the schema itself', async () => {
    const [schema, owner] = [uniqueName('crm'), randomUUID()];
    await call(owner, schema);
    expect(await outcomeOf(call(randomUUID(), schema))).toBe(
      `42P06 CONFLICT: Schema ${schema} is bound to tenant ${owner}, module crm`,
    );
    await testbed.psql('crm', `DELETE FROM tenant_guard.binding WHERE schema_name = '${schema}'`);
    expect(await outcomeOf(call(randomUUID(), schema))).toBe(
      `42P06 CONFLICT: Schema ${schema} exists already and belongs to tenant ${owner}, module crm`,
    );
    // Its own tenant gets the binding back.
    await call(owner, schema);
    expect(
      await testbed.psql('crm', `SELECT state FROM tenant_guard.binding WHERE schema_name = '${schema}'`),
    ).toEqual([{ state: 'not_ready' }]);
  });

  test('takes up a schema of the gateway’s, whose route goes on', async () => {
    const slug = uniqueName('t');
    const { tenant } = await provision(testbed.gateway, { slug, modules: ['crm'] });
    await call(tenant.id, `crm_${slug}`);
    expect(await resolve(testbed.gateway, slug, 'crm')).toBe(`schema crm_${slug}`);
    expect(
      await testbed.psql('crm', `SELECT state FROM tenant_guard.binding WHERE schema_name = 'crm_${slug}'`),
    ).toEqual([{ state: 'active' }]);
  });

  test('lets nobody in before the registry has spoken', async () => {
    const [tenantId, schema] = [randomUUID(), uniqueName('crm')];
    await call(tenantId, schema);
    expect(
      await codeOf(testbed.psql('crm', `SELECT tenant_guard.enter('${tenantId}', '${schema}', 1)`)),
    ).toBe('TR004 TENANT_NOT_READY');
  });

  test('is not for everybody', async () => {
    const stranger = await aUser();
    const url = new URL(stranger.url);
    url.pathname = new URL(testbed.url('crm')).pathname;
    const attempt = (sql: string) => codeOf(queryOnce(url.href, sql));
    const [tenantId, schema] = [randomUUID(), uniqueName('crm')];
    expect(await attempt(`CALL ensure_crm_tenant_schema('${tenantId}', '${schema}')`)).toMatch(/^42501/);
    expect(
      await attempt(`SELECT tenant_guard.ensure_schema('crm', 'x', '${tenantId}', '${schema}')`),
    ).toMatch(/^42501/);
    expect(await attempt('SELECT FROM tenant_guard.migration')).toMatch(/^42501/);
  });
});
