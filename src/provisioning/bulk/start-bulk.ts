import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { invalidField, RegistryError } from '../../errors.js';
import { type CommandContext, type Committed, runCommand } from '../../registry/command.js';
import { idempotencyKey, omittable, readInput, wait } from '../../registry/input.js';
import { appendBulkOperation, type BulkKind, bulkActions } from '../operations/reads/operation-tenants.js';
import { runStartedBulk } from '../operations/run/run-started-operation.js';
import { bulkChanges, writeBulkInput } from './bulk-change.js';
import { readBulkSelection, selectAllTenants, selectionFields } from './selection.js';

const callFields = {
  expectedCount: omittable(z.int('must be a whole number').min(0, 'must not be negative')),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
};

/**
 * The command that makes a change to many tenants. It selects them, stores the selection with the change, and lets the operation
 * run. Answers at the end of the first run, or earlier: after the staleness bound, and at once with `wait: COMMITTED`.
 */
function bulkCommand(name: string, kind: BulkKind) {
  const { fields, requirePossible } = bulkChanges[kind];
  const schema = z.object({ ...selectionFields, ...fields, ...callFields });
  const ownSchema = z.object(fields);
  return async (context: CommandContext, input: unknown): Promise<Committed<{ operationId: string }>> => {
    authorize(context.caller, bulkActions[kind]);
    const wanted = readInput(schema, input);
    const { tenantIds, filter, expectedCount, idempotencyKey: key, wait: waitFor, ...own } = wanted;
    // `own` has what the fields have returned, so it is not read a second time.
    const change: z.output<typeof ownSchema> = own;
    const selection = readBulkSelection({ tenantIds, filter });
    if (selection.kind === 'filtered' && !selection.hasCondition && expectedCount === undefined)
      throw invalidField(
        'expectedCount',
        'is required with a filter that has no condition, because it selects every tenant',
      );
    const started = await runCommand(context, name, { ...wanted, wait: 'COMMITTED' }, async (tx) => {
      // The first statement claims the key, so a repeated request gets its first answer, whatever would be selected now.
      await requirePossible?.(tx, context, change);
      const tenants = await selectAllTenants(tx, selection);
      if (expectedCount !== undefined && tenants.length !== expectedCount)
        throw new RegistryError(
          'CONFLICT',
          `${tenants.length} tenants are selected, not ${expectedCount}: look at the preview again`,
        );
      const operationId = await appendBulkOperation(
        tx,
        {
          kind,
          actor: context.caller.actor,
          input: writeBulkInput({ ...change, wait: waitFor }),
          idempotencyKey: key,
        },
        tenants,
      );
      return { operationId };
    });
    if (started.repeated) return started;
    return runStartedBulk(context, started, started.operationId, waitFor);
  };
}

export const suspendTenants = bulkCommand('suspendTenants', 'SUSPEND_TENANTS');
export const resumeTenants = bulkCommand('resumeTenants', 'RESUME_TENANTS');
export const subscribeTenants = bulkCommand('subscribeTenants', 'SUBSCRIBE_TENANTS');
export const updateTenants = bulkCommand('updateTenants', 'UPDATE_TENANTS');
