import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type ErrorCode, RegistryError } from '../../errors.js';
import type { CommandContext } from '../../registry/command.js';
import { readInput } from '../../registry/input.js';
import { readTenantRow } from '../../registry/tenants/tenant-row.js';
import type { BulkKind, SelectedTenant } from '../operations/reads/operation-tenants.js';
import { decideOne } from './bulk-batch.js';
import { type BulkInput, bulkChanges } from './bulk-change.js';
import { countSelected, readBulkSelection, selectionFields, selectTenants } from './selection.js';

/** What a change of many tenants would do now. Nothing is written, and no tenant is locked. */
export interface BulkPreview {
  /** How many tenants are selected, for `expectedCount`. */
  selected: number;
  isCapped: boolean;
  /** For how many of them the rule was evaluated. */
  evaluated: number;
  changed: number;
  unchanged: number;
  refused: { code: ErrorCode; count: number }[];
}

/** For how many tenants the rule is evaluated, at most. */
export const maxEvaluated = 10_000;
const evaluatedAtOnce = 500;

/** Throws as the change itself does for an input that refuses all tenants. */
export async function previewBulk(
  context: CommandContext,
  kind: BulkKind,
  input: Record<string, unknown>,
): Promise<BulkPreview> {
  authorize(context.caller, 'readRegistry');
  const { fields, previewedFields = fields, requirePossible } = bulkChanges[kind];
  const { tenantIds, filter, ...change } = readInput(
    z.strictObject({ ...selectionFields, ...previewedFields }),
    input,
  );
  const selection = readBulkSelection({ tenantIds, filter });
  // Rules read in a transaction, and none of them writes.
  await context.database.transaction(async (tx) => requirePossible?.(tx, context, change));
  const { total, isCapped } = await countSelected(context.database, selection);
  const tenants = await selectTenants(context.database, selection, maxEvaluated);
  const preview = { selected: total, isCapped, evaluated: tenants.length, changed: 0, unchanged: 0 };
  const refusals = new Map<ErrorCode, number>();
  for (let from = 0; from < tenants.length; from += evaluatedAtOnce) {
    const portion = tenants.slice(from, from + evaluatedAtOnce);
    for (const decision of await decideAll(context, kind, change, portion))
      if (decision instanceof RegistryError)
        refusals.set(decision.code, (refusals.get(decision.code) ?? 0) + 1);
      else preview[decision.isChange ? 'changed' : 'unchanged']++;
  }
  const refused = [...refusals].map(([code, count]) => ({ code, count }));
  return { ...preview, refused: refused.sort((a, b) => b.count - a.count) };
}

function decideAll(
  context: CommandContext,
  kind: BulkKind,
  change: BulkInput,
  portion: readonly SelectedTenant[],
) {
  return context.database.transaction(async (tx) => {
    const [found] = await tx.send({
      text: 'SELECT * FROM tenants WHERE id = ANY ($1::uuid[])',
      values: [portion.flatMap(({ tenantId }) => tenantId ?? [])],
      isFrequent: true,
    });
    const byId = new Map((found?.rows ?? []).map((row) => [row.id as string, readTenantRow(row)]));
    const rule = await bulkChanges[kind].openRule(tx, context, [...byId.values()], change);
    const decisions = [];
    for (const { reference, tenantId } of portion)
      decisions.push(await decideOne(reference, byId.get(tenantId ?? ''), rule));
    return decisions;
  });
}
