import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developer } from '../../src/auth/caller.js';
import { importDatabases } from '../../src/importing/databases/database-import.js';
import { diagnose } from '../../src/provisioning/doctor/doctor.js';
import { planGrants } from '../../src/provisioning/storage/grants.js';
import { queryOnce } from '../database/support/temporary-databases.js';
import { createDatabase, type TestDatabase, uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { mutate } from '../setup/graphql-calls.js';
import { aTenant } from '../setup/stories.js';
import { urlTo } from './support/catalog.js';

/** A role without rights of its own, which is dropped with the databases that it has rights in. */
async function createRole(name: string): Promise<void> {
  await queryOnce(urlTo('postgres'), `CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
}

function as(role: string, url: string): string {
  const changed = new URL(url);
  changed.username = role;
  changed.password = 'secret';
  return changed.href;
}

describe('the variable of a module', () => {
  let gateway: TestGateway;
  let crm: TestDatabase;
  beforeAll(async () => {
    crm = await createDatabase();
    gateway = await openGateway({
      config: {
        serviceDatabaseUrls: { CRM_PRIMARY_URL: crm.url, FINANCE_DB_URL: crm.url },
        moduleDbVariables: ['CRM_PRIMARY_URL'],
      },
    });
  });
  afterAll(async () => {
    await gateway?.close();
    await crm?.drop();
  });

  const problemOf = (databaseRef: string) => gateway.app.serviceDatabases.findProblem(databaseRef);

  test.each([
    ...[
      'DATABASE_URL',
      'DATABASE_DIRECT_URL',
      'REDIS_URL',
      'JWT_JWKS_URL',
      'HOME',
      'PATH',
      'PGHOST',
      'OTHER_URL',
    ],
    ...['FINANCE_DB_READ_URL', 'TEST_DATABASE_URL', '_DB_URL'.padStart(40, 'X')],
  ])('%s is refused by name, in registerModule, updateModule and when it is read', async (databaseRef) => {
    for (const name of ['registerModule', 'updateModule']) {
      const module = name === 'registerModule' ? 'refused' : 'inventory';
      const { errors } = await mutate(gateway, name, { name: module, databaseRef });
      expect(errors[0]?.extensions).toMatchObject({
        code: 'VALIDATION_ERROR',
        fields: [{ field: 'databaseRef' }],
      });
      expect(errors[0]?.message).toContain(`${databaseRef} may not name a service database`);
    }
    expect(problemOf(databaseRef)).toContain(`variable ${databaseRef} may not name a service database`);
    expect(gateway.app.serviceDatabases.configuredName(databaseRef)).toBeUndefined();
    const reference = { databaseRef, databaseName: 'x' };
    const enter = gateway.app.serviceDatabases.withConnection(reference, async () => 'entered');
    await expect(enter).rejects.toThrow(`variable ${databaseRef} may not name a service database`);
  });

  test('in a row that somebody wrote by hand is refused before anything is recorded', async () => {
    await mutate(gateway, 'registerModule', { name: 'byhand' });
    await gateway.psql(`UPDATE modules SET database_ref = 'DATABASE_URL' WHERE name = 'byhand'`);
    const { id } = await aTenant().at(gateway);
    const { codes } = await mutate(gateway, 'subscribeTenantToModule', { tenantId: id, module: 'byhand' });
    expect(codes).toEqual(['TENANT_NOT_READY']);
    expect(await gateway.psql('SELECT FROM module_subscriptions WHERE tenant_id = $1', [id])).toEqual([]);
  });

  test('may be one of MODULE_DB_VARIABLES, and may be set later', async () => {
    const listed = await mutate(gateway, 'registerModule', { name: 'crm', databaseRef: 'CRM_PRIMARY_URL' });
    const later = await mutate(gateway, 'registerModule', { name: 'later' });
    expect([...listed.codes, ...later.codes]).toEqual([]);
    await aTenant().subscribedTo('crm').at(gateway);
    expect(problemOf('LATER_DB_URL')).toContain('variable LATER_DB_URL is not set');
  });

  test('that is not set: subscribing, provisioning and provisioning a module are refused, and nothing is recorded', async () => {
    const { id } = await aTenant().at(gateway);
    const before = await gateway.psql('SELECT count(*) FROM registry_change');
    const refused = {
      codes: ['TENANT_NOT_READY'],
      errors: [
        { message: expect.stringContaining('Module operations is not ready: variable OPERATIONS_DB_URL') },
      ],
    };
    const slug = uniqueName('t').replaceAll('_', '-');
    expect(
      await mutate(gateway, 'subscribeTenantToModule', { tenantId: id, module: 'operations' }),
    ).toMatchObject(refused);
    expect(
      await mutate(gateway, 'provisionTenant', {
        name: 'N',
        slug,
        adminEmail: 'a@n.example',
        modules: ['operations'],
      }),
    ).toMatchObject(refused);
    expect(await gateway.psql('SELECT count(*) FROM registry_change')).toEqual(before);
    const pending = { tenantId: id, module: 'operations', provision: false };
    expect((await mutate(gateway, 'subscribeTenantToModule', pending)).codes).toEqual([]);
    expect(await mutate(gateway, 'provisionModule', { tenantId: id, module: 'operations' })).toMatchObject(
      refused,
    );
  });

  test('that is not set: doctor warns, and calls it an error once the module has tenants', async () => {
    const context = gateway.app.commandsFor(developer);
    const find = async () => (await diagnose(context, { modules: ['inventory'] })).findings;
    expect(await find()).toMatchObject([
      { code: 'MODULE_NOT_CONFIGURED', severity: 'warning', module: 'inventory' },
    ]);
    const { id } = await aTenant().subscribedTo('finance').at(gateway);
    await gateway.psql(`UPDATE modules SET database_ref = 'GONE_DB_URL' WHERE name = 'finance'`);
    const [found] = (await diagnose(context, { modules: ['finance'], tenant: id })).findings;
    await gateway.psql(`UPDATE modules SET database_ref = 'FINANCE_DB_URL' WHERE name = 'finance'`);
    expect(found).toMatchObject({ code: 'MODULE_NOT_READY', severity: 'error' });
    expect(found?.remedy).toContain('Variable GONE_DB_URL is not set');
  });
});

describe('the registry’s own database', () => {
  test.each(['as a superuser', 'as a role that may not call pg_control_system()'])(
    'is refused as a module’s database %s, through another host name too',
    async (kind) => {
      const role = uniqueName('prov');
      await createRole(role);
      const { url } = await createDatabase();
      const databases = { FINANCE_DB_URL: url, INVENTORY_DB_URL: url };
      await using gateway = await openGateway({ config: { serviceDatabaseUrls: databases } });
      if (kind !== 'as a superuser')
        await queryOnce(gateway.registry.url, 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
      const own = new URL(kind === 'as a superuser' ? gateway.registry.url : as(role, gateway.registry.url));
      own.hostname = own.hostname === '127.0.0.1' ? 'localhost' : own.hostname;
      databases.FINANCE_DB_URL = own.href;
      const { id } = await aTenant().at(gateway);
      const { result } = await mutate(
        gateway,
        'subscribeTenantToModule',
        { tenantId: id, module: 'finance' },
        'subscription { status } operation { error }',
      );
      expect(result).toMatchObject({
        subscription: { status: 'FAILED' },
        operation: { error: expect.stringContaining('names the registry’s own database') },
      });
      expect(
        await queryOnce(
          gateway.registry.url,
          `SELECT FROM pg_namespace WHERE nspname ~ '^finance_|^tenant_guard'`,
        ),
      ).toEqual([]);
      // From now on the gateway refuses at once, and says so.
      const again = await mutate(gateway, 'subscribeTenantToModule', { tenantId: id, module: 'finance' });
      expect(again.codes).toEqual(['TENANT_NOT_READY']);
      const ready = (await (await fetch(`${gateway.url}/ready`)).json()) as {
        modulesNotReady: { name: string }[];
      };
      expect(ready.modulesNotReady.map(({ name }) => name)).toContain('finance');
      await aTenant().subscribedTo('inventory').at(gateway);
      // Nor is it a tenant's database of a module with a database per tenant.
      const reference = { databaseRef: 'INVENTORY_DB_URL', databaseName: 'x' };
      const connect = gateway.app.serviceDatabases.connect(reference, gateway.registry.name);
      await expect(connect).rejects.toThrow('is the registry’s own');
    },
  );
});

describe('with a URL for reading', () => {
  test('doctor and the dry run of an import log in as its role, and find the same', async () => {
    const module = uniqueName('m').slice(0, 31);
    const [database, reader, provisioner] = [
      await createDatabase(),
      uniqueName('reader'),
      uniqueName('prov'),
    ];
    const variable = `${module.toUpperCase()}_DB_URL`;
    const grant = async () => {
      const target = {
        module,
        server: 'here',
        database: database.name,
        provisioner,
        reader,
        hasDatabases: false,
      };
      for (const statement of planGrants([target])[0]?.statements ?? [])
        await queryOnce(database.url, statement);
    };
    await grant();
    await queryOnce(
      urlTo('postgres'),
      `ALTER ROLE ${reader} PASSWORD 'secret'; ALTER ROLE ${provisioner} PASSWORD 'secret'`,
    );
    await queryOnce(database.url, 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
    const urls = { [variable]: as(provisioner, database.url) };
    await using plain = await openGateway({ config: { serviceDatabaseUrls: urls } });
    await mutate(plain, 'registerModule', { name: module, schemaPrefix: 'rd_' });
    await aTenant().subscribedTo(module).at(plain);
    await queryOnce(database.url, 'CREATE SCHEMA rd_stray');
    await using reading = await openGateway({
      sharing: plain,
      config: {
        serviceDatabaseUrls: urls,
        serviceDatabaseReadUrls: { [variable]: as(reader, database.url) },
      },
    });
    const examine = async (gateway: TestGateway) =>
      (await diagnose(gateway.app.commandsFor(developer), { modules: [module] })).findings;
    // The guard exists since the first tenant, so the grants are run once more.
    await grant();
    const asProvisioner = (await examine(plain)).filter(({ code }) => code !== 'GUARD_OPEN_TO_OTHERS');
    expect(await examine(reading)).toEqual(asProvisioner);
    expect(asProvisioner.map(({ code }) => code)).toContain('SCHEMA_WITHOUT_ROW');
    const plan = (gateway: TestGateway) =>
      importDatabases(gateway.app.commandsFor(developer), {
        modules: [module],
        isDryRun: true,
        hasEmbedded: false,
      });
    expect(await plan(reading)).toEqual(await plan(plain));

    const { databaseRef, databaseName } = { databaseRef: variable, databaseName: database.name };
    const whoAmI = (gateway: TestGateway) =>
      gateway.app.serviceDatabases.readers.withConnection({ databaseRef, databaseName }, async (client) => {
        const { rows } = await client.query<{ user: string }>('SELECT session_user::text AS user');
        return rows[0]?.user;
      });
    expect([await whoAmI(plain), await whoAmI(reading)]).toEqual([provisioner, reader]);
    // The provisioner's password no longer fits: examining does not need it.
    await queryOnce(urlTo('postgres'), `ALTER ROLE ${provisioner} PASSWORD 'other'`);
    await using alone = await openGateway({
      sharing: plain,
      config: {
        serviceDatabaseUrls: urls,
        serviceDatabaseReadUrls: { [variable]: as(reader, database.url) },
      },
    });
    expect(await examine(alone)).toEqual(asProvisioner);
    await database.drop();
  });
});
