import { deleteTenant } from '../registry/commands/delete-tenant.js';
import { restoreTenant } from '../registry/commands/restore-tenant.js';
import { resumeTenant } from '../registry/commands/resume-tenant.js';
import { suspendTenant } from '../registry/commands/suspend-tenant.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import { expectedVersionField, idempotencyKeyField, tenantIdField, waitField } from './mutation-input.js';
import { revisionField, tenantField } from './payload.js';

builder.relayMutationField(
  'suspendTenant',
  {
    description: 'Whom to stop, and why.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      reason: t.string({
        required: true,
        description: 'Shown to whoever is refused; at most 500 characters.',
      }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Stops an ACTIVE tenant: nothing of it resolves any more. Scope: registry:write. Errors: TENANT_NOT_FOUND, ' +
      'CONFLICT when it is not active, TENANT_DELETED, OPERATION_IN_PROGRESS, VERSION_CONFLICT.',
    nullable: true,
    resolve: (_root, { input }, context) => execute(context, suspendTenant, input),
  },
  {
    description: 'The suspended tenant.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);

builder.relayMutationField(
  'resumeTenant',
  {
    description: 'Whom to let go on.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Lets a SUSPENDED tenant go on. Scope: registry:write. Errors: TENANT_NOT_FOUND, CONFLICT when it is not ' +
      'suspended, TENANT_DELETED, VERSION_CONFLICT.',
    nullable: true,
    resolve: (_root, { input }, context) => execute(context, resumeTenant, input),
  },
  {
    description: 'The resumed tenant.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);

builder.relayMutationField(
  'deleteTenant',
  {
    description: 'Whom to delete.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      restorableDays: t.int({ description: 'For how many days it can be restored, 1 to 3650; default 30.' }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Deletes a tenant softly: it resolves no more, its data and names stay, restoreTenant brings it back. Scope: ' +
      'registry:write. Errors: TENANT_NOT_FOUND, TENANT_DELETED, OPERATION_IN_PROGRESS, VERSION_CONFLICT.',
    nullable: true,
    resolve: (_root, { input }, context) => execute(context, deleteTenant, input),
  },
  {
    description: 'The deleted tenant.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);

builder.relayMutationField(
  'restoreTenant',
  {
    description: 'Whom to bring back.',
    inputFields: (t) => ({
      tenantId: tenantIdField(t),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Brings a DELETED tenant back to what it was: active, or suspended if it was suspended. Scope: registry:write. ' +
      'Errors: TENANT_NOT_FOUND, CONFLICT when it is not deleted, TENANT_DELETED when its time is over, VERSION_CONFLICT.',
    nullable: true,
    resolve: (_root, { input }, context) => execute(context, restoreTenant, input),
  },
  {
    description: 'The restored tenant.',
    outputFields: (t) => ({ tenant: tenantField(t), revision: revisionField(t) }),
  },
);
