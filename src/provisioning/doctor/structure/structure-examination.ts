import type { ClientBase } from 'pg';
import { forEachAtOnce } from '../../../at-once.js';
import { messageOf } from '../../../errors.js';
import type { CommandContext } from '../../../registry/command.js';
import { storageNaming } from '../../../registry/modules/isolation.js';
import { placeOf } from '../examination-scope.js';
import type { ExpectedStorage } from '../expected-storage.js';
import { createObservation, type Observation } from '../finding.js';
import type { RegisteredModule } from '../registry-snapshot.js';
import { makeReadOnly } from '../session.js';
import type { ComparableStorage } from './comparable-storage.js';
import { compareStructure } from './compare-structure.js';
import { describeDifference } from './describe-difference.js';
import { readDigests, readParts } from './read-structure.js';
import type { Reference, References } from './reference.js';

interface Module {
  module: RegisteredModule;
  access: string | undefined;
  references: References;
  /** See ExaminationScope. */
  skipped: Set<string>;
}

/** How many tenant databases are read at the same time. */
const tenantDatabasesAtOnce = 8;

/** Compares structures with the reference of their version. The number of statements grows with portions of schemas, not with schemas. */
export async function examineStructures(
  context: CommandContext,
  of: Module,
  storages: readonly ComparableStorage[],
): Promise<Observation[]> {
  const observations: Observation[] = [];
  for (const group of groupByVersion(storages)) {
    const [first] = group;
    if (!first) continue;
    let reference: Reference;
    try {
      reference = await of.references.of(of.module, first.migrations);
    } catch (error) {
      observations.push(createNotCompared(of.module, first, error));
      continue;
    }
    observations.push(...(await compareGroup(context, of, group, reference)));
  }
  return observations;
}

async function compareGroup(
  { serviceDatabases: { readers } }: CommandContext,
  { module, access, skipped }: Module,
  group: readonly ComparableStorage[],
  reference: Reference,
): Promise<Observation[]> {
  const observations: Observation[] = [];
  const compare = async (client: ClientBase, storages: readonly ExpectedStorage[]) => {
    await makeReadOnly(client);
    for (const one of await compareSchemas(client, { storages, access, reference, skipped }))
      observations.push(one);
  };
  const all = group.map(({ storage }) => storage);
  const own = all.filter(({ isolation }) => storageNaming[isolation].hasOwnDatabase);
  const shared = all.filter(({ isolation }) => !storageNaming[isolation].hasOwnDatabase);
  if (shared.length > 0) await readers.withConnection(module, (client) => compare(client, shared));
  await forEachAtOnce(own, tenantDatabasesAtOnce, async (storage) => {
    const client = await readers.connect(module, storage.databaseName);
    try {
      await compare(client, [storage]);
    } finally {
      await client.end();
    }
  });
  return observations;
}

/** First by digests, which are short; the parts of a schema are read only where its digest differs. */
async function compareSchemas(
  client: ClientBase,
  {
    storages,
    access,
    reference,
    skipped,
  }: { storages: readonly ExpectedStorage[]; reference: Reference } & Pick<Module, 'access' | 'skipped'>,
): Promise<Observation[]> {
  const bySchema = new Map(storages.map((storage) => [storage.schemaName, storage]));
  const digests = await readDigests(client, { schemas: [...bySchema.keys()], access });
  const schemas = [...bySchema.keys()].filter((schema) => digests.get(schema) !== reference.digest);
  const observations: Observation[] = [];
  const unread = new Set(schemas);
  await readParts(client, { schemas, access }, (schema, parts) => {
    const storage = bySchema.get(schema);
    if (!storage) return;
    unread.delete(schema);
    for (const difference of compareStructure({ schema, parts }, reference))
      observations.push(describeDifference(storage, difference));
  });
  for (const storage of storages) if (unread.has(storage.schemaName)) skipped.add(placeOf(storage));
  return observations;
}

function groupByVersion(storages: readonly ComparableStorage[]): ComparableStorage[][] {
  const groups = new Map<string, ComparableStorage[]>();
  for (const storage of storages) {
    const key = JSON.stringify(storage.migrations.map(({ name }) => name));
    groups.set(key, [...(groups.get(key) ?? []), storage]);
  }
  return [...groups.values()];
}

function createNotCompared(
  { name, databaseName }: RegisteredModule,
  { migrations }: ComparableStorage,
  error: unknown,
): Observation {
  const version = migrations.at(-1)?.name ?? 'no file';
  return createObservation(
    'STRUCTURE_NOT_COMPARED',
    { module: name, database: databaseName },
    {
      problem: `Structures of module ${name} at ${version} were not compared, because its files could not run in an empty schema of database ${databaseName}: ${messageOf(error)}.`,
      remedy: `Remove the cause of the error, which also keeps new tenants from getting module ${name}; then run doctor --structure again.`,
    },
    { objectKind: 'version', objectName: version },
  );
}
