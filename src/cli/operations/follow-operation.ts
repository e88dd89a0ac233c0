import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../../app.js';
import type { Caller } from '../../auth/caller.js';
import {
  hasEnded,
  type OperationWithSteps,
  requireOperation,
} from '../../provisioning/operations/operation.js';
import { findOperation } from '../../provisioning/operations/reads/operation-record.js';
import { progressOf } from '../../provisioning/operations/reads/operation-tenants.js';
import { awaitEnd } from '../../provisioning/operations/run/await-end.js';
import type { CommandContext } from '../../registry/command.js';
import { stopSignal } from '../stop-signal.js';
import { openProgress, type ShownStep } from '../terminal/progress.js';
import { withApp } from '../with-app.js';

/** An operation that has ended, with the result of the command that began it. */
export interface Ended<Begun> {
  begun: Begun;
  operation: OperationWithSteps;
  revision: string;
}

interface Followed<Begun> {
  /** Begins the operation, or finds it again. */
  begin(commands: CommandContext): Promise<Begun>;
  report(app: App, ended: Ended<Begun>): Promise<void> | void;
}

/**
 * Begins an operation, shows its steps until it ends, and reports the end. On Ctrl-C the command ends after the current step, and the
 * next gateway or worker continues the operation.
 */
export async function followOperation<Begun extends { operationId: string }>({
  begin,
  report,
}: Followed<Begun>): Promise<void> {
  let received: NodeJS.Signals | undefined;
  const stop = stopSignal().then((signal) => {
    received = signal;
  });
  let operationId: string | undefined;
  /** Returns the signal that interrupted it. */
  const work = async (app: App, caller: Caller) => {
    if (received) return received;
    const known = createDeferred();
    const end = runWithProgress(app, caller, begin, (id) => {
      operationId = id;
      known.resolve();
    });
    const ended = await Promise.race([end, stop]);
    if (ended) return void (await report(app, ended));
    // The operation may be in the middle of its commit; the message below needs its id.
    await Promise.race([known.promise, end.catch(() => undefined)]);
    end.catch(() => undefined);
    return received;
  };
  const interruptedBy = await withApp(work, { logLevel: 'error' });
  if (interruptedBy === undefined) return;
  process.stderr.write(
    operationId === undefined
      ? `Interrupted before an operation was started.\n`
      : `Interrupted. Operation ${operationId} continues when a gateway or "tenant-registry worker" runs.\n`,
  );
  // A step that did not end in time may still hold a connection open.
  process.exit(128 + constants.signals[interruptedBy]);
}

/** `onKnown` gets the id of the operation as soon as it is committed. */
async function runWithProgress<Begun extends { operationId: string }>(
  app: App,
  caller: Caller,
  begin: (commands: CommandContext) => Promise<Begun>,
  onKnown: (operationId: string) => void,
): Promise<Ended<Begun>> {
  const commands = app.commandsFor(caller);
  const progress = openProgress();
  const over = new AbortController();
  let watching: Promise<void> | undefined;
  const watch = (id: string) => {
    onKnown(id);
    watching ??= showUntilEnd(app, id, progress.show, over.signal);
  };
  let revision: string | undefined;
  const runOperation: typeof commands.runOperation = async (id, wait) => {
    watch(id);
    revision = await commands.runOperation(id, wait);
    return revision;
  };
  try {
    const begun = await begin({ ...commands, runOperation });
    watch(begun.operationId);
    // Without a revision the operation has not ended here: a gateway runs it, or it waits for a retry.
    revision ??= await awaitEnd(commands, begun.operationId);
    await watching;
    return { begun, operation: await requireOperation(app.database.prisma, begun.operationId), revision };
  } finally {
    over.abort();
    progress.end();
  }
}

const pollMs = 100;

async function showUntilEnd(
  app: App,
  id: string,
  show: (steps: readonly ShownStep[]) => void,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    // A failed read is no problem: the next one shows the same rows.
    const operation = await findOperation(app.database, id).catch(() => null);
    if (operation) show(stepsToShow(operation));
    if (operation && hasEnded(operation)) return;
    await sleep(pollMs);
  }
}

/** The steps of an operation, or how far it is when it has many tenants and no steps. */
function stepsToShow(operation: OperationWithSteps): readonly ShownStep[] {
  const progress = progressOf(operation);
  if (!progress) return operation.steps;
  const { total, remaining } = progress;
  return [
    {
      name: `${total - remaining} of ${total} tenants`,
      moduleName: null,
      status: operation.status,
      error: null,
    },
  ];
}

function createDeferred() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
