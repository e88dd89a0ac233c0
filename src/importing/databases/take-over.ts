import { RegistryError } from '../../errors.js';
import { adoptStorage } from '../../provisioning/commands/adopt-storage.js';
import { updateTakenTenant } from '../../provisioning/commands/update-taken-tenant.js';
import { requireOperation } from '../../provisioning/operations/operation.js';
import type { CommandContext } from '../../registry/command.js';
import { readRevision } from '../../registry/revision.js';
import type { ProfileAction, ProfilePlan } from '../platform/profile-plan.js';
import { isSettled } from '../platform/status-plan.js';
import type { Identity } from './identity.js';
import { changeStatus } from './status-change.js';
import type { ImportEntry, TakeOver } from './take-over-plan.js';

/** What an import does with a tenant besides its storage. */
export interface TenantEntry
  extends Pick<
    ProfilePlan,
    'conflicts' | 'differences' | 'changes' | 'problems' | 'secrets' | 'unknownKeys'
  > {
  tenantId: string | null;
  slug: string | null;
  name: string | null;
  externalIds: string[];
  /** Tables that describe the tenant. */
  sources: string[];
  action: ProfileAction;
  /** Why the tenant was refused, or a part of it. */
  why: string | null;
  /** Members and attempts of provisioning that are written. */
  members: number;
  attempts: number;
  /** New invitations; the token is shown only here, and null in a dry run. */
  invitations: { email: string; token: string | null; expiresAt: string }[];
}

/** The work on one tenant, with its lines of the report. */
export interface TenantWork {
  identity: Identity;
  plan: ProfilePlan | undefined;
  takeOver: TakeOver | undefined;
  entry: TenantEntry | undefined;
  /** Whether something could not be written that a later run may write. */
  isUnfinished?: boolean;
}

/** How many tenants are taken over at the same time. More would only wait for the lock on the registry's head row. */
const atOnce = 4;

/** Puts the storage and the profile of each tenant together. A tenant whose sources disagree is refused with its storage. */
export function planWorks(
  takeOvers: readonly TakeOver[],
  entries: readonly ImportEntry[],
  plans: ReadonlyMap<Identity, ProfilePlan>,
): TenantWork[] {
  const works = new Map<Identity, TenantWork>();
  for (const takeOver of takeOvers)
    works.set(takeOver.identity, {
      identity: takeOver.identity,
      plan: undefined,
      takeOver,
      entry: undefined,
    });
  for (const [identity, plan] of plans) {
    const work = works.get(identity) ?? { identity, plan: undefined, takeOver: undefined, entry: undefined };
    const entry = entryOf(identity, plan);
    works.set(identity, { ...work, plan, entry });
    if (plan.conflicts.some(({ taken }) => taken === null)) entry.why = describeConflicts(plan);
    if (plan.action === 'refuse' && entry.why !== null) {
      if (work.takeOver) markConflict(work.takeOver.entries, entry.why);
    } else if (!identity.registered && !work.takeOver) {
      const own = entries.find(
        (one) => one.slug === identity.slug && one.idFrom === identity.from && one.why,
      );
      entry.action = 'refuse';
      entry.why = own?.why ?? 'its storage was taken over for another tenant';
    }
  }
  return [...works.values()];
}

function entryOf(identity: Identity, plan: ProfilePlan): TenantEntry {
  const { action, conflicts, differences, changes, problems, secrets, unknownKeys } = plan;
  const { profile, attempts, invitations } = plan;
  return {
    ...{ tenantId: identity.registered?.id ?? identity.id ?? null, slug: identity.slug ?? null },
    name: plan.name ?? identity.name ?? null,
    externalIds: [...profile.externalIds],
    sources: [...new Set(identity.rows.map(({ source }) => source))],
    ...{ action, why: null, conflicts, differences, changes, problems, secrets, unknownKeys },
    ...{ members: profile.members.length, attempts: attempts.length },
    invitations: invitations.map(({ email, expiresAt }) => ({
      ...{ email, token: null },
      expiresAt: expiresAt.toISOString(),
    })),
  };
}

function describeConflicts({ conflicts }: ProfilePlan): string {
  const open = conflicts.filter(({ taken }) => taken === null).map(({ path }) => path);
  const named = open.slice(0, 5).join(', ');
  const more = open.length > 5 ? `, and ${open.length - 5} more` : '';
  return `its sources disagree about ${named}${more}: choose one with --prefer`;
}

/** Takes over each tenant on its own, so that the failure of one does not affect the others. */
export async function takeOver(
  context: CommandContext,
  works: readonly TenantWork[],
  replan: Replan,
  onProgress: (done: number, of: number) => void,
): Promise<void> {
  const wanted = works.filter(
    ({ plan, takeOver: storage }) =>
      (plan?.action !== 'refuse' && (storage || plan?.action === 'update')) || isRemembered(plan),
  );
  const waiting = wanted.values();
  let done = 0;
  let newest: string | undefined;
  const work = async () => {
    for (const one of waiting) {
      for (const revision of await takeOverOne(context, one, replan))
        if (!newest || readRevision(revision).number > readRevision(newest).number) newest = revision;
      onProgress(++done, wanted.length);
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

/** Whether an import has read something new about a registered tenant, although nothing of it may change. */
function isRemembered(plan: ProfilePlan | undefined): boolean {
  return plan?.stored !== undefined && plan.observation !== undefined && plan.isNews;
}

/** Returns the revisions of the changes. */
async function takeOverOne(context: CommandContext, work: TenantWork, replan: Replan): Promise<string[]> {
  const revisions: string[] = [];
  try {
    await writeNewest(context, work, { replan, revisions });
  } catch (error) {
    const isExpected = error instanceof RegistryError;
    if (isExpected && error.code === 'REGISTRY_UNAVAILABLE') throw error;
    const { slug } = work.identity;
    if (!isExpected) context.log.error({ err: error, slug }, 'could not take over a tenant');
    const why = isExpected ? error.message : 'it could not be written: see the log';
    markConflict(work.takeOver?.entries ?? [], why);
    work.isUnfinished = true;
    if (work.entry) Object.assign(work.entry, { action: 'refuse', why } satisfies Partial<TenantEntry>);
  }
  return revisions;
}

/** Plans a registered tenant again, by what the registry has now; undefined for one that cannot be. */
type Replan = (identity: Identity) => Promise<ProfilePlan | undefined>;

/** How often a tenant is planned again that others change at the same time. */
const plansAgain = 20;

/** Writes a tenant. The plan of one that was changed since it was read is made again, for this tenant alone. */
async function writeNewest(
  context: CommandContext,
  work: TenantWork,
  { replan, revisions }: { replan: Replan; revisions: string[] },
): Promise<void> {
  for (let turn = 0; ; turn++)
    try {
      return await write(context, work, revisions);
    } catch (error) {
      const isStale = error instanceof RegistryError && error.code === 'VERSION_CONFLICT';
      const plan = isStale && turn < plansAgain ? await replan(work.identity) : undefined;
      if (!plan) throw error;
      work.plan = plan;
      if (work.entry) Object.assign(work.entry, entryOf(work.identity, plan));
      if (work.entry && plan.conflicts.some(({ taken }) => taken === null))
        work.entry.why = describeConflicts(plan);
      if (plan.action === 'refuse' && !isRemembered(plan)) return;
    }
}

async function write(context: CommandContext, work: TenantWork, revisions: string[]): Promise<void> {
  const { identity, plan, takeOver: storage, entry } = work;
  let tenantId = identity.registered?.id;
  const registered = identity.registered?.status ?? '';
  const writes = plan?.action === 'update' || isRemembered(plan);
  if (tenantId !== undefined && plan && writes && isSettled(registered)) {
    const { name, profile, attempts, observation } = plan;
    const updated = await updateTakenTenant(context, {
      ...{ tenantId, name, profile, attempts, observation },
      ...{ versions: plan.stored?.versions, memberVersions: plan.stored?.memberVersions },
      wait: 'COMMITTED',
    });
    revisions.push(updated.revision);
  } else if (tenantId !== undefined && writes) {
    work.isUnfinished = true;
    const why = `the tenant is ${registered.toLowerCase()}: run the import again when it is active`;
    if (entry) Object.assign(entry, { action: 'refuse', why, changes: [], invitations: [] });
  }
  if (storage && plan?.action !== 'refuse') {
    const adopted = await adoptStorage(context, {
      tenant: tenantOf(work, storage),
      storages: storage.storages,
      ...(tenantId === undefined &&
        plan && { profile: plan.profile, attempts: plan.attempts, observation: plan.observation }),
      wait: 'COMMITTED',
    });
    tenantId = adopted.tenantId;
    revisions.push(adopted.revision);
    for (const one of storage.entries) one.tenantId = tenantId;
    if (entry) entry.tenantId = tenantId;
    if (adopted.operationId !== null) {
      const operation = await requireOperation(context.database.prisma, adopted.operationId);
      if (operation.status !== 'SUCCEEDED')
        throw new RegistryError('CONFLICT', operation.error ?? operation.status);
    }
  }
  if (entry && plan)
    for (const [index, { token }] of plan.invitations.entries()) {
      const listed = entry.invitations[index];
      if (listed) listed.token = token;
    }
  if (tenantId !== undefined && plan?.statusChange && !work.isUnfinished)
    revisions.push(...(await changeStatus(context, tenantId, plan, plan.statusChange)));
}

function tenantOf({ identity, plan }: TenantWork, { tenant }: TakeOver): TakeOver['tenant'] {
  // The reason of a deletion is the one by which the next import recognises it.
  const own = identity.isDeleted ? undefined : plan?.suspendedReason;
  const isSuspended = tenant.suspendedReason !== undefined;
  return {
    ...tenant,
    name: plan?.name ?? tenant.name,
    suspendedReason: isSuspended ? (own ?? tenant.suspendedReason) : undefined,
  };
}

function markConflict(entries: readonly ImportEntry[], why: string): void {
  for (const entry of entries)
    Object.assign(entry, { action: 'conflict', why } satisfies Partial<ImportEntry>);
}
