import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { giveExternalIds } from '../../registry/external-id-rows.js';
import { idempotencyKey, omittable, readInput, wait } from '../../registry/input.js';
import { createInvitationToken } from '../members/invitation.js';
import { newTenantFields, putFirstAdmin, readNewTenant } from '../onboarding.js';
import { insertTenant } from '../tenant-profile.js';

const RegisterTenantInput = z.object({
  ...newTenantFields,
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Registers an ACTIVE tenant with settings, branding, configuration and, when one is named, its first admin. The slug
 * is derived from the name when none is given. Only this response has the invitation's token: a repeated request gets
 * null.
 */
export async function registerTenant(context: CommandContext, input: unknown) {
  const { actor } = context.caller;
  authorize(context.caller, 'registerTenant');
  const wanted = readInput(RegisterTenantInput, input);
  const { idempotencyKey: _, wait: __, ...given } = wanted;
  const { tenant: fields, profile } = readNewTenant(given, context.configRules);
  const token = createInvitationToken();
  const registered = await runCommand(context, 'registerTenant', wanted, async (tx) => {
    const row = { ...fields, createdBy: actor };
    const tenant = await insertTenant(tx, context.caller, row, profile, context.configRules);
    const giving = { caller: context.caller, tenant, field: 'externalIds' };
    await giveExternalIds(tx, giving, wanted.externalIds ?? []);
    const { invitationId } = await putFirstAdmin(tx, tenant, wanted, { token, actor });
    return { tenantId: tenant.id, invitationId };
  });
  return { ...registered, token: registered.repeated || registered.invitationId === null ? null : token };
}
