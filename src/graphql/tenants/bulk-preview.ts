import { type BulkPreview, maxEvaluated, previewBulk } from '../../provisioning/bulk/bulk-preview.js';
import { maxSelected } from '../../provisioning/bulk/selection.js';
import { builder } from '../builder.js';
import { ErrorCodeType } from '../fields/error-code.js';
import { IsolationType } from '../modules/module.js';
import { tenantIdsDescription } from './bulk-change.js';
import { PlanType } from './tenant.js';
import { TenantFilter } from './tenant-filter.js';

const BulkChange = builder.enumType('BulkChange', {
  description: 'A change that can be made to many tenants at once.',
  values: {
    SUSPEND: { value: 'SUSPEND_TENANTS', description: 'The change of suspendTenants.' },
    RESUME: { value: 'RESUME_TENANTS', description: 'The change of resumeTenants.' },
    SUBSCRIBE: { value: 'SUBSCRIBE_TENANTS', description: 'The change of subscribeTenants.' },
    UPDATE: { value: 'UPDATE_TENANTS', description: 'The change of updateTenants.' },
  } as const,
});

const BulkRefusal = builder.objectRef<BulkPreview['refused'][number]>('BulkRefusal').implement({
  description: 'Tenants that would be refused for the same reason.',
  fields: (t) => ({
    code: t.expose('code', { type: ErrorCodeType, description: 'Code of the error.' }),
    count: t.exposeInt('count', { description: 'Number of the tenants.' }),
  }),
});

const BulkPreviewType = builder.objectRef<BulkPreview>('BulkPreview').implement({
  description: 'The effect that a change of many tenants would have at this moment. Nothing is changed.',
  fields: (t) => ({
    selected: t.exposeInt('selected', {
      description: `Number of selected tenants, for \`expectedCount\` of the mutation. It is exact up to ${maxSelected}, the most that a filter of a mutation may select; see \`selectedIsCapped\`.`,
    }),
    selectedIsCapped: t.boolean({
      description: 'Whether more tenants are selected than `selected` says.',
      resolve: ({ isCapped }) => isCapped,
    }),
    evaluated: t.exposeInt('evaluated', {
      description: `Number of tenants to which the numbers below refer: all selected ones, at most the first ${maxEvaluated} by slug.`,
    }),
    changed: t.exposeInt('changed', { description: 'Number of tenants that would be changed.' }),
    unchanged: t.exposeInt('unchanged', {
      description: 'Number of tenants that have the new values already. They would succeed as well.',
    }),
    refused: t.field({
      type: [BulkRefusal],
      description: 'Tenants that would be refused, by code, the most frequent first.',
      resolve: ({ refused }) => refused,
    }),
  }),
});

builder.queryField('bulkPreview', (t) =>
  t.field({
    type: BulkPreviewType,
    description:
      'The effect that a change of many tenants would have at this moment: how many are selected, changed and refused. Scope: ' +
      'registry:read. Errors: VALIDATION_ERROR, also for an argument that the change does not have, MODULE_NOT_FOUND, ' +
      'TENANT_NOT_READY when the module is not ready.',
    args: {
      change: t.arg({ type: BulkChange, required: true, description: 'The change.' }),
      tenantIds: t.arg.idList({ description: tenantIdsDescription }),
      filter: t.arg({ type: TenantFilter, description: 'Conditions that select the tenants.' }),
      module: t.arg({ type: 'ModuleName', description: 'Module of SUBSCRIBE.' }),
      isolation: t.arg({ type: IsolationType, description: 'Isolation of SUBSCRIBE.' }),
      provision: t.arg.boolean({ description: 'Whether SUBSCRIBE creates the storage. Default: true.' }),
      plan: t.arg({ type: PlanType, description: 'New plan of UPDATE.' }),
      maxUsers: t.arg.int({ description: 'New maximum number of members of UPDATE.' }),
      maxMonthlyQuotes: t.arg.int({ description: 'New maximum number of quotes per month of UPDATE.' }),
      maxStorageGb: t.arg.int({ description: 'New maximum storage of UPDATE in GB.' }),
    },
    // Null is passed on: it means what it means in the input of the mutation.
    resolve: (_root, { change, ...args }, context) => previewBulk(context.commands, change, args),
  }),
);
