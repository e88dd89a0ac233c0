import type { OperationStep } from '../../database/generated/prisma/client.js';
import type { CommandContext } from '../../registry/command.js';
import { problemOf, renewCopy } from '../copies/keep-copies.js';
import { findAdoptable, isMigrated } from '../storage/adoption.js';
import { bindStorage, isBound, unbindStorage } from '../storage/bind-storage.js';
import { createStorage, dropStorage, storageExists } from '../storage/storage.js';
import { storageKinds } from '../storage/storage-kind.js';
import { factsOf, type HeldOperation, type StepFacts, updateStep } from './operation.js';
import type { CommonStepName } from './plan.js';
import { type FoundPlace, findPlace, readBinding } from './subscription-storage.js';

/** One step of an operation under way. */
interface StepWork {
  context: CommandContext;
  operation: HeldOperation;
  step: OperationStep;
}

/** What a step does. Both can be repeated from any point at which they were cut off. */
interface Step {
  run?(work: StepWork): Promise<StepFacts | undefined>;
  /** The inverse, for what `run` may have done. */
  undo?(work: StepWork): Promise<void>;
}

const makeStorage: Step = {
  async run(work) {
    const { context } = work;
    const found = await requirePlace(work);
    const stands = await noteWhatStands(work, found);
    const { serviceDatabases } = context;
    // What others made and the registry took over has no version of ours: its tables are theirs to change.
    const isAdopted =
      stands &&
      found.subscription.provisionedAt !== null &&
      found.subscription.migrationVersion === null &&
      !(await isMigrated(serviceDatabases, found.place));
    const reach = isAdopted ? findAdoptable : createStorage;
    const { migrationVersion } = await reach(serviceDatabases, found.place);
    await bindStorage(serviceDatabases, found.place, () => readBinding(context, found), {
      deadlineMs: context.stalenessMs,
    });
    await keepCopy(context, found);
    return { migrationVersion };
  },
  async undo(work) {
    // What stood there before is not ours to take away.
    if (factsOf(work.step).found !== false) return;
    const { place } = await requirePlace(work);
    await dropStorage(work.context.serviceDatabases, place);
  },
};

const adopt: Step = {
  async run(work) {
    const { context, operation, step } = work;
    const { serviceDatabases } = context;
    const found = await requirePlace(work);
    const { migrationVersion } = await findAdoptable(serviceDatabases, found.place);
    if (factsOf(step).found === undefined) {
      const facts = { found: await isBound(serviceDatabases, found.place) };
      await updateStep(context, operation, step, { status: 'RUNNING', facts });
    }
    await bindStorage(serviceDatabases, found.place, () => readBinding(context, found));
    return { migrationVersion };
  },
  async undo(work) {
    if (factsOf(work.step).found !== false) return;
    const { place } = await requirePlace(work);
    await unbindStorage(work.context.serviceDatabases, place);
  },
};

const dropStorageStep: Step = {
  async run(work) {
    const { context } = work;
    const found = await requirePlace(work);
    const { place } = found;
    if (await storageExists(context.serviceDatabases, place)) {
      // Nobody enters any more, and whoever is inside has left or is put out: a DROP would wait for him.
      await bindStorage(context.serviceDatabases, place, () => readBinding(context, found), {
        deadlineMs: context.stalenessMs,
      });
      await dropStorage(context.serviceDatabases, place);
    }
    return undefined;
  },
};

const bind: Step = {
  async run({ context, operation, step }) {
    const found = await findPlace(context, operation, step.moduleName);
    if (found && found.subscription.storageRemovedAt === null)
      await bindStorage(context.serviceDatabases, found.place, () => readBinding(context, found), {
        deadlineMs: context.stalenessMs,
      });
    return undefined;
  },
};

/** Steps that are the same for every isolation kind. */
const commonSteps: Record<CommonStepName, Step> = {
  adopt_storage: adopt,
  bind_storage: bind,
  // Done by the transaction that ends the operation.
  activate_route: {},
};

const storageSteps = Object.values(storageKinds).flatMap(({ createStep, dropStep }): [string, Step][] => [
  [createStep, makeStorage],
  [dropStep, dropStorageStep],
]);

export const stepsByName: Readonly<Record<string, Step>> = {
  ...commonSteps,
  ...Object.fromEntries(storageSteps),
};

/**
 * Whether something stands there now. What stood there before is written down before anything is made, so that whoever
 * takes over knows what may be taken away again.
 */
async function noteWhatStands(work: StepWork, { place, subscription }: FoundPlace): Promise<boolean> {
  const { context, operation, step } = work;
  // What stands there of a tenant that never came to be is of an attempt that failed, so ours to take away.
  const isLeftBehind = operation.kind === 'PROVISION_TENANT' && subscription.provisionedAt === null;
  // Looked for all the same: where nobody could look, nothing can have been made.
  const stands = await storageExists(context.serviceDatabases, place);
  const found = stands && !isLeftBehind;
  if (factsOf(step).found === undefined)
    await updateStep(context, operation, step, { status: 'RUNNING', facts: { found } });
  return stands;
}

/** Who makes the next tenant's schema by SQL finds what this one was made with. Never a reason to fail. */
async function keepCopy(context: CommandContext, { subscription, place }: FoundPlace): Promise<void> {
  if (!storageKinds[place.isolation].keepsMigrationCopy) return;
  await renewCopy(context, subscription.module).catch((error) => {
    const problem = problemOf({ module: subscription.moduleName, foreign: [], error });
    context.log.warn({ err: error }, problem);
  });
}

async function requirePlace({ context, operation, step }: StepWork): Promise<FoundPlace> {
  const found = await findPlace(context, operation, step.moduleName);
  if (!found) throw new Error(`operation ${operation.id} has a step for a subscription that does not exist`);
  return found;
}
