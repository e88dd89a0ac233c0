import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import type { ModuleSubscription, Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { createInvitationToken } from '../../profile/invitation.js';
import { onboardingFields, type Profile, putFirstAdmin, readProfile } from '../../profile/onboarding.js';
import { insertTenant, updateProfile } from '../../profile/tenant-profile.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  idempotencyKey,
  moduleNames,
  omittable,
  optional,
  readInput,
  slug,
  text,
  wait,
} from '../../registry/input.js';
import { requireModule, requireUsableDatabase } from '../../registry/module.js';
import { deriveSlug } from '../../registry/slug.js';
import { slugTaken } from '../../registry/taken.js';
import { requireNoOperation, requireTenant } from '../../registry/tenant.js';
import { appendOperation } from '../operations/operation.js';
import { planProvisioning } from '../operations/plan.js';
import { runStartedOperation } from '../operations/run-started-operation.js';
import { putSubscription } from '../subscription.js';

const ProvisionTenantInput = z.object({
  name: text(200),
  slug: optional(slug),
  ...onboardingFields,
  // Sorted, so that two calls lock names in the same order and cannot deadlock.
  modules: moduleNames.transform((modules) => [...new Set(modules)].sort()),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

type Wanted = z.output<typeof ProvisionTenantInput>;

/**
 * Registers a tenant with its profile and, if given, its first admin, subscribes it and creates all its storage. All or nothing:
 * a failure undoes the storage and leaves the tenant FAILED. Calling it again for a FAILED tenant reuses its names.
 */
export async function provisionTenant(context: CommandContext, input: unknown) {
  authorize(context.caller, 'provisionTenant');
  const wanted = readInput(ProvisionTenantInput, input);
  const tenantSlug = wanted.slug ?? deriveSlug(wanted.name);
  const profile = readProfile(wanted, tenantSlug, context.configRules);
  const token = createInvitationToken();
  const { actor } = context.caller;
  const started = await runCommand(
    context,
    'provisionTenant',
    { ...wanted, wait: 'COMMITTED' },
    async (tx) => {
      const tenant = await putTenant(tx, context, tenantSlug, wanted, profile);
      const { invitationId } = await putFirstAdmin(tx, tenant, wanted, { token, actor });
      const subscriptions: ModuleSubscription[] = [];
      for (const name of wanted.modules) {
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
  tenantSlug: string,
  wanted: Wanted,
  profile: Profile,
): Promise<Tenant> {
  const { name, adminEmail: primaryEmail } = wanted;
  const fields = { name, ...(primaryEmail && { primaryEmail }), status: 'PROVISIONING' as const };
  const existing = await tx.tenant.findUnique({ where: { slug: tenantSlug } });
  if (!existing)
    return insertTenant(
      tx,
      caller,
      { ...fields, slug: tenantSlug, createdBy: caller.actor },
      profile,
      configRules,
    );

  if (existing.status === 'PURGED') throw slugTaken(caller, tenantSlug, existing);
  const tenant = await requireTenant(tx, existing.id);
  requireNoOperation(tenant);
  if (tenant.status !== 'FAILED') throw slugTaken(caller, tenantSlug, tenant);
  // Modules of the failed attempt that are not requested any more.
  await tx.moduleSubscription.updateMany({
    where: { tenantId: tenant.id, status: 'FAILED', moduleName: { notIn: wanted.modules } },
    data: { status: 'CANCELLED' },
  });
  await updateProfile(tx, tenant, profile, configRules);
  return tx.tenant.update({ where: { id: tenant.id }, data: fields });
}
