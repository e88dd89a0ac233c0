/** Decides on the status of a tenant that older platforms describe. Pure. */
import { platformLabel } from '../../profile/taken/taken-memory.js';
import { digestOf } from '../../profile/taken/taken-values.js';
import { decideEdit } from './edit-decision.js';
import { type FieldConflict, type FieldDifference, isSame, type SourceKind } from './merge-fields.js';
import type { TenantEvidence } from './tenant-evidence.js';

/** The status of a tenant in the tables of its platform. */
export type LegacyStatus = 'ACTIVE' | 'SUSPENDED' | 'DELETED';

/** What tables say about the status. */
export interface SaidStatus {
  value: LegacyStatus;
  source: string;
}

export interface StatusPlan {
  conflicts: FieldConflict[];
  differences: FieldDifference[];
  /** The status to give the tenant once it is written; undefined when it has the right one. */
  change: LegacyStatus | undefined;
  /** The status that both sides agree about, as it is to be remembered; undefined leaves the memory as it is. */
  agreed: string | undefined;
  /** What the tables say, as a digest to remember; undefined for nothing. */
  seen: string | undefined;
}

/** The reason of a suspension by which an import recognises a tenant that it has not deleted yet. */
const deletionReason = /^deleted in /;

/** A registered tenant keeps its status unless the tables have changed it. A new one is deleted after it is taken over. */
export function planStatus(
  { status, state }: { status: SaidStatus | undefined; state: TenantEvidence['state'] },
  deletedAt: Date | undefined,
  prefer: SourceKind | undefined,
): StatusPlan {
  const before = state?.memory?.seen[platformLabel]?.status;
  const nothing = { conflicts: [], differences: [], change: undefined, agreed: undefined, seen: before };
  if (!status) return state ? nothing : { ...nothing, agreed: 'ACTIVE' };
  const { value } = status;
  const now = digestOf(value);
  if (!state)
    return { ...nothing, change: value === 'DELETED' ? value : undefined, agreed: value, seen: now };
  const stored = state.tenant.status;
  const isOurs = value === 'DELETED' && deletionReason.test(state.tenant.suspendedReason ?? '');
  const lacksDate =
    stored === 'DELETED' && deletedAt !== undefined && !isSame(deletedAt, state.tenant.deletedAt);
  // An earlier import ended before it had deleted the tenant.
  if (isOurs && (stored === 'SUSPENDED' || lacksDate)) return { ...nothing, change: value };
  if (!isSettled(stored)) return nothing;
  const taken = state.memory?.taken.status;
  return taken === undefined || before === undefined
    ? compare(status, stored, prefer, nothing)
    : compareEdits(status, stored, { taken, before, prefer }, nothing);
}

export function isSettled(status: string): boolean {
  return ['ACTIVE', 'SUSPENDED', 'DELETED'].includes(status);
}

/** Without a memory a difference is a conflict. */
function compare(
  { value, source }: SaidStatus,
  stored: string,
  prefer: SourceKind | undefined,
  nothing: StatusPlan,
): StatusPlan {
  const settled = { ...nothing, agreed: stored, seen: digestOf(value) };
  if (stored === value) return settled;
  const conflict = { path: 'status', values: valuesOf(source, value, stored) };
  if (prefer === 'table') return { ...nothing, conflicts: [{ ...conflict, taken: source }], change: value };
  if (prefer === 'registry') return { ...settled, conflicts: [{ ...conflict, taken: 'registry' }] };
  return { ...nothing, conflicts: [{ ...conflict, taken: null }] };
}

function compareEdits(
  { value, source }: SaidStatus,
  stored: string,
  { taken, before, prefer }: { taken: string; before: string; prefer: SourceKind | undefined },
  nothing: StatusPlan,
): StatusPlan {
  const isEdited = digestOf(stored) !== taken;
  const hasChanged = digestOf(value) !== before;
  const side = { label: source, kind: 'table' as const, value, hasChanged };
  const decision = decideEdit({ stored, isEdited, sides: [side] }, prefer);
  const settled = { ...nothing, agreed: stored, seen: digestOf(value) };
  const values = valuesOf(source, value, stored);
  if (decision.outcome === 'agree') return settled;
  if (decision.outcome === 'take') return { ...nothing, change: value };
  if (decision.outcome === 'keep') {
    const why = 'was edited in the registry, which counts';
    return stored === value ? nothing : { ...nothing, differences: [{ path: 'status', values, why }] };
  }
  const { preferred } = decision;
  const conflicts = [{ path: 'status', values, taken: preferred?.label ?? null }];
  if (!preferred) return { ...nothing, conflicts };
  return preferred.kind === 'registry' ? { ...settled, conflicts } : { ...nothing, conflicts, change: value };
}

function valuesOf(source: string, value: string, stored: string) {
  return [
    { source, value },
    { source: 'registry', value: stored },
  ];
}
