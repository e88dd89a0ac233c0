import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../app.js';
import type { Caller } from '../auth/caller.js';
import { provisionTenant } from '../provisioning/commands/provision-tenant.js';
import { awaitEnd } from '../provisioning/operations/await-end.js';
import { hasEnded, requireOperation } from '../provisioning/operations/operation.js';
import { findOperation } from '../provisioning/operations/operation-record.js';
import { listSubscriptionRecords } from '../registry/subscription-record.js';
import { requireTenantRecord } from '../registry/tenant-record.js';
import { openProgress, type ShownStep } from './terminal/progress.js';

export type Outcome = Awaited<ReturnType<typeof readOutcome>> & {
  revision: string;
  /** Token for the first admin's invitation; null when the command is repeated. */
  invitationToken: string | null;
};

/**
 * Begins the operation, or finds it again by its idempotency key, and shows its steps until it ends. `onBegun` gets its id as
 * soon as it is committed.
 */
export async function provisionWithProgress(
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
    // Without a revision the operation has not ended here: a gateway runs it, or it waits for a retry.
    revision ??= await awaitEnd(commands, operationId);
    await watching;
    return { ...(await readOutcome(app, operationId)), revision, invitationToken: token };
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
    if (operation) show(operation.steps);
    if (operation && hasEnded(operation)) return;
    await sleep(pollMs);
  }
}

async function readOutcome({ database }: App, operationId: string) {
  const { tenantId, status, error, steps } = await requireOperation(database.prisma, operationId);
  const tenant = await requireTenantRecord(database, tenantId ?? '');
  return {
    tenant: { id: tenant.id, slug: tenant.slug, name: tenant.name, status: tenant.status },
    subscriptions: await listSubscriptionRecords(database, tenant.id),
    operation: {
      id: operationId,
      status,
      error,
      steps: steps.map((step) => ({
        ...{ name: step.name.toUpperCase(), status: step.status, error: step.error, module: step.moduleName },
      })),
    },
  };
}
