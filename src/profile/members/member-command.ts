import { z } from 'zod';
import { type Action, authorizeInSome, may } from '../../auth/permissions.js';
import type { Member, Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
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
import { authorizeByTenant, requireTenant } from '../../registry/tenants/tenant.js';
import { requireMember, requireOtherAdmin } from './members.js';

/** A change of one member, as data. */
interface MemberChange<Fields extends z.ZodRawShape> {
  action: Action;
  /** Input fields besides those that every command on a member has. */
  fields: Fields;
  /** Whether the member is no admin any more after the change. */
  endsAdmin(input: z.output<z.ZodObject<Fields>>): boolean;
  /** Writes the change, or throws the refusal. */
  write(
    tx: Transaction,
    member: Member,
    tenant: Tenant,
    input: z.output<z.ZodObject<Fields>>,
  ): Promise<unknown>;
}

const targetFields = z.object({
  tenantId: tenantReference,
  memberId: uuid,
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/**
 * The command that changes a member. Callers with the scope may also take the last admin from a tenant, and invite another one;
 * an admin of the tenant could not.
 */
export function memberCommand<Fields extends z.ZodRawShape>(change: MemberChange<Fields>) {
  const { action, endsAdmin, write } = change;
  const schema = z.intersection(targetFields, z.object(change.fields));
  return async (context: CommandContext, input: unknown) => {
    const { caller } = context;
    authorizeInSome(caller, action);
    const wanted = readInput(schema, input);
    // The type checker does not see that an intersection without its one half is the other.
    const own = wanted as unknown as z.output<z.ZodObject<Fields>>;
    return runCommand(context, action, wanted, async (tx) => {
      await authorizeByTenant(tx, caller, action, wanted.tenantId);
      const tenant = await requireTenant(tx, wanted.tenantId);
      const member = await requireMember(tx, tenant, wanted.memberId, wanted.expectedVersion);
      if (endsAdmin(own) && !may(caller, action)) await requireOtherAdmin(tx, tenant, member);
      await write(tx, member, tenant, own);
      return { tenantId: tenant.id, memberId: member.id };
    });
  };
}
