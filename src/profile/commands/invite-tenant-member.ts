import { z } from 'zod';
import { authorizeInSome } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  email,
  idempotencyKey,
  omittable,
  optional,
  readInput,
  tenantReference,
  text,
  wait,
} from '../../registry/input.js';
import { authorizeByTenant, requireTenant, wrongStatus } from '../../registry/tenants/tenant.js';
import { createInvitationToken, validDays } from '../members/invitation.js';
import { memberRole, putMember } from '../members/members.js';

const InviteTenantMemberInput = z.object({
  tenantId: tenantReference,
  email,
  fullName: optional(text(200)),
  role: optional(memberRole),
  validDays: optional(validDays),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Invites an address into a tenant. Only this response has the token: a request repeated with its idempotency key gets
 * null, and so does one for an active member, whose name it changes.
 */
export async function inviteTenantMember(context: CommandContext, input: unknown) {
  const { caller } = context;
  authorizeInSome(caller, 'inviteTenantMember');
  const wanted = readInput(InviteTenantMemberInput, input);
  const { email: address, fullName, role, validDays: days } = wanted;
  const token = createInvitationToken();
  const invited = await runCommand(context, 'inviteTenantMember', wanted, async (tx) => {
    await authorizeByTenant(tx, caller, 'inviteTenantMember', wanted.tenantId);
    const tenant = await requireTenant(tx, wanted.tenantId);
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'joined');
    const sending = { token, days, actor: caller.actor };
    const put = await putMember(tx, tenant, { email: address, fullName, role }, sending);
    return { tenantId: tenant.id, ...put };
  });
  return { ...invited, token: invited.repeated || invited.invitationId === null ? null : token };
}
