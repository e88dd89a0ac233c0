import type { Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { RegistryError } from '../../errors.js';
import type { WaitFor } from '../../feed/acknowledge.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { asRegistryError, isKeptWaiting, mayPass } from '../../registry/database-failure.js';
import { lockUnlocked, requireFound } from '../../registry/tenants/tenant.js';
import { listQueuedBindings, updateGuardsOf } from '../lifecycle.js';
import { type HeldOperation, LostOperationError } from '../operations/operation.js';
import {
  confirmResults,
  findQueued,
  type QueuedTenant,
  recordResults,
  type TenantResult,
} from '../operations/reads/operation-tenants.js';
import type { RunOptions } from '../operations/run/run-operation.js';
import { withRetries } from '../operations/run/transient-errors.js';
import { openGuardsOf } from '../reopen.js';
import type { BulkChange, BulkInput, Rule } from './bulk-change.js';

/** An operation on many tenants that this process runs. */
export interface BulkRun {
  context: CommandContext;
  operation: HeldOperation;
  options: RunOptions;
  change: BulkChange;
  input: BulkInput;
  waitFor: WaitFor;
}

/**
 * Changes the tenants of a batch in one transaction and returns how many of them have a result. When that fails, each tenant gets
 * a transaction of its own, so that one whose rows are locked or damaged does not stop the others.
 */
export async function changeTenants(run: BulkRun, batch: readonly QueuedTenant[]): Promise<number> {
  const { context, operation, options } = run;
  try {
    return batch.length > 1
      ? await changeTogether(run, batch)
      : await withRetries(options, () => changeTogether(run, batch));
  } catch (error) {
    if (error instanceof LostOperationError || options.signal.aborted) throw error;
    const [only] = batch;
    if (!only || batch.length > 1) {
      let done = 0;
      for (const one of batch) done += await changeTenants(run, [one]);
      return done;
    }
    if (mayPass(error) && !isKeptWaiting(error)) throw error;
    context.log.warn(
      { err: error, operationId: operation.id, tenantId: only.tenantId },
      'a tenant was not changed',
    );
    await context.database.transaction((tx) => recordResults(tx, operation, [failureOf(only, error)]));
    return 1;
  }
}

async function changeTogether(run: BulkRun, batch: readonly QueuedTenant[]): Promise<number> {
  const { context, operation, change, waitFor } = run;
  const ids = batch.flatMap(({ tenantId }) => tenantId ?? []);
  await using _ = change.reopens && (await openGuardsOf(context, ids, change.reopens));
  let results: TenantResult[] = [];
  let doneBefore = 0;
  const work = async (tx: Transaction) => {
    const locked = await lockUnlocked(tx, ids);
    // Read under the locks, so that no other run can be at work on the same tenants.
    const queued = await findQueued(tx, operation, batch);
    doneBefore = batch.length - queued.length;
    results = await decideAndWrite(tx, run, queued, locked);
    // The last lock before that of the head row, and the proof that this process may commit.
    await recordResults(tx, operation, results);
    return {};
  };
  await runCommand(context, operation.kind, { wait: waitFor }, work, {
    meanwhile: async () => {
      if (change.closes && waitFor === 'EVERYWHERE')
        await updateGuardsOf(context, await listQueuedBindings(context, ids));
    },
  });
  if (results.some(({ status, childId }) => status === 'RUNNING' && childId === undefined))
    await confirmResults(context, operation);
  return results.length + doneBefore;
}

/** Changes those of the tenants that are locked and that the rule allows; one that is locked elsewhere is left out. */
async function decideAndWrite(
  tx: Transaction,
  { context, change, input }: BulkRun,
  batch: readonly QueuedTenant[],
  locked: readonly Tenant[],
): Promise<TenantResult[]> {
  const tenants = new Map(locked.map((tenant) => [tenant.id, tenant]));
  const rule = await change.openRule(tx, context, locked, input);
  const results: (TenantResult & { tenantId: string | undefined })[] = [];
  for (const { position, reference, tenantId } of batch) {
    const tenant = tenantId === undefined ? undefined : tenants.get(tenantId);
    if (tenantId !== undefined && !tenant) continue;
    const decision = await decideOne(reference, tenant, rule);
    results.push(
      decision instanceof RegistryError
        ? { position, tenantId, status: 'FAILED', code: decision.code, message: decision.message }
        : { position, tenantId, status: 'RUNNING' },
    );
  }
  const children = await rule.write();
  return results.map((result) => ({ ...result, childId: children.get(result.tenantId ?? '') }));
}

/** The decision for one tenant, or the refusal of the command for one tenant. */
export async function decideOne(reference: string, tenant: Tenant | undefined, rule: Rule) {
  try {
    return await rule.decide(requireFound(tenant, reference));
  } catch (error) {
    if (error instanceof RegistryError && error.code !== 'REGISTRY_UNAVAILABLE') return error;
    throw error;
  }
}

function failureOf({ position }: QueuedTenant, error: unknown): TenantResult {
  const known = asRegistryError(error);
  return {
    ...{ position, status: 'FAILED' },
    ...(known
      ? { code: known.code, message: known.message }
      : { message: 'An unexpected error, which the log has with the id of the operation' }),
  };
}
