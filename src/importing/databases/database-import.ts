import { setTimeout as delay } from 'node:timers/promises';
import { authorize } from '../../auth/permissions.js';
import { setTableAside } from '../../database/migrations/legacy-tables.js';
import { messageOf, RegistryError } from '../../errors.js';
import { requireOwnEventTriggers } from '../../provisioning/fence/foreign-code.js';
import { listUnfinishedAdoptions } from '../../provisioning/operations/reads/operation-record.js';
import type { CommandContext } from '../../registry/command.js';
import { adoptDatabaseNames } from '../../registry/commands/adopt-database-names.js';
import type { SourceKind } from '../platform/merge-fields.js';
import type { RowProblem } from '../platform/table-shape.js';
import type { ScannedDatabase, ScannedModule } from './database-scan.js';
import { gatherFindings, type LegacyTablePlace, readTables } from './import-findings.js';
import { openSources, type SourceRequest } from './import-sources.js';
import type { Registered } from './registered-tenants.js';
import { planWorks, type TenantEntry, takeOver } from './take-over.js';
import { type ImportEntry, planTakeOver } from './take-over-plan.js';
import { type MapRow, readTenantMap } from './tenant-map.js';
import { planProfiles } from './tenant-profiles.js';

export interface ImportRequest extends SourceRequest {
  /** Text of a CSV file with the columns schema, id, slug and name. */
  map?: string | undefined;
  /** Only reports what would be done. */
  isDryRun: boolean;
  /** Old tables in service databases keep their names, for services that still read them. */
  keepsTables?: boolean | undefined;
  /** The folder of client.yaml files that belong to the same tenants. */
  clients?: string | undefined;
  /** The source that counts where sources disagree; undefined refuses the tenant. */
  prefer?: SourceKind | undefined;
  /** Whether the report lists tenants that only the registry knows. */
  listsOthers?: boolean | undefined;
  onProgress?: (done: number, of: number) => void;
}

export interface ImportReport {
  /** Whether the actions of the entries were carried out; false for a dry run. */
  done: boolean;
  entries: ImportEntry[];
  /** What was taken over of each tenant besides its storage, for those that a table or a client.yaml describes. */
  tenants: TenantEntry[];
  /** Rows that belong to no tenant. */
  problems: RowProblem[];
  tables: { table: string; database: string; renamedTo: string | null; problem: string | null }[];
  /** Modules that were not scanned, with the reason. */
  skipped: { module: string; why: string }[];
  /** Whether something could not be written that a later run may write. */
  isUnfinished: boolean;
  /** Slugs of tenants that no old table and no file describes, when the request asks for them. */
  onlyInRegistry: string[];
}

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
  await using opened = await openSources(context, request);
  const { catalogue, scanned, skipped, isWanted, isSet, sources } = opened;
  // A database that was not read may have the others.
  const missing = catalogue.every((module) => hasScanned(scanned, module)) ? findMissing(map, scanned) : [];
  if (!request.isDryRun) refuseMissing(missing);
  const found = await readTables(context, sources);
  const tables =
    request.isDryRun || request.keepsTables
      ? found.tenants.map((table) => describeTable(table, null, null))
      : await setAside(found.tenants);
  // Read again after the renaming, so that rows inserted just before it are included.
  const legacy = request.isDryRun || request.keepsTables ? found : await readTables(context, sources);
  const findings = await gatherFindings(context, scanned, legacy.tenants, map, isWanted);
  const { storages, identities, registered } = findings;
  const { entries, takeOvers } = planTakeOver(storages, identities, registered, (module) =>
    catalogue.some((entry) => entry.name === module && isWanted(entry) && isSet(entry)),
  );
  entries.push(...missing.map(describeMissing));
  const profiles = await planProfiles(context, identities, legacy, request);
  const works = planWorks(takeOvers, entries, profiles.plans);
  if (!request.isDryRun)
    await takeOver(context, works, profiles.replan, request.onProgress ?? (() => undefined));
  for (const { schema, name, database, problem } of legacy.others)
    tables.push(describeTable({ schema, name, database }, null, problem));
  const tenants = works.flatMap(({ entry }) => entry ?? []);
  return {
    done: !request.isDryRun,
    entries: sortEntries(entries),
    tenants: sortTenants(tenants),
    ...{ problems: profiles.problems, tables, skipped },
    isUnfinished: works.some((work) => work.isUnfinished),
    onlyInRegistry: request.listsOthers ? listOthers(registered, tenants) : [],
  };
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
    if (table.isAside || table.isKept) done.push(describeTable(table, null, null));
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

function listOthers({ tenants }: Registered, described: readonly TenantEntry[]): string[] {
  const known = new Set(described.map(({ slug }) => slug));
  return tenants
    .filter(({ slug, status }) => ['ACTIVE', 'SUSPENDED'].includes(status) && !known.has(slug))
    .map(({ slug }) => slug)
    .toSorted();
}

function describeTable(
  { schema, name, database }: { schema: string; name: string; database: string },
  renamedTo: string | null,
  problem: string | null,
) {
  return { table: `${schema}.${name}`, database, renamedTo, problem };
}

function sortEntries(entries: readonly ImportEntry[]): ImportEntry[] {
  const key = ({ slug, module, schema }: ImportEntry) => `${slug ?? '~'} ${module ?? ''} ${schema ?? ''}`;
  return entries.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function sortTenants(tenants: readonly TenantEntry[]): TenantEntry[] {
  return tenants.toSorted((a, b) => ((a.slug ?? '~') < (b.slug ?? '~') ? -1 : 1));
}
