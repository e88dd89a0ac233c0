/** Decides on the members of a tenant that the tables of a platform and the registry describe. Pure. */
import type { TakenState } from '../../profile/taken/taken-state.js';
import { presence } from '../../profile/taken/taken-values.js';
import type { FoundMember } from './member-values.js';
import type { FieldConflict, SourceKind } from './merge-fields.js';
import { problemOf, type RowProblem } from './table-shape.js';

/** A member to write. */
export interface WantedMember {
  email: string;
  fullName: string | undefined;
  role: FoundMember['role'];
  status: 'INVITED' | 'ACTIVE' | 'REMOVED';
  subject: string | undefined;
  createdAt: Date | undefined;
  /** Whether the person needs a new invitation, and until when the old one was valid. */
  invitation: { until: Date | undefined } | undefined;
}

export interface MergedMembers {
  members: WantedMember[];
  conflicts: FieldConflict[];
}

export type StoredMember = TakenState['members'][number];

/** Merges the rows of users and invitations by address. Rows that contradict others are reported; the first one that gives access counts. */
export function mergeRowsOfMembers(
  found: readonly FoundMember[],
  stored: readonly StoredMember[],
  onProblem: (problem: RowProblem) => void,
): FoundMember[] {
  const byAddress = new Map<string, FoundMember[]>();
  for (const one of found) byAddress.set(one.email, [...(byAddress.get(one.email) ?? []), one]);
  const subjects = new Map(
    stored.flatMap(({ subject, email }) => (subject === null ? [] : [[subject, email]])),
  );
  return [...byAddress.values()].map((rows) => {
    const one = mergeRows(rows, onProblem);
    const owner = one.subject === undefined ? undefined : subjects.get(one.subject);
    if (one.subject !== undefined && owner !== undefined && owner !== one.email) {
      onProblem(problemOf(one.row, 'subject', 'is that of another member of the tenant, so it was left out'));
      one.subject = undefined;
    }
    if (one.subject !== undefined) subjects.set(one.subject, one.email);
    return one;
  });
}

/** Compares the members that tables describe with the registry. */
export function mergeMembers(
  found: readonly FoundMember[],
  stored: readonly StoredMember[],
  prefer: SourceKind | undefined,
): MergedMembers {
  const known = new Map(stored.map((member) => [member.email, member]));
  const merged: MergedMembers = { members: [], conflicts: [] };
  for (const one of found) compare(one, known.get(one.email), prefer, merged);
  return merged;
}

const order: Record<FoundMember['state'], number> = { ACTIVE: 0, INVITED: 1, REMOVED: 2 };

function mergeRows(rows: readonly FoundMember[], onProblem: (problem: RowProblem) => void): FoundMember {
  const [first, ...others] = rows.toSorted((a, b) => order[a.state] - order[b.state]);
  if (!first) throw new Error('an address without rows');
  const one = { ...first };
  for (const other of others) {
    if (other.role !== one.role && other.state !== 'REMOVED')
      onProblem(
        problemOf(other.row, 'role', `is ${other.role}, but ${one.role} in ${nameOf(one)}, which counts`),
      );
    if (other.subject !== undefined && one.subject !== undefined && other.subject !== one.subject)
      onProblem(problemOf(other.row, 'subject', `is another one than in ${nameOf(one)}, which counts`));
    one.subject ??= other.state === 'REMOVED' ? undefined : other.subject;
    one.fullName ??= other.fullName;
    one.invitedUntil ??= other.invitedUntil;
    one.createdAt ??= other.createdAt;
  }
  return one;
}

function nameOf({ row }: FoundMember): string {
  return `${row.source}, ${row.place}`;
}

/** Whether the row knows the account of an active user. */
export function isBoundMember({ state, subject }: FoundMember): boolean {
  return state === 'ACTIVE' && subject !== undefined;
}

/** The member as the tables describe it. */
export function wantMember(one: FoundMember): WantedMember {
  const { email, fullName, role, createdAt, state } = one;
  const isBound = isBoundMember(one);
  return {
    ...{ email, fullName, role, createdAt },
    status: isBound ? 'ACTIVE' : state === 'REMOVED' ? 'REMOVED' : 'INVITED',
    subject: isBound ? one.subject : undefined,
    invitation: isBound || state === 'REMOVED' ? undefined : { until: one.invitedUntil },
  };
}

function compare(
  one: FoundMember,
  stored: StoredMember | undefined,
  prefer: SourceKind | undefined,
  merged: MergedMembers,
): void {
  const { role } = one;
  const isBound = isBoundMember(one);
  const wanted = wantMember(one);
  if (!stored) return void merged.members.push(wanted);
  const differences = [
    difference('role', one, role, stored.role),
    difference('status', one, presence(one.state), presence(stored.status)),
    isBound && stored.subject !== null ? difference('subject', one, one.subject, stored.subject) : undefined,
  ].filter((conflict) => conflict !== undefined);
  if (differences.length > 0) {
    const isTable = prefer === 'table';
    const taken = isTable ? one.row.source : prefer === 'registry' ? 'registry' : null;
    merged.conflicts.push(...differences.map((conflict) => ({ ...conflict, taken })));
    if (isTable) merged.members.push(keepSubject(wanted, stored));
  } else if (isBound && stored.subject === null && stored.status === 'INVITED') merged.members.push(wanted);
}

/** A member who has accepted in the registry stays bound where the table knows no subject. */
function keepSubject(wanted: WantedMember, stored: StoredMember): WantedMember {
  if (stored.status !== 'ACTIVE' || wanted.status !== 'INVITED') return wanted;
  return { ...wanted, status: 'ACTIVE', subject: stored.subject ?? undefined, invitation: undefined };
}

function difference(part: string, { email, row }: FoundMember, found: unknown, stored: unknown) {
  if (found === stored) return undefined;
  const values = [
    { source: row.source, value: found },
    { source: 'registry', value: stored },
  ];
  return { path: `members.${email}.${part}`, values };
}
