import { DatabaseError } from 'pg';
import { gateway } from '../../../auth/caller.js';
import type { OperationStep } from '../../../database/generated/prisma/client.js';
import { RegistryError } from '../../../errors.js';
import type { WaitFor } from '../../../feed/acknowledge.js';
import type { CommandContext } from '../../../registry/command.js';
import { mayPass } from '../../../registry/database-failure.js';
import { tracing } from '../../../tracing/tracing.js';
import { messageForCaller } from '../caller-message.js';
import {
  claimOperation,
  type HeldOperation,
  isCancelRequested,
  keepAlive,
  LostOperationError,
  updateHeld,
  updateStep,
} from '../operation.js';
import { isBulkKind } from '../reads/operation-tenants.js';
import { cancelledByUser, type Ending, isCompensated, rulesFor } from './ending.js';
import { endOperation } from './operation-end.js';
import { stepsByName } from './steps.js';
import { isRegistryUnavailable, pauseAfterMs, type RetryOptions, withRetries } from './transient-errors.js';

export interface RunOptions extends RetryOptions {
  /** Interval of the heartbeats, in milliseconds. */
  heartbeatMs: number;
  /** How long a worker may send no heartbeat before its operation is taken over, in milliseconds. */
  takeOverAfterMs: number;
  /** Also ends the run between two steps; the operation is left to the next worker. */
  signal: AbortSignal;
  /** Runs operations on many tenants. */
  runBulk: BulkRunner;
}

/** Returns the revision of the end, or undefined when the operation goes on later. */
export type BulkRunner = (
  context: CommandContext,
  operation: HeldOperation,
  options: RunOptions,
) => Promise<string | undefined>;

/**
 * Runs an operation from its present state to its end and returns the revision of the end. Every step can be repeated, so an
 * earlier run, by any worker, may have been interrupted anywhere. Returns undefined when the operation has not ended: another
 * worker holds it, or it is queued again after a transient error.
 */
export async function runOperation(
  callersContext: CommandContext,
  operationId: string,
  options: RunOptions,
  wait?: WaitFor,
): Promise<string | undefined> {
  const operation = await claimOperation(callersContext, operationId, options.takeOverAfterMs);
  if (!operation) return undefined;
  if (!tracing) return runClaimed(callersContext, operation, options, wait);
  const { kind, current } = operation;
  const facts = { 'registry.operation.id': operation.id, 'registry.operation.runs': current.runs };
  return tracing.continue(`operation ${kind}`, current.traceParent, facts, () =>
    runClaimed(callersContext, operation, options, wait),
  );
}

async function runClaimed(
  callersContext: CommandContext,
  operation: HeldOperation,
  options: RunOptions,
  wait: WaitFor | undefined,
): Promise<string | undefined> {
  // The audit log names the user who began the attempt and the request, not the worker.
  const { actor, requestId } = operation.current;
  const context = { ...callersContext, caller: { ...gateway, actor }, requestId: requestId ?? undefined };
  using _ = keepAlive(context, operation, options.heartbeatMs);
  try {
    if (isBulkKind(operation.kind)) return await options.runBulk(context, operation, options);
    if (operation.status === 'COMPENSATING') return await compensate(context, operation, options);
    return isCompensated(operation)
      ? await runAllOrNothing(context, operation, options, wait)
      : await runUntilDone(context, operation, options, wait);
  } catch (error) {
    if (options.signal.aborted) return undefined;
    if (!(error instanceof LostOperationError)) throw error;
    context.log.warn({ operationId: operation.id }, error.message);
    return undefined;
  }
}

/** Runs the steps in order. When one fails permanently, undoes them all. */
async function runAllOrNothing(
  context: CommandContext,
  operation: HeldOperation,
  options: RunOptions,
  wait: WaitFor | undefined,
): Promise<string | undefined> {
  try {
    for (const step of operation.steps) {
      if (await withRetries(options, () => isCancelRequested(context, operation)))
        throw new RegistryError('CONFLICT', cancelledByUser);
      if (step.status !== 'SUCCEEDED') await runStep(context, operation, step, options);
    }
    return await endOperation(context, operation, options, 'SUCCEEDED', undefined, wait);
  } catch (error) {
    // An unavailable registry is no reason to undo: the next worker continues from here.
    if (error instanceof LostOperationError || isRegistryUnavailable(error) || options.signal.aborted)
      throw error;
    context.log.warn({ err: error, operationId: operation.id }, 'operation failed and will be undone');
    await context.database.transaction((tx) =>
      updateHeld(tx, operation, { status: 'COMPENSATING', error: messageForCaller(error) }),
    );
    return await compensate(context, operation, options);
  }
}

/** For operations that cannot be undone: retries each step until it succeeds. */
async function runUntilDone(
  context: CommandContext,
  operation: HeldOperation,
  options: RunOptions,
  wait: WaitFor | undefined,
): Promise<string | undefined> {
  const errors: unknown[] = [];
  try {
    await rulesFor(operation).begin?.(context, operation);
  } catch (error) {
    if (!(error instanceof RegistryError) || mayPass(error)) throw error;
    return endOperation(context, operation, options, 'CANCELLED', messageForCaller(error), wait);
  }
  const open = operation.steps.filter((step) => step.status !== 'SUCCEEDED');
  // In parallel, so that a database that is down or hangs does not delay the others.
  await Promise.all(
    open.map((step) => attemptStep(context, operation, step).catch((error) => errors.push(error))),
  );
  const lost = errors.find((error) => error instanceof LostOperationError);
  if (lost) throw lost;
  if (errors.length === 0) return endOperation(context, operation, options, 'SUCCEEDED', undefined, wait);
  const error = errors.map(messageForCaller).join('; ');
  const isPermanent = !errors.every(mayPass);
  context.log.warn({ err: errors[0], operationId: operation.id }, 'operation failed');
  if (isPermanent) return endOperation(context, operation, options, 'NEEDS_ATTENTION', error, wait);
  await context.database.transaction((tx) =>
    updateHeld(tx, operation, {
      status: 'QUEUED',
      error,
      runAfter: new Date(Date.now() + pauseAfterMs(operation.current.runs)),
      worker: null,
      heartbeatAt: null,
    }),
  );
  return undefined;
}

/** Undoes the steps in reverse order. A step that cannot be undone needs an operator's attention. */
async function compensate(
  context: CommandContext,
  operation: HeldOperation,
  options: RunOptions,
): Promise<string> {
  const left: string[] = [];
  for (const step of operation.steps.toReversed()) {
    const undo = stepsByName[step.name]?.undo;
    if (!undo || step.status === 'QUEUED' || step.status === 'COMPENSATED') continue;
    try {
      await withRetries(options, async () => {
        const work = () => undo({ context, operation, step });
        await (tracing ? tracing.within(`undo ${step.name}`, {}, work) : work());
        // A failed step stays FAILED, so that the history shows where the operation failed.
        if (step.status !== 'FAILED') await updateStep(context, operation, step, { status: 'COMPENSATED' });
      });
    } catch (error) {
      if (error instanceof LostOperationError || isRegistryUnavailable(error) || options.signal.aborted)
        throw error;
      const { name, moduleName } = step;
      context.log.warn({ err: error, operationId: operation.id, step: name }, 'a step could not be undone');
      left.push(`${name} of ${moduleName} could not be undone: ${messageForCaller(error)}`);
    }
  }
  const error = [operation.error ?? 'failed', ...left].join('; ');
  const status = left.length > 0 ? 'NEEDS_ATTENTION' : undoneStatus(operation);
  return endOperation(context, operation, options, status, error);
}

function undoneStatus(operation: HeldOperation): Ending {
  if (operation.error === cancelledByUser) return 'CANCELLED';
  return operation.kind === 'PROVISION_TENANT' ? 'COMPENSATED' : 'FAILED';
}

async function runStep(
  context: CommandContext,
  operation: HeldOperation,
  step: OperationStep,
  options: RunOptions,
): Promise<void> {
  await withRetries(options, () => attemptStep(context, operation, step));
}

/** Runs a step once. Records the error and rethrows it. */
async function attemptStep(
  context: CommandContext,
  operation: HeldOperation,
  step: OperationStep,
): Promise<void> {
  const { run, isBrief = false } = stepsByName[step.name] ?? {};
  // activate_route is done by endOperation.
  if (!run) return;
  // The first run of a step that is brief, and the only one, is recorded with the operation's end.
  const isRecorded = !isBrief || operation.steps.length > 1 || step.status !== 'QUEUED';
  if (isRecorded) await updateStep(context, operation, step, { status: 'RUNNING' });
  try {
    const work = () => run({ context, operation, step }).catch(addWayOut);
    const facts = await (tracing ? tracing.within(`step ${step.name}`, {}, work) : work());
    if (isRecorded)
      await updateStep(context, operation, step, { status: 'SUCCEEDED', error: null, facts: facts ?? {} });
  } catch (error) {
    if (!(error instanceof LostOperationError))
      await updateStep(context, operation, step, { status: 'FAILED', error: messageForCaller(error) });
    throw error;
  }
}

/** Adds a remedy to errors of missing privilege, except those inside migrations: there the file may be wrong. */
function addWayOut(error: unknown): never {
  if (!(error instanceof DatabaseError) || error.code !== '42501') throw error;
  const wayOut = 'as an administrator, run what "tenant-registry grants" prints';
  throw new Error(`${error.message}: ${wayOut}`, { cause: error });
}
