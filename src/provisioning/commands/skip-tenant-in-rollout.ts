import { authorize } from '../../auth/permissions.js';
import { notFound, RegistryError } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { optional, prose, readInput, tenantReference } from '../../registry/input.js';
import { tenantNotFound } from '../../registry/resolution/route.js';
import { findByReference } from '../../registry/tenants/tenant.js';
import { lockRollout, requireStatus } from '../rollout/rollout.js';
import { rolloutInput } from '../rollout/rollout-input.js';

const SkipTenantInRolloutInput = rolloutInput.extend({
  tenantId: tenantReference,
  reason: optional(prose(500)),
});

/**
 * Leaves a tenant out of a rollout that is running or paused: it is not migrated, or it no longer counts as failed or blocked. Throws
 * NOT_FOUND, TENANT_NOT_FOUND, and CONFLICT when the tenant is being migrated or has its result.
 */
export async function skipTenantInRollout(context: CommandContext, input: unknown) {
  authorize(context.caller, 'skipTenantInRollout');
  const wanted = readInput(SkipTenantInRolloutInput, input);
  return runCommand(context, 'skipTenantInRollout', wanted, async (tx) => {
    const rollout = await lockRollout(tx, wanted.id, wanted.expectedVersion);
    requireStatus(rollout, ['RUNNING', 'PAUSED'], 'it has ended, so no tenant can be left out any more');
    const tenant = await findByReference(tx, wanted.tenantId, (where) =>
      tx.tenant.findUnique({ where, select: { id: true, slug: true } }),
    );
    if (!tenant) throw tenantNotFound(wanted.tenantId);
    const key = { rolloutId: rollout.id, tenantId: tenant.id };
    const { count } = await tx.rolloutTenant.updateMany({
      where: { ...key, status: { in: ['QUEUED', 'FAILED', 'BLOCKED'] } },
      data: {
        status: 'SKIPPED',
        error: wanted.reason ?? `Left out by ${context.caller.actor}`,
        ...{ errorCode: null, file: null, finishedAt: new Date() },
      },
    });
    if (count === 0) {
      const found = await tx.rolloutTenant.findUnique({ where: { rolloutId_tenantId: key } });
      if (!found)
        throw notFound('tenantId', `tenant ${tenant.slug} is not among the tenants of rollout ${rollout.id}`);
      const state = found.status === 'RUNNING' ? 'is being migrated' : `is ${found.status.toLowerCase()}`;
      throw new RegistryError(
        'CONFLICT',
        `Tenant ${tenant.slug} ${state} in rollout ${rollout.id}: only a queued, failed or blocked one can be left out`,
      );
    }
    await tx.rollout.update({ where: { id: rollout.id }, data: { lastSkipped: tenant.id } });
    return { rolloutId: rollout.id, tenantId: tenant.id };
  });
}
