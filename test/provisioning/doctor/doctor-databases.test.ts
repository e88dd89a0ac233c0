import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { DoctorOptions } from '../../../src/provisioning/doctor/doctor.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { aTenant, type StoryTenant } from '../../setup/stories.js';
import { urlTo } from '../support/catalog.js';
import { openDoctor } from '../support/doctor.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';

/** Two modules in one physical database, one in another, one without files; and the role that the registry connects as. */
const crm = uniqueName('c');
const provisioner = uniqueName('provisioner');
/** A name of its own, because the doctor sees the databases of other tests on the server. */
const vault = `v${uniqueName('').slice(-8)}`;
const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

let testbed: GatewayWithModules;
let tenant: StoryTenant;
beforeAll(async () => {
  await onServer(
    `CREATE ROLE ${provisioner} LOGIN PASSWORD 'secret'; CREATE ROLE ${crm}_tenants; CREATE ROLE ${crm}_access`,
  );
  testbed = await openGatewayWithModules(
    { name: crm, migrations: contacts, schemaPrefix: 'crm_' },
    { name: 'hr', migrations: contacts, sharing: crm },
    { name: 'far', migrations: contacts },
    { name: vault, migrations: contacts, isolation: 'DATABASE', schemaPrefix: `${vault}_` },
    { name: 'bare' },
  );
  tenant = await aTenant().subscribedTo(crm, 'hr', 'far').at(testbed.gateway);
});
afterAll(async () => {
  await testbed?.close();
  await onServer(`DROP ROLE ${provisioner}, ${crm}_tenants, ${crm}_access`);
});

/** The findings of a doctor whose variables have other URLs. */
async function lookWith(urls: Record<string, string>, options: DoctorOptions = {}) {
  await using doctor = await openDoctor(testbed, urls);
  return (await doctor.diagnose(options)).findings;
}

const said = (findings: { code: string; module: string | null }[]) =>
  findings.map(({ code, module }) => `${code} ${module}`);
const bareHasNone = 'MODULE_WITHOUT_MIGRATIONS bare';
const variable = (module: string) => `${module.toUpperCase()}_DB_URL`;

/** The variable of a module whose URL connects as a role without rights. */
function asProvisioner(module: string): Record<string, string> {
  const url = new URL(testbed.url(module));
  url.username = provisioner;
  url.password = 'secret';
  return { [variable(module)]: url.href };
}

describe('doctor', () => {
  test('reports modules without files', async () => {
    expect(said(await lookWith({}))).toEqual([bareHasNone]);
  });

  test('continues when a database cannot be reached, and does not report the schemas of its module as unknown', async () => {
    const nowhere = new URL(testbed.url('hr'));
    nowhere.port = '1';
    const found = await lookWith({ [variable('hr')]: nowhere.href });
    expect(said(found)).toEqual(['DATABASE_UNREACHABLE hr', bareHasNone]);
    expect(found[0]?.problem).toContain('ECONNREFUSED');
  });

  test('reports a guard that two modules share once', async () => {
    const sql = (text: string) => testbed.psql(crm, text);
    await sql('ALTER SCHEMA tenant_guard RENAME TO guard_aside');
    expect(said(await lookWith({}))).toEqual([`GUARD_MISSING ${crm}`, bareHasNone]);
    expect(said(await lookWith({}, { modules: ['hr'] }))).toEqual(['GUARD_MISSING hr']);
    await sql('ALTER SCHEMA guard_aside RENAME TO tenant_guard');
    await sql(`REVOKE USAGE ON SCHEMA tenant_guard FROM ${crm}_access`);
    expect(said(await lookWith({}, { modules: [crm, 'hr'] }))).toEqual([`GUARD_GRANT_MISSING ${crm}`]);
    await sql(`GRANT USAGE ON SCHEMA tenant_guard TO ${crm}_access`);
  });

  test('reports missing privileges of its role, and objects of other roles', async () => {
    const found = await lookWith(asProvisioner(crm), { modules: [crm] });
    const problems = ['GRANT_MISSING', 'GUARD_OWNER_WRONG', 'MODULE_ROLE_NOT_GRANTED'];
    expect(said(found).sort(), JSON.stringify(found)).toEqual(
      problems.map((code) => `${code} ${crm}`).sort(),
    );
    expect(found.find(({ code }) => code === 'GRANT_MISSING')?.remedy).toContain('GRANT CREATE ON DATABASE');
    const owners = await lookWith(asProvisioner('far'), { modules: ['far'], tenant: tenant.slug });
    expect(owners.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['SCHEMA_OWNER_WRONG', 'TABLE_OWNER_WRONG']),
    );
  });

  test('asks for the right to create databases where tenants have or will get one', async () => {
    const isAsked = async (module: string) => {
      const found = await lookWith(asProvisioner(module), { modules: [module] });
      return found.find(({ code }) => code === 'GRANT_MISSING')?.remedy.includes('CREATEDB');
    };
    const setIsolation = (isolation: string) =>
      testbed.gateway.psql(`UPDATE modules SET isolation = '${isolation}' WHERE name = '${vault}'`);
    onTestFinished(() => setIsolation('database').then(() => undefined));
    expect([await isAsked('far'), await isAsked(vault)]).toEqual([false, true]);
    await setIsolation('schema');
    expect(await isAsked(vault)).toBe(false);
    await setIsolation('database');
    await aTenant().subscribedTo(vault).at(testbed.gateway);
    await setIsolation('schema');
    expect(await isAsked(vault)).toBe(true);
  });

  test('refuses modules and tenants that do not exist', async () => {
    await expect(lookWith({}, { modules: ['nothing'] })).rejects.toMatchObject({ code: 'MODULE_NOT_FOUND' });
    await expect(lookWith({}, { tenant: 'nobody' })).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' });
  });
});
