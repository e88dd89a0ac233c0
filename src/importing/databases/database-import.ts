import { setTimeout as delay } from 'node:timers/promises';
import { authorize } from '../../auth/permissions.js';
import { setTableAside } from '../../database/migrations/legacy-tables.js';
import { messageOf, RegistryError } from '../../errors.js';
import { adoptStorage } from '../../provisioning/commands/adopt-storage.js';
import { requireOperation } from '../../provisioning/operations/operation.js';
import { listUnfinishedAdoptions } from '../../provisioning/operations/operation-record.js';
import type { CommandContext } from '../../registry/command.js';
import { adoptDatabaseNames } from '../../registry/commands/adopt-database-names.js';
import { listModules } from '../../registry/module-record.js';
import { readRevision } from '../../registry/revision.js';
import { moduleNotFound } from '../../registry/route.js';
import { type ScannedModule, scanDatabases } from './database-scan.js';
import type { FoundStorage } from './found-storage.js';
import { gather, type LegacyTablePlace, readTables } from './import-findings.js';
import { type ImportEntry, planTakeOver, type TakeOver } from './take-over-plan.js';
import { type MapRow, readTenantMap } from './tenant-map.js';

export interface ImportRequest {
  /** Text of a CSV file: schema, id, slug, name. */
  map?: string | undefined;
  /** Only these modules; all of the catalogue when none is named. */
  modules: readonly string[];
  /** Only shows what would be done. */
  isDryRun: boolean;
  /** Whether a module without a variable has its database in the embedded PostgreSQL. */
  hasEmbedded: boolean;
  onProgress?: (done: number, of: number) => void;
}

export interface ImportReport {
  /** Whether what the entries say was done, or only would be. */
  done: boolean;
  entries: ImportEntry[];
  tables: { table: string; database: string; renamedTo: string | null; problem: string | null }[];
  /** Modules that were not looked at, and why. */
  skipped: { module: string; why: string }[];
}

/** So many tenants are taken over at once; more would only queue up at the registry's head row. */
const atOnce = 4;

/**
 * Takes over the tenants that services keep already: finds their schemas and databases, says whose they are, and
 * registers them under the ids they have. Data is not touched. Who is in doubt is listed and left alone; done again, it
 * goes on with what is left and changes nothing else.
 */
export async function importDatabases(
  context: CommandContext,
  request: ImportRequest,
): Promise<ImportReport> {
  authorize(context.caller, 'registerTenant');
  authorize(context.caller, 'adoptStorage');
  const map = readTenantMap(request.map ?? '');
  if (!request.isDryRun) {
    await adoptDatabaseNames(context);
    await awaitEarlierAdoptions(context);
  }
  const catalogue = await readCatalogue(context, request);
  const isWanted = ({ name }: { name: string }) => isAskedFor(request, name);
  const isSet = ({ databaseRef }: { databaseRef: string }) =>
    request.hasEmbedded || context.serviceDatabases.configuredName(databaseRef) !== undefined;
  const skipped = catalogue
    .filter((module) => isWanted(module) && !isSet(module))
    .map(({ name, databaseRef }) => ({ module: name, why: `${databaseRef} is not set` }));

  const scanned = await scanDatabases(context.serviceDatabases, catalogue.filter(isSet), isWanted);
  const standing = await readTables(context, scanned);
  const tables = request.isDryRun
    ? standing.map((table) => describeTable(table, null, null))
    : await setAside(standing);
  // After the renaming, which rows that came last have not missed then.
  const legacy = request.isDryRun ? standing : await readTables(context, scanned);
  const { storages, identities, registered } = await gather(context, scanned, legacy, map, isWanted);
  const { entries, takeOvers } = planTakeOver(storages, identities, registered, (module) =>
    catalogue.some((entry) => entry.name === module && isWanted(entry) && isSet(entry)),
  );
  // With some modules only, the map may well speak of the others.
  if (request.modules.length === 0) entries.push(...findUnfound(map, storages));
  if (!request.isDryRun) await takeOver(context, takeOvers, request.onProgress ?? (() => undefined));
  return { done: !request.isDryRun, entries: sortEntries(entries), tables, skipped };
}

function isAskedFor({ modules }: ImportRequest, name: string): boolean {
  return modules.length === 0 || modules.includes(name);
}

/** The modules, each with the name of the database that will be scanned for it. */
async function readCatalogue(context: CommandContext, request: ImportRequest): Promise<ScannedModule[]> {
  const modules = await listModules(context.database);
  for (const name of request.modules)
    if (!modules.some((module) => module.name === name)) throw moduleNotFound(name);
  return modules.map(({ subscriptions, ...module }) => {
    const { name, databaseRef, databaseName } = module;
    const configured = context.serviceDatabases.configuredName(databaseRef) ?? databaseName;
    if (
      configured !== databaseName &&
      Object.values(subscriptions).some((count) => count > 0) &&
      isAskedFor(request, name)
    )
      throw new RegistryError(
        'CONFLICT',
        `${databaseRef} names database ${configured}, but the tenants of ${name} are registered in ${databaseName}: correct the variable, or leave ${name} out with --module`,
      );
    return { ...module, databaseName: configured };
  });
}

function findUnfound(map: readonly MapRow[], storages: readonly FoundStorage[]): ImportEntry[] {
  const standing = new Set(storages.map(({ name }) => name));
  return map
    .filter(({ schema }) => !standing.has(schema))
    .map(({ line, schema, id = null, slug = null, name = null }) => ({
      ...{
        tenantId: id,
        slug,
        name,
        module: null,
        schema,
        database: null,
        idFrom: 'map',
        action: 'conflict',
      },
      why: `line ${line} of the map names it, but it stands in no module's database: correct the name`,
    }));
}

/** How long an earlier adoption may take to its end, in milliseconds; what it holds then is listed as a conflict. */
const patienceMs = 60_000;

/** An adoption whose process went away is taken over; one that runs is waited for. */
async function awaitEarlierAdoptions(context: CommandContext): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const unfinished = await listUnfinishedAdoptions(context.database);
    if (unfinished.length === 0 || performance.now() > deadline) return;
    context.log.warn({ unfinished: unfinished.length }, 'waiting for the end of earlier adoptions');
    for (const id of unfinished) await context.runOperation(id);
    await delay(1_000);
  }
}

async function setAside(tables: readonly LegacyTablePlace[]): Promise<ImportReport['tables']> {
  const done: ImportReport['tables'] = [];
  for (const table of tables) {
    if (table.isAside) done.push(describeTable(table, null, null));
    else
      try {
        const name = await table.withConnection((client) => setTableAside(client, table));
        done.push(describeTable(table, name, null));
      } catch (error) {
        done.push(describeTable(table, null, `it could not be renamed: ${messageOf(error)}`));
      }
  }
  return done;
}

function describeTable(
  { schema, name, database }: LegacyTablePlace,
  renamedTo: string | null,
  problem: string | null,
) {
  return { table: `${schema}.${name}`, database, renamedTo, problem };
}

/** Each tenant by itself: what one cannot have keeps no other back. */
async function takeOver(
  context: CommandContext,
  takeOvers: readonly TakeOver[],
  onProgress: (done: number, of: number) => void,
): Promise<void> {
  const waiting = takeOvers.values();
  let done = 0;
  let newest: string | undefined;
  const work = async () => {
    for (const one of waiting) {
      const revision = await takeOverOne(context, one);
      if (revision && (!newest || readRevision(revision).number > readRevision(newest).number))
        newest = revision;
      onProgress(++done, takeOvers.length);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, work));
  // Once for all: gateways learn of changes in their order.
  if (newest) {
    const { epoch, number } = readRevision(newest);
    await context.acknowledge({ epoch, revision: number, waitFor: 'GATEWAYS' });
  }
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

async function takeOverOne(
  context: CommandContext,
  { tenant, storages, entries }: TakeOver,
): Promise<string | undefined> {
  try {
    const { tenantId, operationId, revision } = await adoptStorage(context, {
      tenant,
      storages,
      wait: 'COMMITTED',
    });
    for (const entry of entries) entry.tenantId = tenantId;
    if (operationId !== null) {
      const operation = await requireOperation(context.database.prisma, operationId);
      if (operation.status !== 'SUCCEEDED') leaveAlone(entries, operation.error ?? operation.status);
    }
    return revision;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code === 'REGISTRY_UNAVAILABLE') throw error;
    leaveAlone(entries, error.message);
    return undefined;
  }
}

function leaveAlone(entries: readonly ImportEntry[], why: string): void {
  for (const entry of entries)
    Object.assign(entry, { action: 'conflict', why } satisfies Partial<ImportEntry>);
}

function sortEntries(entries: readonly ImportEntry[]): ImportEntry[] {
  const key = ({ slug, module, schema }: ImportEntry) => `${slug ?? '~'} ${module ?? ''} ${schema ?? ''}`;
  return entries.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}
