import type { InputFieldMap } from '@pothos/core';
import { maxNamed, maxSelected } from '../../provisioning/bulk/selection.js';
import {
  resumeTenants,
  subscribeTenants,
  suspendTenants,
  updateTenants,
} from '../../provisioning/bulk/start-bulk.js';
import type { CommandContext, Committed } from '../../registry/command.js';
import { type MutationInputFields, waitField } from '../fields/mutation-input.js';
import { operationField } from '../fields/payload.js';
import { IsolationType } from '../modules/module.js';
import { mutation } from '../mutation.js';
import { PlanType } from './tenant.js';
import { TenantFilter } from './tenant-filter.js';

interface BulkMutation {
  command: (context: CommandContext, input: unknown) => Promise<Committed<{ operationId: string }>>;
  description: string;
  fields: (t: MutationInputFields) => InputFieldMap;
}

const ofAll =
  'The tenants are selected once, at the start. Each has a result in `operation.tenantResults`, with the same errors as the ' +
  'mutation for one tenant; a refused one does not stop the others. Answers at the end of the operation, or after the ' +
  'staleness bound with the operation at work; with `wait: COMMITTED` at once. cancelOperation stops it, and retryOperation ' +
  'runs the failed and cancelled tenants again.';

export const tenantIdsDescription = `UUIDs, slugs or external ids of the tenants, 1 to ${maxNamed}. Either these or \`filter\` is given.`;

/** Adds a mutation that changes many tenants to the schema. */
function bulkMutation(name: string, { command, description, fields }: BulkMutation): void {
  mutation(name, {
    command,
    description: `${description} ${ofAll} Scope: registry:write. Errors: VALIDATION_ERROR, CONFLICT for another number of tenants than \`expectedCount\`.`,
    input: (t) => ({
      tenantIds: t.idList({ description: tenantIdsDescription }),
      filter: t.field({
        type: TenantFilter,
        description:
          `Conditions that select the tenants, as in the list of tenants; at most ${maxSelected} tenants. A filter without any ` +
          'condition needs `expectedCount`.',
      }),
      ...fields(t),
      expectedCount: t.int({
        description:
          'Number of tenants that the caller expects, as `selected` of bulkPreview. When another number is selected, the ' +
          'mutation is refused with CONFLICT.',
      }),
      wait: waitField(t),
    }),
    payload: (t) => ({ operation: operationField(t) }),
  });
}

bulkMutation('suspendTenants', {
  command: suspendTenants,
  description:
    'Suspends many ACTIVE tenants. A tenant whose result is SUCCEEDED does not resolve any more, as far as `wait` says.',
  fields: (t) => ({
    reason: t.string({
      required: true,
      description: 'Reason that refused callers see, at most 500 characters.',
    }),
    suspendUntil: t.field({
      type: 'DateTime',
      description:
        'Time in the future at which the suspensions end by themselves, within seconds. Default: they last until they are ended.',
    }),
  }),
});

bulkMutation('resumeTenants', {
  command: resumeTenants,
  description: 'Resumes many SUSPENDED tenants.',
  fields: () => ({}),
});

bulkMutation('subscribeTenants', {
  command: subscribeTenants,
  description:
    'Subscribes many active tenants to a module. A SUBSCRIBE_TENANT operation makes the storage of each, and its end is the ' +
    'result of the tenant. MODULE_NOT_FOUND and TENANT_NOT_READY of the module refuse the mutation.',
  fields: (t) => ({
    module: t.field({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
    isolation: t.field({
      type: IsolationType,
      description: 'Isolation of the data. Default: the isolation of the module.',
    }),
    provision: t.boolean({
      required: true,
      defaultValue: true,
      description: 'Whether to create the storage now. If false, the subscriptions stay PENDING.',
    }),
  }),
});

bulkMutation('updateTenants', {
  command: updateTenants,
  description: 'Changes plan and quotas of many tenants. At least one of the fields is given.',
  fields: (t) => ({
    plan: t.field({ type: PlanType, description: 'New plan of the tenants.' }),
    maxUsers: t.int({ description: 'Maximum number of members of each tenant.' }),
    maxMonthlyQuotes: t.int({ description: 'Maximum number of quotes per month of each tenant.' }),
    maxStorageGb: t.int({ description: 'Maximum storage of each tenant in GB.' }),
  }),
});
