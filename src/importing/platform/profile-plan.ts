/** Decides what is written of a tenant that older platforms describe. Pure, except for new tokens. */
import { createInvitationToken } from '../../profile/members/invitation.js';
import { type Observation, platformLabel } from '../../profile/taken/taken-memory.js';
import type { TakenProfile } from '../../profile/taken/taken-profile.js';
import type { PastAttempt } from '../../provisioning/operations/run/past-attempt.js';
import { daysFromNow } from '../../registry/input.js';
import { mergeEdits, observeSources } from './merge-edits.js';
import {
  buildConfig,
  type FieldConflict,
  type FieldDifference,
  factPaths,
  isSame,
  type Merged,
  mergeFields,
  type SourceKind,
} from './merge-fields.js';
import { type MergedMemberEdits, mergeMemberEdits, observeMember } from './merge-member-edits.js';
import { mergeMembers, mergeRowsOfMembers, type StoredMember, type WantedMember } from './merge-members.js';
import { type LegacyStatus, planStatus, type SaidStatus, type StatusPlan } from './status-plan.js';
import type { RowProblem } from './table-shape.js';
import {
  type FoundSecret,
  listMentioned,
  type ReadEvidence,
  readEvidence,
  type TenantEvidence,
} from './tenant-evidence.js';
import type { FieldValues, ReadContext } from './tenant-values.js';

export interface PlanOptions extends ReadContext {
  prefer: SourceKind | undefined;
}

export type ProfileAction = 'create' | 'update' | 'unchanged' | 'refuse';

type TenantStatus = NonNullable<TenantEvidence['state']>['tenant']['status'];

interface RowVersions {
  tenant: number;
  settings: number | null;
  branding: number | null;
}

/** A new invitation of a member, with its token, which nobody can read again. */
interface NewInvitation {
  email: string;
  token: string;
  expiresAt: Date;
}

export interface ProfilePlan {
  action: ProfileAction;
  /** Fields about which sources disagree; those without a preferred source refuse the tenant. */
  conflicts: FieldConflict[];
  problems: RowProblem[];
  secrets: FoundSecret[];
  unknownKeys: string[];
  /** Fields that change in the registry, with their values before and after. */
  changes: { path: string; before: unknown; after: unknown }[];
  name: string | undefined;
  profile: TakenProfile;
  attempts: PastAttempt[];
  invitations: NewInvitation[];
  suspendedReason: string | undefined;
  deletedAt: Date | undefined;
  /** Fields about which a source and the registry differ without a conflict, with the reason. */
  differences: FieldDifference[];
  /** The rows of the registry on which the decision rests; undefined for a new tenant. */
  stored:
    | { status: TenantStatus; versions: RowVersions; memberVersions: Record<string, number | null> }
    | undefined;
  /** How many changes of the status earlier imports have taken over. */
  statusChanges: number;
  /** What to remember with the plan; undefined for a tenant that is refused before it was ever taken over. */
  observation: Observation | undefined;
  /** Whether there is something to remember although nothing may change. */
  isNews: boolean;
  /** The status to give the tenant once it is written; undefined when it has the right one. */
  statusChange: LegacyStatus | undefined;
}

export interface PlannedEvidence extends TenantEvidence {
  externalIds: readonly string[];
  /** undefined when no table says anything about it. */
  status: SaidStatus | undefined;
  /** Names of the tables of users and invitations that were read beside the tenant's row. */
  memberTables: ReadonlySet<string>;
}

/** How long a new invitation is valid when the old one had no end, in days. */
const defaultDays = 7;

export function planProfile(evidence: PlannedEvidence, options: PlanOptions): ProfilePlan {
  const { state } = evidence;
  const read = readEvidence(evidence, options);
  const { prefer } = options;
  const memory = state?.memory;
  const { values, ...fields } = memory
    ? mergeEdits(read.sources, memory, prefer)
    : { ...mergeFields(read.sources, prefer), seen: observeSources(read.sources) };
  const people = planMembers(evidence, read, prefer);
  const deletedAt = timeAt(values, 'deletedAt');
  const status = planStatus(evidence, deletedAt, prefer);
  const conflicts = [fields, people, status].flatMap((part) => part.conflicts);
  const differences = [fields, people, status].flatMap((part) => part.differences);
  const registry = read.sources.find(({ kind }) => kind === 'registry')?.values;
  const changes = state ? listChanges(values, registry ?? new Map()) : [];
  const written = state ? changedValues(values, changes) : values;
  const known = new Set(state?.externalIds.map(({ externalId }) => externalId));
  const externalIds = evidence.externalIds.filter((id) => !known.has(id));
  const cannotJoin = evidence.status?.value === 'DELETED' || state?.tenant.status === 'DELETED';
  const { members, invitations } = invite(people.members, cannotJoin, options.now);
  const isOpen = conflicts.some(({ taken }) => taken === null);
  const isChanged =
    status.change !== undefined ||
    [changes, externalIds, members, read.attempts].some(({ length }) => length > 0);
  const observation = observe({ state, fields, people, status });
  // Where the memory tells which field waits for a decision, the others need not wait for it.
  const isRefused = isOpen && !(memory && isChanged);
  return {
    action: isRefused ? 'refuse' : state ? (isChanged ? 'update' : 'unchanged') : 'create',
    ...{ conflicts, differences, invitations },
    changes: state
      ? [...changes, ...describeMembers(people.members, state), ...describeStatus(status, state)]
      : [],
    ...{ problems: read.problems, secrets: read.secrets, unknownKeys: [...new Set(read.unknownKeys)] },
    name: textAt(written, 'name'),
    profile: { ...partsOf(written), externalIds, members },
    attempts: read.attempts,
    suspendedReason: textAt(values, 'suspendedReason'),
    deletedAt,
    stored: state && {
      status: state.tenant.status,
      versions: {
        tenant: state.tenant.version,
        settings: state.tenant.settings?.version ?? null,
        branding: state.tenant.branding?.version ?? null,
      },
      memberVersions: versionsOf(people.members, state.members),
    },
    statusChange: status.change,
    statusChanges: memory?.statusChanges ?? 0,
    observation: isOpen && !memory ? undefined : observation,
    isNews: !memory || !isSame(memory.seen, observation.seen),
  };
}

/** The members to write, by the memory of an earlier import where there is one. */
function planMembers(
  { state, rows, memberTables }: PlannedEvidence,
  read: ReadEvidence,
  prefer: SourceKind | undefined,
): MergedMemberEdits {
  const stored = state?.members ?? [];
  const found = mergeRowsOfMembers(read.members, stored, (problem) => read.problems.push(problem));
  const mentioned = listMentioned(rows);
  if (state?.memory)
    return mergeMemberEdits({
      ...{ found, stored, memory: state.memory, prefer, mentioned },
      readLabels: memberTables,
    });
  const seen = Object.assign({}, ...found.map(observeMember));
  return { ...mergeMembers(found, stored, prefer), differences: [], kept: [], seen };
}

/** What is to be remembered when the plan is carried out. */
function observe({
  state,
  fields,
  people,
  status,
}: {
  state: TenantEvidence['state'];
  fields: Pick<Merged, 'kept' | 'seen'>;
  people: MergedMemberEdits;
  status: StatusPlan;
}): Observation {
  const platform = { ...people.seen, ...(status.seen !== undefined && { status: status.seen }) };
  return {
    seen: { ...state?.memory?.seen, ...fields.seen, [platformLabel]: platform },
    kept: [...fields.kept, ...people.kept],
    status: status.agreed,
  };
}

type Change = ProfilePlan['changes'][number];

/** Members that are new or change. */
function describeMembers(
  wanted: readonly WantedMember[],
  { members }: NonNullable<TenantEvidence['state']>,
): Change[] {
  const stored = new Map(members.map((member) => [member.email, member]));
  return wanted.map(({ email, role, status }) => {
    const before = stored.get(email);
    return {
      path: `members.${email}`,
      before: before ? `${before.role} ${before.status}` : null,
      after: `${role} ${status}`,
    };
  });
}

function describeStatus({ change }: StatusPlan, { tenant }: NonNullable<TenantEvidence['state']>): Change[] {
  return change === undefined || change === tenant.status
    ? []
    : [{ path: 'status', before: tenant.status, after: change }];
}

function versionsOf(
  wanted: readonly WantedMember[],
  stored: readonly StoredMember[],
): Record<string, number | null> {
  const versions = new Map(stored.map(({ email, version }) => [email, version]));
  return Object.fromEntries(wanted.map(({ email }) => [email, versions.get(email) ?? null]));
}

function timeAt(values: FieldValues, path: string): Date | undefined {
  const value = values.get(path);
  return value instanceof Date ? value : undefined;
}

function listChanges(values: FieldValues, registry: FieldValues): ProfilePlan['changes'] {
  return [...values].flatMap(([path, after]) => {
    const before = registry.get(path) ?? null;
    return factPaths.includes(path) || isSame(before, after) ? [] : [{ path, before, after: after ?? null }];
  });
}

/** The changed fields; of a configuration all, because it is written as a whole. */
function changedValues(values: FieldValues, changes: ProfilePlan['changes']): FieldValues {
  const changed = new Set(changes.map(({ path }) => path));
  const changesConfig = changes.some(({ path }) => path.startsWith('config.'));
  return new Map(
    [...values].filter(([path]) => changed.has(path) || (changesConfig && path.startsWith('config.'))),
  );
}

function textAt(values: FieldValues, path: string): string | undefined {
  const value = values.get(path);
  return typeof value === 'string' ? value : undefined;
}

/** The values in their parts. Each was read by the rule of its field, and the command that writes them checks them again. */
function partsOf(values: FieldValues): Pick<TakenProfile, 'tenant' | 'settings' | 'branding' | 'config'> {
  const outside = ['name', 'suspendedReason', 'deletedAt'];
  const tenant = [...values].filter(([path]) => !path.includes('.') && !outside.includes(path));
  const below = (prefix: string) =>
    [...values].flatMap(([path, value]) =>
      path.startsWith(prefix) ? [[path.slice(prefix.length), value] as const] : [],
    );
  return {
    tenant: Object.fromEntries(tenant) as TakenProfile['tenant'],
    settings: Object.fromEntries(below('settings.')) as TakenProfile['settings'],
    branding: Object.fromEntries(below('branding.')) as TakenProfile['branding'],
    config: buildConfig(values),
  };
}

function invite(wanted: readonly WantedMember[], cannotJoin: boolean, now: Date) {
  const invitations: NewInvitation[] = [];
  const members = wanted.map(({ invitation, ...member }): TakenProfile['members'][number] => {
    if (!invitation || cannotJoin) return { ...member, invitation: undefined };
    const expiresAt =
      invitation.until && invitation.until > now ? invitation.until : daysFromNow(defaultDays);
    const token = createInvitationToken();
    invitations.push({ email: member.email, token, expiresAt });
    return { ...member, invitation: { token, expiresAt } };
  });
  return { members, invitations };
}
