import { registerTenant } from '../../profile/commands/register-tenant.js';
import { provisionTenant } from '../../provisioning/commands/provision-tenant.js';
import { updateTenant } from '../../registry/commands/update-tenant.js';
import { expectedVersionField, tenantIdField, waitField } from '../fields/mutation-input.js';
import { invitationFields, operationField, tenantField } from '../fields/payload.js';
import { mutation } from '../mutation.js';
import { masterDataFields, registrationFields } from './tenant-onboarding-input.js';

mutation('registerTenant', {
  command: registerTenant,
  description:
    'Registers a tenant with its profile and its first admin in one transaction. The tenant is ACTIVE at ' +
    'once and has no module. Scope: registry:write. Errors: CONFLICT when slug or id is taken, ' +
    'VALIDATION_ERROR, SECRET_IN_CONFIG.',
  input: (t) => ({
    ...registrationFields(t, { requiresAdmin: false }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    tenant: tenantField(t),
    ...invitationFields(t),
  }),
});

mutation('updateTenant', {
  command: updateTenant,
  description:
    'Changes the master data of a tenant; the status has mutations of its own. Of a DELETED tenant only ' +
    '`isProtected` and `internalNote` can be changed. Scope: registry:write. Errors: TENANT_NOT_FOUND, ' +
    'TENANT_DELETED, CONFLICT for `suspendUntil` of a tenant that is not suspended, VERSION_CONFLICT, ' +
    'VALIDATION_ERROR.',
  input: (t) => ({
    tenantId: tenantIdField(t),
    name: t.string({ description: 'Display name, at most 200 characters.' }),
    ...masterDataFields(t),
    suspendUntil: t.field({
      type: 'DateTime',
      description:
        'Time in the future at which the suspension of a SUSPENDED tenant ends by itself; null: it lasts until resumeTenant.',
    }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({ tenant: tenantField(t) }),
});

mutation('provisionTenant', {
  command: provisionTenant,
  description:
    'Registers a tenant, subscribes it to modules and creates the storage of all of them, or of none. ' +
    'When one fails, the others are undone, the tenant is left FAILED, `operation` contains the reason, ' +
    'and the same call starts again under the same names. Scope: provision. Errors: CONFLICT when the ' +
    'slug is taken, MODULE_NOT_FOUND, OPERATION_IN_PROGRESS, VALIDATION_ERROR, SECRET_IN_CONFIG.',
  input: (t) => ({
    ...registrationFields(t, { requiresAdmin: true }),
    modules: t.field({
      type: ['ModuleName'],
      required: true,
      description: 'Names of the modules to which the tenant is subscribed.',
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    tenant: tenantField(t),
    ...invitationFields(t),
    operation: operationField(t),
  }),
});
