import { z } from 'zod';
import { type Action, authorizeInSome } from '../auth/permissions.js';
import type { Prisma, Tenant } from '../database/generated/prisma/client.js';
import type { Transaction } from '../database/registry-database.js';
import type { WaitFor } from '../feed/acknowledge.js';
import { type CommandContext, type CommandResult, runCommand } from './command.js';
import { expectedVersion, idempotencyKey, optional, readInput, tenantReference, wait } from './input.js';
import { authorizeByTenant, requireTenant, requireVersion } from './tenant.js';

export interface TenantCommandOptions<Also> {
  /** The default of `wait`. */
  waitFor?: WaitFor;
  /** What `expectedVersion` is compared with when it is not the tenant's: a part that has a version of its own. */
  part?: { title: string; findVersion: (tx: Transaction, tenantId: string) => Promise<number> };
  /** What else belongs to the change, in its transaction; goes into the result. */
  also?: (tx: Transaction, tenant: Tenant) => Promise<Also>;
  /** What else has to happen before the answer, beside the waiting for gateways. */
  meanwhile?: (context: CommandContext, result: Also, waitFor: WaitFor) => Promise<void>;
}

/** A command on one existing tenant: the rule says what changes, or throws why it can't. */
export function tenantCommand<Fields extends z.ZodRawShape, Also extends CommandResult = CommandResult>(
  name: Action,
  fields: Fields,
  decide: (tenant: Tenant, wanted: z.output<z.ZodObject<Fields>>) => Prisma.TenantUpdateInput,
  { waitFor = 'GATEWAYS', part, also, meanwhile }: TenantCommandOptions<Also> = {},
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
    const { caller } = context;
    authorizeInSome(caller, name);
    const wanted = readInput(input, given);
    const { tenantId, expectedVersion: expected, idempotencyKey: _, wait: waiting, ...own } = wanted;
    return runCommand(
      context,
      name,
      wanted,
      async (tx) => {
        await authorizeByTenant(tx, caller, name, tenantId);
        const tenant = await requireTenant(tx, tenantId, part ? undefined : expected);
        if (part)
          requireVersion(
            `${part.title} of tenant ${tenant.slug}`,
            await part.findVersion(tx, tenant.id),
            expected,
          );
        // The type checker does not see that an intersection without its one half is the other.
        const data = decide(tenant, own as unknown as z.output<typeof ownFields>);
        await tx.tenant.update({ where: { id: tenant.id }, data });
        const more = await also?.(tx, tenant);
        return { tenantId: tenant.id, ...more } as { tenantId: string } & Also;
      },
      {
        waitFor: waiting ?? waitFor,
        meanwhile: meanwhile && ((result, waitingFor) => meanwhile(context, result, waitingFor)),
      },
    );
  };
}
