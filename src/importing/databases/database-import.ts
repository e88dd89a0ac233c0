import { setTimeout as delay } from 'node:timers/promises';
import { authorize } from '../../auth/permissions.js';
import { setTableAside } from '../../database/migrations/legacy-tables.js';
import { messageOf, RegistryError } from '../../errors.js';
import { adoptStorage } from '../../provisioning/commands/adopt-storage.js';
import { requireOwnEventTriggers } from '../../provisioning/fence/foreign-code.js';
import { requireOperation } from '../../provisioning/operations/operation.js';
import { listUnfinishedAdoptions } from '../../provisioning/operations/operation-record.js';
import type { CommandContext } from '../../registry/command.js';
import { adoptDatabaseNames } from '../../registry/commands/adopt-database-names.js';
import { listModules } from '../../registry/module-record.js';
import { moduleNotFound } from '../../registry/resolution/route.js';
import { readRevision } from '../../registry/revision.js';
import { type ScannedDatabase, type ScannedModule, scanDatabases } from './database-scan.js';
import { gatherFindings, type LegacyTablePlace, readLegacyTablePlaces } from './import-findings.js';
import { type ImportEntry, planTakeOver, type TakeOver } from './take-over-plan.js';
import { type MapRow, readTenantMap } from './tenant-map.js';

export interface ImportRequest {
  /** Text of a CSV file with the columns schema, id, slug and name. */
  map?: string | undefined;
  /** Names of the modules to import; an empty list means all modules of the catalogue. */
  modules: readonly string[];
  /** Only reports what would be done. */
  isDryRun: boolean;
  /** Whether the database of a module without a variable is in the embedded PostgreSQL. */
  hasEmbedded: boolean;
  onProgress?: (done: number, of: number) => void;
}

export interface ImportReport {
  /** Whether the actions of the entries were carried out; false for a dry run. */
  done: boolean;
  entries: ImportEntry[];
  tables: { table: string; database: string; renamedTo: string | null; problem: string | null }[];
  /** Modules that were not scanned, with the reason. */
  skipped: { module: string; why: string }[];
}

/** How many tenants are taken over at the same time. More would only wait for the lock on the registry's head row. */
const atOnce = 4;

/**
 * Takes over the tenants of services from before the registry: finds their schemas and databases, decides to which
 * tenant each belongs, and registers the tenants under their existing ids. Data is not touched. A doubtful entry is
 * reported and left unchanged. A repeated import continues with what is left and changes nothing else.
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
    await waitForEarlierAdoptions(context);
  }
  const catalogue = await readCatalogue(context, request);
  const isWanted = ({ name }: { name: string }) => isRequested(request, name);
  const isSet = ({ databaseRef }: { databaseRef: string }) =>
    request.hasEmbedded || context.serviceDatabases.configuredName(databaseRef) !== undefined;
  const skipped = catalogue
    .filter((module) => isWanted(module) && !isSet(module))
    .map(({ name, databaseRef }) => ({ module: name, why: `${databaseRef} is not set` }));

  const scanned = await scanDatabases(context.serviceDatabases.readers, catalogue.filter(isSet), isWanted);
  // A database that was not read may have the others.
  const missing = catalogue.every((module) => hasScanned(scanned, module)) ? findMissing(map, scanned) : [];
  if (!request.isDryRun) refuseMissing(missing);
  const found = await readLegacyTablePlaces(context, scanned);
  const tables = request.isDryRun
    ? found.map((table) => describeTable(table, null, null))
    : await setAside(found);
  // Read again after the renaming, so that rows inserted just before it are included.
  const legacy = request.isDryRun ? found : await readLegacyTablePlaces(context, scanned);
  const { storages, identities, registered } = await gatherFindings(context, scanned, legacy, map, isWanted);
  const { entries, takeOvers } = planTakeOver(storages, identities, registered, (module) =>
    catalogue.some((entry) => entry.name === module && isWanted(entry) && isSet(entry)),
  );
  entries.push(...missing.map(describeMissing));
  if (!request.isDryRun) await takeOver(context, takeOvers, request.onProgress ?? (() => undefined));
  return { done: !request.isDryRun, entries: sortEntries(entries), tables, skipped };
}

function isRequested({ modules }: ImportRequest, name: string): boolean {
  return modules.length === 0 || modules.includes(name);
}

/** Reads the modules, each with the name of the database that will be scanned for it. */
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
      isRequested(request, name)
    )
      throw new RegistryError(
        'CONFLICT',
        `${databaseRef} names database ${configured}, but the tenants of ${name} are registered in ${databaseName}: correct the variable, or leave ${name} out with --module`,
      );
    return { ...module, databaseName: configured };
  });
}

function hasScanned(scanned: readonly ScannedDatabase[], { name }: ScannedModule): boolean {
  return scanned.some(({ modules }) => modules.some((module) => module.name === name));
}

function findMissing(map: readonly MapRow[], scanned: readonly ScannedDatabase[]): MapRow[] {
  const existing = new Set(scanned.flatMap(({ schemas, databases }) => [...schemas, ...databases]));
  return map.filter(({ schema }) => !existing.has(schema));
}

/** Throws before anything is changed: a slug that a tenant gets because its line was misspelled could not be taken back. */
function refuseMissing(missing: readonly MapRow[]): void {
  if (missing.length === 0) return;
  const named = missing.slice(0, 5).map(({ line, schema }) => `line ${line}: ${schema}`);
  const more = missing.length > named.length ? `, and ${missing.length - named.length} more` : '';
  throw new RegistryError(
    'VALIDATION_ERROR',
    `The map names schemas that no module's database has (${named.join(', ')}${more}), so nothing was imported: correct or remove these lines`,
  );
}

function describeMissing({ line, schema, id, slug, name }: MapRow): ImportEntry {
  return {
    tenantId: id ?? null,
    slug: slug ?? null,
    name: name ?? null,
    module: null,
    schema,
    database: null,
    idFrom: 'map',
    action: 'conflict',
    why: `line ${line} of the map names it, but no module's database has it: correct the name`,
  };
}

/** How long to wait for earlier adoptions, in milliseconds. Storage of an unfinished one is reported as a conflict. */
const adoptionWaitMs = 60_000;

/** Takes over adoptions whose process ended, and waits for running ones. */
async function waitForEarlierAdoptions(context: CommandContext): Promise<void> {
  const deadline = performance.now() + adoptionWaitMs;
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
        const name = await table.withConnection(async (client) => {
          await requireOwnEventTriggers(client);
          return setTableAside(client, table);
        });
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

/** Takes over each tenant on its own, so that the failure of one does not affect the others. */
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
  // One wait for the newest revision is enough, because gateways receive changes in their order.
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
      if (operation.status !== 'SUCCEEDED') markConflict(entries, operation.error ?? operation.status);
    }
    return revision;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code === 'REGISTRY_UNAVAILABLE') throw error;
    markConflict(entries, error.message);
    return undefined;
  }
}

function markConflict(entries: readonly ImportEntry[], why: string): void {
  for (const entry of entries)
    Object.assign(entry, { action: 'conflict', why } satisfies Partial<ImportEntry>);
}

function sortEntries(entries: readonly ImportEntry[]): ImportEntry[] {
  const key = ({ slug, module, schema }: ImportEntry) => `${slug ?? '~'} ${module ?? ''} ${schema ?? ''}`;
  return entries.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}
