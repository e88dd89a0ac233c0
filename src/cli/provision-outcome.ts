import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../app.js';
import type { Caller } from '../auth/caller.js';
import { provisionTenant } from '../provisioning/commands/provision-tenant.js';
import { awaitEnd } from '../provisioning/operations/await-end.js';
import { hasEnded } from '../provisioning/operations/operation.js';
import { openProgress, type ShownStep } from './progress.js';

export type Outcome = Awaited<ReturnType<typeof readOutcome>> & {
  revision: string;
  /** What lets the first admin in; null when the command is repeated. */
  invitationToken: string | null;
};

/** Begins, or with an idempotency key finds again, the operation, and stays with it until its end. */
export async function carryOut(
  app: App,
  caller: Caller,
  input: object,
  onBegun: (operationId: string) => void,
): Promise<Outcome> {
  const commands = app.commandsFor(caller);
  const progress = openProgress();
  const over = new AbortController();
  let watching: Promise<void> | undefined;
  const watch = (id: string) => {
    onBegun(id);
    watching ??= showUntilEnd(app, id, progress.show, over.signal);
  };
  let revision: string | undefined;
  const runOperation: typeof commands.runOperation = async (id, wait) => {
    watch(id);
    revision = await commands.runOperation(id, wait);
    return revision;
  };
  try {
    const { operationId, token } = await provisionTenant({ ...commands, runOperation }, input);
    watch(operationId);
    // A gateway may have taken it up first, or it was begun by an earlier command, or it waits for what may pass.
    revision ??= await awaitEnd(commands, operationId);
    await watching;
    return { ...(await readOutcome(app, operationId)), revision, invitationToken: token };
  } finally {
    over.abort();
    progress.end();
  }
}

const lookMs = 100;

async function showUntilEnd(
  app: App,
  id: string,
  show: (steps: readonly ShownStep[]) => void,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    // A look that fails is made up for by the next one.
    const operation = await readOperation(app, id).catch(() => undefined);
    if (operation) show(operation.steps);
    if (operation && hasEnded(operation)) return;
    await sleep(lookMs);
  }
}

function readOperation(app: App, id: string) {
  return app.database.prisma.operation.findUniqueOrThrow({
    where: { id },
    select: {
      ...{ id: true, tenantId: true, status: true, error: true },
      steps: {
        select: { name: true, moduleName: true, status: true, error: true },
        orderBy: { position: 'asc' },
      },
    },
  });
}

async function readOutcome(app: App, id: string) {
  const { tenantId, ...operation } = await readOperation(app, id);
  const { subscriptions, ...tenant } = await app.database.prisma.tenant.findUniqueOrThrow({
    where: { id: tenantId ?? '' },
    select: {
      ...{ id: true, slug: true, name: true, status: true },
      subscriptions: {
        where: { status: { not: 'CANCELLED' } },
        select: { moduleName: true, status: true, databaseName: true, schemaName: true },
        orderBy: { moduleName: 'asc' },
      },
    },
  });
  return {
    tenant,
    subscriptions: subscriptions.map(({ moduleName, ...place }) => ({ module: moduleName, ...place })),
    operation: {
      ...operation,
      steps: operation.steps.map(({ moduleName, ...step }) => ({ ...step, module: moduleName })),
    },
  };
}
