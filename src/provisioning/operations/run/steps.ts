import type { OperationStep } from '../../../database/generated/prisma/client.js';
import type { CommandContext } from '../../../registry/command.js';
import { problemOf, renewCopy } from '../../copies/keep-copies.js';
import { findAdoptable, isMigrated } from '../../storage/adoption.js';
import { bindStorage, isBound, unbindStorage } from '../../storage/bind-storage.js';
import { findMissingFolder } from '../../storage/module-migrations.js';
import {
  createStorage,
  dropStorage,
  removeStorage,
  requireNotRenamed,
  requireOwnStorage,
  storageExists,
} from '../../storage/storage.js';
import { storageKinds } from '../../storage/storage-kind.js';
import { type HeldOperation, updateStep } from '../operation.js';
import type { CommonStepName } from '../plan.js';
import { findSubscriptionStorage, readBinding, type SubscriptionStorage } from '../subscription-storage.js';
import { factsOf, type StepFacts } from './step-facts.js';

/** A step to run, with its operation. */
interface StepWork {
  context: CommandContext;
  operation: HeldOperation;
  step: OperationStep;
}

/** The work of a step. Both functions can be repeated, wherever an earlier run was interrupted. */
interface Step {
  run?(work: StepWork): Promise<StepFacts | undefined>;
  /** Undoes everything that `run` may have done. */
  undo?(work: StepWork): Promise<void>;
  /** Whether it takes so little time that nobody needs to see it run. */
  isBrief?: boolean;
}

const createStep: Step = {
  async run(work) {
    const { context } = work;
    const { serviceDatabases, stalenessMs } = context;
    const storage = await requireSubscriptionStorage(work);
    const missing = await findMissingFolder(context.modulesDir, storage.subscription.module);
    if (missing) context.log.warn(`${missing.problem} ${missing.remedy}`);
    const exists = await recordWhetherExists(work, storage);
    const use = exists && (await isAdopted(context, storage)) ? findAdoptable : createStorage;
    const { migrationVersion } = await use(serviceDatabases, storage.target);
    await bindStorage(serviceDatabases, storage.target, () => readBinding(context, storage), {
      deadlineMs: stalenessMs,
      opensLost: true,
    });
    await renewMigrationCopy(context, storage);
    return { migrationVersion };
  },
  async undo(work) {
    // Drops only storage that this operation has created.
    if (factsOf(work.step).found !== false) return;
    const { target } = await requireSubscriptionStorage(work);
    await dropStorage(work.context.serviceDatabases, target);
  },
};

const adoptStep: Step = {
  async run(work) {
    const { context, operation, step } = work;
    const { serviceDatabases } = context;
    const storage = await requireSubscriptionStorage(work);
    const { migrationVersion } = await findAdoptable(serviceDatabases, storage.target);
    if (factsOf(step).found === undefined) {
      const facts = { found: await isBound(serviceDatabases, storage.target) };
      await updateStep(context, operation, step, { status: 'RUNNING', facts });
    }
    await bindStorage(serviceDatabases, storage.target, () => readBinding(context, storage), {
      opensLost: true,
    });
    return { migrationVersion };
  },
  async undo(work) {
    // Removes only a binding that this operation has written.
    if (factsOf(work.step).found !== false) return;
    const { target } = await requireSubscriptionStorage(work);
    await unbindStorage(work.context.serviceDatabases, target);
  },
};

const dropStep: Step = {
  async run(work) {
    const { context, operation, step } = work;
    const storage = await requireSubscriptionStorage(work);
    const { target } = storage;
    await storageKinds[target.isolation].dropRemains(context.serviceDatabases, target);
    if (await storageExists(context.serviceDatabases, target)) {
      await requireOwnStorage(context.serviceDatabases, target);
      // Closes the storage and ends the sessions inside it: otherwise DROP would wait for their locks.
      await bindStorage(context.serviceDatabases, target, () => readBinding(context, storage), {
        deadlineMs: context.stalenessMs,
      });
      // From here on the data is not whole, so the operation cannot be cancelled any more.
      await updateStep(context, operation, step, { status: 'RUNNING', facts: { dropping: true } });
      await removeStorage(context.serviceDatabases, target);
    } else await requireNotRenamed(context.serviceDatabases, target);
    return undefined;
  },
};

const bindStep: Step = {
  isBrief: true,
  async run({ context, operation, step }) {
    const storage = await findSubscriptionStorage(context, operation, step.moduleName, {
      readsMigrations: false,
    });
    if (storage && storage.subscription.storageRemovedAt === null)
      await bindStorage(context.serviceDatabases, storage.target, () => readBinding(context, storage), {
        deadlineMs: context.stalenessMs,
      });
    return undefined;
  },
};

/** The steps that are the same for every isolation kind. */
const commonSteps: Record<CommonStepName, Step> = {
  adopt_storage: adoptStep,
  bind_storage: bindStep,
  // The transaction that ends the operation makes the route visible.
  activate_route: {},
};

const storageSteps = Object.values(storageKinds).flatMap((kind): [string, Step][] => [
  [kind.createStep, createStep],
  [kind.dropStep, dropStep],
]);

export const stepsByName: Readonly<Record<string, Step>> = {
  ...commonSteps,
  ...Object.fromEntries(storageSteps),
};

/**
 * Whether the storage exists now. The step's first run records whether it existed before anything was created, so that a worker
 * that takes over knows what it may drop.
 */
async function recordWhetherExists(work: StepWork, storage: SubscriptionStorage): Promise<boolean> {
  const { context, operation, step } = work;
  // Storage of a tenant that was never provisioned is left by a failed attempt, so this operation may drop it.
  const isLeftover = operation.kind === 'PROVISION_TENANT' && storage.subscription.provisionedAt === null;
  // Checked for leftovers, too: when the database is unreachable, nothing may be recorded as created.
  const exists = await storageExists(context.serviceDatabases, storage.target);
  if (factsOf(step).found === undefined)
    await updateStep(context, operation, step, {
      status: 'RUNNING',
      facts: { found: exists && !isLeftover },
    });
  return exists;
}

/** Whether existing storage was made outside the registry: then its tables are not the registry's to migrate. */
async function isAdopted(
  { serviceDatabases }: CommandContext,
  { subscription, target }: SubscriptionStorage,
): Promise<boolean> {
  const { provisionedAt, migrationVersion } = subscription;
  return provisionedAt !== null && migrationVersion === null && !(await isMigrated(serviceDatabases, target));
}

/** Services that make a schema by SQL then run the same migrations. A failure is logged and does not fail the step. */
async function renewMigrationCopy(
  context: CommandContext,
  { subscription, target }: SubscriptionStorage,
): Promise<void> {
  if (!storageKinds[target.isolation].keepsMigrationCopy) return;
  await renewCopy(context, subscription.module).catch((error) => {
    const problem = problemOf({ module: subscription.moduleName, foreign: [], error });
    context.log.warn({ err: error }, problem);
  });
}

async function requireSubscriptionStorage(work: StepWork): Promise<SubscriptionStorage> {
  const { context, operation, step } = work;
  const storage = await findSubscriptionStorage(context, operation, step.moduleName);
  if (!storage)
    throw new Error(`operation ${operation.id} has a step for a subscription that does not exist`);
  return storage;
}
