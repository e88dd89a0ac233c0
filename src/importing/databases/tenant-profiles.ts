import { join } from 'node:path';
import { loadTakenStates } from '../../profile/taken/taken-state.js';
import { listPastOperations } from '../../provisioning/operations/run/past-attempt.js';
import type { CommandContext } from '../../registry/command.js';
import { isUuid } from '../../registry/slug.js';
import type { SourceKind } from '../platform/merge-fields.js';
import type { PlatformTable } from '../platform/platform-tables.js';
import { type PlannedEvidence, type ProfilePlan, planProfile } from '../platform/profile-plan.js';
import {
  type PlacedRow,
  problemOf,
  type RowProblem,
  readCell,
  type TableRole,
} from '../platform/table-shape.js';
import { readClientText, scanClients, UnreadableFile } from '../yaml/client-folder.js';
import { type MappedClient, mapClient } from '../yaml/client-mapping.js';
import { findGoneRows, findGoneTenants, listLabels, listMemberTables } from './gone-rows.js';
import type { Identities, Identity } from './identity.js';
import type { FoundTables } from './import-findings.js';

export interface ProfileOptions {
  /** The folder of client.yaml files; undefined for none. */
  clients?: string | undefined;
  prefer?: SourceKind | undefined;
}

export interface TenantProfiles {
  plans: Map<Identity, ProfilePlan>;
  /** Plans a registered tenant again, by what the registry has now. */
  replan(identity: Identity): Promise<ProfilePlan | undefined>;
  /** Rows that belong to no tenant. */
  problems: RowProblem[];
}

type RowsOf = Record<TableRole, PlacedRow[]>;

/** Decides what is written of each tenant besides its storage: of those that a table or a client.yaml describes. */
export async function planProfiles(
  context: CommandContext,
  identities: Identities,
  tables: FoundTables,
  { clients, prefer }: ProfileOptions,
): Promise<TenantProfiles> {
  const { rows, problems } = assignRows(identities, tables);
  const files =
    clients === undefined ? new Map<string, never>() : await readClients(context, identities, clients);
  const described = identities.all.filter(
    (one) => one.problem === undefined && (one.rows.length > 0 || rows.has(one) || files.has(one.slug ?? '')),
  );
  const ids = described.flatMap(({ registered }) => registered?.id ?? []);
  const states = await loadTakenStates(context.database, ids);
  const hasLog = [...rows.values()].some(({ log }) => log.length > 0);
  const pastOperations = hasLog ? await listPastOperations(context.database, ids) : new Set<string>();
  const options = { prefer, now: new Date(), rules: context.configRules };
  const labels = listLabels(tables);
  const plan = (identity: Identity, evidence: PlannedEvidence): ProfilePlan => {
    const planned = planProfile(evidence, options);
    planned.problems.unshift(...identity.notes, ...findGoneRows(evidence, labels));
    return planned;
  };
  const evidences = new Map<Identity, PlannedEvidence>();
  const plans = new Map<Identity, ProfilePlan>();
  for (const identity of described) {
    if (identity.registered?.status === 'PURGED') continue;
    const own = rows.get(identity) ?? emptyRows();
    const evidence: PlannedEvidence = {
      slug: identity.slug ?? '',
      rows: { ...own, tenants: identity.rows.map(({ row }) => row) },
      client: files.get(identity.slug ?? ''),
      state: states.get(identity.registered?.id ?? ''),
      pastOperations,
      externalIds: [...identity.externalIds],
      status: statusOf(identity),
      memberTables: listMemberTables(identity, tables),
    };
    evidences.set(identity, evidence);
    plans.set(identity, plan(identity, evidence));
  }
  problems.push(...(await findGoneTenants(context, identities, plans, labels)));
  const replan = async (identity: Identity) => {
    const evidence = evidences.get(identity);
    const id = identity.registered?.id;
    if (!evidence || id === undefined) return undefined;
    const state = (await loadTakenStates(context.database, [id])).get(id);
    return plan(identity, { ...evidence, state });
  };
  return { plans, replan, problems };
}

function emptyRows(): RowsOf {
  return { tenants: [], settings: [], branding: [], users: [], invitations: [], log: [] };
}

/** A tenant that one table calls suspended and another one active is suspended. */
function statusOf({ rows }: Identity): PlannedEvidence['status'] {
  const telling = rows.filter(({ hasStatus }) => hasStatus);
  const [first] = telling;
  if (!first) return undefined;
  const deleted = telling.find(({ isDeleted }) => isDeleted);
  if (deleted) return { value: 'DELETED', source: deleted.source };
  const suspended = telling.find(({ suspendedReason }) => suspendedReason !== undefined);
  return suspended
    ? { value: 'SUSPENDED', source: suspended.source }
    : { value: 'ACTIVE', source: first.source };
}

/** Gives each row of a table beside the tenants to its tenant: by the id in the same database, then by UUID, slug or external id. */
function assignRows(identities: Identities, { others, tenants }: FoundTables) {
  const rows = new Map<Identity, RowsOf>();
  const problems: RowProblem[] = tenants.flatMap((table) => table.problems);
  const byRow = new Map(identities.all.flatMap((one) => one.rows.map(({ row }) => [row, one] as const)));
  const byPlace = new Map<string, Identity>();
  for (const table of tenants)
    for (const { id, row } of table.tenants) {
      const identity = byRow.get(row);
      if (identity) byPlace.set(`${table.database}/${keyOfId(id)}`, identity);
    }
  const byName = namesOf(identities);
  for (const table of others) {
    if (table.role === 'tenants') continue;
    for (const row of table.rows) {
      const cell = readCell(table.role, row, 'tenant');
      const identity =
        cell && (byPlace.get(`${table.database}/${keyOfId(cell.text)}`) ?? byName.get(keyOfId(cell.text)));
      if (identity) addRow(rows, identity, table, row);
      else problems.push(problemOf(row, cell?.column ?? 'tenant_id', describeOrphan(cell?.text)));
    }
  }
  return { rows, problems };
}

function addRow(
  rows: Map<Identity, RowsOf>,
  identity: Identity,
  { role }: PlatformTable,
  row: PlacedRow,
): void {
  const own = rows.get(identity) ?? emptyRows();
  own[role].push(row);
  rows.set(identity, own);
}

function describeOrphan(text: string | undefined): string {
  return text === undefined
    ? 'is empty, so the row was left out'
    : `names no known tenant (${JSON.stringify(text.slice(0, 60))}), so the row was left out`;
}

function keyOfId(id: string): string {
  return isUuid(id) ? id.toLowerCase() : id;
}

function namesOf({ all }: Identities): Map<string, Identity> {
  const names = new Map<string, Identity>();
  for (const one of all)
    for (const name of [one.id, one.slug, ...one.externalIds])
      if (name !== undefined && !names.has(name)) names.set(name, one);
  return names;
}

/** Reads the files of the tenants that are known, by slug. */
async function readClients(
  { configRules }: CommandContext,
  { all }: Identities,
  folder: string,
): Promise<Map<string, MappedClient & { file: string }>> {
  const wanted = new Set(all.flatMap(({ slug }) => slug ?? []));
  const files = new Map<string, MappedClient & { file: string }>();
  for (const { id, problem } of await scanClients(folder)) {
    if (!wanted.has(id)) continue;
    const file = join(id, 'client.yaml');
    try {
      if (problem !== undefined) throw new UnreadableFile(problem);
      const { text } = await readClientText(folder, id);
      files.set(id, { ...mapClient(text, id, configRules), file });
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      if (error.isMissing) continue;
      const problems = [{ path: null, line: null, column: null, message: error.message }];
      const empty = { secrets: [], unknownKeys: [], warnings: [], derived: [] };
      files.set(id, { ...empty, wanted: undefined, problems, file });
    }
  }
  return files;
}
