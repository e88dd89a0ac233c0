import { z } from 'zod';
import { authorizeInSome } from '../../auth/permissions.js';
import { type CommandContext, runCommand } from '../../registry/command.js';
import {
  expectedVersion,
  idempotencyKey,
  omittable,
  readInput,
  tenantReference,
  uuid,
  wait,
} from '../../registry/input.js';
import { authorizeByTenant, requireTenant } from '../../registry/tenant.js';
import { removeMember } from '../members.js';

const RemoveTenantMemberInput = z.object({
  tenantId: tenantReference,
  memberId: uuid,
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** Removes a member, who loses all access to the tenant. The row stays for the history. */
export async function removeTenantMember(context: CommandContext, input: unknown) {
  authorizeInSome(context.caller, 'removeTenantMember');
  const wanted = readInput(RemoveTenantMemberInput, input);
  return runCommand(context, 'removeTenantMember', wanted, async (tx) => {
    await authorizeByTenant(tx, context.caller, 'removeTenantMember', wanted.tenantId);
    const tenant = await requireTenant(tx, wanted.tenantId);
    await removeMember(tx, tenant, wanted.memberId, wanted.expectedVersion);
    return { tenantId: tenant.id, memberId: wanted.memberId };
  });
}
