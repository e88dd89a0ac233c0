import { markModuleProvisioned } from '../../provisioning/commands/mark-module-provisioned.js';
import { provisionModule } from '../../provisioning/commands/provision-module.js';
import { resumeSubscription } from '../../provisioning/commands/resume-subscription.js';
import { subscribeTenantToModule } from '../../provisioning/commands/subscribe-tenant-to-module.js';
import { suspendSubscription } from '../../provisioning/commands/suspend-subscription.js';
import { unsubscribeTenantFromModule } from '../../provisioning/commands/unsubscribe-tenant-from-module.js';
import { builder } from '../builder.js';
import { expectedVersionField, tenantIdField, waitField } from '../fields/mutation-input.js';
import { operationField, subscriptionField } from '../fields/payload.js';
import { mutation } from '../mutation.js';
import { IsolationType } from './module.js';

mutation('subscribeTenantToModule', {
  command: subscribeTenantToModule,
  description:
    'Subscribes an active tenant to a module, creates its storage with all migrations of the module, and ' +
    'makes the route visible. A failure leaves no storage and no route: `operation` contains the reason, ' +
    'and the same call tries again under the same name. Scope: registry:write. Errors: TENANT_NOT_FOUND, ' +
    'TENANT_DELETED, TENANT_SUSPENDED, TENANT_NOT_READY, MODULE_NOT_FOUND, CONFLICT when the tenant is ' +
    'subscribed already, the name is taken or the module is retired, OPERATION_IN_PROGRESS.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    module: t.field({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
    schemaName: t.string({
      description:
        'Name of the schema or database: `^[a-z][a-z0-9_]{0,62}$`. Default: the module’s prefix and the slug ' +
        'with - replaced by _, plus a suffix when another tenant has that name.',
    }),
    isolation: t.field({
      type: IsolationType,
      description: 'Isolation of the data. Default: the isolation of the module.',
    }),
    provision: t.boolean({
      required: true,
      defaultValue: true,
      description: 'Whether to create the storage now. If false, the subscription stays PENDING.',
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    subscription: subscriptionField(t),
    operation: operationField(t),
  }),
});

mutation('suspendSubscription', {
  command: suspendSubscription,
  description:
    'Suspends one ACTIVE subscription: the module stops resolving for the tenant with TENANT_SUSPENDED, and ' +
    'other modules go on. It stays suspended when the tenant is suspended and resumed, or deleted and ' +
    'restored. Scope: registry:write. Errors: TENANT_NOT_FOUND, TENANT_DELETED, MODULE_NOT_SUBSCRIBED, ' +
    'CONFLICT when the subscription is not active, OPERATION_IN_PROGRESS, VERSION_CONFLICT.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    module: t.field({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
    reason: t.string({
      description: 'Reason that refused callers see, at most 500 characters. Default: none.',
    }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    subscription: subscriptionField(t),
    operation: operationField(t),
  }),
});

mutation('resumeSubscription', {
  command: resumeSubscription,
  description:
    'Resumes one SUSPENDED subscription; it resolves again while the tenant is active. Scope: ' +
    'registry:write. Errors: TENANT_NOT_FOUND, TENANT_DELETED, MODULE_NOT_SUBSCRIBED, CONFLICT when the ' +
    'subscription is not suspended, OPERATION_IN_PROGRESS, VERSION_CONFLICT.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    module: t.field({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    subscription: subscriptionField(t),
    operation: operationField(t),
  }),
});

mutation('unsubscribeTenantFromModule', {
  command: unsubscribeTenantFromModule,
  description:
    'Cancels a subscription: the module stops resolving for the tenant. The data is kept until ' +
    '`purgeAfter` and then dropped; a new subscription before that time uses the kept data. The names ' +
    'stay reserved. Scope: registry:write. Errors: TENANT_NOT_FOUND, MODULE_NOT_SUBSCRIBED, ' +
    'OPERATION_IN_PROGRESS, VERSION_CONFLICT.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    module: t.field({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
    keepDataDays: t.int({
      description: 'Number of days for which the data is kept, 1 to 3650. Default: 30.',
    }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    subscription: subscriptionField(t),
    operation: operationField(t),
  }),
});

mutation('provisionModule', {
  command: provisionModule,
  description:
    'Creates the storage of a waiting subscription (PENDING or FAILED) without making its route visible; ' +
    'markModuleProvisioned does that. Scope: provision. Errors: TENANT_NOT_FOUND, MODULE_NOT_SUBSCRIBED, ' +
    'CONFLICT when the subscription is active already, OPERATION_IN_PROGRESS.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    module: t.field({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    subscription: subscriptionField(t),
    operation: operationField(t),
  }),
});

const ProvisioningOutcome = builder.enumType('ProvisioningOutcome', {
  description: 'Result of provisioning outside the registry.',
  values: {
    SUCCESS: { description: 'The storage exists.' },
    FAILED: { description: 'The storage could not be created.' },
  } as const,
});

mutation('markModuleProvisioned', {
  command: markModuleProvisioned,
  description:
    'Reports that the storage of a waiting subscription was created outside the registry: the route is ' +
    'visible at once. With FAILED, the route stays hidden and the history contains the reason. Scope: ' +
    'provision. Errors: TENANT_NOT_FOUND, MODULE_NOT_SUBSCRIBED, CONFLICT when the subscription is not ' +
    'waiting, OPERATION_IN_PROGRESS while the gateway itself creates the storage.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    module: t.field({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
    status: t.field({
      type: ProvisioningOutcome,
      description: 'Result of the provisioning. Default: SUCCESS.',
    }),
    error: t.string({ description: 'Reason of a failure, for the history.' }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    subscription: subscriptionField(t),
    operation: operationField(t),
  }),
  payloadDescription: 'Result of markModuleProvisioned; `operation` is the new entry in the history.',
});
