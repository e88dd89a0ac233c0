import type { InputFieldMap } from '@pothos/core';
import { deleteTenant } from '../../provisioning/commands/delete-tenant.js';
import { purgeTenant } from '../../provisioning/commands/purge-tenant.js';
import { restoreTenant } from '../../provisioning/commands/restore-tenant.js';
import { resumeTenant } from '../../provisioning/commands/resume-tenant.js';
import { suspendTenant } from '../../provisioning/commands/suspend-tenant.js';
import type { CommandContext, Committed } from '../../registry/command.js';
import {
  expectedVersionField,
  type MutationInputFields,
  tenantIdField,
  waitField,
} from '../fields/mutation-input.js';
import { operationField, tenantField } from '../fields/payload.js';
import { mutation } from '../mutation.js';

interface LifecycleMutation {
  command: (
    context: CommandContext,
    input: unknown,
  ) => Promise<Committed<{ tenantId: string; operationId: string | null }>>;
  description: string;
  /** Input fields in addition to those of every lifecycle mutation. */
  fields?: (t: MutationInputFields) => InputFieldMap;
}

/** Adds a mutation that changes the status of a tenant to the schema. */
function lifecycleMutation(name: string, { command, description, fields }: LifecycleMutation): void {
  mutation(name, {
    command,
    description,
    input: (t) => ({
      tenantId: tenantIdField(t),
      ...fields?.(t),
      expectedVersion: expectedVersionField(t),
      wait: waitField(t),
    }),
    payload: (t) => ({
      tenant: tenantField(t),
      operation: operationField(t),
    }),
  });
}

lifecycleMutation('suspendTenant', {
  command: suspendTenant,
  description:
    'Suspends an ACTIVE tenant: none of its modules resolves any more. Scope: registry:write. Errors: ' +
    'TENANT_NOT_FOUND, CONFLICT when the tenant is not active, TENANT_DELETED, OPERATION_IN_PROGRESS, ' +
    'VERSION_CONFLICT, VALIDATION_ERROR.',
  fields: (t) => ({
    reason: t.string({
      required: true,
      description: 'Reason that refused callers see, at most 500 characters.',
    }),
    suspendUntil: t.field({
      type: 'DateTime',
      description:
        'Time in the future at which the suspension ends by itself, within seconds; updateTenant changes it. Default: it ' +
        'lasts until resumeTenant.',
    }),
  }),
});

lifecycleMutation('resumeTenant', {
  command: resumeTenant,
  description:
    'Resumes a SUSPENDED tenant. Scope: registry:write. Errors: TENANT_NOT_FOUND, CONFLICT when the ' +
    'tenant is not suspended, TENANT_DELETED, VERSION_CONFLICT.',
});

lifecycleMutation('deleteTenant', {
  command: deleteTenant,
  description:
    'Deletes a tenant softly: it stops resolving, and restoreTenant restores it with its data until ' +
    '`restorableUntil`. After that its data is dropped; its names stay reserved. Scope: registry:write. ' +
    'Errors: TENANT_NOT_FOUND, TENANT_DELETED, CONFLICT when the tenant is protected, OPERATION_IN_PROGRESS, ' +
    'VERSION_CONFLICT.',
  fields: (t) => ({
    restorableDays: t.int({
      description: 'Number of days in which the tenant can be restored, 1 to 3650. Default: 30.',
    }),
  }),
});

lifecycleMutation('restoreTenant', {
  command: restoreTenant,
  description:
    'Restores a DELETED tenant to its status before the deletion, active or suspended. Scope: ' +
    'registry:write. Errors: TENANT_NOT_FOUND, CONFLICT when the tenant is not deleted, TENANT_DELETED ' +
    'after `restorableUntil`, VERSION_CONFLICT.',
});

lifecycleMutation('purgeTenant', {
  command: purgeTenant,
  description:
    'Schedules the purge of a DELETED tenant: at `purgeAfter` all its data is dropped and its personal ' +
    'data is erased; its id, slug and names stay reserved. Until then restoreTenant or cancelOperation ' +
    'cancels the purge. Without this mutation the purge happens at `restorableUntil`. Scope: ' +
    'registry:write. Errors: TENANT_NOT_FOUND, CONFLICT when the tenant is not deleted or is protected, ' +
    'VERSION_CONFLICT.',
  fields: (t) => ({
    purgeAfter: t.field({
      type: 'DateTime',
      description:
        'When the purge happens; a time in the past means at once. Default: the tenant’s `restorableUntil`.',
    }),
  }),
});
