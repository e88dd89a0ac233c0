import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg, { escapeIdentifier } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { gateway as gatewayCaller } from '../../../src/auth/caller.js';
import { createDriftScan } from '../../../src/provisioning/doctor/drift/drift-scan.js';
import { recordFindings } from '../../../src/provisioning/doctor/drift/recorded-findings.js';
import type { Observation } from '../../../src/provisioning/doctor/finding.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { mutate } from '../../setup/graphql-calls.js';
import { aTenant } from '../../setup/stories.js';
import { urlTo } from '../support/catalog.js';
import { type Doctor, openDoctor } from '../support/doctor.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { connect } from '../support/many-storages.js';

/** Names of their own, because roles and databases belong to the server that other tests use as well. */
const crm = uniqueName('c');
const vault = `v${uniqueName('').slice(-8)}`;
const stranger = uniqueName('stranger');
const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

let testbed: GatewayWithModules;
let doctor: Doctor;
beforeAll(async () => {
  await onServer(`CREATE ROLE ${stranger}; CREATE ROLE ${crm}_tenants; CREATE ROLE ${crm}_access`);
  testbed = await openGatewayWithModules(
    { name: crm, migrations: contacts, schemaPrefix: 'crm_' },
    { name: vault, migrations: contacts, isolation: 'DATABASE', schemaPrefix: `${vault}_` },
  );
  doctor = await openDoctor(testbed);
});
afterAll(async () => {
  await doctor?.close();
  await testbed?.close();
  await onServer(`DROP ROLE ${stranger}, ${crm}_tenants, ${crm}_access`);
});

async function aTenantOf(...modules: string[]) {
  const { id, slug } = await aTenant()
    .subscribedTo(...modules)
    .at(testbed.gateway);
  return { id, slug, schema: `crm_${slug}`, only: { tenant: id, structure: true } };
}

type Tenant = Awaited<ReturnType<typeof aTenantOf>>;

const look = async ({ only }: Tenant) => (await doctor.diagnose(only)).findings;
const codes = async (tenant: Tenant) => (await look(tenant)).map(({ code }) => code);
const repair = (input: object) => mutate(testbed.gateway, 'repairDrift', input, 'finding { status }');
const inCrm = (sql: string) => testbed.psql(crm, sql);
/** A change as its services could make it if they were the owner: the new objects are not those of another role. */
const asOwner = ({ schema }: Tenant, sql: string) =>
  inCrm(
    `SET search_path = ${schema}; SET ROLE ${crm}_tenants; ${sql}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${crm}_access`,
  );
const drift = async (filter: string) => {
  const { data } = await testbed.gateway.ask(
    `{ drift(filter: ${filter}) { edges { node { code status } } } }`,
  );
  return data.drift.edges.map(
    ({ node }: { node: { code: string; status: string } }) => `${node.code} ${node.status}`,
  );
};

/** Runs the queued operations, as a worker does: the guards follow by operations. */
async function runWaiting(): Promise<void> {
  const waiting = await testbed.gateway.psql<{ id: string }>(
    `SELECT id FROM operations WHERE status = 'queued'`,
  );
  for (const { id } of waiting) await testbed.gateway.app.commandsFor(gatewayCaller).runOperation(id);
}

describe('the structure of a schema', () => {
  test('in a database of the tenant’s own is compared and repaired there', async () => {
    const tenant = await aTenantOf(vault);
    const url = new URL(testbed.url(vault));
    url.pathname = `/${vault}_${tenant.slug}`;
    expect(await look(tenant)).toEqual([]);
    await queryOnce(url.href, 'DROP INDEX public.contact_by_name');
    const [finding] = await look(tenant);
    expect(finding).toMatchObject({
      code: 'STRUCTURE_MISSING',
      objectName: 'contact_by_name',
      schema: 'public',
    });
    expect((await repair({ id: finding?.id, resolution: 'KEEP_REGISTRY' })).codes).toEqual([]);
    expect(await look(tenant)).toEqual([]);
  });

  test('has findings whose list is read forward and backward without a gap', async () => {
    const tenant = await aTenantOf(crm);
    await asOwner(
      tenant,
      'CREATE TABLE one (id int); CREATE TABLE two (id int); CREATE TABLE three (id int)',
    );
    await look(tenant);
    const page = async (args: string) => {
      const { data } = await testbed.gateway.ask(
        `{ drift(${args}, filter: { tenant: "${tenant.slug}" }) {
             edges { node { objectName } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
      );
      const names = data.drift.edges.map(({ node }: { node: { objectName: string } }) => node.objectName);
      return { names, ...data.drift.pageInfo };
    };
    const all = await page('first: 100');
    expect(all.names.toSorted()).toEqual(['one', 'three', 'two']);
    const second = await page(`first: 1, after: "${(await page('first: 1')).endCursor}"`);
    expect(second).toMatchObject({ names: [all.names[1]], hasNextPage: true, hasPreviousPage: true });
    const first = await page(`last: 5, before: "${second.startCursor}"`);
    expect(first).toMatchObject({ names: [all.names[0]], hasNextPage: true, hasPreviousPage: false });
    expect((await page('last: 1')).names).toEqual([all.names[2]]);
  });

  test('is compared with the files of its own version', async () => {
    const old = await aTenantOf(crm);
    await testbed.write(`${crm}/0003_tags.sql`, 'CREATE TABLE tag (name text PRIMARY KEY);');
    onTestFinished(() => testbed.remove(`${crm}/0003_tags.sql`));
    const young = await aTenantOf(crm);
    expect([await codes(old), await codes(young)]).toEqual([['MIGRATIONS_MISSING'], []]);
    await asOwner(old, 'CREATE TABLE tag (name text PRIMARY KEY)');
    expect(await codes(old)).toEqual(['MIGRATIONS_MISSING', 'STRUCTURE_EXTRA']);
  });

  test('is not compared where the files cannot run, and the finding says why', async () => {
    const tenant = await aTenantOf(crm);
    // As a file that needs what only older databases have.
    await inCrm(`SELECT 1`);
    await testbed.write(
      `${crm}/0003_once.sql`,
      `SELECT 1 / (SELECT 1 - count(*)::int FROM pg_namespace WHERE nspname = 'crm_${tenant.slug}');`,
    );
    onTestFinished(() => testbed.remove(`${crm}/0003_once.sql`));
    await inCrm(
      `INSERT INTO tenant_guard.schema_version (schema_name, schema_oid, migration, checksum, tenant_id, module)
       SELECT schema_name, schema_oid, '${crm}/0003_once.sql', encode(sha256('x'), 'hex'), tenant_id, module
       FROM tenant_guard.schema_version WHERE schema_name = '${tenant.schema}' LIMIT 1`,
    );
    // The checksum is another one, so that the file counts as edited and the structure is not judged.
    expect(await codes(tenant)).toEqual(['MIGRATION_EDITED', 'MIGRATION_VERSION_DIFFERS']);
    const { createHash } = await import('node:crypto');
    const { readFile } = await import('node:fs/promises');
    const text = await readFile(`${testbed.modulesDir}/${crm}/0003_once.sql`);
    await inCrm(
      `UPDATE tenant_guard.schema_version SET checksum = '${createHash('sha256').update(text).digest('hex')}' WHERE migration = '${crm}/0003_once.sql'`,
    );
    const findings = await look(tenant);
    expect(findings.find(({ code }) => code === 'STRUCTURE_NOT_COMPARED')).toMatchObject({
      objectName: `${crm}/0003_once.sql`,
      problem: expect.stringContaining('division by zero'),
    });
  });

  test('is read without running anything that stands in it', async () => {
    const tenant = await aTenantOf(crm);
    const here = `IN DATABASE "${new URL(testbed.url(crm)).pathname.slice(1)}"`;
    onTestFinished(async () => void (await inCrm(`ALTER ROLE CURRENT_USER ${here} RESET search_path`)));
    const bait = (name: string, types: string, result: string) =>
      `CREATE FUNCTION ${tenant.schema}.${name}(${types}) RETURNS ${result} LANGUAGE plpgsql AS
       $$BEGIN PERFORM nextval('${tenant.schema}.trap'); RETURN NULL; END$$`;
    await inCrm(
      [
        `CREATE SEQUENCE ${tenant.schema}.trap`,
        bait('format_type', 'oid, int', 'text'),
        bait('pg_get_expr', 'pg_node_tree, oid', 'text'),
        bait('quote_ident', 'text', 'text'),
        bait('md5', 'text', 'text'),
        bait('trapped', 'text, text', 'boolean'),
        bait('fired', '', 'trigger'),
        `CREATE OPERATOR ${tenant.schema}.= (LEFTARG = text, RIGHTARG = text, FUNCTION = ${tenant.schema}.trapped)`,
        `CREATE DOMAIN ${tenant.schema}.bait AS text CHECK (${tenant.schema}.trapped(VALUE, VALUE))`,
        `ALTER TABLE ${tenant.schema}.contact ADD COLUMN bait ${tenant.schema}.bait`,
        `CREATE VIEW ${tenant.schema}.trap_view AS SELECT ${tenant.schema}.trapped(name, name) FROM ${tenant.schema}.contact`,
        `CREATE TRIGGER trap BEFORE UPDATE ON ${tenant.schema}.contact FOR EACH ROW EXECUTE FUNCTION ${tenant.schema}.fired()`,
        `ALTER ROLE CURRENT_USER ${here} SET search_path = ${tenant.schema}, pg_catalog`,
      ].join('; '),
    );
    expect((await look(tenant)).length).toBeGreaterThan(8);
    expect(await inCrm(`SELECT is_called FROM ${tenant.schema}.trap`)).toEqual([{ is_called: false }]);
  });
});

describe('a decision', () => {
  test('stands for one difference: another one of the same object is open again', async () => {
    const tenant = await aTenantOf(crm);
    const column = `ALTER TABLE ${tenant.schema}.contact ALTER name`;
    await inCrm(`${column} SET DEFAULT 'a'`);
    const [finding] = await look(tenant);
    await repair({ id: finding?.id, resolution: 'KEEP_DATABASE' });
    expect(await look(tenant)).toEqual([]);
    expect(await drift(`{tenant: "${tenant.slug}", status: [ACCEPTED]}`)).toEqual([
      'STRUCTURE_DIFFERS ACCEPTED',
    ]);
    await inCrm(`${column} SET DEFAULT 'b'`);
    expect((await look(tenant)).map(({ id }) => id)).toEqual([finding?.id]);
    expect(await drift(`{tenant: "${tenant.slug}"}`)).toEqual(['STRUCTURE_DIFFERS OPEN']);
  });

  test('to keep the registry waits for no service longer than 2 s, and then changes nothing', async () => {
    const tenant = await aTenantOf(crm);
    await inCrm(`ALTER TABLE ${tenant.schema}.contact ALTER name DROP NOT NULL`);
    const [finding] = await look(tenant);
    const service = await connect(testbed.url(crm));
    await service.query(`BEGIN; SELECT FROM ${tenant.schema}.contact`);
    const refused = await repair({ id: finding?.id, resolution: 'KEEP_REGISTRY' });
    await service.end();
    expect(refused).toMatchObject({
      codes: ['CONFLICT'],
      errors: [{ message: expect.stringContaining('is in use') }],
    });
    expect((await repair({ id: finding?.id, resolution: 'KEEP_REGISTRY' })).codes).toEqual([]);
    expect(await look(tenant)).toEqual([]);
  });

  test.each(['$(touch planted)', "it's `id`; exit 1", 'a"b\\c!', ' blank ', 'soft\u00adhyphen'])(
    'to drop what is called %j takes its name, which the remedy quotes for a shell',
    async (name) => {
      const tenant = await aTenantOf(crm);
      await asOwner(tenant, `CREATE TABLE ${escapeIdentifier(name)} (a int)`);
      const [finding] = await look(tenant);
      expect(finding).toMatchObject({ code: 'STRUCTURE_EXTRA', objectName: name });
      const command = /^tenant-registry (.*) drops it;/s.exec(finding?.remedy ?? '')?.[1];
      const { stdout } = await promisify(execFile)('sh', ['-c', `printf '%s\\0' ${command}`]);
      expect(stdout.split('\0')).toEqual([
        ...['doctor', 'repair', finding?.id, '--resolution', 'keep-registry', '--confirm', name, ''],
      ]);
      expect((await repair({ id: finding?.id, resolution: 'KEEP_REGISTRY', confirm: name })).codes).toEqual(
        [],
      );
      expect(await look(tenant)).toEqual([]);
    },
  );

  test('to drop a routine takes its whole name, and its finding keeps no more than an excerpt of it', async () => {
    const tenant = await aTenantOf(crm);
    const list = Array.from({ length: 30 }, (_, at) => `argument_${at} timestamp with time zone`).join(', ');
    const body = `SELECT '${'👩‍🚒'.repeat(5_000)}'::text`;
    const make = (more: string) =>
      `CREATE FUNCTION long(${list}${more}) RETURNS text LANGUAGE sql AS $$${body}$$;
       REVOKE ALL ON FUNCTION long(${list}${more}) FROM PUBLIC; GRANT EXECUTE ON FUNCTION long(${list}${more}) TO ${stranger}, ${crm}_access`;
    // The first 63 bytes of their names are equal.
    await asOwner(tenant, `${make('')}; ${make(', more integer')}`);
    const findings = await look(tenant);
    expect(findings.map(({ code, objectName }) => [code, objectName]).sort()).toEqual([
      ['STRUCTURE_EXTRA', `long(${list})`],
      ['STRUCTURE_EXTRA', `long(${list}, more integer)`],
    ]);
    for (const { id, found, objectName: confirm } of findings) {
      expect(found).toMatch(/… \(\d+ characters\)$/);
      expect(found?.length).toBeLessThan(6_000);
      expect((await repair({ id, resolution: 'KEEP_REGISTRY', confirm })).codes).toEqual([]);
    }
    expect(await look(tenant)).toEqual([]);
  });

  test('to keep the registry is carried out again when the difference is there again, but not by a repeated request', async () => {
    const tenant = await aTenantOf(crm);
    const loosen = () => inCrm(`ALTER TABLE ${tenant.schema}.contact ALTER name DROP NOT NULL`);
    await loosen();
    const [finding] = await look(tenant);
    const wanted = { id: finding?.id, resolution: 'KEEP_REGISTRY' };
    const keyed = { ...wanted, idempotencyKey: `again ${tenant.slug}` };
    expect((await repair(keyed)).codes).toEqual([]);
    await loosen();
    expect((await repair(keyed)).codes).toEqual([]);
    expect(await codes(tenant)).toEqual(['STRUCTURE_DIFFERS']);
    expect((await repair(wanted)).codes).toEqual([]);
    await loosen();
    expect((await repair(wanted)).codes).toEqual([]);
    expect(await codes(tenant)).toEqual([]);
  });

  test('to keep the registry runs no code of other roles', async () => {
    const tenant = await aTenantOf(crm);
    await inCrm(
      `ALTER TABLE ${tenant.schema}.contact ALTER name DROP NOT NULL; GRANT TRIGGER ON ${tenant.schema}.contact TO ${stranger}`,
    );
    const finding = (await look(tenant)).find(({ code }) => code === 'STRUCTURE_DIFFERS');
    expect(await repair({ id: finding?.id, resolution: 'KEEP_REGISTRY' })).toMatchObject({
      codes: ['CONFLICT'],
      errors: [{ message: expect.stringContaining('may hold code of other roles') }],
    });
    await inCrm(`REVOKE ALL ON ${tenant.schema}.contact FROM ${stranger}`);
  });

  test('to keep the registry restores bindings, owners and rights of schemas', async () => {
    const tenant = await aTenantOf(crm);
    const damages = [
      [
        'BINDING_STATE_DIFFERS',
        `UPDATE tenant_guard.binding SET state = 'suspended' WHERE schema_name = '${tenant.schema}'`,
      ],
      ['SCHEMA_OPEN_TO_PUBLIC', `GRANT CREATE ON SCHEMA ${tenant.schema} TO PUBLIC`],
      ['SCHEMA_OWNER_WRONG', `ALTER SCHEMA ${tenant.schema} OWNER TO ${stranger}`],
      ['TABLE_OWNER_WRONG', `ALTER TABLE ${tenant.schema}.note OWNER TO ${stranger}`],
      ['ACCESS_GRANT_MISSING', `REVOKE UPDATE ON ${tenant.schema}.note FROM ${crm}_access`],
    ] as const;
    await runWaiting();
    for (const [code, sql] of damages) {
      await inCrm(sql);
      const found = await look(tenant);
      expect(found.map((one) => one.code)).toEqual([code]);
      expect((await repair({ id: found[0]?.id, resolution: 'KEEP_REGISTRY' })).codes).toEqual([]);
      expect(await look(tenant)).toEqual([]);
    }
  });

  test('to keep the registry takes no table over from another role that has put something into the schema', async () => {
    const tenant = await aTenantOf(crm);
    await asOwner(tenant, 'CREATE RULE quiet AS ON DELETE TO contact DO ALSO NOTHING');
    await inCrm(`ALTER TABLE ${tenant.schema}.note OWNER TO ${stranger}`);
    const finding = (await look(tenant)).find(({ code }) => code === 'TABLE_OWNER_WRONG');
    expect(await repair({ id: finding?.id, resolution: 'KEEP_REGISTRY' })).toMatchObject({
      codes: ['CONFLICT'],
      errors: [{ message: expect.stringContaining('such as the rule contact.quiet') }],
    });
    expect(await codes(tenant)).toContain('TABLE_OWNER_WRONG');
    await inCrm(`ALTER TABLE ${tenant.schema}.note OWNER TO ${crm}_tenants`);
  });

  test('to keep the database writes the version that ran there into the registry', async () => {
    const tenant = await aTenantOf(crm);
    const version = () =>
      testbed.gateway.psql(
        'SELECT migration_version AS version FROM module_subscriptions WHERE tenant_id = $1',
        [tenant.id],
      );
    await testbed.gateway.psql(
      `UPDATE module_subscriptions SET migration_version = '${crm}/0001_contacts.sql' WHERE tenant_id = $1`,
      [tenant.id],
    );
    const [finding] = await look(tenant);
    expect(finding?.code).toBe('MIGRATION_VERSION_DIFFERS');
    expect((await repair({ id: finding?.id, resolution: 'KEEP_DATABASE' })).codes).toEqual([]);
    expect(await version()).toEqual([{ version: `${crm}/0002_notes.sql` }]);
    expect(await look(tenant)).toEqual([]);
  });

  test('to keep the database writes no version over one that was written while it was read', async () => {
    const tenant = await aTenantOf(crm);
    const set = `UPDATE module_subscriptions SET migration_version = $1 WHERE tenant_id = $2`;
    const [before, meanwhile] = [`${crm}/0001_contacts.sql`, `${crm}/0003_later.sql`];
    await testbed.gateway.psql(set, [before, tenant.id]);
    const [finding] = await look(tenant);
    const session = new pg.Client({ connectionString: testbed.gateway.registry.url });
    await session.connect();
    try {
      await session.query('BEGIN');
      await session.query('SELECT FROM tenants WHERE id = $1 FOR UPDATE', [tenant.id]);
      const { rows } = await session.query('SELECT pg_backend_pid() AS pid');
      const repairing = repair({ id: finding?.id, resolution: 'KEEP_DATABASE' });
      await expect
        .poll(() =>
          testbed.gateway.psql('SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))', [
            rows[0]?.pid,
          ]),
        )
        .toHaveLength(1);
      await session.query(set, [meanwhile, tenant.id]);
      await session.query('COMMIT');
      expect(await repairing).toMatchObject({ codes: ['CONFLICT'] });
    } finally {
      await session.end();
    }
    expect(
      await testbed.gateway.psql(
        'SELECT migration_version AS version FROM module_subscriptions WHERE tenant_id = $1',
        [tenant.id],
      ),
    ).toEqual([{ version: meanwhile }]);
  });

  test('that only a person can carry out is refused with the way out', async () => {
    const tenant = await aTenantOf(crm);
    await inCrm(`DROP SCHEMA ${tenant.schema} CASCADE`);
    const [finding] = await look(tenant);
    expect(finding?.code).toBe('SCHEMA_MISSING');
    expect(await repair({ id: finding?.id, resolution: 'KEEP_REGISTRY' })).toMatchObject({
      codes: ['CONFLICT'],
      errors: [{ message: expect.stringContaining('Restore it from a backup') }],
    });
    expect((await repair({ id: finding?.id, resolution: 'IGNORE' })).codes).toEqual([]);
    expect(await look(tenant)).toEqual([]);
  });
});

describe('the duty of workers', () => {
  test('makes one examination per period, however many workers there are, and forgets what has gone', async () => {
    const tenant = await aTenantOf(crm);
    await asOwner(tenant, 'CREATE TABLE extra (id int)');
    const context = {
      ...testbed.gateway.app.commandsFor(gatewayCaller),
      serviceDatabases: doctor.context.serviceDatabases,
    };
    const scan = createDriftScan(24);
    await scan(context);
    expect(await drift(`{tenant: "${tenant.slug}"}`)).toEqual([]);
    const isDue = () =>
      testbed.gateway.psql(
        `UPDATE drift_scans SET started_at = now() - interval '25 hours', finished_at = NULL`,
      );
    await isDue();
    await Promise.all([scan(context), scan(context)]);
    expect(await drift(`{tenant: "${tenant.slug}"}`)).toEqual(['STRUCTURE_EXTRA OPEN']);
    expect(await testbed.gateway.psql('SELECT finished_at IS NOT NULL AS ended FROM drift_scans')).toEqual([
      { ended: true },
    ]);
    await inCrm(`DROP TABLE ${tenant.schema}.extra`);
    await isDue();
    await scan(context);
    expect(await drift(`{tenant: "${tenant.slug}"}`)).toEqual([]);
  });

  test('keeps what it knows of a schema that somebody is changing, and of what it has found only once', async () => {
    const tenant = await aTenantOf(crm);
    await asOwner(tenant, 'CREATE TABLE extra (id int)');
    await look(tenant);
    const session = new pg.Client({ connectionString: testbed.url(crm) });
    await session.connect();
    try {
      await session.query(
        `BEGIN; LOCK TABLE ${tenant.schema}.extra, ${tenant.schema}.contact IN ACCESS EXCLUSIVE MODE`,
      );
      await look(tenant);
    } finally {
      await session.end();
    }
    const open = `{tenant: "${tenant.slug}", code: ["STRUCTURE_EXTRA"]}`;
    expect(await drift(open)).toEqual(['STRUCTURE_EXTRA OPEN']);
    // The first examination has read it, and the second found it changed.
    const [finding] = await testbed.gateway.psql<{ id: string }>(
      `SELECT id FROM drift_findings WHERE tenant_id = $1 AND code = 'STRUCTURE_EXTRA'`,
      [tenant.id],
    );
    const scope = { modules: null, tenantId: tenant.id, skipped: new Set<string>() };
    const since = new Date(Date.now() + 60_000);
    const seen = [{ id: finding?.id, code: 'STRUCTURE_EXTRA', module: crm }] as unknown as Observation[];
    await recordFindings(testbed.gateway.app.database, [], { ...scope, since, seen });
    expect(await drift(open)).toEqual(['STRUCTURE_EXTRA OPEN']);
    await recordFindings(testbed.gateway.app.database, [], { ...scope, since, seen: [] });
    expect(await drift(open)).toEqual([]);
  });

  test('keeps what it knows of a database that it cannot reach', async () => {
    const tenant = await aTenantOf(crm);
    await asOwner(tenant, 'CREATE TABLE extra (id int)');
    await look(tenant);
    await using lost = await openDoctor(testbed, {
      [`${crm.toUpperCase()}_DB_URL`]: 'postgres://nobody@127.0.0.1:1/crm',
    });
    expect((await lost.diagnose(tenant.only)).findings.map(({ code }) => code)).toContain(
      'DATABASE_UNREACHABLE',
    );
    expect(await drift(`{tenant: "${tenant.slug}", code: ["STRUCTURE_EXTRA"]}`)).toEqual([
      'STRUCTURE_EXTRA OPEN',
    ]);
  });
});
