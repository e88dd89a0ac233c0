import { markModuleProvisioned } from '../provisioning/commands/mark-module-provisioned.js';
import { provisionModule } from '../provisioning/commands/provision-module.js';
import { subscribeTenantToModule } from '../provisioning/commands/subscribe-tenant-to-module.js';
import { unsubscribeTenantFromModule } from '../provisioning/commands/unsubscribe-tenant-from-module.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import { IsolationType } from './module.js';
import { expectedVersionField, idempotencyKeyField, tenantIdField, waitField } from './mutation-input.js';
import { operationField, subscriptionField } from './payload.js';
import { revisionField } from './revision-field.js';

builder.relayMutationField(
  'subscribeTenantToModule',
  {
    description: 'Who gets what.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      module: t.field({ type: 'ModuleName', required: true, description: 'The module.' }),
      schemaName: t.string({
        description:
          'An explicit name for the schema (or database): `^[a-z][a-z0-9_]{0,62}$`. Default: the module’s prefix and the ' +
          'slug with - as _, with a suffix when another tenant has that name.',
      }),
      isolation: t.field({ type: IsolationType, description: 'Default: the module’s.' }),
      provision: t.boolean({
        required: true,
        defaultValue: true,
        description: 'Whether to make the storage now. Without it the subscription waits in PENDING.',
      }),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Subscribes an active tenant to a module, makes its storage with all the module’s migrations, and lets it resolve. ' +
      'A failure leaves no storage and no route: `operation` says why, and the same call tries again under the same ' +
      'name. Scope: registry:write. Errors: TENANT_NOT_FOUND, TENANT_DELETED, TENANT_SUSPENDED, TENANT_NOT_READY, ' +
      'MODULE_NOT_FOUND, CONFLICT when it is subscribed already or the name is taken, OPERATION_IN_PROGRESS.',
    resolve: (_root, { input }, context) => execute(context, subscribeTenantToModule, input),
  },
  {
    description: 'The subscription and the work on it.',
    outputFields: (t) => ({
      subscription: subscriptionField(t),
      operation: operationField(t),
      revision: revisionField(t),
    }),
  },
);

builder.relayMutationField(
  'unsubscribeTenantFromModule',
  {
    description: 'Who gives up what.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      module: t.field({ type: 'ModuleName', required: true, description: 'The module.' }),
      keepDataDays: t.int({
        description: 'For how many days its data is kept, 1 to 3650; default 30.',
      }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Cancels a subscription: the module stops resolving for the tenant. Its data stays until `purgeAfter`, and ' +
      'subscribing again until then finds it; then it is dropped. Its names stay. Scope: registry:write. Errors: TENANT_NOT_FOUND, MODULE_NOT_SUBSCRIBED, OPERATION_IN_PROGRESS, ' +
      'VERSION_CONFLICT.',
    resolve: (_root, { input }, context) => execute(context, unsubscribeTenantFromModule, input),
  },
  {
    description: 'The cancelled subscription.',
    outputFields: (t) => ({
      subscription: subscriptionField(t),
      operation: operationField(t),
      revision: revisionField(t),
    }),
  },
);

builder.relayMutationField(
  'provisionModule',
  {
    description: 'Whose storage to make.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      module: t.field({ type: 'ModuleName', required: true, description: 'The module.' }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Makes the storage of a subscription that waits (PENDING or FAILED) and leaves it waiting: markModuleProvisioned ' +
      'then lets it resolve. Scope: provision. Errors: TENANT_NOT_FOUND, MODULE_NOT_SUBSCRIBED, CONFLICT when it is ' +
      'active already, OPERATION_IN_PROGRESS.',
    resolve: (_root, { input }, context) => execute(context, provisionModule, input),
  },
  {
    description: 'The subscription and the work on it.',
    outputFields: (t) => ({
      subscription: subscriptionField(t),
      operation: operationField(t),
      revision: revisionField(t),
    }),
  },
);

const ProvisioningOutcome = builder.enumType('ProvisioningOutcome', {
  description: 'How somebody outside the registry fared with a tenant’s storage.',
  values: {
    SUCCESS: { description: 'The storage stands.' },
    FAILED: { description: 'It does not.' },
  } as const,
});

builder.relayMutationField(
  'markModuleProvisioned',
  {
    description: 'Whose storage stands, or does not.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      module: t.field({ type: 'ModuleName', required: true, description: 'The module.' }),
      status: t.field({ type: ProvisioningOutcome, description: 'Default SUCCESS.' }),
      error: t.string({ description: 'Why it failed, for the history.' }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Says that a waiting subscription’s storage was made by somebody else: the route is visible at once. With FAILED ' +
      'it stays away and the history says why. Scope: provision. Errors: TENANT_NOT_FOUND, MODULE_NOT_SUBSCRIBED, ' +
      'CONFLICT when it is not waiting, OPERATION_IN_PROGRESS while the gateway itself makes the storage.',
    resolve: (_root, { input }, context) => execute(context, markModuleProvisioned, input),
  },
  {
    description: 'The marked subscription and the entry in its history.',
    outputFields: (t) => ({
      subscription: subscriptionField(t),
      operation: operationField(t),
      revision: revisionField(t),
    }),
  },
);
