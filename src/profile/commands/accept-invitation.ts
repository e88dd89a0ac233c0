import { z } from 'zod';
import { authorize } from '../../auth/permissions.js';
import { isSubject } from '../../auth/token-claims.js';
import { invalidField } from '../../errors.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import { idempotencyKey, omittable, optional, readInput, text, wait } from '../../registry/input.js';
import { requireTenant, wrongStatus } from '../../registry/tenants/tenant.js';
import { isInvitationToken, requireInvitation } from '../members/invitation.js';
import { bindMember } from '../members/members.js';

const AcceptInvitationInput = z.object({
  token: z
    .string()
    .refine(isInvitationToken, 'must be the token of an invitation: trk_inv_ and 43 characters'),
  subject: optional(
    z.string().refine(isSubject, 'must be the "sub" of a token: 1 to 255 ASCII characters without blanks'),
  ),
  fullName: optional(text(200)),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * Binds the invited member to the subject of an identity provider's token: to the caller's own, or, for callers with
 * registry:write that have verified a token themselves, to the one they name.
 */
export async function acceptInvitation(context: CommandContext, input: unknown) {
  const { caller } = context;
  if (!caller.identity) authorize(caller, 'acceptInvitation');
  const wanted = readInput(AcceptInvitationInput, input);
  const own = caller.identity?.subject;
  if (wanted.subject !== undefined && wanted.subject !== own) authorize(caller, 'acceptInvitation');
  const subject = wanted.subject ?? own;
  if (subject === undefined)
    throw invalidField(
      'subject',
      'must be given, unless the request itself has a token of the identity provider',
    );
  const accepted = { ...wanted, subject };
  return runCommand(context, 'acceptInvitation', accepted, async (tx) => {
    const { tenantId, memberId } = await requireInvitation(tx, wanted.token);
    const tenant = await requireTenant(tx, tenantId);
    if (tenant.status === 'DELETED') throw wrongStatus(tenant, 'joined');
    await bindMember(tx, tenant, { token: wanted.token, subject, fullName: wanted.fullName });
    return { tenantId, memberId };
  });
}
