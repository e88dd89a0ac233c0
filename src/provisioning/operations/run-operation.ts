import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { gateway } from '../../auth/caller.js';
import type { OperationStep } from '../../database/generated/prisma/client.js';
import { messageOf, RegistryError } from '../../errors.js';
import type { WaitFor } from '../../feed/acknowledge.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { mayPass } from '../../registry/database-failure.js';
import { cancelledByUser, type Ending, isCompensated, lockTenant, rulesFor } from './ending.js';
import {
  claimOperation,
  type HeldOperation,
  isCancelRequested,
  keepAlive,
  LostOperationError,
  updateHeld,
  updateStep,
} from './operation.js';
import { stepsByName } from './steps.js';

export interface RunOptions {
  heartbeatMs: number;
  /** Whose worker has not been heard of for so long is taken over. */
  takeOverAfterMs: number;
  /** How long to wait before each further attempt at what may pass, in milliseconds. */
  retryDelaysMs: readonly number[];
  /** Ends the run between two steps; the operation is left to the next worker. */
  signal: AbortSignal;
}

/** What is tried for as long as it takes is tried at least this often. */
const longestPauseMs = 15_000;

/**
 * Runs an operation from wherever it stands to its end, and returns the revision of that end. Every step can be repeated,
 * so it does not matter how often it was begun before, nor by whom. undefined: it has not ended, because somebody else
 * holds it, or because it waits for something that may pass.
 */
export async function runOperation(
  callersContext: CommandContext,
  operationId: string,
  options: RunOptions,
  wait?: WaitFor,
): Promise<string | undefined> {
  const operation = await claimOperation(callersContext, operationId, options.takeOverAfterMs);
  if (!operation) return undefined;
  // Whoever runs it, it is done for whoever asked for it.
  const context = { ...callersContext, caller: { ...gateway, actor: operation.actor } };
  using _ = keepAlive(context, operation, options.heartbeatMs);
  try {
    if (operation.status === 'COMPENSATING') return await compensate(context, operation, options);
    return isCompensated(operation)
      ? await advance(context, operation, options, wait)
      : await insist(context, operation, options, wait);
  } catch (error) {
    if (options.signal.aborted) return undefined;
    if (!(error instanceof LostOperationError)) throw error;
    context.log.warn({ operationId }, error.message);
    return undefined;
  }
}

/** All steps or, when one fails for good, none. */
async function advance(
  context: CommandContext,
  operation: HeldOperation,
  options: RunOptions,
  wait: WaitFor | undefined,
): Promise<string | undefined> {
  try {
    for (const step of operation.steps) {
      if (await retrying(options, () => isCancelRequested(context, operation)))
        throw new RegistryError('CONFLICT', cancelledByUser);
      if (step.status !== 'SUCCEEDED') await runStep(context, operation, step, options);
    }
    return await end(context, operation, options, 'SUCCEEDED', undefined, wait);
  } catch (error) {
    // A registry that is away is no reason to undo what was made: whoever takes over goes on from here.
    if (error instanceof LostOperationError || isRegistryAway(error) || options.signal.aborted) throw error;
    context.log.warn({ err: error, operationId: operation.id }, 'operation failed and is undone');
    await context.database.transaction((tx) =>
      updateHeld(tx, operation, { status: 'COMPENSATING', error: messageOf(error) }),
    );
    return await compensate(context, operation, options);
  }
}

/** For what can't be undone and must come to be: each step, as long as it takes. */
async function insist(
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
    return end(context, operation, options, 'CANCELLED', error.message, wait);
  }
  const open = operation.steps.filter((step) => step.status !== 'SUCCEEDED');
  // Side by side: one database that is down, or hangs, keeps no other waiting.
  await Promise.all(
    open.map((step) => attempt(context, operation, step).catch((error) => errors.push(error))),
  );
  const lost = errors.find((error) => error instanceof LostOperationError);
  if (lost) throw lost;
  if (errors.length === 0) return end(context, operation, options, 'SUCCEEDED', undefined, wait);
  const error = errors.map(messageOf).join('; ');
  const isHopeless = !errors.every(mayPass);
  context.log.warn({ err: errors[0], operationId: operation.id }, 'operation failed');
  if (isHopeless) return end(context, operation, options, 'NEEDS_ATTENTION', error, wait);
  const pauseMs = Math.min(longestPauseMs, 500 * 2 ** Math.min(operation.attempt, 10));
  await context.database.transaction((tx) =>
    updateHeld(tx, operation, {
      status: 'QUEUED',
      error,
      attempt: operation.attempt + 1,
      runAfter: new Date(Date.now() + pauseMs),
      worker: null,
      heartbeatAt: null,
    }),
  );
  return undefined;
}

/** What was made is taken away again, in reverse order. What can't be taken away, a person has to look at. */
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
      await retrying(options, async () => {
        await undo({ context, operation, step });
        // A step that failed stays so in the history: that is where to look.
        if (step.status !== 'FAILED') await updateStep(context, operation, step, { status: 'COMPENSATED' });
      });
    } catch (error) {
      if (error instanceof LostOperationError || isRegistryAway(error) || options.signal.aborted) throw error;
      left.push(`${step.name} of ${step.moduleName} could not be undone: ${messageOf(error)}`);
    }
  }
  const error = [operation.error ?? 'failed', ...left].join('; ');
  const status = left.length > 0 ? 'NEEDS_ATTENTION' : undoneStatus(operation);
  return end(context, operation, options, status, error);
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
  await retrying(options, () => attempt(context, operation, step));
}

/** One attempt at a step; the error is written down and thrown on. */
async function attempt(
  context: CommandContext,
  operation: HeldOperation,
  step: OperationStep,
): Promise<void> {
  const run = stepsByName[step.name]?.run;
  // What makes the route visible is done by the operation's end.
  if (!run) return;
  await updateStep(context, operation, step, { status: 'RUNNING' });
  try {
    const facts = await run({ context, operation, step }).catch(nameWayOut);
    await updateStep(context, operation, step, { status: 'SUCCEEDED', error: null, facts: facts ?? {} });
  } catch (error) {
    if (!(error instanceof LostOperationError))
      await updateStep(context, operation, step, { status: 'FAILED', error: messageOf(error) });
    throw error;
  }
}

/** What PostgreSQL refuses by itself, and not inside a migration, the printed grants allow. */
function nameWayOut(error: unknown): never {
  if (!(error instanceof DatabaseError) || error.code !== '42501') throw error;
  const wayOut = 'as an administrator, run what "tenant-registry grants" prints';
  throw new Error(`${error.message}: ${wayOut}`, { cause: error });
}

/** Again after a while when it failed for a reason that may pass: a connection lost, a lock not got in time. */
async function retrying<T>({ retryDelaysMs, signal }: RunOptions, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const delayMs = retryDelaysMs[attempt];
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (delayMs === undefined || error instanceof LostOperationError || !mayPass(error)) throw error;
      await sleep(delayMs, undefined, { signal });
    }
  }
}

/** Prisma alone speaks to the registry here, and says so by its names; the service databases' errors are the driver's. */
function isRegistryAway(error: unknown): boolean {
  if (error instanceof RegistryError) return error.code === 'REGISTRY_UNAVAILABLE';
  return error instanceof Error && /^(Prisma|DriverAdapter)/.test(error.name) && mayPass(error);
}

/** One transaction: what the operation was for becomes visible, or what it had begun is called off. */
async function end(
  context: CommandContext,
  operation: HeldOperation,
  options: RunOptions,
  status: Ending,
  error: string | undefined,
  wait?: WaitFor,
): Promise<string> {
  const rules = rulesFor(operation);
  const ending = () =>
    runCommand(
      context,
      'endOperation',
      { wait },
      async (tx) => {
        const tenant = await lockTenant(tx, operation);
        // What needs attention has not ended.
        const finishedAt = status === 'NEEDS_ATTENTION' ? null : new Date();
        await updateHeld(tx, operation, { status, error: error ?? null, finishedAt });
        await tx.operationStep.updateMany({
          where: { operationId: operation.id, status: { in: ['QUEUED', 'RUNNING'] } },
          data: { status: status === 'SUCCEEDED' ? 'SUCCEEDED' : 'CANCELLED', finishedAt: new Date() },
        });
        if (status === 'SUCCEEDED') await rules.succeed?.(tx, operation, tenant);
        else await rules.fail?.(tx, operation, status);
        return {};
      },
      { startedByKey: operation.idempotencyKey ?? undefined },
    );
  const { revision } = await retrying(options, ending);
  return revision;
}
