import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { seed } from '../../setup/seed.js';
import { aTenant } from '../../setup/stories.js';
import { urlTo } from '../support/catalog.js';
import { openDoctor } from '../support/doctor.js';
import {
  contacts,
  type GatewayWithModules,
  openGatewayWithModules,
} from '../support/gateway-with-own-modules.js';
import { createBulkStorages } from '../support/many-storages.js';
import { keysOf, seedFaults } from '../support/seed-faults.js';

const [crm, hr] = [uniqueName('c'), uniqueName('h')];
const stranger = uniqueName('stranger');
const roles = [crm, hr].flatMap((name) => [`${name}_tenants`, `${name}_access`]).concat(stranger);
const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

let testbed: GatewayWithModules;
beforeAll(async () => {
  await onServer(roles.map((role) => `CREATE ROLE ${role}`).join('; '));
  testbed = await openGatewayWithModules(
    { name: crm, migrations: contacts, schemaPrefix: 'crm_' },
    { name: hr, migrations: contacts, schemaPrefix: 'crm_hr_', sharing: crm },
  );
});
afterAll(async () => {
  await testbed?.close();
  await onServer(`DROP ROLE ${roles.join(', ')}`);
});

test('doctor finds 300 random faults, each once, and nothing else', async () => {
  onTestFailed(() => void process.stderr.write(`SEED=${seed}\n`));
  const { gateway, modulesDir } = testbed;
  await using doctor = await openDoctor(testbed);
  const look = async () => (await doctor.diagnose()).findings;
  await aTenant().subscribedTo(crm, hr).at(gateway);
  const url = testbed.url(crm);
  const modules = [crm, hr].map((name) => ({
    ...{ name, url, role: `${name}_tenants`, access: `${name}_access` },
  }));
  const registryUrl = gateway.registry.url;
  const storages = await createBulkStorages({
    registryUrl,
    modulesDir,
    modules,
    tenants: 190,
    slugs: 'bulk-',
  });
  expect(await look()).toEqual([]);

  const faults = { faults: 300, harmless: 60, stranger };
  const expected = await seedFaults({ seed, registryUrl, modules, storages, ...faults });
  expect(keysOf(await look(), storages)).toEqual(expected);
});
