import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { repairDrift } from '../../../src/provisioning/commands/repair-drift.js';
import type { Finding } from '../../../src/provisioning/doctor/finding.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { createChance } from '../../protocol/support/virtual-time.js';
import { uniqueName } from '../../setup/database.js';
import { seed } from '../../setup/seed.js';
import { sizeOf } from '../../setup/size.js';
import { aTenant } from '../../setup/stories.js';
import { urlTo } from '../support/catalog.js';
import { openDoctor } from '../support/doctor.js';
import { type GatewayWithModules, openGatewayWithModules } from '../support/gateway-with-own-modules.js';
import { harmlessChanges, structuralFaults, structuredFiles } from '../support/structural-faults.js';
import { createStructuredStorages, damage, keyOf } from '../support/structured-storages.js';

const crm = uniqueName('c');
const [owner, access] = [`${crm}_tenants`, `${crm}_access`];
const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

let testbed: GatewayWithModules;
beforeAll(async () => {
  await onServer(`CREATE ROLE ${owner}; CREATE ROLE ${access}`);
  testbed = await openGatewayWithModules({ name: crm, migrations: structuredFiles, schemaPrefix: 'crm_' });
});
afterAll(async () => {
  await testbed?.close();
  await onServer(`DROP ROLE ${owner}, ${access}`);
});

const differences = sizeOf({ usual: 100, full: 1_000 });

test(`doctor finds ${differences} random differences of structures, each once, and nothing else; repaired, it is silent`, async () => {
  onTestFailed(() => void process.stderr.write(`SEED=${seed}\n`));
  const { gateway, modulesDir } = testbed;
  const chance = createChance(seed);
  await aTenant().subscribedTo(crm).at(gateway);
  const module = { name: crm, url: testbed.url(crm), owner, access };
  const registryUrl = gateway.registry.url;
  const storages = await createStructuredStorages({ registryUrl, modulesDir }, module, {
    tenants: Math.ceil(1.2 * differences),
    slugs: 'bulk-',
  });
  await using doctor = await openDoctor(testbed);
  const look = () => doctor.diagnose({ structure: true });
  const began = performance.now();
  expect((await look()).findings).toEqual([]);
  const milliseconds = Math.round(performance.now() - began);
  process.stderr.write(`${storages.length + 1} equal schemas compared in ${milliseconds} ms\n`);

  // Every kind once, the rest at random.
  const faults = storages.map((storage, at) => {
    const isFault = at < differences;
    const fault = isFault ? (structuralFaults[at] ?? chance.pick(structuralFaults)) : undefined;
    return { storage, fault, schema: storage.schema, sql: fault?.sql ?? chance.pick(harmlessChanges) };
  });
  await damage(module, faults);
  const { findings } = await look();
  const said = (finding: Finding) =>
    `${finding.schema} ${finding.code} ${finding.objectKind} ${finding.objectName}`.replaceAll(
      `${finding.schema}.`,
      '',
    );
  const expected = faults.flatMap(({ fault, schema }) =>
    fault ? [`${schema} ${keyOf(fault, module)}`] : [],
  );
  expect(findings.map(said).sort()).toEqual(expected.sort());

  const context = gateway.app.commandsFor(developer);
  const bySchema = new Map(faults.map(({ schema, fault }) => [schema, fault]));
  for (const { id, schema, objectName, code } of findings) {
    const isRepairable = bySchema.get(schema ?? '')?.isRepairable !== false;
    await repairDrift(context, {
      ...{ id, resolution: isRepairable ? 'KEEP_REGISTRY' : 'KEEP_DATABASE' },
      ...(code === 'STRUCTURE_EXTRA' && { confirm: objectName }),
    });
  }
  const accepted = faults.filter(({ fault }) => fault?.isRepairable === false).length;
  expect(await look()).toMatchObject({ findings: [], decided: accepted });
  const { data } = await gateway.ask('{ drift { totalCount } }');
  expect(data.drift.totalCount).toBe(0);
}, 1_800_000);
