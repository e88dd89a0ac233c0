import { authorize } from '../../auth/permissions.js';
import { originalName } from '../../database/migrations/legacy-tables.js';
import type { CommandContext } from '../../registry/command.js';
import { type ImportReport, type ImportRequest, importDatabases } from './database-import.js';
import { openSources } from './import-sources.js';
import {
  findMissingRight,
  type PlacedTables,
  planAside,
  type Renaming,
  renameBehind,
  renameTogether,
} from './rename-tables.js';
import { listOldTables, type OldTable, type TablePlace, visitPlaces } from './table-places.js';

/** A table with what happens to its name. */
interface MovedTable {
  database: string;
  table: string;
  /** The name that it gets or has got; null when it keeps its name. */
  renamedTo: string | null;
  /** Why it keeps its name. */
  why: string | null;
}

export interface MoveReport {
  /** Whether the tables have the names that the report says; false for a dry run and a refusal. */
  done: boolean;
  /** Why nothing was renamed, each with the way out. */
  reasons: string[];
  /** SQL for somebody who may rename the tables; null when the command can do it itself. */
  sql: string | null;
  tables: MovedTable[];
  /** What was taken over before the renaming. */
  report: ImportReport;
}

/**
 * Ends a move: takes over what is new while nobody can write to the old tables, and renames them to `<name>_before_registry`. In each
 * database all tables are renamed in one transaction. Refused while a tenant, a field or a table waits for a decision.
 */
export async function finishMove(context: CommandContext, request: ImportRequest): Promise<MoveReport> {
  const look = () => importDatabases(context, { ...request, keepsTables: true });
  // A follower that runs meanwhile may have registered a tenant a moment earlier, which refuses it here: a second look finds it.
  const run = async () => {
    const first = await look();
    return request.isDryRun || !mayPass(first) ? first : mergeReports(first, await look());
  };
  // Most is taken over before anything is locked.
  let report = await run();
  await using opened = await openSources(context, request);
  const places = await listPlaces(context, opened.sources, ({ isAside }) => !isAside);
  const planned = await planMoves(places, planAside);
  const reasons = [...findReasons(report), ...planned.reasons];
  const refused = { done: false, sql: planned.sql, tables: planned.tables };
  if (request.isDryRun || reasons.length > 0) return { ...refused, reasons, report };
  if (places.length === 0) return { done: true, reasons, sql: null, tables: [], report };
  const moved = await renameBehind(places, async () => {
    const last = await run();
    report = mergeReports(report, last);
    reasons.push(...findReasons(last));
    return reasons.length === 0;
  });
  if (!moved) return { ...refused, reasons, report };
  const tables = moved.flatMap(({ place, renamings }) => renamings.map((one) => describe(place, one, null)));
  return { done: true, reasons, sql: null, tables, report };
}

/**
 * Gives the tables that were renamed their old names back. The registry keeps everything; what it has that the tables do not have is in the
 * report of a dry run, which is part of the answer.
 */
export async function undoMove(context: CommandContext, request: ImportRequest): Promise<MoveReport> {
  authorize(context.caller, 'registerTenant');
  const report = await importDatabases(context, {
    ...request,
    ...{ isDryRun: true, keepsTables: true, listsOthers: true },
  });
  await using opened = await openSources(context, request);
  const places = await listPlaces(context, opened.sources, ({ isAside }) => isAside);
  const kept: MovedTable[] = [];
  const planned = await planMoves(places, async (client, tables, place) => {
    const { rows } = await client.query<{ schema: string; name: string }>(
      `SELECT nspname::text AS schema, relname::text AS name FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
       WHERE (nspname, relname) IN (SELECT * FROM unnest($1::text[], $2::text[]))
       UNION SELECT nspname, typname FROM pg_type JOIN pg_namespace AS n ON n.oid = typnamespace
       WHERE (nspname, typname) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
      [tables.map(({ schema }) => schema), tables.map(({ original }) => original)],
    );
    const taken = new Set(rows.map(({ schema, name }) => `${schema}.${name}`));
    return newestFirst(tables).flatMap(({ schema, name, original }) => {
      const renaming = { schema, name, to: original };
      const isTaken = taken.has(`${schema}.${original}`);
      taken.add(`${schema}.${original}`);
      if (isTaken) kept.push(describe(place, renaming, `the name ${original} is in use`));
      return isTaken ? [] : [renaming];
    });
  });
  const { reasons, sql } = planned;
  const tables = [...planned.tables, ...kept];
  if (request.isDryRun || reasons.length > 0) return { done: false, reasons, sql, tables, report };
  for (const { place, renamings } of planned.moves)
    if (renamings.length > 0) await renameTogether(place, renamings);
  return { done: true, reasons, sql: null, tables, report };
}

/** Of several tables that had one name, the one that was renamed last has the highest number. */
function newestFirst(tables: readonly OldTable[]): OldTable[] {
  const numberOf = ({ name }: OldTable) => Number(/_(\d+)$/.exec(name)?.[1] ?? 1);
  return tables.toSorted((a, b) => numberOf(b) - numberOf(a));
}

async function listPlaces(
  context: CommandContext,
  sources: Parameters<typeof visitPlaces>[1],
  isMeant: (table: OldTable) => boolean,
): Promise<PlacedTables[]> {
  const places: PlacedTables[] = [];
  await visitPlaces(context, sources, async (client, place) => {
    const tables = (await listOldTables(client, place, sources.map)).filter(isMeant);
    if (tables.length > 0) places.push({ place, tables });
  });
  return places;
}

interface PlannedMoves {
  moves: { place: TablePlace; renamings: Renaming[] }[];
  tables: MovedTable[];
  reasons: string[];
  sql: string | null;
}

async function planMoves(
  places: readonly PlacedTables[],
  plan: (
    client: Parameters<typeof planAside>[0],
    tables: readonly OldTable[],
    place: TablePlace,
  ) => Promise<Renaming[]>,
): Promise<PlannedMoves> {
  const planned: PlannedMoves = { moves: [], tables: [], reasons: [], sql: null };
  for (const { place, tables } of places)
    await place.withConnection(async (client) => {
      const renamings = await plan(client, tables, place);
      planned.moves.push({ place, renamings });
      planned.tables.push(...renamings.map((one) => describe(place, one, null)));
      const missing = await findMissingRight(client, place.database, renamings);
      if (!missing) return;
      planned.reasons.push(
        `${missing.why}. Let an administrator of that database run the SQL below, and run this command again`,
      );
      planned.sql = planned.sql === null ? missing.sql : `${planned.sql}\n${missing.sql}`;
    });
  return planned;
}

function describe({ database }: TablePlace, { schema, name, to }: Renaming, why: string | null): MovedTable {
  return { database, table: `${schema}.${name}`, renamedTo: why === null ? to : null, why };
}

/** Whether something was refused that the next look may take over: not a decision or a table that waits for somebody. */
function mayPass({ tenants, entries, isUnfinished }: ImportReport): boolean {
  return (
    isUnfinished ||
    tenants.some(({ action }) => action === 'refuse') ||
    entries.some(({ action }) => action === 'conflict')
  );
}

/** Why old tables are still needed: something in them was not taken over. */
function findReasons({ tenants, entries, tables, isUnfinished }: ImportReport): string[] {
  // A refused tenant is refused with its storage.
  const told = new Set(tenants.map(({ slug, why }) => `${slug} ${why}`));
  const sources = new Set(tables.map(({ table }) => originalName(table.split('.').at(-1) ?? '')));
  const reasons = tenants.flatMap(({ slug, why, action, conflicts }) => {
    const isOpen = action === 'refuse' || conflicts.some(({ taken }) => taken === null);
    return isOpen ? [`${slug ?? 'a tenant without a slug'}: ${why ?? 'it was not taken over'}`] : [];
  });
  for (const { action, why, slug, idFrom } of entries)
    if (action === 'conflict' && !told.has(`${slug} ${why}`) && sources.has(idFrom?.split(' in ')[0] ?? ''))
      reasons.push(`${slug ?? 'a tenant without a slug'}: ${why ?? 'it was not taken over'}`);
  for (const { table, database, problem } of tables)
    if (problem !== null) reasons.push(`${table} in ${database}: ${problem}`);
  if (isUnfinished && reasons.length === 0)
    reasons.push('Not everything could be written: run the command again');
  return [...new Set(reasons)];
}

/** What two runs have done, one after the other. */
/** One report of two runs, one after the other: what either has done, and what the last one refused. */
export function mergeReports(first: ImportReport, last: ImportReport): ImportReport {
  const before = new Map(first.tenants.map((tenant) => [tenant.slug, tenant]));
  const tenants = last.tenants.map((tenant) => {
    const earlier = before.get(tenant.slug);
    if (!earlier || !['create', 'update'].includes(earlier.action)) return tenant;
    const action = tenant.action === 'unchanged' ? earlier.action : tenant.action;
    const changes = [...earlier.changes, ...tenant.changes];
    const invitations = [...earlier.invitations, ...tenant.invitations];
    return { ...tenant, action: earlier.action === 'create' ? earlier.action : action, changes, invitations };
  });
  const entryOf = new Map(
    first.entries.map((entry) => [JSON.stringify([entry.slug, entry.module, entry.schema]), entry]),
  );
  const entries = last.entries.map((entry) => {
    const earlier = entryOf.get(JSON.stringify([entry.slug, entry.module, entry.schema]));
    const isDone = earlier?.action === 'register' || earlier?.action === 'subscribe';
    return entry.action === 'unchanged' && earlier && isDone ? earlier : entry;
  });
  return { ...last, tenants, entries };
}
