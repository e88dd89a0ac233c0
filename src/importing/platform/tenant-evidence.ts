/** Everything that the tables of platforms, a client.yaml and the registry say about one tenant. Pure. */

import type { TakenState } from '../../profile/taken/taken-state.js';
import { flattenConfig, tenantValues } from '../../profile/taken/taken-values.js';
import { type PastAttempt, pastOperationId } from '../../provisioning/operations/run/past-attempt.js';
import type { MappedClient } from '../yaml/client-mapping.js';
import type { ReplacedSecret } from '../yaml/client-secrets.js';
import { mapConfig } from '../yaml/config-mapping.js';
import { readAttempt } from './log-values.js';
import { type FoundMember, isRevoked, readInvitation, readUser } from './member-values.js';
import type { Source } from './merge-fields.js';
import {
  hasColumn,
  type PlacedRow,
  problemOf,
  type RowProblem,
  readCell,
  type TableRole,
} from './table-shape.js';
import { isTenantRole, type ReadContext, readTenantValues } from './tenant-values.js';

export interface TenantEvidence {
  slug: string;
  rows: Readonly<Record<TableRole, readonly PlacedRow[]>>;
  /** The client.yaml of the tenant, with the name of its file. */
  client: (MappedClient & { file: string }) | undefined;
  /** undefined for a tenant that is not registered. */
  state: TakenState | undefined;
  /** Operations of the tenant that an earlier import inserted. */
  pastOperations: ReadonlySet<string>;
}

/** A secret that was found in a source, without its value. */
export interface FoundSecret extends Omit<ReplacedSecret, 'line'> {
  source: string;
}

export interface ReadEvidence {
  sources: Source[];
  members: FoundMember[];
  /** Attempts that are not in the registry yet. */
  attempts: PastAttempt[];
  problems: RowProblem[];
  secrets: FoundSecret[];
  /** Keys of configurations that are kept under extensions. */
  unknownKeys: string[];
}

export function readEvidence(evidence: TenantEvidence, context: ReadContext): ReadEvidence {
  const { slug, rows, client, state } = evidence;
  const read: ReadEvidence = {
    ...{ sources: [], members: [], attempts: [], problems: [], secrets: [], unknownKeys: [] },
  };
  const report = (problem: RowProblem) => read.problems.push(problem);
  for (const [role, placed] of Object.entries(rows) as [TableRole, readonly PlacedRow[]][])
    for (const row of placed) {
      if (isTenantRole(role)) read.sources.push(readTableSource(role, row, slug, context, read));
      else if (role === 'log') {
        const attempt = readAttempt(row, context.now, report);
        if (attempt) read.attempts.push(attempt);
      } else {
        const readMember = role === 'users' ? readUser : readInvitation;
        const member = readMember(row, context.now, report);
        if (member) read.members.push(member);
      }
    }
  if (client?.wanted) {
    read.sources.push(clientSource(client, client.wanted));
    read.secrets.push(
      ...client.secrets.map(({ line: _, ...secret }) => ({ ...secret, source: client.file })),
    );
    read.unknownKeys.push(...client.unknownKeys);
  } else if (client)
    for (const { path, message } of client.problems)
      read.problems.push({ source: client.file, place: 'file', column: path ?? 'file', message });
  if (state) {
    read.sources.push(registrySource(state));
    const { id } = state.tenant;
    read.attempts = read.attempts.filter((one) => !evidence.pastOperations.has(pastOperationId(id, one)));
  }
  return read;
}

function readTableSource(
  role: 'tenants' | 'settings' | 'branding',
  row: PlacedRow,
  slug: string,
  context: ReadContext,
  read: ReadEvidence,
): Source {
  const { values, problems, unreadable } = readTenantValues(role, row, context);
  read.problems.push(...problems);
  const cell = role === 'tenants' ? readCell(role, row, 'config') : undefined;
  if (role === 'tenants' && !hasColumn(role, row, 'config')) unreadable.add('config');
  if (cell) {
    const mapped = mapConfig(unwrap(cell.text), slug, context.rules);
    if (!mapped.config) unreadable.add('config');
    for (const { path, message } of mapped.problems) {
      if (path !== null) unreadable.add(`config.${path}`);
      read.problems.push(
        problemOf(row, path === null ? cell.column : `${cell.column}.${path}`, `was left out: it ${message}`),
      );
    }
    read.secrets.push(...mapped.secrets.map(({ line: _, ...secret }) => ({ ...secret, source: row.source })));
    read.unknownKeys.push(...mapped.unknownKeys);
    for (const [path, value] of flattenConfig(mapped.config)) values.set(path, value);
    preferColumns(values, row, cell.column, read);
  }
  return { kind: 'table', label: row.source, values, unreadable };
}

/** A configuration that was saved as a text within JSON is read as what it says. */
function unwrap(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const inner: unknown = JSON.parse(text);
    return typeof inner === 'string' ? inner : text;
  } catch {
    return text;
  }
}

const columnsOfConfig = [
  ['primaryEmail', 'email.primary', 'primary_email'],
  ['gcpProjectId', 'infrastructure.gcp.project_id', 'gcp_project_id'],
  ['gcpDataset', 'infrastructure.gcp.dataset', 'gcp_dataset'],
] as const;

/** Columns and configuration are one field in the registry. Where a row contradicts itself, the column counts. */
function preferColumns(
  values: Map<string, unknown>,
  row: PlacedRow,
  config: string,
  read: ReadEvidence,
): void {
  for (const [field, path, column] of columnsOfConfig) {
    const inConfig = values.get(`config.${path}`);
    if (inConfig === undefined || inConfig === null) continue;
    const inColumn = values.get(field);
    if (inColumn === undefined) values.set(field, inConfig);
    else if (inColumn !== inConfig) {
      values.set(`config.${path}`, inColumn);
      read.problems.push(
        problemOf(row, `${config}.${path}`, `says something else than ${column}, which was taken over`),
      );
    }
  }
}

function clientSource(
  { file, derived }: MappedClient & { file: string },
  wanted: NonNullable<MappedClient['wanted']>,
): Source {
  const values = new Map<string, unknown>(Object.entries(wanted.tenant));
  for (const [key, value] of Object.entries(wanted.settings)) values.set(`settings.${key}`, value);
  for (const [key, value] of Object.entries(wanted.branding)) values.set(`branding.${key}`, value);
  for (const [path, value] of flattenConfig(wanted.config)) values.set(path, value);
  return {
    ...{ kind: 'yaml', label: file, values },
    derived: new Set(derived.map((path) => path.replace(/^tenant\./, ''))),
  };
}

function registrySource(state: TakenState): Source {
  const { tenant } = state;
  const versions = { settings: tenant.settings?.version, branding: tenant.branding?.version };
  const isUntouched = (path: string) => {
    const [part] = path.split('.');
    return (part === 'settings' || part === 'branding' ? (versions[part] ?? 1) : tenant.version) === 1;
  };
  return { kind: 'registry', label: 'registry', values: tenantValues(state), isUntouched };
}

/** The addresses of all rows that do not say that access has ended, whether their other columns can be read or not. */
export function listMentioned(rows: TenantEvidence['rows']): Set<string> {
  const users = rows.users.map((row) => readCell('users', row, 'email'));
  const invitations = rows.invitations
    .filter((row) => !isRevoked(row))
    .map((row) => readCell('invitations', row, 'email'));
  return new Set([...users, ...invitations].flatMap((cell) => cell?.text.toLowerCase() ?? []));
}
