import { z } from 'zod';
import { type Action, authorize } from '../auth/permissions.js';
import type { Prisma, Tenant } from '../database/generated/prisma/client.js';
import type { WaitFor } from '../feed/acknowledge.js';
import { type CommandContext, runCommand } from './command.js';
import { expectedVersion, idempotencyKey, optional, readInput, tenantReference, wait } from './input.js';
import { requireTenant } from './tenant.js';

/** A command on one existing tenant: the rule says what changes, or throws why it can't. */
export function tenantCommand<Fields extends z.ZodRawShape>(
  name: Action,
  fields: Fields,
  decide: (tenant: Tenant, wanted: z.output<z.ZodObject<Fields>>) => Prisma.TenantUpdateInput,
  { waitFor = 'GATEWAYS' }: { waitFor?: WaitFor } = {},
) {
  const ownFields = z.object(fields);
  const target = z.object({
    tenantId: tenantReference,
    expectedVersion: optional(expectedVersion),
    idempotencyKey: optional(idempotencyKey),
    wait: optional(wait),
  });
  const input = z.intersection(target, ownFields);
  return async (context: CommandContext, given: unknown) => {
    authorize(context.caller, name);
    const wanted = readInput(input, given);
    const { tenantId, expectedVersion: expected, idempotencyKey: _, wait: waiting, ...own } = wanted;
    return runCommand(
      context,
      name,
      wanted,
      async (tx) => {
        const tenant = await requireTenant(tx, tenantId, expected);
        // The type checker does not see that an intersection without its one half is the other.
        const data = decide(tenant, own as unknown as z.output<typeof ownFields>);
        await tx.tenant.update({ where: { id: tenant.id }, data });
        return { tenantId: tenant.id };
      },
      { waitFor: waiting ?? waitFor },
    );
  };
}
