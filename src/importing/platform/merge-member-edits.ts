/** Decides on the members of a tenant that an earlier import has taken over: only what has changed since counts. Pure. */
import { type Digests, platformLabel, type TakenMemory } from '../../profile/taken/taken-memory.js';
import {
  digestOf,
  type MemberPart,
  memberParts,
  memberPath,
  presence,
} from '../../profile/taken/taken-values.js';
import { decideEdit, type EditDecision } from './edit-decision.js';
import type { FoundMember } from './member-values.js';
import type { FieldConflict, FieldDifference, SourceKind } from './merge-fields.js';
import { isBoundMember, type StoredMember, type WantedMember, wantMember } from './merge-members.js';
import type { PlacedRow } from './table-shape.js';

export interface MergedMemberEdits {
  members: WantedMember[];
  conflicts: FieldConflict[];
  differences: FieldDifference[];
  kept: string[];
  /** What the tables say about members now. */
  seen: Digests;
}

export interface MemberEdits {
  /** One per address. */
  found: readonly FoundMember[];
  stored: readonly StoredMember[];
  memory: TakenMemory;
  prefer: SourceKind | undefined;
  /** The addresses of all rows that do not end access, readable or not. */
  mentioned: ReadonlySet<string>;
  /** Names of the tables of users and invitations that were read, and have rows. */
  readLabels: ReadonlySet<string>;
}

export function mergeMemberEdits(edits: MemberEdits): MergedMemberEdits {
  const { found, stored, memory } = edits;
  const merged: MergedMemberEdits = { members: [], conflicts: [], differences: [], kept: [], seen: {} };
  const known = new Map(stored.map((member) => [member.email, member]));
  const seen: Record<string, string> = {};
  for (const one of [...found, ...findVanished(edits)]) {
    const member = known.get(one.email);
    if (member) compare(one, member, { ...edits, seen, merged });
    else merged.members.push(wantMember(one));
    const label = digestOf(one.row.source);
    if (!member) Object.assign(seen, observeMember(one));
    else if (label !== undefined && one.row.place !== vanishedPlace) seen[originPath(one.email)] = label;
  }
  // Of the members that no row names, what was seen of them stays.
  const before = memory.seen[platformLabel] ?? {};
  const now = new Set(found.map(({ email }) => memberPath(email, 'role')));
  for (const { email } of stored)
    if (!now.has(memberPath(email, 'role')))
      for (const path of [...memberParts.map((part) => memberPath(email, part)), originPath(email)])
        if (before[path] !== undefined) seen[path] ??= before[path];
  return { ...merged, seen };
}

/** What the tables say about a member, as digests. */
export function observeMember(one: FoundMember): Record<string, string> {
  const digests: Record<string, string> = {};
  for (const part of memberParts) {
    const digest = digestOf(saidOf(one, part));
    if (digest !== undefined) digests[memberPath(one.email, part)] = digest;
  }
  const label = digestOf(one.row.source);
  return label === undefined ? digests : { ...digests, [originPath(one.email)]: label };
}

/** The path under which the table of a member is remembered. */
function originPath(email: string): string {
  return memberPath(email, 'role').replace(/role$/, 'table');
}

const vanishedPlace = 'a row that is gone';

/** A member whose row was deleted in a table that was read has lost access there. */
function findVanished({ found, stored, memory, mentioned, readLabels }: MemberEdits): FoundMember[] {
  const before = memory.seen[platformLabel] ?? {};
  const labels = new Map([...readLabels].map((label) => [digestOf(label), label]));
  const addresses = new Set(found.map(({ email }) => email));
  return stored.flatMap(({ email, role, fullName }): FoundMember[] => {
    const source = labels.get(before[originPath(email)]);
    if (source === undefined || mentioned.has(email) || addresses.has(email)) return [];
    const row: PlacedRow = { source, place: vanishedPlace, cells: {} };
    const nothing = { subject: undefined, createdAt: undefined, invitedUntil: undefined };
    return [{ email, role, fullName: fullName ?? undefined, state: 'REMOVED', ...nothing, row }];
  });
}

/** What a row says about a part of a member. A name or subject that it lacks says nothing. */
function saidOf(one: FoundMember, part: MemberPart): string | undefined {
  if (part === 'status') return presence(one.state);
  if (part === 'subject') return isBoundMember(one) ? one.subject : undefined;
  return one[part];
}

function storedOf(member: StoredMember, part: MemberPart): string | null {
  return part === 'status' ? presence(member.status) : member[part];
}

function compare(
  one: FoundMember,
  member: StoredMember,
  context: MemberEdits & { seen: Record<string, string>; merged: MergedMemberEdits },
): void {
  const { memory, prefer, seen, merged } = context;
  const before = memory.seen[platformLabel] ?? {};
  const isKnown = before[memberPath(one.email, 'role')] !== undefined;
  const parts = one.row.place === vanishedPlace ? (['status'] as const) : memberParts;
  const final = new Map<MemberPart, unknown>();
  for (const part of parts) {
    const path = memberPath(one.email, part);
    const [said, stored] = [saidOf(one, part), storedOf(member, part)];
    const isEdited = digestOf(stored) !== memory.taken[path];
    const hasChanged = said !== undefined && digestOf(said) !== (isKnown ? before : memory.taken)[path];
    const side = { label: one.row.source, kind: 'table' as const, value: said ?? null, hasChanged };
    const decision = decideEdit({ stored, isEdited, sides: [side] }, prefer);
    const isHeld = report(`members.${one.email}.${part}`, { decision, said, stored, side }, merged);
    if (isHeld || (decision.outcome === 'keep' && isEdited)) merged.kept.push(path);
    const now = isHeld || said === undefined ? before[path] : digestOf(said);
    if (now !== undefined) seen[path] = now;
    if (decision.outcome === 'take') final.set(part, decision.value);
    else if (decision.outcome === 'conflict' && decision.preferred?.kind === 'table') final.set(part, said);
  }
  // An account that became known binds a member who was only invited.
  const binds = isBoundMember(one) && member.subject === null && member.status === 'INVITED';
  if (final.size > 0 || binds) merged.members.push(wantChanged(one, member, final));
}

/** Returns whether the part waits for a decision. */
function report(
  path: string,
  field: { decision: EditDecision; said: unknown; stored: unknown; side: { label: string } },
  merged: MergedMemberEdits,
): boolean {
  const { decision, said, stored, side } = field;
  const values = [
    { source: side.label, value: said },
    { source: 'registry', value: stored },
  ];
  if (decision.outcome === 'conflict')
    merged.conflicts.push({ path, values, taken: decision.preferred?.label ?? null });
  else if (decision.outcome === 'keep' && said !== undefined && said !== stored)
    merged.differences.push({ path, values, why: 'was edited in the registry, which counts' });
  return decision.outcome === 'conflict' && decision.preferred === undefined;
}

/** The member with the parts that were taken from the table. */
function wantChanged(
  one: FoundMember,
  member: StoredMember,
  final: ReadonlyMap<MemberPart, unknown>,
): WantedMember {
  const described = wantMember(one);
  const role = final.has('role') ? one.role : member.role;
  const fullName = final.has('fullName') ? one.fullName : undefined;
  const { email, createdAt } = one;
  const own = { email, createdAt, role, fullName };
  const state = final.get('status');
  if (state === 'REMOVED') return { ...own, status: 'REMOVED', subject: undefined, invitation: undefined };
  // A member who comes back is bound or invited as a new one.
  if (state === 'present') return { ...described, ...own };
  if (member.status === 'REMOVED')
    return { ...own, status: 'REMOVED', subject: undefined, invitation: undefined };
  const isBound = isBoundMember(one) && (member.subject === null || final.has('subject'));
  return {
    ...own,
    status: isBound ? 'ACTIVE' : member.status,
    subject: isBound ? one.subject : (member.subject ?? undefined),
    invitation: undefined,
  };
}
