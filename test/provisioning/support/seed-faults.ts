import type { Finding } from '../../../src/provisioning/doctor/finding.js';
import { createChance } from '../../protocol/support/virtual-time.js';
import { type Fault, harmless, listFaults } from './faults.js';
import { type BulkModule, type BulkStorage, connect } from './many-storages.js';

/** Damages random storages, each at most once; returns the keys (see `keysOf`) of the findings that doctor must report. */
export async function seedFaults(options: {
  seed: number;
  registryUrl: string;
  modules: readonly BulkModule[];
  storages: readonly BulkStorage[];
  faults: number;
  harmless: number;
  stranger: string;
}): Promise<string[]> {
  const chance = createChance(options.seed);
  const undamaged = [...options.storages];
  const kinds = listFaults(options.stranger);
  const registry: string[] = [`SELECT set_config('registry.bound', 'on', true)`];
  const services = new Map<string, string[]>(options.modules.map(({ name }) => [name, []]));
  const expected: string[] = [];
  const damage = (fault: Fault | undefined) => {
    const [storage] = undamaged.splice(Math.floor(chance.between(0, undamaged.length)), 1);
    if (!storage || !fault) throw new Error('there are too few storages for so many faults');
    if (fault.registry) registry.push(fault.registry(storage));
    if (fault.service) services.get(storage.module)?.push(fault.service(storage));
    if (fault.code) expected.push(`${fault.code} ${fault.schema?.(storage) ?? storage.schema}`);
  };
  // Every kind of fault once, the rest at random.
  for (let at = 0; at < options.faults; at++) damage(kinds[at] ?? chance.pick(kinds));
  for (let at = 0; at < options.harmless; at++) damage(harmless[at] ?? chance.pick(harmless));

  await run(options.registryUrl, ['BEGIN', ...registry, 'COMMIT']);
  for (const { name, url } of options.modules) await run(url, services.get(name) ?? []);
  return expected.sort();
}

/** Keys of findings, such as "SCHEMA_MISSING crm_acme". A finding about an operation gets its tenant's schema. */
export function keysOf(findings: readonly Finding[], storages: readonly BulkStorage[]): string[] {
  const schemaOf = ({ schema, tenantId, module }: Finding) =>
    schema ?? storages.find((one) => one.tenantId === tenantId && one.module === module)?.schema;
  return findings.map((finding) => `${finding.code} ${schemaOf(finding)}`).sort();
}

async function run(url: string, statements: readonly string[]): Promise<void> {
  const client = await connect(url);
  try {
    for (const sql of statements) await client.query(sql);
  } finally {
    await client.end();
  }
}
