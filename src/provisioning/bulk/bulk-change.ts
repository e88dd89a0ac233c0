import type { z } from 'zod';
import type { Prisma, Tenant } from '../../database/generated/prisma/client.js';
import type { Transaction } from '../../database/registry-database.js';
import { invalidField, RegistryError } from '../../errors.js';
import type { WaitFor } from '../../feed/acknowledge.js';
import type { CommandContext } from '../../registry/command.js';
import { tenantUpdate } from '../../registry/commands/update-tenant.js';
import { requireModule, requireUsableDatabase } from '../../registry/modules/module.js';
import { moduleNotFound } from '../../registry/resolution/route.js';
import { requireActive } from '../../registry/tenants/tenant.js';
import {
  type DecidedChange,
  decideChange,
  type TenantChange,
  writeChanges,
} from '../../registry/tenants/tenant-command.js';
import { tenantFields } from '../../registry/tenants/tenant-fields.js';
import { resumption } from '../commands/resume-tenant.js';
import {
  planSubscribing,
  subscribingFields,
  writeSubscribing,
} from '../commands/subscribe-tenant-to-module.js';
import { suspension } from '../commands/suspend-tenant.js';
import type { BulkKind } from '../operations/reads/operation-tenants.js';
import type { PlannedSubscription } from '../subscription.js';

/** The input of a change besides the selection of tenants, as its schema returns it. */
export type BulkInput = Readonly<Record<string, unknown>>;

/** The rule for the tenants of one transaction. */
export interface Rule {
  /** Decides on a tenant without writing anything, and remembers it. Throws the refusal of the command for one tenant. */
  decide(
    tenant: Tenant,
  ): Promise<{ /** Whether anything of the tenant becomes different. */ isChange: boolean }>;
  /** Changes the tenants that were not refused. Returns the operations that make storage, by tenant. */
  write(): Promise<ReadonlyMap<string, string>>;
}

/** A change that can be made to many tenants, by the same rule as to one. */
export interface BulkChange {
  /** Input fields besides the selection. */
  fields: z.ZodRawShape;
  /** The fields that a preview needs; all of them when left out. */
  previewedFields?: z.ZodRawShape;
  /** The default of `wait`. */
  waitFor: WaitFor;
  /** How many tenants one transaction changes. */
  batchSize: number;
  /** Whether services may enter a tenant's storage after the change but not before it. */
  reopens?: ((tenant: Tenant) => boolean) | undefined;
  /** Whether guards of the tenants have to follow the change. */
  closes?: boolean;
  /** Refuses the whole request for something that would refuse every tenant. */
  requirePossible?(tx: Transaction, context: CommandContext, input: BulkInput): Promise<void>;
  /** Reads what the rule needs for these tenants, with the same number of statements for any number of them. */
  openRule(
    tx: Transaction,
    context: CommandContext,
    tenants: readonly Tenant[],
    input: BulkInput,
  ): Promise<Rule>;
}

const batchSize = 100;

/** A change that writes no other rows: these would need a statement for each tenant. */
type ChangeOfOne<Fields extends z.ZodRawShape> = Pick<
  TenantChange<Fields>,
  'waitFor' | 'decide' | 'requireAllowed'
> & {
  writeMore?: never;
  reopens?(tenant: Tenant): boolean;
};

/** The change of one tenant's row, for many tenants. */
function ofTenants<Fields extends z.ZodRawShape>(
  change: ChangeOfOne<Fields>,
  more: Pick<BulkChange, 'fields' | 'previewedFields' | 'closes' | 'requirePossible'>,
): BulkChange {
  const { waitFor = 'GATEWAYS', reopens } = change;
  return {
    ...{ waitFor, batchSize, reopens },
    ...more,
    async openRule(tx, context, _tenants, input) {
      // The input was read by a schema of these fields, or of a part of them that leaves out optional ones.
      const own = input as z.output<z.ZodObject<Fields>>;
      const decided: DecidedChange[] = [];
      return {
        async decide(tenant) {
          const data = await decideChange(tx, context, change, tenant, own);
          decided.push({ tenant, data });
          return { isChange: differs(tenant, data) };
        },
        async write() {
          await writeChanges(tx, decided);
          return new Map();
        },
      };
    },
  };
}

/** Fields that make sense for many tenants at once. */
const updatedFields = {
  plan: tenantFields.plan,
  maxUsers: tenantFields.maxUsers,
  maxMonthlyQuotes: tenantFields.maxMonthlyQuotes,
  maxStorageGb: tenantFields.maxStorageGb,
};

const subscribing: BulkChange = {
  fields: subscribingFields,
  waitFor: 'GATEWAYS',
  // Names are issued under a lock that every subscribing command needs, so it is not held for long.
  batchSize: 25,
  async requirePossible(tx, context, input) {
    const { module, provision } = readSubscribing(input);
    const found = await requireModule(tx, module);
    if (provision) requireUsableDatabase(context, found);
  },
  async openRule(tx, context, tenants, input) {
    const wanted = readSubscribing(input);
    const module = await requireModule(tx, wanted.module).catch(undefinedWhenUnknown);
    const subscriptions = await tx.moduleSubscription.findMany({
      where: { moduleName: wanted.module, tenantId: { in: tenants.map(({ id }) => id) } },
    });
    const byTenant = new Map(subscriptions.map((subscription) => [subscription.tenantId, subscription]));
    const planned: PlannedSubscription[] = [];
    return {
      async decide(tenant) {
        requireActive(tenant);
        if (!module) throw moduleNotFound(wanted.module);
        planned.push(planSubscribing(context, tenant, module, byTenant.get(tenant.id), wanted));
        return { isChange: true };
      },
      async write() {
        const children = new Map<string, string>();
        for (const one of planned) {
          const { operationId } = await writeSubscribing(tx, one, { provision: wanted.provision });
          if (operationId !== null) children.set(one.tenant.id, operationId);
        }
        return children;
      },
    };
  },
};

type Subscribing = z.output<z.ZodObject<typeof subscribingFields>>;

/** The module may have been removed since the request; then each tenant is refused, after what comes first in the rule. */
function undefinedWhenUnknown(error: unknown): undefined {
  if (!(error instanceof RegistryError) || error.code !== 'MODULE_NOT_FOUND') throw error;
}

/** Inputs are kept as their schema returned them. */
function readSubscribing(input: BulkInput): Subscribing {
  return input as Subscribing;
}

export const bulkChanges: Record<BulkKind, BulkChange> = {
  SUSPEND_TENANTS: ofTenants(suspension, {
    fields: suspension.fields,
    // The reason decides nothing.
    previewedFields: {},
    closes: true,
  }),
  RESUME_TENANTS: ofTenants(resumption, { fields: resumption.fields }),
  UPDATE_TENANTS: ofTenants(tenantUpdate, {
    fields: updatedFields,
    async requirePossible(_tx, _context, input) {
      if (Object.keys(updatedFields).every((field) => input[field] === undefined))
        throw invalidField('plan', `name a change: ${Object.keys(updatedFields).join(', ')}`);
    },
  }),
  SUBSCRIBE_TENANTS: subscribing,
};

/** Whether the new values differ from those that the tenant has. */
function differs(tenant: Tenant, data: Prisma.TenantUpdateInput): boolean {
  return Object.entries(data).some(([field, value]) => {
    const present: unknown = tenant[field as keyof Tenant];
    return JSON.stringify(present) !== JSON.stringify(value);
  });
}

/** The stored form of an input. Times are marked, because JSON has none. */
export function writeBulkInput(input: BulkInput): Prisma.InputJsonObject {
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([field, value]) => [field, value instanceof Date ? { at: value.toISOString() } : value]),
  ) as Prisma.InputJsonObject;
}

/** Only writeBulkInput writes the column, so the casts are safe. */
export function readBulkInput(stored: Prisma.JsonValue): BulkInput & { wait?: WaitFor } {
  const fields = Object.entries((stored ?? {}) as Prisma.JsonObject).map(([field, value]) => {
    const at = (value as { at?: unknown } | null)?.at;
    return [field, typeof at === 'string' ? new Date(at) : value];
  });
  return Object.fromEntries(fields) as BulkInput & { wait?: WaitFor };
}
