import type { InputFieldMap } from '@pothos/core';
import { deleteTenant } from '../provisioning/commands/delete-tenant.js';
import { purgeTenant } from '../provisioning/commands/purge-tenant.js';
import { restoreTenant } from '../provisioning/commands/restore-tenant.js';
import { resumeTenant } from '../provisioning/commands/resume-tenant.js';
import { suspendTenant } from '../provisioning/commands/suspend-tenant.js';
import type { CommandContext, Committed } from '../registry/command.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import {
  expectedVersionField,
  idempotencyKeyField,
  type MutationInputFields,
  tenantIdField,
  waitField,
} from './mutation-input.js';
import { operationField, tenantField } from './payload.js';
import { revisionField } from './revision-field.js';

interface LifecycleMutation {
  command: (
    context: CommandContext,
    input: unknown,
  ) => Promise<Committed<{ tenantId: string; operationId: string | null }>>;
  /** Descriptions: of the input, of the mutation, of the payload. */
  input: string;
  description: string;
  payload: string;
  /** Input fields besides those that all of them have. */
  fields?: (t: MutationInputFields) => InputFieldMap;
}

/** A mutation that takes a tenant from one status to another. */
function lifecycleMutation(
  name: string,
  { command, input, description, payload, fields }: LifecycleMutation,
): void {
  builder.relayMutationField(
    name,
    {
      description: input,
      inputFields: (t) => ({
        tenantId: tenantIdField(t),
        ...fields?.(t),
        expectedVersion: expectedVersionField(t),
        idempotencyKey: idempotencyKeyField(t),
        wait: waitField(t),
      }),
    },
    { description, resolve: (_root, args, context) => execute(context, command, args.input) },
    {
      description: payload,
      outputFields: (t) => ({
        tenant: tenantField(t),
        operation: operationField(t),
        revision: revisionField(t),
      }),
    },
  );
}

lifecycleMutation('suspendTenant', {
  command: suspendTenant,
  input: 'Whom to stop, and why.',
  description:
    'Stops an ACTIVE tenant: nothing of it resolves any more. Scope: registry:write. Errors: TENANT_NOT_FOUND, ' +
    'CONFLICT when it is not active, TENANT_DELETED, OPERATION_IN_PROGRESS, VERSION_CONFLICT.',
  payload: 'The suspended tenant.',
  fields: (t) => ({
    reason: t.string({
      required: true,
      description: 'Shown to whoever is refused; at most 500 characters.',
    }),
  }),
});

lifecycleMutation('resumeTenant', {
  command: resumeTenant,
  input: 'Whom to let go on.',
  description:
    'Lets a SUSPENDED tenant go on. Scope: registry:write. Errors: TENANT_NOT_FOUND, CONFLICT when it is not ' +
    'suspended, TENANT_DELETED, VERSION_CONFLICT.',
  payload: 'The resumed tenant.',
});

lifecycleMutation('deleteTenant', {
  command: deleteTenant,
  input: 'Whom to delete.',
  description:
    'Deletes a tenant softly: it resolves no more, and restoreTenant brings it back with its data. After its last day the ' +
    'data is dropped; its names stay taken for ever. Scope: ' +
    'registry:write. Errors: TENANT_NOT_FOUND, TENANT_DELETED, OPERATION_IN_PROGRESS, VERSION_CONFLICT.',
  payload: 'The deleted tenant.',
  fields: (t) => ({
    restorableDays: t.int({ description: 'For how many days it can be restored, 1 to 3650; default 30.' }),
  }),
});

lifecycleMutation('restoreTenant', {
  command: restoreTenant,
  input: 'Whom to bring back.',
  description:
    'Brings a DELETED tenant back to what it was: active, or suspended if it was suspended. Scope: registry:write. ' +
    'Errors: TENANT_NOT_FOUND, CONFLICT when it is not deleted, TENANT_DELETED when its time is over, VERSION_CONFLICT.',
  payload: 'The restored tenant.',
});

lifecycleMutation('purgeTenant', {
  command: purgeTenant,
  input: 'Whose data to drop, and when.',
  description:
    'Plans the end of a DELETED tenant: on the date all its data is dropped and whoever stood behind it forgotten, while its ' +
    'id, slug and names stay taken. Until then restoreTenant or cancelOperation calls it off. Without this mutation the same ' +
    'happens at `restorableUntil`. Scope: registry:write. Errors: TENANT_NOT_FOUND, CONFLICT when it is not deleted, ' +
    'VERSION_CONFLICT.',
  payload: 'The tenant, and the operation that waits for the date.',
  fields: (t) => ({
    purgeAfter: t.field({
      type: 'DateTime',
      description: 'When; in the past: now. Default: the tenant’s `restorableUntil`.',
    }),
  }),
});
