import { z } from 'zod';
import type { Caller } from '../../auth/caller.js';
import { type Action, authorizeInSome } from '../../auth/permissions.js';
import type { Prisma, Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import type { WaitFor } from '../../feed/acknowledge.js';
import { type CommandContext, type CommandResult, type Committed, runCommand } from '../command.js';
import { expectedVersion, idempotencyKey, omittable, readInput, tenantReference, wait } from '../input.js';
import { authorizeByTenant, requireTenant, requireVersion } from './tenant.js';

/** A change of one existing tenant, as data: who may make it, its input, and what it writes. */
export interface TenantChange<Fields extends z.ZodRawShape, Extra extends CommandResult = CommandResult> {
  action: Action;
  /** Input fields besides those that every tenant command has. */
  fields: Fields;
  /** The default of `wait`; GATEWAYS when left out. */
  waitFor?: WaitFor | undefined;
  /** Returns the new values of the tenant's columns, or throws the refusal. */
  decide(
    tenant: Tenant,
    input: z.output<z.ZodObject<Fields>>,
    context: CommandContext,
  ): Prisma.TenantUpdateInput;
  /** A part with a version of its own, with which `expectedVersion` is compared instead of the tenant's. */
  part?: { title: string; findVersion: (tx: Transaction, tenantId: string) => Promise<number> };
  /** Checks what other rows allow, before the tenant is written. */
  requireAllowed?(
    tx: Transaction,
    tenant: Tenant,
    data: Prisma.TenantUpdateInput,
    context: CommandContext,
  ): Promise<void>;
  /** Writes other rows in the same transaction. Its result becomes part of the command's. */
  writeMore?(tx: Transaction, tenant: Tenant): Promise<Extra>;
  /** Work to do before the answer, while the command waits for the gateways. */
  meanwhile?(context: CommandContext, result: Extra, waitFor: WaitFor): Promise<void>;
}

const targetFields = z.object({
  tenantId: tenantReference,
  expectedVersion: omittable(expectedVersion),
  idempotencyKey: omittable(idempotencyKey),
  wait: omittable(wait),
});

/** The schema of a tenant command's input. To be built once per command: Zod compiles it at its first use. */
export function tenantInputSchema<Fields extends z.ZodRawShape>(fields: Fields) {
  return z.intersection(targetFields, z.object(fields));
}

type TenantInputSchema<Fields extends z.ZodRawShape> = ReturnType<typeof tenantInputSchema<Fields>>;

/** The command that makes the change. */
export function tenantCommand<Fields extends z.ZodRawShape, Extra extends CommandResult>(
  change: TenantChange<Fields, Extra>,
) {
  const schema = tenantInputSchema(change.fields);
  return async (context: CommandContext, input: unknown) =>
    changeTenant(context, change, readTenantInput(context.caller, change.action, schema, input));
}

/**
 * Checks the permission, then the input: a caller who may change no tenant learns nothing about the input. Throws FORBIDDEN,
 * VALIDATION_ERROR. What a member may do depends on the tenant, so changeTenant checks members once more.
 */
export function readTenantInput<Fields extends z.ZodRawShape>(
  caller: Caller,
  action: Action,
  schema: TenantInputSchema<Fields>,
  input: unknown,
): z.output<TenantInputSchema<Fields>> {
  authorizeInSome(caller, action);
  return readInput(schema, input);
}

/** Makes the change in one transaction. Throws TENANT_MISMATCH, TENANT_NOT_FOUND, VERSION_CONFLICT, and as `decide`. */
export function changeTenant<Fields extends z.ZodRawShape, Extra extends CommandResult>(
  context: CommandContext,
  change: TenantChange<Fields, Extra>,
  input: z.output<TenantInputSchema<Fields>>,
): Promise<Committed<{ tenantId: string } & Extra>> {
  const { action, part, meanwhile } = change;
  const { tenantId: reference, expectedVersion: expected, idempotencyKey: _, wait: waitFor, ...own } = input;
  const write = async (tx: Transaction) => {
    // Checked before requireTenant, so that members of other tenants do not learn which tenants exist.
    await authorizeByTenant(tx, context.caller, action, reference);
    const tenant = await requireTenant(tx, reference, part ? undefined : expected);
    if (part)
      requireVersion(
        `${part.title} of tenant ${tenant.slug}`,
        await part.findVersion(tx, tenant.id),
        expected,
      );
    // The type checker does not see that an intersection without its one half is the other.
    const data = await decideChange(
      tx,
      context,
      change,
      tenant,
      own as unknown as z.output<z.ZodObject<Fields>>,
    );
    await tx.tenant.update({ where: { id: tenant.id }, data });
    const extra = await change.writeMore?.(tx, tenant);
    return { tenantId: tenant.id, ...extra } as { tenantId: string } & Extra;
  };
  return runCommand(context, action, input, write, {
    waitFor: waitFor ?? change.waitFor ?? 'GATEWAYS',
    meanwhile: meanwhile && ((result, waitingFor) => meanwhile(context, result, waitingFor)),
  });
}

/** The rule of a change for a tenant, without writing anything: returns its new values, or throws the refusal. */
export async function decideChange<Fields extends z.ZodRawShape>(
  tx: Transaction,
  context: CommandContext,
  change: Pick<TenantChange<Fields>, 'decide' | 'requireAllowed'>,
  tenant: Tenant,
  input: z.output<z.ZodObject<Fields>>,
): Promise<Prisma.TenantUpdateInput> {
  const data = change.decide(tenant, input, context);
  await change.requireAllowed?.(tx, tenant, data, context);
  return data;
}

/** The result of decideChange for a tenant that the transaction has locked. */
export interface DecidedChange {
  tenant: Tenant;
  data: Prisma.TenantUpdateInput;
}

/** Writes the changes of many tenants, with one statement for all that get the same values. */
export async function writeChanges(tx: Transaction, decided: readonly DecidedChange[]): Promise<void> {
  const groups = new Map<string, DecidedChange[]>();
  for (const one of decided) {
    const values = JSON.stringify(one.data);
    groups.set(values, [...(groups.get(values) ?? []), one]);
  }
  for (const group of groups.values()) {
    const [first] = group;
    if (!first || Object.keys(first.data).length === 0) continue;
    const ids = group.map(({ tenant }) => tenant.id);
    // Changes of a tenant name columns, never relations.
    const data = first.data as Prisma.TenantUncheckedUpdateManyInput;
    await tx.tenant.updateMany({ where: { id: { in: ids } }, data });
  }
}
