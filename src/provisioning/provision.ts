import type { OperationStep } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import { messageOf } from '../errors.js';
import type { WaitFor } from '../feed/acknowledge.js';
import { type CommandContext, type CommandInput, rememberRevision, runCommand } from '../registry/command.js';
import { findAdoptable } from './adoption.js';
import { readModuleMigrations } from './module-migrations.js';
import { endOperation, keepAlive, type RunningOperation, requireHeld, runStep } from './operation.js';
import { createStorage, dropStorage, type StoragePlace } from './storage.js';

interface MadeStorage {
  step: OperationStep;
  place: StoragePlace;
}

/**
 * Runs a provisioning operation to its end and returns the revision of that end. A failure is an end too: what was
 * made is taken away again in reverse order, and the operation says why.
 */
export async function runProvisioning(
  context: CommandContext,
  operationId: string,
  input: CommandInput,
): Promise<string> {
  return rememberRevision(context, input, await runToEnd(context, operationId, input));
}

async function runToEnd(
  context: CommandContext,
  operationId: string,
  { wait }: CommandInput,
): Promise<string> {
  using _ = keepAlive(context, operationId);
  const operation = await context.database.prisma.operation.findUniqueOrThrow({
    where: { id: operationId },
    include: { steps: { orderBy: { position: 'asc' } } },
  });
  const made: MadeStorage[] = [];
  try {
    const versions = new Map<string, string | null>();
    for (const step of operation.steps) {
      if (step.moduleName === null) continue;
      const moduleName = step.moduleName;
      await runStep(context, step, async () => {
        const { place, isLeftBehind } = await readPlace(context, operation, moduleName);
        const reach = step.name === 'adopt_storage' ? findAdoptable : createStorage;
        const storage = await reach(context.serviceDatabases, place);
        if (storage.created || isLeftBehind) made.push({ step, place });
        versions.set(moduleName, storage.migrationVersion);
      });
    }
    return await succeed(context, operation, versions, wait);
  } catch (error) {
    context.log.warn({ err: error, operationId }, 'provisioning failed');
    return await compensate(context, operation, made, error);
  }
}

/** The last step: one transaction that makes all routes visible, or none. */
async function succeed(
  context: CommandContext,
  operation: RunningOperation,
  versions: ReadonlyMap<string, string | null>,
  wait: WaitFor | undefined,
): Promise<string> {
  const activates = operation.steps.some((step) => step.name === 'activate_route');
  const { revision } = await runCommand(context, 'provision', { wait }, async (tx) => {
    await lockTenant(tx, operation);
    await endOperation(tx, operation.id, { status: 'SUCCEEDED' });
    for (const [moduleName, migrationVersion] of versions)
      await tx.moduleSubscription.updateMany({
        where: { ...subscriptionsOf(operation), moduleName, status: 'PROVISIONING' },
        data: { status: activates ? 'ACTIVE' : 'PENDING', migrationVersion },
      });
    await tx.tenant.updateMany({
      where: { id: operation.tenantId ?? '', status: 'PROVISIONING' },
      data: { status: 'ACTIVE' },
    });
    return {};
  });
  return revision;
}

async function compensate(
  context: CommandContext,
  operation: RunningOperation,
  made: readonly MadeStorage[],
  cause: unknown,
): Promise<string> {
  const left: string[] = [];
  for (const { step, place } of made.toReversed()) {
    try {
      await dropStorage(context.serviceDatabases, place);
      await context.database.prisma.operationStep.update({
        where: { operationId_position: { operationId: operation.id, position: step.position } },
        data: { status: 'COMPENSATED' },
      });
    } catch (error) {
      left.push(`${step.name} of ${step.moduleName} could not be undone: ${messageOf(error)}`);
    }
  }
  const undone = operation.kind === 'PROVISION_TENANT' ? 'COMPENSATED' : 'FAILED';
  const { revision } = await runCommand(context, 'provision', {}, async (tx) => {
    await lockTenant(tx, operation);
    await endOperation(tx, operation.id, {
      status: left.length > 0 ? 'NEEDS_ATTENTION' : undone,
      error: [messageOf(cause), ...left].join('; '),
    });
    await failWhatWasProvisioned(tx, operation);
    return {};
  });
  return revision;
}

/** Nothing that an operation began stays PROVISIONING once it ended without success. */
export async function failWhatWasProvisioned(tx: Transaction, operation: RunningOperation): Promise<void> {
  await tx.moduleSubscription.updateMany({
    where: { ...subscriptionsOf(operation), status: 'PROVISIONING' },
    data: { status: 'FAILED' },
  });
  if (operation.kind === 'PROVISION_TENANT' || operation.kind === 'ADOPT_STORAGE')
    await tx.tenant.updateMany({
      where: { id: operation.tenantId ?? '', status: 'PROVISIONING' },
      data: { status: 'FAILED' },
    });
}

function subscriptionsOf(operation: RunningOperation) {
  const moduleNames = operation.steps.flatMap((step) => step.moduleName ?? []);
  return { tenantId: operation.tenantId ?? '', moduleName: { in: moduleNames } };
}

/** The tenant first, as in every command, so that the end of an operation cannot deadlock with one. */
async function lockTenant(tx: Transaction, operation: RunningOperation): Promise<void> {
  await tx.$queryRaw`SELECT id FROM tenants WHERE id = ${operation.tenantId}::uuid FOR UPDATE`;
}

async function readPlace(
  context: CommandContext,
  operation: RunningOperation,
  moduleName: string,
): Promise<{ place: StoragePlace; isLeftBehind: boolean }> {
  const subscription = await context.database.prisma.moduleSubscription.findUniqueOrThrow({
    where: { tenantId_moduleName: { tenantId: operation.tenantId ?? '', moduleName } },
    include: { module: true },
  });
  const { module } = subscription;
  const place = {
    owner: { tenantId: subscription.tenantId, module: module.name },
    isolation: subscription.isolation,
    reference: module,
    databaseName: subscription.databaseName,
    schemaName: subscription.schemaName,
    migrations: await readModuleMigrations(context.modulesDir, module.migrationsFolder),
    requireHeld: () => requireHeld(context, operation.id),
  };
  // What stands there of a tenant that never came to be is of an attempt that was interrupted, so ours to take away.
  const isLeftBehind = operation.kind === 'PROVISION_TENANT' && subscription.provisionedAt === null;
  return { place, isLeftBehind };
}
