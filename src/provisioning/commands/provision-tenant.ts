import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { ModuleSubscription, Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { createInvitationToken } from '../../profile/members/invitation.js';
import { newTenantFields, putFirstAdmin, readNewTenant } from '../../profile/onboarding.js';
import { insertTenant, renewTenant } from '../../profile/tenant-profile.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { giveExternalIds, takeExternalIds } from '../../registry/external-id-rows.js';
import { idempotencyKey, moduleNames, omittable, readInput, wait } from '../../registry/input.js';
import { requireModule, requireUsableDatabase } from '../../registry/modules/module.js';
import { idFixed, slugTaken } from '../../registry/taken.js';
import { requireNoOperation, requireTenant } from '../../registry/tenants/tenant.js';
import { appendOperation } from '../operations/operation.js';
import { planProvisioning } from '../operations/plan.js';
import { runStartedOperation } from '../operations/run/run-started-operation.js';
import { putSubscription } from '../subscription.js';

const ProvisionTenantInput = z.object({
  ...newTenantFields,
  // Sorted, so that two calls lock names in the same order and cannot deadlock.
  modules: moduleNames.transform((modules) => [...new Set(modules)].sort()),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

type Wanted = ReturnType<typeof readNewTenant> & { modules: string[] };

/**
 * Registers a tenant with its profile and, if given, its first admin, subscribes it and creates all its storage. All or nothing:
 * a failure undoes the storage and leaves the tenant FAILED. Calling it again for a FAILED tenant reuses its names.
 */
export async function provisionTenant(context: CommandContext, input: unknown) {
  authorize(context.caller, 'provisionTenant');
  const wanted = readInput(ProvisionTenantInput, input);
  const { idempotencyKey: _, wait: __, modules, ...given } = wanted;
  const described = readNewTenant(given, context.configRules);
  const token = createInvitationToken();
  const { actor } = context.caller;
  const started = await runCommand(
    context,
    'provisionTenant',
    { ...wanted, wait: 'COMMITTED' },
    async (tx) => {
      const tenant = await putTenant(tx, context, { ...described, modules });
      const externalIds = wanted.externalIds ?? [];
      // Those of a failed attempt that are not requested any more.
      await takeExternalIds(tx, tenant, { notIn: externalIds });
      await giveExternalIds(tx, { caller: context.caller, tenant, field: 'externalIds' }, externalIds);
      const { invitationId } = await putFirstAdmin(tx, tenant, wanted, { token, actor });
      const subscriptions: ModuleSubscription[] = [];
      for (const name of modules) {
        const module = await requireModule(tx, name);
        requireUsableDatabase(context, module);
        subscriptions.push(
          await putSubscription(tx, {
            ...{ tenant, module, status: 'PROVISIONING', actor },
            ...{ isolation: undefined, schemaName: undefined },
          }),
        );
      }
      const operationId = await appendOperation(tx, {
        kind: 'PROVISION_TENANT',
        tenantId: tenant.id,
        actor,
        steps: planProvisioning(subscriptions, { activate: true }),
        idempotencyKey: wanted.idempotencyKey,
      });
      return { tenantId: tenant.id, operationId, invitationId };
    },
  );
  if (started.repeated) return { ...started, token: null };
  const done = await runStartedOperation(context, started, started.operationId, wanted.wait);
  return { ...done, token: started.invitationId === null ? null : token };
}

async function putTenant(
  tx: Transaction,
  { caller, configRules }: CommandContext,
  { tenant: given, profile, modules }: Wanted,
): Promise<Tenant> {
  const fields = { ...given, status: 'PROVISIONING' as const };
  const existing = await tx.tenant.findUnique({ where: { slug: given.slug } });
  if (!existing)
    return insertTenant(tx, caller, { ...fields, createdBy: caller.actor }, profile, configRules);

  if (existing.status === 'PURGED') throw slugTaken(caller, given.slug, existing);
  const tenant = await requireTenant(tx, existing.id);
  requireNoOperation(tenant);
  if (tenant.status !== 'FAILED') throw slugTaken(caller, given.slug, tenant);
  if (given.id !== undefined && given.id !== tenant.id) throw idFixed(tenant);
  // Modules of the failed attempt that are not requested any more.
  await tx.moduleSubscription.updateMany({
    where: { tenantId: tenant.id, status: 'FAILED', moduleName: { notIn: modules } },
    data: { status: 'CANCELLED' },
  });
  return renewTenant(tx, tenant, fields, profile, configRules);
}
