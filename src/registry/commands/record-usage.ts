import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { CommandContext } from '../command.js';
import { idempotencyKey, omittable, plainText, readInput, tenantReference, wait } from '../input.js';
import { metric } from '../usage/usage.js';
import { type RecordedUsage, recordersOf, UsageRefusal } from '../usage/usage-recorder.js';

/** The most records that one request may hold. */
export const maxUsageRecords = 500;

// Which amounts are allowed is a rule of the database, because services record by SQL as well.
const amount = z.number({ error: 'must be a number' });

const RecordInput = z.object({
  tenantId: tenantReference,
  metric,
  amount,
  idempotencyKey: omittable(idempotencyKey),
});

// Usage is not cached, so there is nothing to wait for.
const RecordUsageInput = RecordInput.extend({ wait: omittable(wait) });

const RecordUsagesInput = z.object({
  records: z
    .array(RecordInput)
    .min(1, 'must hold at least one record')
    .max(maxUsageRecords, `must be at most ${maxUsageRecords}`),
  // With the number of a record behind it, it is the key of that record.
  idempotencyKey: omittable(plainText(180)),
  wait: omittable(wait),
});

const CheckQuotaInput = z.object({ tenantId: tenantReference, metric, amount });

/**
 * Counts an amount that a tenant uses. No transaction of runCommand: usage is no state of the registry, has no revision and waits for no
 * gateway. Throws QUOTA_EXCEEDED, IDEMPOTENCY_KEY_REUSED, TENANT_NOT_FOUND, TENANT_SUSPENDED, TENANT_DELETED, TENANT_NOT_READY.
 */
export async function recordUsage(context: CommandContext, input: unknown): Promise<RecordedUsage> {
  authorize(context.caller, 'recordUsage');
  const { wait: _, ...record } = readInput(RecordUsageInput, input);
  const answer = await recordersOf(context.database).recorder.record(context.caller.actor, record);
  if (answer instanceof UsageRefusal) throw answer;
  return answer;
}

/** Counts many amounts in their order, each with its own answer or refusal. */
export async function recordUsages(
  context: CommandContext,
  input: unknown,
): Promise<(RecordedUsage | UsageRefusal)[]> {
  authorize(context.caller, 'recordUsage');
  const { records, idempotencyKey: shared } = readInput(RecordUsagesInput, input);
  const { recorder } = recordersOf(context.database);
  return Promise.all(
    records.map((record, at) => {
      const key = record.idempotencyKey ?? (shared && `${shared}:${at + 1}`);
      return recorder.record(context.caller.actor, { ...record, idempotencyKey: key });
    }),
  );
}

/** Whether an amount is left at this moment. It reserves nothing. Throws as recordUsage does, but for QUOTA_EXCEEDED. */
export async function checkQuota(context: CommandContext, input: unknown) {
  authorize(context.caller, 'checkQuota');
  const asked = readInput(CheckQuotaInput, input);
  const answer = await recordersOf(context.database).asker.record(context.caller.actor, asked);
  if (!(answer instanceof UsageRefusal)) return { isAllowed: true, usage: answer.usage };
  if (answer.code !== 'QUOTA_EXCEEDED' || !answer.usage) throw answer;
  return { isAllowed: false, usage: answer.usage };
}
