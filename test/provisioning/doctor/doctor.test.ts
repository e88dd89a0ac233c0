import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { repairDrift } from '../../../src/provisioning/commands/repair-drift.js';
import { type DoctorOptions, diagnose } from '../../../src/provisioning/doctor/doctor.js';
import { buildingName } from '../../../src/provisioning/storage/database-storage.js';
import { addTenantExternalId } from '../../../src/registry/commands/add-tenant-external-id.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { recordStatements } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { aTenant } from '../../setup/stories.js';
import { urlTo } from '../support/catalog.js';
import { type Doctor, openDoctor } from '../support/doctor.js';
import {
  brokenMigration,
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { provisionModule, subscribe, unsubscribe } from '../support/provisioning-calls.js';

/** Unique names, because databases and roles belong to the server that other tests use as well. */
const vault = `v${uniqueName('').slice(-8)}`;

let testbed: GatewayWithModules;
let doctor: Doctor;
beforeAll(async () => {
  testbed = await openGatewayWithModules(
    { name: 'crm', migrations: contacts },
    { name: vault, migrations: contacts, isolation: 'DATABASE', schemaPrefix: `${vault}_` },
  );
  doctor = await openDoctor(testbed);
});
afterAll(async () => {
  await doctor?.close();
  await testbed?.close();
});

const context = () => testbed.gateway.app.commandsFor(developer);
const look = async (options?: DoctorOptions) => (await doctor.diagnose(options)).findings;
const codes = async (options?: DoctorOptions) => (await look(options)).map(({ code }) => code);

async function aTenantOf(...modules: string[]) {
  const { id, slug } = await aTenant()
    .subscribedTo(...modules)
    .at(testbed.gateway);
  return { id, slug, schema: `crm_${slug}`, database: `${vault}_${slug}`, only: { tenant: id } };
}

/** Runs the queued operations, as a worker does. */
async function runWaiting(): Promise<void> {
  const waiting = await testbed.gateway.psql<{ id: string }>(
    `SELECT id FROM operations WHERE status = 'queued'`,
  );
  for (const { id } of waiting) await context().runOperation(id);
}

describe('a registry that agrees with its databases', () => {
  test('has no findings, whatever its subscriptions have been through', async () => {
    const { gateway } = testbed;
    const both = await aTenantOf('crm', vault);
    const suspended = await aTenantOf('crm');
    await mutate(gateway, 'suspendTenant', { tenantId: suspended.id, reason: 'unpaid' });
    const gone = await aTenantOf('crm', vault);
    for (const module of ['crm', vault]) await unsubscribe(gateway, { tenantId: gone.id, module });
    const deleted = await aTenantOf(vault);
    await mutate(gateway, 'deleteTenant', { tenantId: deleted.id });
    // A protected tenant is kept after its purge date.
    await mutate(gateway, 'updateTenant', { tenantId: deleted.id, isProtected: true });
    await gateway.psql(`UPDATE tenants SET purge_after = now() - interval '1 hour' WHERE id = $1`, [
      deleted.id,
    ]);
    const waiting = await aTenantOf();
    await subscribe(gateway, { tenantId: waiting.id, module: 'crm', provision: false });
    await subscribe(gateway, { tenantId: waiting.id, module: vault, provision: false });
    await provisionModule(gateway, { tenantId: waiting.id, module: vault });
    const purged = await aTenantOf('crm');
    await mutate(gateway, 'deleteTenant', { tenantId: purged.id });
    await mutate(gateway, 'purgeTenant', { tenantId: purged.id, purgeAfter: new Date(0).toISOString() });
    await testbed.write('crm/0003_half.sql', brokenMigration);
    const failed = await aTenantOf();
    await subscribe(gateway, { tenantId: failed.id, module: 'crm' });
    await testbed.remove('crm/0003_half.sql');
    await runWaiting();
    const { findings, tenants, storages } = await doctor.diagnose();
    expect(findings).toEqual([]);
    // All storages but those of pending, failed and purged subscriptions; and one that is pending with its storage made.
    expect({ tenants, storages }).toEqual({ tenants: 5, storages: 7 });
    expect(await codes(both.only)).toEqual([]);
  });

  test('is examined with as many statements for twenty tenants as for one', async () => {
    const count = async () => (await recordStatements(() => doctor.diagnose({ modules: ['crm'] }))).length;
    const before = await count();
    for (let made = 0; made < 5; made++) await aTenantOf('crm');
    expect(await count()).toBe(before);
  });

  test('is examined by read-only sessions', async () => {
    const statements = await recordStatements(() => doctor.diagnose());
    expect(
      statements.filter((sql) => /default_transaction_read_only = on|READ ONLY/.test(sql)).length,
    ).toBeGreaterThan(2);
    expect(
      statements.filter((sql) => /^\s*(INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|GRANT|REVOKE)\b/i.test(sql)),
    ).toEqual([]);
  });

  test('has none when a tenant is suspended or resumed between the reads of the registry and of the databases', async () => {
    const { id, only } = await aTenantOf('crm');
    let changes = 0;
    const { serviceDatabases } = doctor.context;
    const context: typeof doctor.context = {
      ...doctor.context,
      serviceDatabases: {
        ...serviceDatabases,
        readers: {
          ...serviceDatabases.readers,
          async withConnection(reference, work) {
            if (reference.databaseRef === 'CRM_DB_URL') {
              const name = changes++ % 2 === 0 ? 'suspendTenant' : 'resumeTenant';
              const input = {
                tenantId: id,
                wait: 'EVERYWHERE',
                ...(name === 'suspendTenant' && { reason: 'x' }),
              };
              await mutate(testbed.gateway, name, input);
            }
            return serviceDatabases.readers.withConnection(reference, work);
          },
        },
      },
    };
    for (let looks = 0; looks < 3; looks++) expect((await diagnose(context, only)).findings).toEqual([]);
    expect(changes).toBe(6);
  });
});

describe('a tenant’s own database', () => {
  const inside = (database: string, sql: string) => queryOnce(urlTo(database), sql);
  const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

  test('that is missing is reported', async () => {
    const { only, database, id, slug } = await aTenantOf(vault);
    await onServer(`DROP DATABASE ${database}`);
    expect(await look(only)).toMatchObject([
      {
        code: 'DATABASE_MISSING',
        severity: 'error',
        tenantId: id,
        tenantSlug: slug,
        module: vault,
        database,
      },
    ]);
  });

  test.each([
    [
      'MIGRATION_EDITED',
      `UPDATE tenant_guard.schema_version SET checksum = repeat('0', 64) WHERE migration LIKE '%_notes.sql'`,
    ],
    ['SCHEMA_MISSING', 'DROP SCHEMA public CASCADE'],
  ])('is examined: %s after %s', async (code, sql) => {
    const { only, database } = await aTenantOf(vault);
    await inside(database, sql);
    expect(await look(only)).toMatchObject([{ code, database }]);
  });

  test('that refuses connections is reported, and the others are examined', async () => {
    const [closed, other] = [await aTenantOf(vault), await aTenantOf(vault)];
    await onServer(`ALTER DATABASE ${closed.database} ALLOW_CONNECTIONS false`);
    await inside(other.database, 'DELETE FROM tenant_guard.binding');
    expect(await codes(closed.only)).toEqual(['DATABASE_UNREACHABLE']);
    expect(await codes(other.only)).toEqual(['BINDING_MISSING']);
  });

  test('that no subscription names, or that was never finished, is reported', async () => {
    const { database, only } = await aTenantOf(vault);
    const [alien, building] = [`${vault}_${uniqueName('alien')}`, buildingName(database)];
    for (const name of [alien, building]) {
      await onServer(`CREATE DATABASE ${name}`);
      onTestFinished(() => onServer(`DROP DATABASE IF EXISTS ${name}`).then(() => undefined));
    }
    const found = (await look({ modules: [vault] })).filter((one) =>
      [alien, building].includes(one.database ?? ''),
    );
    expect(found).toMatchObject([
      {
        code: 'BUILDING_LEFT_BEHIND',
        severity: 'warning',
        remedy: `DROP DATABASE "${building}" WITH (FORCE).`,
      },
      { code: 'DATABASE_WITHOUT_ROW', severity: 'warning', module: vault },
    ]);
    expect(await codes(only)).toEqual([]);
  });
});

describe('the remedy', () => {
  test.each([
    ['BINDING_STATE_DIFFERS', `UPDATE tenant_guard.binding SET state = 'suspended'`],
    ['BINDING_GENERATION_DIFFERS', 'UPDATE tenant_guard.binding SET generation = 7'],
    ['BINDING_MISSING', 'DELETE FROM tenant_guard.binding'],
    ['BINDING_OTHER_OWNER', 'UPDATE tenant_guard.binding SET tenant_id = gen_random_uuid()'],
    ['BINDING_AHEAD', 'UPDATE tenant_guard.binding SET revision = revision + 1000000'],
    ['BINDING_OTHER_SCHEMA', 'UPDATE tenant_guard.binding SET schema_oid = 1'],
    ['GUARD_DAMAGED', 'DROP FUNCTION tenant_guard.enter'],
    ['GUARD_OUTDATED', `COMMENT ON SCHEMA tenant_guard IS 'The fence, version 0'`],
    ['GUARD_OPEN_TO_OTHERS', 'GRANT USAGE ON SCHEMA tenant_guard TO PUBLIC'],
    ['GUARD_OPEN_TO_OTHERS', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tenant_guard TO PUBLIC'],
    ['GUARD_OPEN_TO_OTHERS', 'GRANT SELECT ON tenant_guard.binding TO PUBLIC'],
    ['GUARD_OPEN_TO_OTHERS', 'GRANT SELECT ON tenant_guard.schema_version TO PUBLIC'],
    ['VERSION_TABLE_MISSING', 'DELETE FROM tenant_guard.schema_version'],
    ['SCHEMA_OPEN_TO_PUBLIC', 'GRANT CREATE ON SCHEMA public TO PUBLIC'],
  ])('of %s after %s repairs it', async (code, sql) => {
    const { only, database } = await aTenantOf(vault);
    await queryOnce(urlTo(database), sql);
    const [found, ...more] = await look(only);
    expect(found).toMatchObject({ code, database });
    expect(more).toEqual([]);
    for (const { where, sql } of statementsIn(found?.remedy ?? ''))
      await (where === 'registry' ? testbed.gateway.psql(sql) : queryOnce(urlTo(database), sql));
    await runWaiting();
    expect(await look(only)).toEqual([]);
  });

  test.each(['one of its first files', null])(
    'of MIGRATION_VERSION_DIFFERS repairs a registry that has the storage at %s',
    async (known) => {
      const { only, database, slug } = await aTenantOf(vault);
      const current = `SELECT migration_version AS at FROM module_subscriptions JOIN tenants ON tenants.id = tenant_id
        WHERE slug = '${slug}'`;
      const [right] = await testbed.gateway.psql<{ at: string }>(current);
      const first = known && '_every/0001_settings_and_activity_log.sql';
      await testbed.gateway.psql(
        `UPDATE module_subscriptions SET migration_version = $1 FROM tenants WHERE tenants.id = tenant_id AND slug = $2`,
        [first, slug],
      );
      const [found, ...more] = await look(only);
      expect(found).toMatchObject({ code: 'MIGRATION_VERSION_DIFFERS', severity: 'warning', database });
      expect(found?.problem).toContain(
        `is at migration ${right?.at}, but the registry has it at ${first ?? 'none'}.`,
      );
      expect(more).toEqual([]);
      // The commands of the remedy, in the form in which their doors call them.
      expect(found?.remedy).toBe(
        'tenant-registry doctor --structure records the finding, and then ' +
          `tenant-registry doctor repair ${found?.id} --resolution keep-database takes the version over into the registry.`,
      );
      const externalId = uniqueName('ext');
      await addTenantExternalId(context(), { tenantId: slug, externalId });
      await doctor.diagnose({ tenant: externalId, structure: true });
      await repairDrift(context(), { id: found?.id, resolution: 'KEEP_DATABASE' });
      expect(await look(only)).toEqual([]);
      expect(await testbed.gateway.psql(current)).toEqual([right]);
    },
  );

  test('of GUARD_MISSING, and then of the lost versions, repairs a database whose guard was dropped', async () => {
    const { only, database } = await aTenantOf(vault);
    await queryOnce(urlTo(database), 'DROP SCHEMA tenant_guard CASCADE');
    for (const code of ['GUARD_MISSING', 'VERSION_TABLE_MISSING']) {
      const [found, ...more] = await look(only);
      expect(found).toMatchObject({ code, database });
      expect(more).toEqual([]);
      for (const { where, sql } of statementsIn(found?.remedy ?? ''))
        await (where === 'registry' ? testbed.gateway.psql(sql) : queryOnce(urlTo(database), sql));
      await runWaiting();
    }
    expect(await look(only)).toEqual([]);
  });
});

/** The statements of a remedy, each with the database to run it in. */
function statementsIn(remedy: string): { where: 'registry' | 'database'; sql: string }[] {
  return remedy
    .replace(/\.$/, '')
    .split(/(?=in (?:the registry's )?database )/i)
    .flatMap((part) => {
      const [, registry, sql] =
        /^in (?:(the registry's) )?database (?:[a-z]\w* )?((?:[A-Z]{4,} ).*?)(?:, then |, so that.*)?$/i.exec(
          part,
        ) ?? [];
      return sql ? [{ where: registry ? ('registry' as const) : ('database' as const), sql }] : [];
    });
}
