import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { DriftFinding, ModuleSubscription } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { idempotencyKey, omittable, optional, readInput, uuid, wait } from '../../registry/input.js';
import { oneOf } from '../../registry/lists/tenant-filter.js';
import { requireTenant } from '../../registry/tenants/tenant.js';
import type { FindingCode } from '../doctor/finding.js';
import { repairStructure } from '../doctor/repair/repair-structure.js';
import { storageRepairs } from '../doctor/repair/storage-repairs.js';
import type { DifferenceCode } from '../doctor/structure/compare-structure.js';
import { describeDifference } from '../doctor/structure/describe-difference.js';
import { listApplied } from '../fence/schema-version.js';
import { locateStorage, type SubscriptionStorage } from '../operations/subscription-storage.js';
import { storageKinds } from '../storage/storage-kind.js';

/** What becomes of a finding with each resolution. */
const statuses = { IGNORE: 'IGNORED', KEEP_DATABASE: 'ACCEPTED', KEEP_REGISTRY: 'REPAIRED' } as const;

type Resolution = keyof typeof statuses;

const resolutions = {
  IGNORE: 'IGNORE',
  KEEP_DATABASE: 'KEEP_DATABASE',
  KEEP_REGISTRY: 'KEEP_REGISTRY',
} as const;

const RepairDriftInput = z.object({
  id: uuid,
  resolution: oneOf(resolutions),
  // Compared and never stored: the names of others may have blanks at their ends, and that of a routine has all its arguments.
  confirm: optional(z.string({ error: 'must be text' }).max(20_000, 'must have at most 20000 characters')),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

const structureCodes: Record<DifferenceCode, true> = {
  STRUCTURE_MISSING: true,
  STRUCTURE_EXTRA: true,
  STRUCTURE_DIFFERS: true,
  INDEX_INVALID: true,
  GRANTS_DIFFER: true,
};

/**
 * Decides on a finding of drift. The service database is changed first and the decision is recorded after it; both can be repeated. Throws
 * NOT_FOUND, VALIDATION_ERROR without the name of what is dropped, and CONFLICT for what only a person can repair.
 */
export async function repairDrift(context: CommandContext, input: unknown) {
  authorize(context.caller, 'repairDrift');
  const wanted = readInput(RepairDriftInput, input);
  const finding = await context.database.prisma.driftFinding.findUnique({ where: { id: wanted.id } });
  if (!finding) throw notFound(wanted.id);
  const status = statuses[wanted.resolution];
  // A finding that was repaired before may be there again, and a repair without a difference does nothing. A repeated request must do nothing.
  const isRepeated = finding.status === status && wanted.idempotencyKey !== undefined;
  if (wanted.resolution === 'KEEP_REGISTRY' && !isRepeated)
    await keepRegistry(context, finding, wanted.confirm);
  const found = await findVersion(context, finding, wanted.resolution);
  return runCommand(context, 'repairDrift', wanted, async (tx) => {
    if (found) await writeVersion(tx, found);
    const { count } = await tx.driftFinding.updateMany({
      where: { id: finding.id, content: finding.content },
      data: { status, resolvedAt: new Date(), resolvedBy: context.caller.actor },
    });
    if (count === 0)
      throw new RegistryError(
        'CONFLICT',
        `Finding ${finding.id} is another one now: read it again with drift`,
      );
    return { findingId: finding.id };
  });
}

function notFound(id: string): RegistryError {
  return new RegistryError(
    'NOT_FOUND',
    `There is no finding ${id}: drift lists them, and one whose difference has gone is deleted by the next examination`,
  );
}

async function keepRegistry(
  context: CommandContext,
  finding: DriftFinding,
  confirm: string | undefined,
): Promise<void> {
  // Rows of a later version may have other codes; these have no entry.
  const code = finding.code as FindingCode;
  const storageRepair = storageRepairs[code];
  if (!storageRepair && !(code in structureCodes)) throw byHand(finding);
  const storage = await requireStorage(context, finding);
  if (storageRepair) return storageRepair(context, storage);
  const about = { ...finding, tenantSlug: finding.tenantSlug ?? '' };
  await repairStructure(context.serviceDatabases, {
    target: storage.target,
    confirm,
    isWanted: (difference) => describeDifference(placeOf(about, storage), difference).id === finding.id,
  });
}

function placeOf({ tenantSlug }: { tenantSlug: string }, { target }: SubscriptionStorage) {
  const { owner, databaseName, schemaName } = target;
  return { ...owner, tenantSlug, databaseName, schemaName, asOf: '' };
}

function byHand({ code, remedy }: DriftFinding): RegistryError {
  return new RegistryError(
    'CONFLICT',
    `${code} is not repaired by repairDrift. Repair it by hand: ${remedy}`,
  );
}

async function requireStorage(context: CommandContext, finding: DriftFinding): Promise<SubscriptionStorage> {
  return locateStorage(context, await requireSubscription(context, finding));
}

async function requireSubscription(
  context: CommandContext,
  { tenantId, module: moduleName, schemaName, ...finding }: DriftFinding,
) {
  const subscription =
    tenantId !== null && moduleName !== null
      ? await context.database.prisma.moduleSubscription.findUnique({
          where: { tenantId_moduleName: { tenantId, moduleName } },
          include: { module: true },
        })
      : null;
  if (!subscription) throw byHand({ tenantId, module: moduleName, schemaName, ...finding });
  if (schemaName !== null && subscription.schemaName !== schemaName)
    throw new RegistryError(
      'CONFLICT',
      `The tenant is not in schema ${schemaName} any more: run doctor --structure again`,
    );
  return subscription;
}

/** The version that stands in a storage, and the state of the subscription before it was read. */
interface FoundVersion {
  version: string;
  subscription: ModuleSubscription;
}

/** For KEEP_DATABASE: the version that the registry takes over; undefined where it only accepts the difference. */
async function findVersion(
  context: CommandContext,
  finding: DriftFinding,
  resolution: Resolution,
): Promise<FoundVersion | undefined> {
  if (finding.code !== 'MIGRATION_VERSION_DIFFERS' || resolution !== 'KEEP_DATABASE') return undefined;
  const subscription = await requireSubscription(context, finding);
  const { target } = await locateStorage(context, subscription);
  const applied = await storageKinds[target.isolation].atStorage(context.serviceDatabases, target, (client) =>
    listApplied(client, target.schemaName),
  );
  const newest = target.migrations.findLast(({ name }) => applied?.some((ran) => ran.name === name))?.name;
  if (newest === undefined) throw byHand(finding);
  return { version: newest, subscription };
}

/** No transaction spans the two databases. A migration or a move of the storage meanwhile changes the subscription, and then the version that was read is old. */
async function writeVersion(tx: Transaction, { version, subscription }: FoundVersion): Promise<void> {
  const { id, tenantId, moduleName, generation, migrationVersion } = subscription;
  const tenant = await requireTenant(tx, tenantId);
  const { count } = await tx.moduleSubscription.updateMany({
    where: { id, generation, migrationVersion },
    data: { migrationVersion: version },
  });
  if (count === 0)
    throw new RegistryError(
      'CONFLICT',
      `The storage of tenant ${tenant.slug} in module ${moduleName} was migrated or moved meanwhile: run doctor --structure again`,
    );
}
